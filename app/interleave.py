"""Compute the lanes of a run in turn, each step while the one before it is on its way to the page."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from itertools import islice
from typing import TypeVar

import numpy as np

from app.request import Branch, Lane
from engine.refine import lowest_positions
from engine.session import Session
from engine.step import Step

Item = TypeVar("Item")
Picture = np.ndarray  # uint8 (S, S, 3)


def interleave(session: Session, lanes: Sequence[Lane]) -> Iterator[tuple[int, Step, Picture]]:
    """Yield (lane, step, decoded proposal). The lane that has done the smallest share of its steps comes next."""
    done: list[list[tuple[Step, Picture]]] = [[] for _ in lanes]
    runs = [_run_lane(session, lane, done) for lane in lanes]

    def is_blocked(i: int) -> bool:
        """Whether a branch still waits for the steps that it shares."""
        branch = lanes[i].branch
        if branch is None or branch.lane is None:
            return False
        return len(done[i]) < branch.step and len(done[branch.lane]) < branch.step

    while True:
        ready = [i for i, lane in enumerate(lanes) if len(done[i]) < lane.steps and not is_blocked(i)]
        if not ready:
            return
        lane = min(ready, key=lambda i: len(done[i]) / lanes[i].steps)
        done[lane].append(next(runs[lane]))
        yield lane, *done[lane][-1]


def _run_lane(
    session: Session, lane: Lane, done: Sequence[Sequence[tuple[Step, Picture]]]
) -> Iterator[tuple[Step, Picture]]:
    """Yield the steps of one lane. A branch takes its first steps from the lane that it branches off."""
    start = None
    for step, picture in _shared_steps(session, lane, done):
        if lane.branch and step.s == lane.shared_steps - 1:
            step = _decide_branch(session, lane.branch, lane.config.label or "", step)
        start = step.tokens_out
        yield dataclasses.replace(step, steps=lane.steps), picture
    for step in session.run(lane.config, start=start, first_step=lane.first_step):
        shown = dataclasses.replace(step, s=lane.shared_steps + step.s - lane.first_step, steps=lane.steps)
        yield shown, session.decode(step.proposal)[0]


def _shared_steps(
    session: Session, lane: Lane, done: Sequence[Sequence[tuple[Step, Picture]]]
) -> Sequence[tuple[Step, Picture]]:
    """Return the steps before the lane's own. An own picture is one step that proposes nothing new."""
    if lane.branch is None:
        return []
    if lane.branch.lane is not None:
        return done[lane.branch.lane][: lane.shared_steps]
    tokens = np.array([lane.branch.tokens], np.int32)  # (1, N)
    step = next(session.run(lane.config, start=tokens, first_step=lane.config.steps - 1))
    return [(dataclasses.replace(step, s=0), session.decode(tokens)[0])]


def _decide_branch(session: Session, branch: Branch, label: str, step: Step) -> Step:
    """Return the last shared step with the places masked that the branch asks for."""
    masked = branch.masked
    if branch.fraction is not None:
        scores = session.score(step.proposal, label)  # (1, N)
        step = dataclasses.replace(step, scores=scores, ranked=scores.copy())
        masked = tuple(lowest_positions(scores[0], branch.fraction).tolist())
    return step if masked is None else step.with_masked(masked)


def prefetch(items: Iterator[Item], worker: Executor) -> Iterator[Item]:
    """Yield the same items. `worker` computes each while the caller handles the one before it."""
    pending = worker.submit(next, items, None)
    try:
        while (item := pending.result()) is not None:
            pending = worker.submit(next, items, None)
            yield item
    finally:
        pending.cancel()  # nobody waits for it: if it has not begun, another run's step comes sooner


def last_step(steps: Iterator[Step], worker: Executor, is_stopped: Callable[[], bool]) -> Step | None:
    """Compute all steps, and return the last, or None where the run is stopped. Other runs' steps come in between."""
    last: Step | None = None
    for last in prefetch(steps, worker):  # noqa: B007
        if is_stopped():
            return None
    assert last is not None
    return last


def group(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """Yield lists of `size` items. One message for all lanes costs the page half of several."""
    while members := list(islice(items, size)):
        yield members
