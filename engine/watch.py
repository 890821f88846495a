"""Notices when another process of a command has ended: it would be waited for until the exchange times out.

Each process holds a connection to that of rank 0. The system closes it when a process ends in whatever way.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

END, FAIL = b"E", b"F"
KEY = 16  # bytes
PATIENCE = 120.0  # seconds for all to connect
KEEPALIVE = (
    ("TCP_KEEPIDLE", 5),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 3),
)  # a machine that went off is noticed in 20 s


@dataclass
class Watch:
    """The connections of this process to others, by their rank."""

    rank: int
    connections: dict[int, socket.socket]
    ending: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def begin(cls, rank: int, size: int, share_first: Callable[[tuple[bytes, int]], tuple[bytes, int]]) -> Watch:
        """Connect and watch. `share_first` returns the value that it was given on rank 0, on all."""
        if rank == 0:
            with socket.create_server(("", 0), backlog=size) as server:
                server.settimeout(PATIENCE)
                key, _ = share_first((secrets.token_bytes(KEY), server.getsockname()[1]))
                connections = _accept(server, key, size)
        else:
            key, port = share_first((b"", 0))
            one = socket.create_connection((os.environ.get("MASTER_ADDR", "127.0.0.1"), port))
            one.sendall(key + rank.to_bytes(4))
            connections = {0: one}
        watch = cls(rank, connections)
        for other, one in connections.items():
            _keep_alive(one)
            threading.Thread(target=watch._listen, args=(other, one), daemon=True).start()
        return watch

    def end(self) -> None:
        """All have done their work: nobody is missed from now on."""
        self._leave(END)

    def fail(self) -> None:
        """This process is about to say why it ends, the others need not."""
        self._leave(FAIL if self.rank == 0 else b"")

    def _leave(self, word: bytes) -> None:
        self.ending.set()
        for one in self.connections.values():
            with contextlib.suppress(OSError):  # it has gone
                one.sendall(word)
                one.shutdown(socket.SHUT_WR)

    def _listen(self, other: int, one: socket.socket) -> None:
        try:
            word = one.recv(1)
        except OSError:  # no answer to keepalive
            word = b""
        if word == END or self.ending.is_set():
            return
        if word != FAIL and self.rank == (0 if other else 1):  # one of them says it
            line = f"\nrank {other} has ended, so all do; the same command continues from the last checkpoint\n"
            os.write(2, line.encode())
        os._exit(1)  # the main thread may be waiting for the other one


def _accept(server: socket.socket, key: bytes, size: int) -> dict[int, socket.socket]:
    """The connections of all other ranks. Whoever does not know the key is sent away."""
    found: dict[int, socket.socket] = {}
    while len(found) < size - 1:
        one, _ = server.accept()
        one.settimeout(PATIENCE)
        hello = one.recv(KEY + 4, socket.MSG_WAITALL)
        if hello[:KEY] == key:
            one.settimeout(None)
            found[int.from_bytes(hello[KEY:])] = one
        else:
            one.close()
    return found


def _keep_alive(one: socket.socket) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        if hasattr(socket, name):
            one.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
