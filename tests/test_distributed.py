"""Two processes train and measure as one does. What they must not do: go on, or hang, when one has ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.config import TrainConfig
from engine.data.folder import read_folder
from engine.distributed import Group, join_group
from engine.evaluate import __main__ as evaluate_command
from engine.evaluate.samples import SampleStore
from engine.session import Session
from engine.train.__main__ import make_task
from engine.train.checkpoint import load_checkpoint
from engine.train.loop import check_parts, check_shards
from tests.pair import CONFIG, PARTS, run
from tests.tiny import make_folder, make_pack, make_whole_pack

ROOT = Path(__file__).resolve().parent.parent


def launch(*words: str, **more: str) -> list[subprocess.Popen[str]]:
    """Two processes of one command, as a launcher starts them. `more` are variables of their environment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), **more}
    return [
        subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env={**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]


def rows(run: Path) -> list[dict[str, float]]:
    """The log without how fast it was."""
    found = [json.loads(line) for line in (run / "metrics.jsonl").open()]
    return [{name: value for name, value in row.items() if name != "pictures_s"} for row in found]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[int, str]], float]:
    """The folder of the runs of tests/pair.py; how each process ended and what it said; seconds between the ends."""
    folder = tmp_path_factory.mktemp("pair")
    make_pack(folder / "tiny")
    make_folder(folder / "own")
    first, second = launch("-m", "tests.pair", str(folder), ACCELERATE_USE_FSDP="true")
    said = ["", second.communicate(timeout=600)[1]]
    killed = time.monotonic()
    said[0] = first.communicate(timeout=60)[1]
    return folder, [(first.returncode, said[0]), (second.returncode, said[1])], time.monotonic() - killed


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tokenizer", "vqgan", "generator", "critic"])
def test_the_losses_of_two_are_those_of_one_with_twice_the_batch(
    pair: tuple[Path, list[tuple[int, str]], float], kind: str
) -> None:
    """Each of the two has half of the batch: the same pictures, masks, noise and dropout in the same order."""
    folder, *_ = pair
    sees_all = kind in ("tokenizer", "vqgan")  # both see all pictures before they change codes
    config = replace(CONFIG, micro_batch=4) if sees_all else CONFIG
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as each of the two has: more round otherwise, which a discriminator amplifies
    run(folder, kind, f"{kind}-1", config)
    torch.set_num_threads(threads)
    one, two = rows(folder / f"{kind}-1"), rows(folder / f"{kind}-2")
    assert len(one) == 9 and [row["iteration"] for row in one] == [row["iteration"] for row in two]
    for mine, theirs in zip(two, one, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-5, rel=1e-5)
    assert one[0] != one[1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["generator", "critic"])
def test_with_fsdp_two_have_the_losses_and_the_checkpoint_that_they_have_with_ddp(
    pair: tuple[Path, list[tuple[int, str]], float], kind: str
) -> None:
    """Each holds half of every weight, gradient, moment and average. What is stored and measured is whole."""
    folder, *_ = pair
    ddp, fsdp = rows(folder / f"{kind}-ddp"), rows(folder / f"{kind}-fsdp")
    assert len(ddp) == len(fsdp) == 10  # eight iterations, measured twice
    for mine, theirs in zip(fsdp, ddp, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-5, rel=1e-5)
    assert_alike(folder / f"{kind}-fsdp", folder / f"{kind}-ddp", 1e-5)


@pytest.mark.slow
def test_with_fsdp_two_resume_to_the_bit_and_go_on_with_ddp(
    pair: tuple[Path, list[tuple[int, str]], float],
) -> None:
    folder, *_ = pair
    assert_alike(folder / f"{PARTS}-fsdp", folder / "critic-fsdp", 0)
    assert rows(folder / f"{PARTS}-fsdp") == rows(folder / "critic-fsdp")
    assert_alike(folder / f"{PARTS}-ddp", folder / "critic-ddp", 1e-5)


def assert_alike(run: Path, other: Path, tolerance: float) -> None:
    """Their last checkpoints have the same tensors."""
    ours, theirs = (load_checkpoint(folder) for folder in (run, other))
    assert ours is not None and theirs is not None and ours[0].keys() == theirs[0].keys() and len(ours[0]) > 50
    for name, tensor in theirs[0].items():
        torch.testing.assert_close(ours[0][name], tensor, rtol=tolerance, atol=tolerance, msg=lambda m, n=name: n + m)


@pytest.mark.slow
def test_two_resume_to_the_bit_when_only_one_was_told_to_stop(
    pair: tuple[Path, list[tuple[int, str]], float],
) -> None:
    folder, *_ = pair
    whole, parts = (load_checkpoint(folder / name) for name in ("critic-2", PARTS))
    assert whole is not None and parts is not None and whole[0].keys() == parts[0].keys()
    assert [name for name in whole[0] if not torch.equal(whole[0][name], parts[0][name])] == []
    assert rows(folder / "critic-2") == rows(folder / PARTS)


@pytest.mark.slow
def test_a_killed_rank_ends_the_other_with_one_line(pair: tuple[Path, list[tuple[int, str]], float]) -> None:
    _, ((first, said), (second, nothing)), seconds = pair
    assert (first, second) == (1, -signal.SIGKILL) and seconds < 30
    assert said.splitlines()[-1] == "rank 1 has ended, so all do; the same command continues from the last checkpoint"
    assert "Traceback" not in said and "Error" not in said and not nothing


