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

STOP_MESSAGE = b"\nstopping after this iteration; once more ends it at once\n"


@dataclass
class StopRequest:
    """Which signal asked the run to stop, 0 for none."""

    signal_number: int = 0

    def end(self) -> None:
        """End the command as that signal does, where there was one; nothing otherwise."""
        if self.signal_number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.signal_number:
            print("stopped", file=sys.stderr)
            raise SystemExit(128 + self.signal_number)


@contextmanager
def catch_stop_signals() -> Iterator[StopRequest]:
    """While a run is under way: the first signal is noted, the second does what it did before.

    Nothing is noted where this is not the main thread, which alone hears of signals.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    handlers = {int(one): signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    theirs = (None, signal.SIG_IGN)  # set by another language, or ignored: not ours to take over
    before: dict[int, Any] = {
        signal_number: handler for signal_number, handler in handlers.items() if handler not in theirs
    }

    def restore() -> None:
        for signal_number, handler in before.items():
            signal.signal(signal_number, handler)

    def note_signal(signal_number: int, frame: object) -> None:
        request.signal_number = signal_number
        restore()
        os.write(2, STOP_MESSAGE)  # a print could fall into the middle of another one

    for signal_number in before:
        signal.signal(signal_number, note_signal)
    try:
        yield request
    finally:
        restore()
