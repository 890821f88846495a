"""Rejection sampling: draw more pictures, keep those that a classifier is surest of (Token-Critic, section 4.1)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.config import SampleConfig
from engine.evaluate.evaluator import keep_all
from engine.evaluate.experiments.experiment import Setup

ACCEPT = (
    "Where pictures are rejected, the pack's classifier keeps, of each class, those that it gives the highest "
    "probability of their class. Its features measure FID, too, and its labels IS: both flatter what it keeps. All "
    "rows are over the same number of pictures."
)


def pool_size(n: int, share: float) -> int:
    """How many pictures are drawn so that n of them are the share that is kept."""
    return math.ceil(round(n / share, 6))


def draw_accepted(setup: Setup, config: SampleConfig, share: float, **shown: Any) -> dict[str, Any]:
    """The row of the n pictures that are kept at this acceptance rate, of the pictures that `config` draws."""
    drawn = config.replace(n=pool_size(setup.n, share))

    def measure() -> dict[str, Any]:
        samples = setup.evaluator.samples
        tokens, labels = samples.tokens(drawn, f"{shown['series']}, {shown['point']}"), samples.labels(drawn.n)
        keep = keep_all
        if share < 1:
            certainty = setup.evaluator.class_certainty(tokens, labels)

            def keep(some: np.ndarray) -> np.ndarray:
                """Those of some drawn pictures, sorted indices, that are kept: the same share of each class."""
                wanted = samples.labels(round(share * len(some)))
                return some[choose_surest(certainty[some], labels[some], wanted)]

        figures = setup.measure_samples(tokens, labels, keep)
        return {**figures, "accepted": share, "passes_per_accepted": drawn.passes / share}

    return setup.row(drawn, {**setup.checked_by, "accepted": share}, measure, **shown)


def choose_surest(certainty: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Sorted indices of the pictures with the highest certainty (M,), of each class as many as `wanted` has.

    Of a class that is too rare among the M pictures all are taken, and the rest from the others.
    """
    order = np.argsort(-certainty, kind="stable")
    chosen = np.concatenate([order[labels[order] == one][: (wanted == one).sum()] for one in np.unique(wanted)])
    rest = order[~np.isin(order, chosen)][: len(wanted) - len(chosen)]
    return np.sort(np.concatenate([chosen, rest]))
