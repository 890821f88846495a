"""A port for a server in a process of its own."""

from __future__ import annotations

import socket


def find_port() -> int:
    """A port that the system chooses: one of 7860 and up could be taken by a test of another worker meanwhile."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
