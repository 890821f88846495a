"""Ctrl-C and SIGTERM end a run between two iterations, so that its checkpoint can be written first."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

SAID = b"\nstopping after this iteration; once more ends it at once\n"


@dataclass
class Asked:
    """Which signal asked the run to stop, 0 for none."""

    number: int = 0

    def end(self) -> None:
        """End the command as that signal does, where there was one; nothing otherwise."""
        if self.number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.number:
            print("stopped", file=sys.stderr)
            raise SystemExit(128 + self.number)


@contextmanager
def asked_to_stop() -> Iterator[Asked]:
    """While a run is under way: the first signal is noted, the second does what it did before.

    Nothing is noted where this is not the main thread, which alone hears of signals.
    """
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    handlers = {int(one): signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    theirs = (None, signal.SIG_IGN)  # set by another language, or ignored: not ours to take over
    before: dict[int, Any] = {number: handler for number, handler in handlers.items() if handler not in theirs}

    def put_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: object) -> None:
        asked.number = number
        put_back()
        os.write(2, SAID)  # a print could fall into the middle of another one

    for number in before:
        signal.signal(number, note)
    try:
        yield asked
    finally:
        put_back()
