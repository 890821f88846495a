"""Notices when another process of a command has ended: it would be waited for until the exchange times out.

Each process holds a connection to that of rank 0. The system closes it when a process ends in whatever way.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

END, FAIL = b"E", b"F"
KEY = 16  # bytes
PORT = "TOKEN_CRITIC_PORT"  # the environment variable that names the port
PATIENCE, GLANCE = 120.0, 0.1  # seconds for all to connect; between two looks at whether all have
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
    def begin(
        cls, rank: int, size: int, share_first: Callable[[tuple[bytes, int]], tuple[bytes, int]], port: int = 0
    ) -> Watch:
        """Connect and watch. `share_first` returns the value that it was given on rank 0, on all.

        Rank 0 listens on this port; 0: a free one. OSError if it cannot, or if not all connect.
        """
        if rank == 0:
            connections = _invite(size, share_first, port)
        else:
            key, port = share_first((b"", 0))
            if not port:
                raise OSError("rank 0 cannot listen")  # which it says itself
            one = socket.create_connection((os.environ.get("MASTER_ADDR", "127.0.0.1"), port), PATIENCE)
            one.settimeout(None)
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


def read_port() -> int:
    """The port of the environment variable TOKEN_CRITIC_PORT; 0: there is none. ValueError for what is no port."""
    text = os.environ.get(PORT, "0")
    if not text.isdecimal() or int(text) > 65535:
        raise ValueError(f"{PORT}={text}: expected a port from 1 to 65535, or 0 for a free one")
    return int(text)


def _invite(
    size: int, share_first: Callable[[tuple[bytes, int]], tuple[bytes, int]], port: int
) -> dict[int, socket.socket]:
    """Tell all other ranks where to connect, and return their connections."""
    try:
        server = socket.create_server(("", port), backlog=size)
    except OSError as error:
        share_first((b"", 0))
        raise OSError(f"rank 0 cannot listen on port {port} ({error.strerror}): give another {PORT}=") from error
    with server:
        key, port = share_first((secrets.token_bytes(KEY), server.getsockname()[1]))
        return _accept(server, key, size)


def _accept(server: socket.socket, key: bytes, size: int) -> dict[int, socket.socket]:
    """The connections of all other ranks. A thread asks each for the key: strangers hold up nobody."""
    found: dict[int, socket.socket] = {}
    end = time.monotonic() + PATIENCE
    server.settimeout(GLANCE)
    while len(found) < size - 1:
        if time.monotonic() > end:
            missing = ", ".join(str(rank) for rank in range(1, size) if rank not in found)
            raise OSError(
                f"rank {missing} did not connect to port {server.getsockname()[1]} of rank 0 within {PATIENCE:.0f} s: "
                f"if a firewall closes it, name an open one by {PORT}="
            )
        with contextlib.suppress(OSError):  # nobody came, or has gone again
            one, _ = server.accept()
            threading.Thread(target=_greet, args=(one, key, found), daemon=True).start()
    return found


def _greet(one: socket.socket, key: bytes, found: dict[int, socket.socket]) -> None:
    """Note the rank of a connection. Whoever does not know the key is sent away."""
    hello = b""
    with contextlib.suppress(OSError):  # silent, or gone
        one.settimeout(PATIENCE)
        while len(hello) < KEY + 4 and (more := one.recv(KEY + 4 - len(hello))):
            hello += more
    if len(hello) == KEY + 4 and hello[:KEY] == key:
        one.settimeout(None)
        found[int.from_bytes(hello[KEY:])] = one
    else:
        one.close()


def _keep_alive(one: socket.socket) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        if hasattr(socket, name):
            one.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
