"""Arrays in many files, mapped into memory. Each open one takes a descriptor, of which a process often has 1,024."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

MAX_OPEN = 128  # files; macOS grants 256 at first


def map_arrays() -> Callable[[Path], np.ndarray]:
    """A function that opens a .npy file. It keeps the files that were used last, at most MAX_OPEN, open."""
    return lru_cache(MAX_OPEN)(partial(np.load, mmap_mode="r", allow_pickle=False))
