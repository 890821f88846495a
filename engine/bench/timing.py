"""How long a call takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch


def median_time(work: Callable[[], object], rounds: int) -> float:
    """Median seconds of `rounds` calls, after one to warm up."""
    work()
    return statistics.median(time_call(work) for _ in range(rounds))


def time_call(work: Callable[[], object]) -> float:
    """Seconds of one call, until the device has done it."""
    start = time.perf_counter()
    work()
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
    return time.perf_counter() - start
