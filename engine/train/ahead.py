"""Reads the next batch while the network computes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def read_ahead(read: Callable[[int], T], numbers: range) -> Generator[T]:
    """Yield read(i) for each of the numbers. A thread reads the next one while the caller works on the one before.

    One thread is enough: files are decoded, and arrays copied, without Python's lock. Errors of `read` are raised here,
    at their own number. Close it: it then waits for the one that is being read, and leaves no thread behind.
    """
    with ThreadPoolExecutor(1, "read ahead") as thread:
        tasks = (thread.submit(read, i) for i in numbers)  # each is begun when it is asked for
        task = next(tasks, None)
        while task:
            ready = task.result()
            task = next(tasks, None)
            yield ready
