"""Turns: one thread, visitors one after another, long jobs behind short ones but never for ever."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import CancelledError

import pytest

from app.turns import LONG_TURN, Turns


class Busy:
    """A Turns whose thread stands still until `go()`, so that tasks can be put in line."""

    def __init__(self) -> None:
        self.turns, self.order, self._gate = Turns(), list[str](), threading.Event()
        begun = threading.Event()
        self.turns.submit(lambda: (begun.set(), self._gate.wait(30)))
        begun.wait(30)

    def add(self, name: str, visitor: str, long: bool = False) -> None:
        self.last = self.turns.seat(visitor, long).submit(self.order.append, name)

    def go(self) -> list[str]:
        self._gate.set()
        self.turns.shutdown()
        return self.order


def test_visitors_take_turns_however_much_one_asks_for() -> None:
    busy = Busy()
    for name in ("a1", "a2", "a3"):
        busy.add(name, "a")
    busy.add("b1", "b")
    busy.add("c1", "c")
    busy.add("b2", "b")
    assert busy.go() == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_a_long_job_waits_behind_short_ones_but_goes_on() -> None:
    busy = Busy()
    for i in range(3):
        busy.add(f"long{i}", "long", long=True)
    for i in range(2 * LONG_TURN):
        busy.add(f"s{i}", f"visitor {i}")
    order = busy.go()
    at = [order.index(f"long{i}") for i in range(3)]
    assert at[0] < LONG_TURN and at[1] == at[0] + LONG_TURN and order[-1] == "long2"
    assert [name for name in order if name[0] == "s"] == [f"s{i}" for i in range(2 * LONG_TURN)]


def test_what_is_cancelled_before_its_turn_is_not_computed_and_an_error_reaches_who_asked() -> None:
    busy = Busy()
    busy.add("left", "a")
    left = busy.last
    failing = busy.turns.seat("b").submit(lambda: 1 / 0)
    assert left.cancel()
    assert busy.go() == []
    with pytest.raises(CancelledError):
        left.result()
    with pytest.raises(ZeroDivisionError):
        failing.result()


def test_after_the_end_nothing_is_taken_and_what_waited_is_cancelled() -> None:
    busy = Busy()
    busy.add("a", "a")
    busy.turns.shutdown(wait=False, cancel_futures=True)
    assert busy.last.cancelled() and busy.go() == []
    with pytest.raises(RuntimeError, match="server ends"):
        busy.turns.submit(print)


def test_all_is_computed_on_one_thread() -> None:
    turns = Turns()
    names = {turns.seat(str(i)).submit(threading.get_ident).result() for i in range(5)}
    turns.shutdown()
    assert names == {turns.submit.__self__._thread.ident} and threading.get_ident() not in names  # type: ignore[attr-defined]


def test_python_ends_after_what_is_being_computed() -> None:
    """A network that computes while Python ends would abort it (exit code 134)."""
    script = """
from app.turns import Turns
import torch, time

def work():
    while time.monotonic() < end:
        torch.randn(400, 400) @ torch.randn(400, 400)
    print("computed", flush=True)

end = time.monotonic() + 0.5
turns = Turns()
turns.submit(work)
turns.submit(print, "waited")
time.sleep(0.1)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.split()) == (0, ["computed"]), done.stderr
