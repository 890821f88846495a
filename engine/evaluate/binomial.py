"""Exact 95 % intervals of shares, and exact comparisons of two shares of the same samples."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

TAIL = 0.025  # on each side of a 95 % interval
HALVINGS = 60  # until no float lies between


def clopper_pearson(count: int, n: int) -> list[float]:
    """Interval of a share of which `count` of `n` were seen (Clopper and Pearson 1934): it covers 95 % or more."""
    low = _bisect(lambda p: 1 - _binomial_cdf(count - 1, n, p) - TAIL) if count else 0.0
    high = _bisect(lambda p: TAIL - _binomial_cdf(count, n, p)) if count < n else 1.0
    return [low, high]


def ratio_interval(count: int, other: int) -> list[float | None]:
    """Interval of the ratio of two shares of as many samples; None where it has no upper end.

    Given how many there are in all, one of two rare counts is binomial with share r / (1 + r), whose interval is
    exact. Shares that are not rare, and pairs that tend to agree, vary less than that: the interval is then too wide.
    """
    if not count + other:
        return [0.0, None]
    low, high = clopper_pearson(count, count + other)
    return [low / (1 - low) if low < 1 else None, high / (1 - high) if high < 1 else None]


def mcnemar(only_one: int, only_other: int) -> float:
    """p of the exact two-sided test (McNemar 1947) whether two shares differ, from the samples in which they part."""
    return min(1.0, 2 * _binomial_cdf(min(only_one, only_other), only_one + only_other, 0.5))


def _binomial_cdf(count: int, n: int, p: float) -> float:
    """The chance of at most `count` of `n`, each with chance 0 < p < 1."""
    if count < 0:
        return 0.0
    k = np.arange(1, n + 1)
    ways = np.concatenate([[0.0], np.cumsum(np.log((n - k + 1) / k))])[: count + 1]  # logarithms of n over k
    return float(np.exp(ways + np.arange(count + 1) * math.log(p) + (n - np.arange(count + 1)) * math.log1p(-p)).sum())


def _bisect(rising: Callable[[float], float]) -> float:
    """Where a rising function of 0 < p < 1 crosses 0."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2
