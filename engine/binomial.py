"""Exact 95 % intervals of shares, and exact comparisons of two shares.

scipy.stats has these. It is no dependency of this project, and 35 MB for a few functions are too many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

TAIL = 0.025  # probability on each side of a 95 % interval
BISECTIONS = 60  # more than a float64 has bits


def clopper_pearson(count: int, n: int) -> list[float]:
    """Interval of a share, `count` of `n` (Clopper and Pearson 1934). It covers the true share in 95 % or more."""
    low = _bisect(lambda p: 1 - _binomial_cdf(count - 1, n, p) - TAIL) if count else 0.0
    high = _bisect(lambda p: TAIL - _binomial_cdf(count, n, p)) if count < n else 1.0
    return [low, high]


def ratio_interval(count: int, other: int) -> list[float | None]:
    """Interval of the ratio r of two rare counts, each of the same number of samples. None for no upper end.

    Given the sum of both counts, one of them is binomial with share r / (1 + r). The interval of that share is
    exact. If the counts are not rare, or the pairs correlate, the interval is too wide.
    """
    if not count + other:
        return [0.0, None]
    low, high = clopper_pearson(count, count + other)
    return [low / (1 - low) if low < 1 else None, high / (1 - high) if high < 1 else None]


def mcnemar(only_one: int, only_other: int) -> float:
    """p of the exact two-sided test (McNemar 1947) of two paired shares, from the counts of discordant pairs."""
    return min(1.0, 2 * _binomial_cdf(min(only_one, only_other), only_one + only_other, 0.5))


def fisher(one: tuple[int, int], other: tuple[int, int]) -> float:
    """p of the exact two-sided test (Fisher 1935) of two independent shares, each as (count, n).

    It sums the probabilities of all tables with these margins that are no likelier than this one.
    """
    (a, n), (b, m) = one, other
    counts = range(max(0, a + b - m), min(n, a + b) + 1)
    logs = {i: _log_ways(n, i) + _log_ways(m, a + b - i) - _log_ways(n + m, a + b) for i in counts}
    bound = logs[a] + 1e-9  # equal but for rounding
    return min(1.0, sum(math.exp(value) for value in logs.values() if value <= bound))


def holm(ps: Mapping[str, float], level: float = 0.05) -> list[str]:
    """Keys of the tests that hold together at this level (Holm 1979), the smallest p first."""
    kept: list[str] = []
    for key in sorted(ps, key=lambda key: ps[key]):
        if ps[key] > level / (len(ps) - len(kept)):
            break
        kept.append(key)
    return kept


def _log_ways(n: int, k: int) -> float:
    """log of n over k."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _binomial_cdf(count: int, n: int, p: float) -> float:
    """P(X <= count) for X ~ Binomial(n, p), 0 < p < 1."""
    if count < 0:
        return 0.0
    k = np.arange(1, n + 1)
    ways = np.concatenate([[0.0], np.cumsum(np.log((n - k + 1) / k))])[: count + 1]  # log of n over k
    return float(np.exp(ways + np.arange(count + 1) * math.log(p) + (n - np.arange(count + 1)) * math.log1p(-p)).sum())


def _bisect(increasing: Callable[[float], float]) -> float:
    """The root of an increasing function on (0, 1), by bisection."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if increasing(middle) > 0 else (middle, high)
    return (low + high) / 2
