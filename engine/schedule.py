"""How many tokens stay masked after each step. float64 throughout; float32 differs by one at some steps."""

from __future__ import annotations

import math
from collections.abc import Callable

# Share of tokens still masked when the share `done` of the run is over; falls from 1 to 0.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": lambda done: math.cos(math.pi / 2 * done),
    "linear": lambda done: 1 - done,
    "square": lambda done: 1 - done**2,
    "cubic": lambda done: 1 - done**3,
    "root": lambda done: 1 - done**0.5,
    "arccos": lambda done: math.acos(done) / (math.pi / 2),
}
ROUNDING = 1e-9  # cos(pi/2) * N is 6e-17 * N, whose ceil would be 1


def mask_ratio(schedule: str, done: float) -> float:
    """gamma of the papers at the share `done` in [0, 1] of the run."""
    return SCHEDULES[schedule](done)


def masked_after(schedule: str, s: int, steps: int, num_tokens: int) -> int:
    """R = ceil(gamma * N), Token-Critic's Algorithm 2: how many are masked again after step s."""
    return max(0, math.ceil(mask_ratio(schedule, (s + 1) / steps) * num_tokens - ROUNDING))


def masked_after_greedy(schedule: str, s: int, steps: int, at_start: int, now: int) -> int:
    """MaskGIT's mask_len (parallel_decode): floor, at least 1, and at least one fewer than the `now` masked."""
    planned = math.floor(mask_ratio(schedule, (s + 1) / steps) * at_start + ROUNDING)
    return max(1, min(now - 1, planned))


def masked_after_halton(s: int, steps: int, num_tokens: int) -> int:
    """Halton-MaskGIT's arccos counts (Besnier et al., ICLR 2025): at least one more token a step."""
    shown = math.floor((1 - mask_ratio("arccos", (s + 1) / steps)) * num_tokens + ROUNDING)
    return max(0, num_tokens - max(s + 1, shown))
