"""Mask schedules: how many tokens stay masked after each step. float64, because float32 is off by one at some steps."""

from __future__ import annotations

import math
from collections.abc import Callable

# Share of masked tokens after the share `done` of the run. Falls from 1 to 0.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": lambda done: math.cos(math.pi / 2 * done),
    "linear": lambda done: 1 - done,
    "square": lambda done: 1 - done**2,
    "cubic": lambda done: 1 - done**3,
    "root": lambda done: 1 - done**0.5,
    "arccos": lambda done: math.acos(done) / (math.pi / 2),
}
ROUNDING = 1e-9  # cos(pi/2) * N is not 0 but 6e-17 * N, and its ceil would be 1


def mask_ratio(schedule: str, done: float) -> float:
    """The papers' gamma at the share `done` in [0, 1] of the run."""
    return SCHEDULES[schedule](done)


def masked_after(schedule: str, s: int, steps: int, num_tokens: int) -> int:
    """R = ceil(gamma * N), Token-Critic's Algorithm 2: number of masked tokens after step s."""
    return max(0, math.ceil(mask_ratio(schedule, (s + 1) / steps) * num_tokens - ROUNDING))


def masked_after_greedy(schedule: str, s: int, steps: int, at_start: int, now: int) -> int:
    """MaskGIT's mask_len (its code, parallel_decode): floor, at least 1, at most one fewer than `now`."""
    planned = math.floor(mask_ratio(schedule, (s + 1) / steps) * at_start + ROUNDING)
    return max(1, min(now - 1, planned))


def masked_after_halton(s: int, steps: int, num_tokens: int) -> int:
    """Halton-MaskGIT's arccos counts (Besnier et al., ICLR 2025): each step shows at least one more token."""
    shown = math.floor((1 - mask_ratio("arccos", (s + 1) / steps)) * num_tokens + ROUNDING)
    return max(0, num_tokens - max(s + 1, shown))
