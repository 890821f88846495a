"""Memory that runs have used goes back to the system. glibc keeps what many threads have freed, else."""

from __future__ import annotations

import ctypes
import sys
import threading
import time

ARENAS = 2  # glibc makes eight for each core, and each keeps what it once had
M_ARENA_MAX = -8  # mallopt's name for it (malloc.h)
TRIM_SECONDS = 5.0  # trimming takes milliseconds; not more often than this


def limit_arenas() -> None:
    """Call this before threads are started. Does nothing where the C library is not glibc."""
    if (libc := _glibc()) is not None:
        libc.mallopt(M_ARENA_MAX, ARENAS)


class Trimmer:
    """Gives free memory back, at most once in TRIM_SECONDS."""

    def __init__(self) -> None:
        self._libc = _glibc()
        self._lock = threading.Lock()
        self._last = float("-inf")

    def trim(self) -> None:
        with self._lock:
            if self._libc is None or time.monotonic() - self._last < TRIM_SECONDS:
                return
            self._last = time.monotonic()
        self._libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None
