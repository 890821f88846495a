"""Refinement of a finished picture (Token-Critic, section 4.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from engine import MASK
from engine.config import SampleConfig
from engine.session import Session
from engine.settings import short
from engine.step import Step


def refine(
    session: Session,
    config: SampleConfig,
    tokens: np.ndarray,
    fraction: float = 0.6,
    *,
    samples: Sequence[int] = (0,),
    labels: Sequence[int] | None = None,
) -> Iterator[Step]:
    """Mask the share `fraction` of finished pictures, tokens (B, N), that the critic scores lowest, and sample on.

    `samples` and `labels` are as in Session.run. It uses the noise of the next `round`. With the noise of the
    picture's own run, a token that is masked again in the same step would tend to come out as before. ValueError
    if the pack has no critic, or for a fraction outside 0..1.
    """
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 <= fraction <= 1:
        raise ValueError(f"fraction={short(fraction)}: expected 0 to 1")
    classes = session.labels(config, samples).tolist() if labels is None else labels
    scores = session.score(tokens, [session.classes[i] for i in classes])
    masked = np.stack([lowest_positions(one, fraction) for one in scores])  # (B, hidden)
    start = np.array(tokens, dtype=np.int32)
    np.put_along_axis(start, masked, MASK, axis=1)
    first = entry_step(config, session.num_tokens, masked.shape[1])
    again = config.replace(round=config.round + 1)
    return session.run(again, samples=samples, start=start, first_step=first, labels=classes)


def lowest_positions(scores: np.ndarray, fraction: float) -> np.ndarray:
    """Sorted positions (round(fraction * N),) of the lowest scores (N,). Of tied scores the lower index is taken."""
    return np.sort(np.argsort(scores, kind="stable")[: round(fraction * len(scores))])


def entry_step(config: SampleConfig, num_tokens: int, hidden: int) -> int:
    """The step before which a finished picture with `hidden` of its tokens masked joins a run.

    The first one after which no more than these are masked: the largest t whose R(t) <= hidden.
    """
    return next(s for s, masked in enumerate(config.mask_counts(num_tokens)) if masked <= hidden)
