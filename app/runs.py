"""Who is running what: a bounded store of runs, each with its steps, a flag to stop it and a deadline."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from engine.config import SampleConfig
from engine.step import Step

KEPT_FRAMES = 4096  # of runs that ended and can still be read; a frame is some 30 KB
SECONDS = 600.0  # a run that takes longer is stopped


@dataclass(kw_only=True)
class Run:
    """One press of Run. Its id is a secret: who knows it is whose run it is."""

    id: str
    pack: str
    lanes: tuple[SampleConfig, ...]
    deadline: float
    steps: tuple[list[Step], ...]  # of each lane, as far as it has come
    frames: list[dict[str, Any]] = field(default_factory=list)  # as sent to the page, in order
    ended: str = ""  # why: done, stopped or late
    _stop: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Ask it to end; it does so before its next step."""
        self._stop.set()

    @property
    def must_end(self) -> str:
        """Why it has to end now, or nothing."""
        if self._stop.is_set():
            return "stopped"
        return "late" if time.monotonic() > self.deadline else ""


class Runs:
    """The last runs of all visitors, found by id alone. Safe to use from many threads."""

    def __init__(self, kept_frames: int = KEPT_FRAMES, seconds: float = SECONDS) -> None:
        self._kept_frames, self._seconds = kept_frames, seconds
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._runs)

    def start(self, pack: str, lanes: tuple[SampleConfig, ...]) -> Run:
        """Note a new run; the oldest ended ones make room for it."""
        run = Run(
            id=secrets.token_urlsafe(12),
            pack=pack,
            lanes=lanes,
            deadline=time.monotonic() + self._seconds,
            steps=tuple([] for _ in lanes),
        )
        with self._lock:
            self._runs[run.id] = run
            too_many = sum(len(old.frames) for old in self._runs.values()) - self._kept_frames
            for name in [name for name, old in self._runs.items() if old.ended]:
                if too_many <= 0:
                    break
                too_many -= len(self._runs.pop(name).frames)
        return run

    def get(self, run_id: object) -> Run | None:
        """The run of that id, if it is still kept."""
        return self._runs.get(run_id) if isinstance(run_id, str) else None

    @property
    def active(self) -> int:
        """Runs under way."""
        return sum(not run.ended for run in list(self._runs.values()))
