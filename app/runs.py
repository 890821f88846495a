"""Who is running what: a bounded store of runs, each with its frames, a flag to stop it and a deadline."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.lanes import Lane
from engine.step import Step

KEPT_BYTES = 50 * 2**20  # of runs that ended and can still be read
SECONDS = 600.0  # a run that takes longer is stopped


@dataclass(kw_only=True)
class Run:
    """One press of Run. Its id is a secret: who knows it is whose run it is."""

    id: str
    pack: str
    lanes: tuple[Lane, ...]
    ask: dict[str, Any]  # the controls it was started with
    deadline: float
    frames: list[dict[str, Any]] = field(default_factory=list)  # as sent to the page, in order
    steps: list[list[tuple[Step, np.ndarray]]] = field(default_factory=list)  # of each lane, with its picture
    pictures: list[list[np.ndarray]] = field(default_factory=list)  # of each lane, where only these were asked for
    bytes: int = 0  # of what is packed in them and of the steps, which is nearly all
    ended: str = ""  # why: done, stopped or late
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.steps = [[] for _ in self.lanes]
        self.pictures = [[] for _ in self.lanes]

    def note(self, lane: int, step: Step, picture: np.ndarray) -> None:
        """Note a step of a lane, for what is made of the run later."""
        self.steps[lane].append((step, picture))
        self.bytes += step.nbytes + picture.nbytes

    def sent(self, frame: dict[str, Any], counted: bool = True) -> tuple[dict[str, Any], str]:
        """A frame with its number as it goes to the page, and the run's id; noted for a page that does not get it.

        Not `counted` where all visitors share what is packed in it: a recording.
        """
        whole = {**frame, "run": self.id, "n": len(self.frames), "at": time.time() * 1000}
        self.frames.append(whole)
        self.bytes += counted * sum(
            len(value) for step in frame.get("steps", ()) for value in step.values() if type(value) is str
        )
        return whole, self.id

    def stop(self) -> None:
        """Ask it to end; it does so before its next step."""
        self._stop.set()

    def only(self, lane: int) -> Run:
        """One of its lanes, as if nothing else had been asked for."""
        alone = Run(id=self.id, pack=self.pack, lanes=(self.lanes[lane],), ask={}, deadline=self.deadline)
        alone.steps = [self.steps[lane]]
        return alone

    @property
    def complete(self) -> bool:
        """Whether every step of every lane is there."""
        return all(len(done) == lane.steps for done, lane in zip(self.steps, self.lanes, strict=True))

    @property
    def must_end(self) -> str:
        """Why it has to end now, or nothing."""
        if self._stop.is_set():
            return "stopped"
        return "late" if time.monotonic() > self.deadline else ""


class Runs:
    """The last runs of all visitors, found by id alone. Safe to use from many threads."""

    def __init__(self, kept_bytes: int = KEPT_BYTES, seconds: float = SECONDS) -> None:
        self._kept_bytes, self._seconds = kept_bytes, seconds
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False

    def __len__(self) -> int:
        return len(self._runs)

    def start(self, pack: str, lanes: tuple[Lane, ...], ask: Mapping[str, Any]) -> Run:
        """Note a new run; the oldest ended ones make room for it."""
        run = Run(
            id=secrets.token_urlsafe(12),
            pack=pack,
            lanes=lanes,
            ask=dict(ask),
            deadline=time.monotonic() + self._seconds,
        )
        if self._closed:
            run.stop()
        with self._lock:
            self._runs[run.id] = run
            too_many = sum(old.bytes for old in self._runs.values()) - self._kept_bytes
            for name in [name for name, old in self._runs.items() if old.ended]:
                if too_many <= 0:
                    break
                too_many -= self._runs.pop(name).bytes
        return run

    def get(self, run_id: object) -> Run | None:
        """The run of that id, if it is still kept."""
        return self._runs.get(run_id) if isinstance(run_id, str) else None

    def close(self) -> None:
        """Stop all runs, and those that are still to come: the server ends."""
        self._closed = True
        for run in list(self._runs.values()):
            run.stop()

    @property
    def active(self) -> int:
        """Runs under way."""
        return sum(not run.ended for run in list(self._runs.values()))
