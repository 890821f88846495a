"""Runs a function in a process of its own, whose memory is limited: what it reads is not trusted."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine import cli

STATUS = Path("/proc/self/statm")  # where Linux says how much memory a process has


def run_limited(work: Callable[..., None], *args: Any, more: int) -> None:
    """Call work(*args) where it may take `more` bytes beside what Python takes. SystemExit if it fails.

    It has said why on stderr by then. Elsewhere than on Linux nothing is limited.
    """
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(work, args, more))
    process.start()
    process.join()
    if process.exitcode and process.exitcode < 0:
        raise MemoryError(f"the conversion was ended by signal {-process.exitcode}")
    if process.exitcode:
        raise SystemExit(process.exitcode)


def _work(work: Callable[..., None], args: tuple[Any, ...], more: int) -> None:
    if STATUS.is_file():
        import resource  # only Unix has it

        now = int(STATUS.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (now + more, resource.getrlimit(resource.RLIMIT_AS)[1]))
    cli.run(lambda _: work(*args), [])
