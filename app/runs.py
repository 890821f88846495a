"""A bounded store of runs. Each run has its frames, a flag to stop it and a deadline."""

from __future__ import annotations

import json
import secrets
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.frames import Frame
from app.request import Lane
from engine.step import Step

MAX_BYTES = 40 * 2**20  # of ended runs that are kept: about forty of the page's own comparison
MAX_RUNS = 2000  # a recorded run has no bytes of its own, and every visit begins with one
BYTES_PER_CHARACTER = 8  # that a request takes in memory, beside its text
MAX_SECONDS = 600.0  # a run that takes longer is stopped


@dataclass(kw_only=True)
class Run:
    """One press of Run. Its id is a secret: whoever knows the id may read and stop the run."""

    id: str
    pack: str
    lanes: tuple[Lane, ...]
    controls: dict[str, Any]  # the request: control name -> value
    deadline: float  # time.monotonic() seconds
    steps: list[list[tuple[Step, np.ndarray]]] = field(default_factory=list)  # per lane: step and its picture
    pictures: list[list[np.ndarray]] = field(default_factory=list)  # per lane: the pictures of a gallery
    bytes: int = 0  # size of the steps and pictures
    made_by: Mapping[str, Any] | None = None  # where it was made; None: here
    end_reason: str = ""  # "" while it runs; then done, stopped, late, recorded or opened
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.steps = [[] for _ in self.lanes]
        self.pictures = [[] for _ in self.lanes]

    def add_step(self, lane: int, step: Step, picture: np.ndarray) -> None:
        """Keep a step of a lane for exports, branches and scores."""
        self.steps[lane].append((step, picture))
        self.bytes += step.nbytes + picture.nbytes

    def add_picture(self, lane: int, picture: np.ndarray) -> None:
        """Keep a picture of a gallery."""
        self.pictures[lane].append(picture)
        self.bytes += picture.nbytes

    def frame(self, kind: str, **content: Any) -> Frame:
        """Return a line of this run: "begin", "steps" or "end"."""
        return {"kind": kind, "run": self.id, "at": time.time() * 1000, **content}

    def stop(self) -> None:
        """Ask the run to end. It ends before its next step."""
        self._stop.set()

    def select_lane(self, lane: int) -> Run:
        """Return a run that holds this lane only."""
        alone = Run(id=self.id, pack=self.pack, lanes=(self.lanes[lane],), controls={}, deadline=self.deadline)
        alone.steps, alone.made_by = [self.steps[lane]], self.made_by
        return alone

    @property
    def complete(self) -> bool:
        """Whether every lane has all its steps."""
        return all(len(done) == lane.steps for done, lane in zip(self.steps, self.lanes, strict=True))

    @property
    def stop_reason(self) -> str:
        """Why the run has to end now, or ""."""
        if self._stop.is_set():
            return "stopped"
        return "late" if time.monotonic() > self.deadline else ""


class Runs:
    """The last runs of all visitors, by id. Safe to use from many threads."""

    def __init__(self, max_bytes: int = MAX_BYTES, max_seconds: float = MAX_SECONDS, max_runs: int = MAX_RUNS) -> None:
        self._max_bytes, self._max_seconds, self._max_runs = max_bytes, max_seconds, max_runs
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False
        self.begun = 0  # since the server was started

    def __len__(self) -> int:
        return len(self._runs)

    def start(self, pack: str, lanes: tuple[Lane, ...], controls: Mapping[str, Any]) -> Run:
        """Add a new run. Remove the oldest ended runs where the store is full."""
        run = Run(
            id=secrets.token_urlsafe(12),
            pack=pack,
            lanes=lanes,
            controls=dict(controls),
            deadline=time.monotonic() + self._max_seconds,
        )
        run.bytes = sys.getsizeof(controls) + BYTES_PER_CHARACTER * len(json.dumps(dict(controls), default=str))
        if self._closed:
            run.stop()
        with self._lock:
            self.begun += 1
            self._runs[run.id] = run
            size = sum(old.bytes for old in self._runs.values())
            for run_id in [run_id for run_id, old in self._runs.items() if old.end_reason]:
                if size <= self._max_bytes and len(self._runs) <= self._max_runs:
                    break
                size -= self._runs.pop(run_id).bytes
        return run

    def get(self, run_id: object) -> Run | None:
        """Return the run of that id, or None where it is not kept."""
        return self._runs.get(run_id) if isinstance(run_id, str) else None

    def close(self) -> None:
        """Stop all runs, and those that start later: the server ends."""
        self._closed = True
        for run in list(self._runs.values()):
            run.stop()

    @property
    def active(self) -> int:
        """Number of runs under way."""
        return sum(not run.end_reason for run in list(self._runs.values()))