@pytest.mark.slow
def test_two_measure_what_one_does_bit_for_bit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The samples, their refinement, and their features, which are gathered in the samples' order."""
    pack = make_whole_pack(tmp_path / "tiny").path

    def words(name: str) -> list[str]:
        where = [f"{key}={tmp_path / name}" for key in ("out", "runs")]
        return ["refine", f"pack={pack}", "n=50", "steps=3", "device=cpu", "workers=1", *where]

    processes = launch("-m", "engine.evaluate", *words("two"))
    threads = torch.get_num_threads()
    evaluate_command.main(words("one"))
    torch.set_num_threads(threads)
    alone = capsys.readouterr().out
    said = [one.communicate(timeout=120) for one in processes]
    assert [one.returncode for one in processes] == [0, 0], said
    assert said[0][0].replace("/two/", "/one/") == alone and said[1] == ("", "")
    one, two = (json.loads((tmp_path / name / "refine.json").read_text()) for name in ("one", "two"))
    assert one == two and len(one["rows"]) > 2
    drawn = [
        sorted(file.relative_to(tmp_path / name) for file in (tmp_path / name).rglob("*.npy"))
        for name in ("one", "two")
    ]
    assert drawn[0] == drawn[1] and len(drawn[0]) > 6


def test_samples_are_drawn_as_files_in_their_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack, threads = make_whole_pack(tmp_path / "tiny").path, torch.get_num_threads()
    words = [f"pack={pack}", "n=23", "steps=2", "device=cpu", f"runs={tmp_path}", f"out={tmp_path / 'out'}"]
    with pytest.raises(ValueError, match="draw takes one rule"):
        evaluate_command.main(["draw", *words])
    evaluate_command.main(["draw", "rules=critic", *words])
    torch.set_num_threads(threads)
    tokens = np.concatenate([np.load(file) for file in sorted((tmp_path / "tiny" / "draws").rglob("*.npy"))])
    images = Session.open(pack, "cpu", threads).decode(tokens)
    files = sorted((tmp_path / "out").glob("*.png"))
    assert [file.name for file in files] == [f"{i:06d}.png" for i in range(23)]
    for file, image in zip(files, images, strict=True):
        with Image.open(file) as stored:
            assert np.array_equal(np.asarray(stored), image)


def test_files_that_are_there_are_not_decoded_again_and_no_others_are_taken_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = SampleStore.open(Session.open(make_whole_pack(tmp_path / "tiny").path, "cpu", 1), tmp_path / "draws")
    config, out = samples.session.settings(rule="maskgit", steps=2, n=23), tmp_path / "out"
    samples.save(config, out, arrays=True)
    with np.load(out / "samples.npz") as stored:
        images = samples.decode(samples.tokens(config))
        assert np.array_equal(stored["arr_0"], images) and np.array_equal(stored["arr_1"], samples.labels(23))
    (out / "000007.png").unlink()
    decoded: list[int] = []
    decode = SampleStore.decode
    monkeypatch.setattr(SampleStore, "decode", lambda self, some: decoded.append(len(some)) or decode(self, some))
    samples.save(config, out)
    samples.save(replace(config, n=25), out)
    assert decoded == [1, 2] and len(list(out.glob("*.png"))) == 25
    with Image.open(out / "000007.png") as again:
        assert np.array_equal(np.asarray(again), images[7])
    for other in (config, replace(config, seed=1, n=25)):  # fewer, and of another seed
        with pytest.raises(ValueError, match="holds other samples, or more than"):
            samples.save(other, out)


def test_a_batch_that_cannot_be_shared_out_is_refused() -> None:
    check_parts(replace(CONFIG, batch=6, micro_batch=4), Group())
    check_parts(replace(CONFIG, batch=16, micro_batch=4), Group(0, 4))
    with pytest.raises(ValueError, match="a multiple of micro_batch times 4 processes, for example micro_batch=3"):
        check_parts(replace(CONFIG, batch=12, micro_batch=4), Group(0, 4))


def test_what_fsdp_cannot_shard_is_refused(tmp_path: Path) -> None:
    pack, pictures = make_pack(tmp_path / "tiny"), read_folder(make_folder(tmp_path / "own"), 16)
    group, plain = Group(0, 2, shards=True), replace(CONFIG, muon=False)

    def check(kind: str, config: TrainConfig, **sizes: str) -> None:
        task = make_task(kind, pack, {**pack.config[kind], **sizes}, pictures, config, torch.device("cpu"))
        check_shards(task, config, group)

    check("generator", plain)
    check("critic", plain, head="linear")
    with pytest.raises(ValueError, match=r"muon=true: .* give muon=false"):
        check("generator", CONFIG)
    with pytest.raises(ValueError, match=r"gain is a single number.* give head=linear"):
        check("critic", plain, head="likelihood")
    for kind in ("tokenizer", "classifier"):
        with pytest.raises(ValueError, match=rf"generator and critic: train the {kind} by .*--multi_gpu"):
            check(kind, plain)


def test_deepspeed_and_megatron_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "ACCELERATE_USE_DEEPSPEED": "true"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="--multi_gpu, or --use_fsdp"), join_group(torch.device("cpu")):
        pass
