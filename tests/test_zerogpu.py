"""A GPU that is lent for a run, with a package `spaces` of our own that does as the real one: it forks.

The real one was read (0.51): settings are pickled to a process that is forked, what its generator yields is pickled
back; closing the generator here sets an event that the process looks at after each step, and waits for its end; of an
exception only the name of its class comes back, as a gr.Error.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import gradio as gr
import pytest
import torch

from app import zerogpu
from app.context import Context
from app.features.compare import run_lanes, stop_run
from app.features.exports import export_run
from app.features.replay import read_traces
from app.features.settings import complete_controls
from app.interleave import interleave
from app.packs import Packs
from app.zerogpu import LentGpu
from tests.fakes_app import digests, steps_of
from tests.tiny import make_whole_pack

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ZeroGPU is Linux, and forks")
FORK: Any = multiprocessing.get_context("fork")


class Lender:
    """Stands for the module `spaces`."""

    def __init__(self) -> None:
        self.sent = FORK.Value("i", 0)  # what the processes have yielded, of all calls
        self.asked: list[float] = []  # seconds
        self.ended: list[int] = []  # exit codes

    def GPU(self, duration: Callable[..., float]) -> Callable[..., Any]:
        return lambda task: lambda *given: self._call(task, duration, *given)

    def _call(self, task: Callable[..., Any], duration: Callable[..., float], *given: Any) -> Iterator[Any]:
        self.asked.append(duration(*given))
        queue, stop, asked = FORK.SimpleQueue(), FORK.Event(), FORK.SimpleQueue()
        asked.put(given)
        process = FORK.Process(target=self._work, args=(task, asked, queue, stop), daemon=True)
        process.start()
        found: Any = ""
        try:
            while (found := queue.get()) is not None:
                if isinstance(found, str):
                    raise gr.Error(f"<b>ZeroGPU worker error</b> {found}", print_exception=False)
                yield found
        finally:
            stop.set()
            while found is not None:
                found = queue.get()
            process.join(60)
            self.ended.append(process.exitcode)

    def _work(self, task: Callable[..., Any], asked: Any, queue: Any, stop: Any) -> None:
        items = task(*asked.get())
        try:
            for item in items:
                if stop.is_set():
                    break
                self.sent.value += 1
                queue.put(item)
        except Exception as error:
            queue.put(type(error).__name__)
        queue.put(None)


@pytest.fixture
def lender(monkeypatch: pytest.MonkeyPatch) -> Lender:
    module, lender = ModuleType("spaces"), Lender()
    module.GPU = lender.GPU  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spaces", module)
    return lender


@pytest.fixture
def packs(tmp_path: Path) -> Iterator[Packs]:
    """On one thread, as the process that is forked."""
    before = torch.get_num_threads()
    packs = Packs(make_whole_pack(tmp_path / "tiny").path, "cpu", threads=1, others=[])
    yield packs
    packs.worker.shutdown()
    torch.set_num_threads(before)


def run(context: Context, **given: Any) -> Iterator[dict[str, Any]]:
    return run_lanes(context, complete_controls(context, {"steps_1": 6, "steps_2": 5, **given}))


def slowed(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> None:
    """Each step takes 20 ms; the third raises this, if anything."""

    def slow(*given: Any) -> Iterator[Any]:
        for i, item in enumerate(interleave(*given)):
            time.sleep(0.02)
            if error is not None and i == 2:
                raise error
            yield item

    monkeypatch.setattr(zerogpu, "interleave", slow)


def test_a_run_on_a_gpu_that_is_lent_has_the_same_bits_and_says_where_it_was_made(packs: Packs, lender: Lender) -> None:
    here, lent = Context(packs=packs), Context(packs=packs, gpu=LentGpu("cpu"))
    for given in ({}, {"seed": 3, "third": {"lane": 1, "step": 2, "masked": [0, 1]}, "rule_3": "critic"}):
        ours, theirs = list(run(lent, **given)), list(run(here, **given))
        assert all(digests(ours, i) == digests(theirs, i) != [] for i in range(len(theirs[0]["lanes"])))
        assert ours[-1]["why"] == "done" and ours[-1]["scores"] == theirs[-1]["scores"]
        assert [step["picture"] for step in steps_of(ours)] == [step["picture"] for step in steps_of(theirs)]
        _, traces = read_traces(export_run(lent, ours[0]["run"], "json", "all", 0)[1].decode())
        made_by = packs.session(packs.first).made_by()  # with as many threads as there are cores
        assert traces[0].made_by == {**made_by, "threads": 1}
    assert lender.ended == [0, 0] and 10 < lender.asked[0] < 12


def test_a_run_that_is_stopped_or_left_ends_the_process_within_a_step(
    packs: Packs, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowed(monkeypatch)
    context = Context(packs=packs, gpu=LentGpu("cpu"))
    frames = run(context, steps_1=200, steps_2=200)
    for _ in range(3):
        stopped = next(frames)["run"]
    stop_run(context, stopped)
    assert [frame["kind"] for frame in frames][-1] == "end" and lender.ended == [0]
    assert lender.sent.value < 40, "of 400"
    left = run(context, steps_1=200, steps_2=200)
    for _ in range(3):
        next(left)
    left.close()  # type: ignore[attr-defined]
    assert lender.ended == [0, 0] and lender.sent.value < 80 and context.runs.active == 0


@pytest.mark.parametrize(
    ("error", "says"),
    [(ValueError("step 3:\nNaN"), "step 3: NaN"), (RuntimeError("x"), "ZeroGPU worker error RuntimeError")],
)
def test_what_goes_wrong_in_the_process_is_the_usual_line(
    packs: Packs, lender: Lender, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    context = Context(packs=packs, gpu=LentGpu("cpu"))
    with monkeypatch.context() as patch, pytest.raises(ValueError) as refused:
        slowed(patch, error)
        list(run(context))
    assert str(refused.value) == says and context.runs.active == 0
    assert list(run(context))[-1]["why"] == "done"


def test_only_a_space_that_lends_one_needs_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    assert not zerogpu.is_offered()
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setitem(sys.modules, "spaces", None)
    assert zerogpu.is_offered()
    with pytest.raises(ModuleNotFoundError, match="spaces"):
        LentGpu()
