"""The steps of all lanes of a run, in turn, each computed while the one before it is on its way to the page."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from itertools import islice
from typing import TypeVar

import numpy as np

from app.lanes import Lane
from engine.refine import lowest_positions
from engine.session import Session
from engine.step import Step

Item = TypeVar("Item")


def walk(session: Session, lanes: Sequence[Lane]) -> Iterator[tuple[int, Step, np.ndarray]]:
    """Steps with their decoded proposals: of the lanes that can go on, the one that has done the smallest share."""
    done: list[list[tuple[Step, np.ndarray]]] = [[] for _ in lanes]
    runs = [_steps(session, lane, done) for lane in lanes]

    def waits(i: int) -> bool:
        origin = lanes[i].origin
        if origin is None or origin.lane is None:
            return False
        return len(done[i]) < origin.step and len(done[origin.lane]) < origin.step

    while True:
        left = [i for i, lane in enumerate(lanes) if len(done[i]) < lane.steps and not waits(i)]
        if not left:
            return
        lane = min(left, key=lambda i: len(done[i]) / lanes[i].steps)
        done[lane].append(next(runs[lane]))
        yield lane, *done[lane][-1]


def _steps(
    session: Session, lane: Lane, done: Sequence[Sequence[tuple[Step, np.ndarray]]]
) -> Iterator[tuple[Step, np.ndarray]]:
    """Steps and pictures of one lane. One that leaves another has its first steps from that one, which did them."""
    start = None
    for step, picture in _shared(session, lane, done):
        if step.s == lane.shared - 1:
            step = _parting(session, lane, step)
        start = step.tokens_out
        yield dataclasses.replace(step, steps=lane.steps), picture
    for step in session.run(lane.config, start=start, first_step=lane.first_step):
        shown = dataclasses.replace(step, s=lane.shared + step.s - lane.first_step, steps=lane.steps)
        yield shown, session.decode(step.proposal)[0]


def _shared(
    session: Session, lane: Lane, done: Sequence[Sequence[tuple[Step, np.ndarray]]]
) -> Sequence[tuple[Step, np.ndarray]]:
    """What comes before a lane's own steps; a picture of the visitor's own is a step that proposes nothing new."""
    if lane.origin is None:
        return []
    if lane.origin.lane is not None:
        return done[lane.origin.lane][: lane.shared]
    tokens = np.array([lane.origin.tokens], np.int32)
    step = next(session.run(lane.config, start=tokens, first_step=lane.config.steps - 1))
    return [(dataclasses.replace(step, s=0), session.decode(tokens)[0])]


def _parting(session: Session, lane: Lane, step: Step) -> Step:
    """The last step that a lane shares with another, decided as its origin says."""
    assert lane.origin is not None
    masked = lane.origin.masked
    if lane.origin.fraction is not None:
        scores = session.score(step.proposal, lane.config.label or "")
        step = dataclasses.replace(step, scores=scores, ranked=scores.copy())
        masked = tuple(lowest_positions(scores[0], lane.origin.fraction).tolist())
    return step if masked is None else step.with_masked(masked)


def ahead(items: Iterator[Item], worker: Executor) -> Iterator[Item]:
    """The same items, each computed while the one before it is on its way to the page."""
    coming = worker.submit(next, items, None)
    try:
        while (item := coming.result()) is not None:
            coming = worker.submit(next, items, None)
            yield item
    finally:
        coming.cancel()  # nobody waits for it any more: where it has not begun, another run's step comes sooner


def in_turns(steps: Iterator[Item], lanes: int) -> Iterator[list[Item]]:
    """As many steps at once as there are lanes: one message for all costs the page half of several."""
    while together := list(islice(steps, lanes)):
        yield together
