"""Training reads the next batch while the network computes: the bits are those of reading in step."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.config import TrainConfig
from engine.data import folder as folder_module
from engine.data.folder import read_folder
from engine.data.pictures import Pictures
from engine.train import loop
from engine.train.__main__ import make_task
from engine.train.ahead import read_ahead
from engine.train.checkpoint import load_checkpoint
from engine.train.loop import train
from engine.train.probe import Probe
from tests.tiny import make_folder, make_pack

CPU = torch.device("cpu")
PROBE = Probe(dtype="float32", explicit_attention=True, gflops={}, attention_ms={})
CONFIG = TrainConfig(iterations=6, batch=4, micro_batch=2, warmup=2, evaluate_every=100, save_every=1000, shift=1)
PATIENCE = 60.0  # seconds that anything may take


def readers() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("read ahead")]


def test_the_next_is_read_before_the_caller_asks_for_it() -> None:
    read = [threading.Event() for _ in range(3)]

    def note(i: int) -> int:
        read[i].set()
        return 10 * i

    got = []
    for i, value in enumerate(read_ahead(note, range(3))):
        got.append(value)
        assert read[min(i + 1, 2)].wait(PATIENCE)
        assert i == 1 or i == 2 or not read[2].is_set(), "one ahead, no more"
    assert got == [0, 10, 20] and not readers()


def test_an_error_is_raised_at_its_own_number_and_no_thread_is_left() -> None:
    batches = read_ahead([10, 11].__getitem__, range(5))
    assert [next(batches), next(batches)] == [10, 11]
    with pytest.raises(IndexError):
        next(batches)
    assert not readers()
    batches = read_ahead(int, range(100))
    assert next(batches) == 0
    batches.close()
    assert not readers()


def sit(folder: Path, name: str, kind: str, pictures: Pictures, config: TrainConfig) -> dict[str, torch.Tensor]:
    """Train a tiny model in the run FOLDER/NAME, and return its weights."""
    path = folder / f"{name}-pack"
    pack = make_pack(path)
    task = make_task(kind, pack, dict(pack.config[kind]), pictures, config, CPU)
    train(task, config, folder / name, PROBE, CPU, {})
    return task.state_dict()


CASES = {
    "pictures from files": ("tokenizer", {"crop": 0.3}),
    "encoded in each step": ("critic", {"crop": 0.3}),
    "encoded when first drawn": ("generator", {"augment": 0.0}),
    "reconstructed": ("classifier", {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", CASES)
def test_it_trains_as_if_it_read_in_step(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, changes = CASES[how]
    config: TrainConfig = replace(CONFIG, **changes)  # type: ignore[arg-type]
    pictures = read_folder(make_folder(tmp_path / "own"), 16)
    ahead = sit(tmp_path, "ahead", kind, pictures, config)
    monkeypatch.setattr(loop, "read_ahead", lambda read, numbers: (read(i) for i in numbers))
    in_step = sit(tmp_path, "in-step", kind, pictures, config)
    assert [name for name in ahead if not torch.equal(ahead[name], in_step[name])] == []


def test_a_picture_that_is_damaged_while_it_trains_ends_it_with_one_line(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "own")
    pictures = read_folder(folder, 16)
    config = replace(CONFIG, iterations=10**6, crop=0.3)
    cut_files = pictures.cut_files
    assert cut_files

    def spoil(indices: np.ndarray, places: Any) -> np.ndarray:
        if calls.append(1) or len(calls) == 4:
            for file in folder.rglob("*.png"):
                file.write_bytes(file.read_bytes()[:60])
        return cut_files(indices, places)

    calls: list[int] = []
    with pytest.raises(ValueError, match=r"png is not a readable picture: ") as said:
        sit(tmp_path, "run", "tokenizer", replace(pictures, cut_files=spoil), config)
    assert "\n" not in str(said.value) and not readers()


def test_no_reader_is_left_when_a_step_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> dict[str, float]:
        raise KeyboardInterrupt  # a second Ctrl-C

    monkeypatch.setattr(loop, "_train_step", fail)
    pictures = read_folder(make_folder(tmp_path / "own"), 16)
    with pytest.raises(KeyboardInterrupt):
        sit(tmp_path, "run", "generator", pictures, CONFIG)
    assert not readers() and load_checkpoint(tmp_path / "run") is None


def test_one_pool_reads_all_batches_of_a_folder_and_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[object] = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, *words: Any) -> None:
            begun.append(words)
            super().__init__(*words)

    monkeypatch.setattr(folder_module, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(folder_module, "IN_MEMORY", 0)
    pictures: Pictures | None = read_folder(make_folder(tmp_path / "own"), 16)
    assert pictures is not None
    for _ in range(3):
        pictures.read(np.arange(5))
    workers = [one for one in threading.enumerate() if one.name.startswith("decode")]
    assert len(begun) == 1 and workers
    pictures = None
    gc.collect()
    for one in workers:
        one.join(PATIENCE)
        assert not one.is_alive()
