"""How much memory a measurement takes: it runs in a process of its own, whose peak is its own, too."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

T = TypeVar("T")


def run_alone(call: Callable[..., T], *given: Any) -> T:
    """`call(*given)` in a process that ends with it. ValueError if the machine ended it first.

    Linux counts the peak of the process that starts it as its own, so start it before you load anything large.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(call, *given).result()
        except BrokenProcessPool:
            raise ValueError("the measuring process was ended, likely for its memory: give a smaller batch=") from None


def peak_memory() -> float | None:
    """Peak MB of this process until now. None where nobody can say."""
    try:
        import resource  # Windows has none
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
