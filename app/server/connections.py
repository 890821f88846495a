"""Bounds for connections, before a request is there: slow headers, many at once, what a client's buffer swallows."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections import Counter
from contextlib import suppress
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

from app.server.guard import is_loopback

HEADER_SECONDS = 10.0  # that a client may take for the head of a request
MAX_OF_ADDRESS = 512  # connections; a lecture hall behind one address has six for each browser
MAX_FILES, MAC_FILES = 2**16, 10_240
READ_SECONDS = 20.0  # in which a client may take nothing of an answer; a run's stream gives up sooner
LOOKS = 20  # in that time, at what is left of it
SEND_BUFFER = 2**16  # bytes that the system takes for a client that does not read; its default grows to megabytes


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol. It closes a connection whose request does not come, and takes only so many of an address."""

    _of_address: ClassVar[Counter[str]] = Counter()
    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    bounds_addresses: ClassVar[bool] = True
    _counted = ""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        bounded = self.bounds_addresses and not is_loopback(address)  # a proxy's visitors share one
        if bounded and self._of_address[address] >= MAX_OF_ADDRESS:
            transport.abort()
            return
        self._counted = address
        self._of_address[address] += 1
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_unread()
        if self._counted:
            self._of_address[self._counted] -= 1
            if not self._of_address[self._counted]:
                del self._of_address[self._counted]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._timer is None and (self.cycle is None or self.cycle.response_complete):
            self._start_timer()  # the head of the next request
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_timer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._stop_timer()

    def pause_writing(self) -> None:
        """The client reads slowly, or not at all."""
        super().pause_writing()
        self._watch_unread(math.inf, 0.0)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_unread()

    def _watch_unread(self, before: float, taken: float) -> None:
        """Throw away what waits for a client that takes nothing of it. asyncio resumes only when nearly all is taken.

        `before` bytes were left at the last look; `taken` is the time at which there were more.
        """
        left, now = self.transport.get_write_buffer_size(), self.loop.time()
        if left < before:
            taken = now
        elif now - taken > READ_SECONDS:
            self.transport.abort()
            return
        self._unread = self.loop.call_later(READ_SECONDS / LOOKS, self._watch_unread, left, taken)

    def _stop_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _should_upgrade(self) -> bool:
        return False  # the page uses no websocket

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(HEADER_SECONDS, self._close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()


def allow_many_files() -> None:
    """Let the process have as many open connections as the system grants; often only 1,024 are granted at first."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    for count in (most, MAC_FILES):
        if soft < count:
            with suppress(ValueError, OSError):  # macOS says that there is no limit, and has one
                resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
                return


def bound_connections(server: Any, of_address: bool = True) -> None:
    """Bound the connections that a running uvicorn server takes from now on.

    A client that leaves, or does not read, is nothing to report: uvicorn would print a line for each.
    """
    allow_many_files()
    BoundedProtocol.bounds_addresses = of_address
    logging.getLogger("uvicorn.error").addFilter(lambda record: "ASGI callable returned" not in str(record.msg))
    server.config.http_protocol_class = BoundedProtocol
    for one in server.servers:
        for listening in one.sockets:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
