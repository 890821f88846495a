"""A run of training that is stopped, goes on, and is made longer: to the bit what it would have been in one."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.config import TrainConfig
from engine.data.folder import read_folder
from engine.pack import open_pack
from engine.train import __main__ as train_command
from engine.train import loop
from engine.train.checkpoint import load_checkpoint
from engine.train.loop import train
from engine.train.probe import Probe
from tests.tiny import TRUNK, make_folder, make_pack

ROOT = Path(__file__).resolve().parent.parent
CPU = torch.device("cpu")
PROBE = Probe(dtype="float32", explicit_attention=True, gflops={}, attention_ms={})
CONFIG = TrainConfig(iterations=10, batch=4, micro_batch=4, warmup=2, evaluate_every=3, save_every=1000, shift=1)
PATIENCE = 300.0  # seconds that anything may take
Sitting = Callable[..., dict[str, torch.Tensor]]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small are only slower with more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=["tokenizer", "generator"])
def sitting(request: pytest.FixtureRequest, tmp_path: Path) -> Sitting:
    """Trains `run` under a config as far as that goes, and returns all its weights."""
    kind, pack = request.param, make_pack(tmp_path / "tiny")
    pictures = read_folder(make_folder(tmp_path / "own"), 16)
    sizes: dict[str, Any] = dict(pack.config[kind])

    def sit(run: str, config: TrainConfig) -> dict[str, torch.Tensor]:
        task = train_command.make_task(kind, pack, sizes, pictures, config, CPU)
        averaged = train(task, config, tmp_path / run, PROBE, CPU, {"sizes": sizes})
        return {**task.state_dict(), **{f"averaged.{n}": t for n, t in averaged.state_dict().items()}}

    return sit


def done(run: Path) -> int:
    """Iterations in its newest checkpoint."""
    found = load_checkpoint(run)
    return int(found[1]["iteration"]) if found else 0


def same(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def interrupted(monkeypatch: pytest.MonkeyPatch, at: int, *numbers: int) -> None:
    """In the middle of one iteration these signals come; in no other."""
    whole = loop._train_step

    def iterate(task: Any, config: TrainConfig, opts: Any, iteration: int, *rest: Any) -> dict[str, float]:
        for number in numbers if iteration == at else ():
            signal.raise_signal(number)
        return whole(task, config, opts, iteration, *rest)

    monkeypatch.setattr(loop, "_train_step", iterate)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, None), (signal.SIGTERM, 143)])
def test_stopped_by_a_signal_it_goes_on_to_the_bit(
    sitting: Sitting,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    code: int | None,
) -> None:
    whole, before = sitting("whole", CONFIG), signal.getsignal(number)
    for at in (2, 6):  # just before a measurement, and between two
        interrupted(monkeypatch, at, number)
        capsys.readouterr()
        with pytest.raises(KeyboardInterrupt if code is None else SystemExit) as ended:
            sitting("parts", CONFIG)
        assert code is None or (ended.value.code, capsys.readouterr().err.splitlines()[-1]) == (code, "stopped")
        monkeypatch.undo()
        assert done(tmp_path / "parts") == at + 1 and signal.getsignal(number) is before
    assert same(whole, sitting("parts", CONFIG))
    log = "metrics.jsonl"
    assert (tmp_path / "whole" / log).read_text() == (tmp_path / "parts" / log).read_text()


def test_the_second_ctrl_c_ends_it_at_once(sitting: Sitting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(monkeypatch, 4, signal.SIGINT, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        sitting("run", CONFIG)
    assert done(tmp_path / "run") == 0 and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_on_another_thread_which_hears_of_no_signal_it_trains_too(sitting: Sitting, tmp_path: Path) -> None:
    worker = threading.Thread(target=sitting, args=("run", CONFIG), daemon=True)
    worker.start()
    worker.join(PATIENCE)
    assert done(tmp_path / "run") == CONFIG.iterations


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_command_says_stopped_and_has_its_checkpoint(tmp_path: Path, number: int, code: int) -> None:
    pack, log = make_pack(tmp_path / "tiny"), tmp_path / "runs" / "tiny" / "generator" / "metrics.jsonl"
    words = [f"pack={pack.path}", f"data={make_folder(tmp_path / 'own')}", f"runs={tmp_path / 'runs'}", "threads=1"]
    words += ["iterations=1000000", "batch=2", "micro_batch=2", *[f"{name}={value}" for name, value in TRUNK.items()]]
    command = [sys.executable, "-m", "engine.train", "generator", *words]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, bufsize=1) as run:
        limit = threading.Timer(PATIENCE, run.kill)  # readline waits as long as the command lives and says nothing
        limit.start()
        try:
            assert run.stderr
            while not log.is_file() and run.stderr.readline():  # its bar is a line that is written again and again
                pass
            run.send_signal(number)
            said = run.communicate()[1].splitlines()
        finally:
            limit.cancel()
            run.kill()
    assert (run.returncode, said[-1]) == (code, "stopped")
    assert done(log.parent) >= 20


def test_a_run_is_made_longer_where_it_is_the_longer_one_so_far(
    sitting: Sitting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 10 iterations the rate falls after the fourth; of 20, after the eighth."""
    longer = replace(CONFIG, iterations=20)
    whole = sitting("whole", longer)
    interrupted(monkeypatch, 3, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        sitting("parts", CONFIG)
    monkeypatch.undo()
    assert same(whole, sitting("parts", longer))


def test_a_run_without_a_falling_rate_is_made_longer_when_it_is_over(tmp_path: Path) -> None:
    pack, pictures = make_pack(tmp_path / "tiny"), read_folder(make_folder(tmp_path / "own"), 16)

    def sit(run: str, iterations: int) -> dict[str, torch.Tensor]:
        config = replace(CONFIG, decay=0.0, iterations=iterations)
        task = train_command.make_task("critic", pack, dict(pack.config["critic"]), pictures, config, CPU)
        train(task, config, tmp_path / run, PROBE, CPU, {})
        return task.state_dict()

    sit("parts", 10)
    assert same(sit("whole", 15), sit("parts", 15))
    with pytest.raises(ValueError, match="15 of 15 are done"):
        sit("parts", 10)


def test_what_cannot_be_made_longer_says_how_to_go_on(
    sitting: Sitting, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = sitting("run", CONFIG)
    assert "nothing to train" not in capsys.readouterr().err
    again = sitting("run", CONFIG)
    said = capsys.readouterr().err
    assert same(first, again) and "nothing to train, all 10 iterations are done" in said and "init=pack" in said
    for other in (9, 20):
        with pytest.raises(ValueError, match=r"10 of 10 are done.*iterations=10.*init=pack") as refused:
            sitting("run", replace(CONFIG, iterations=other))
        assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_what_it_says_to_give_goes_on_from_the_weights(tmp_path: Path) -> None:
    pack, folder = make_pack(tmp_path / "tiny"), make_folder(tmp_path / "own")
    words = [
        "generator",
        f"pack={pack.path}",
        f"data={folder}",
        "iterations=3",
        "batch=4",
        "micro_batch=4",
        "threads=1",
    ]
    words += [f"{name}={value}" for name, value in TRUNK.items()]
    train_command.main([*words, f"runs={tmp_path / 'runs'}"])
    trained = open_pack(pack.path).digest("generator")
    train_command.main([*words, "init=pack", f"runs={tmp_path / 'more'}"])
    assert open_pack(pack.path).digest("generator") != trained
