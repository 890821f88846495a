"""Many pictures at once: those of the lanes' settings for one seed after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from app.frames import data_url
from app.lanes import Lane
from app.walk import ahead
from engine.session import Session
from engine.step import Step

MOST = 64


def drawn(
    session: Session, lanes: Sequence[Lane], count: int, worker: Executor, ends: Callable[[], str]
) -> Iterator[tuple[int, int, np.ndarray, float | None]]:
    """Lane, number, picture uint8 (S, S, 3) and the critic's mean score, as they are done, until `ends` says why not.

    Number i of a lane is what the lane itself would draw from seed + i.
    """

    def one(lane: Lane, i: int) -> tuple[np.ndarray, float | None] | None:
        config = lane.config.replace(seed=lane.config.seed + i)
        steps = worker.submit(session.run, config).result()
        last: Step | None = None
        for last in ahead(steps, worker):  # noqa: B007  # others' steps come in between
            if ends():
                return None
        assert last is not None
        final, label = last.proposal, config.label or ""
        score = None if session.critic is None else float(worker.submit(session.score, final, label).result().mean())
        return worker.submit(session.decode, final).result()[0], score

    for i in range(count):
        for number, lane in enumerate(lanes):
            done = one(lane, i)
            if done is None:
                return
            yield number, i, *done


def item(lane: int, i: int, seed: int, picture: np.ndarray, score: float | None) -> dict[str, Any]:
    return {"lane": lane, "i": i, "seed": seed + i, "picture": data_url(picture), "score": score}
