"""The device that the networks run on, set up once per process."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

DEVICES = ("auto", "cuda", "mps", "cpu")
MAX_THREADS = 1024


def prepare(device: str = "auto", threads: int = 0) -> torch.device:
    """The torch device of that name. Sets torch up so that a run repeats bit for bit.

    auto takes the first of cuda, mps, cpu. `threads` = 0 takes all cores that this process may use.
    ValueError for an unknown device, a device that this machine does not have, or too many threads.
    """
    if device not in DEVICES:
        raise ValueError(f"unknown device {device!r}: one of {', '.join(DEVICES)}")
    if isinstance(threads, bool) or not isinstance(threads, int) or not 0 <= threads <= MAX_THREADS:
        raise ValueError(f"threads={threads!r}: expected a whole number from 0 to {MAX_THREADS}")
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    chosen = next(name for name, found in available.items() if found) if device == "auto" else device
    if not available[chosen]:
        raise ValueError(f"device {chosen!r} is not on this machine: use auto or cpu")
    torch.set_num_threads(threads or cores())
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return torch.device(chosen)


def cores() -> int:
    """CPU cores that this process may use. Processes that `accelerate launch` started on one machine share them."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, usable // int(os.environ.get("LOCAL_WORLD_SIZE", 1)))


def describe(device: torch.device) -> dict[str, Any]:
    """The machine as a trace records it. Results have the same bits if all of this is equal."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "device": device.type,
        "hardware": name,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__.partition("+")[0],
    }


def best_seconds(work: Mapping[Any, Callable[[], object]], device: torch.device, budget: float) -> dict[Any, float]:
    """The best time of each call within `budget` seconds in all, after one call to warm up.

    The calls take turns, so that all meet the same load from other processes.
    """
    best = dict.fromkeys(work, float("inf"))
    end = 0.0
    while not end or time.perf_counter() < end:
        for name, call in work.items():
            start = time.perf_counter()
            call()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            elif device.type == "mps":
                torch.mps.synchronize()
            if end:
                best[name] = min(best[name], time.perf_counter() - start)
        end = end or time.perf_counter() + budget
    return best
