"""A Space on ZeroGPU: the steps of a run are computed in a process that holds a GPU for just as long.

The package `spaces` forks that process from this one. It sees neither our locks nor a run's flag: settings go there
pickled, steps come back as plain arrays, and a run that is stopped closes the generator, which ends the process's work
after its next step. There are no turns, the host has a line of its own. All else is computed on this machine's CPU.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import gradio as gr

from app.interleave import Picture, interleave
from app.request import Lane
from app.runs import Run
from engine.cli import format_error
from engine.session import Session
from engine.step import Step

START_SECONDS, PASSES_PER_SECOND = 10.0, 20.0  # what the host is told to expect at most; it was not measured there


@dataclass(frozen=True)
class Refused:
    """What is wrong, as the process yields it: of an exception only the name would come back."""

    message: str


def is_offered() -> bool:
    """Whether this is a Space with ZeroGPU."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


class LentGpu:
    """Make one before the first pack is opened: `spaces` changes torch. ModuleNotFoundError where it is missing."""

    def __init__(self, device: str = "cuda") -> None:
        import spaces

        self._device = device
        self._compute = spaces.GPU(duration=estimate_seconds)(compute_steps)

    def interleave(self, session: Session, run: Run) -> Generator[tuple[int, Step, Picture]]:
        """The steps of a run as `app.interleave.interleave` yields them; `run.made_by` says by which device.

        Raises ValueError for what is wrong, and where the host lends no GPU.
        """
        try:
            with closing(self._compute(str(session.pack.path.resolve()), self._device, run.lanes)) as items:
                for item in items:
                    if isinstance(item, Refused):
                        raise ValueError(item.message)
                    if isinstance(item, dict):
                        run.made_by = item
                        continue
                    lane, step, picture = item
                    yield lane, replace(step), picture  # a new one: arrays that were pickled can be written
        except gr.Error as error:  # of `spaces`: no GPU is free, or the process has ended
            raise ValueError(re.sub(r"<[^>]*>", "", str(error.message))) from error


def estimate_seconds(pack: str, device: str, lanes: tuple[Lane, ...]) -> int:
    """How long the GPU is asked for, from the passes of a run."""
    return round(START_SECONDS + sum(lane.passes for lane in lanes) / PASSES_PER_SECOND)


def compute_steps(pack: str, device: str, lanes: tuple[Lane, ...]) -> Iterator[Any]:
    """Called in the process that has the GPU. Yields what the session was made by, the steps, or Refused."""
    try:
        session = _open(pack, device)
        yield session.made_by()
        yield from interleave(session, lanes)
    except (ValueError, OSError) as error:
        yield Refused(format_error(error))


@cache
def _open(pack: str, device: str) -> Session:
    """One thread: a process that was forked must not use the thread pool that torch had before."""
    return Session.open(pack, device, threads=1)
