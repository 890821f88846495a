"""Lets Ctrl-C and SIGTERM stop a run between two iterations, after a checkpoint."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from engine.distributed import Group

STOP_MESSAGE = b"\nstopping after this iteration; once more ends it at once\n"


@dataclass
class StopRequest:
    """The signal that asked the run to stop; 0: none."""

    signal_number: int = 0

    def agree(self, group: Group, is_late: bool, is_due: bool) -> tuple[bool, bool]:
        """Whether any process of the group was asked to stop or is late, and whether on rank 0 a checkpoint is due.

        All then know of the signal.
        """
        signals = (signal.SIGINT, signal.SIGTERM)
        own = [*(self.signal_number == one for one in signals), is_late, is_due and group.is_first]
        *asked, late, due = group.sum(own)
        for one, count in zip(signals, asked, strict=True):
            self.signal_number = self.signal_number or (int(one) if count else 0)
        return bool(self.signal_number or late), bool(due)

    def end(self) -> None:
        """End the command as the signal would have done. Does nothing if there was no signal."""
        if self.signal_number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.signal_number:
            print("stopped", file=sys.stderr)
            raise SystemExit(128 + self.signal_number)


@contextmanager
def catch_stop_signals(quiet: bool = False) -> Iterator[StopRequest]:
    """Inside the block the first signal is recorded, and a second one has its usual effect.

    Outside the main thread this does nothing, because only the main thread receives signals.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    handlers = {int(one): signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    theirs = (None, signal.SIG_IGN)  # handlers set outside Python, and ignored signals, stay as they are
    before: dict[int, Any] = {
        signal_number: handler for signal_number, handler in handlers.items() if handler not in theirs
    }

    def restore() -> None:
        for signal_number, handler in before.items():
            signal.signal(signal_number, handler)

    def note_signal(signal_number: int, frame: object) -> None:
        request.signal_number = signal_number
        restore()
        if not quiet:
            os.write(2, STOP_MESSAGE)  # a print inside a handler could interrupt another print

    for signal_number in before:
        signal.signal(signal_number, note_signal)
    try:
        yield request
    finally:
        restore()
