"""Rank 0 waits for the other ranks, on a port that can be chosen. Strangers neither hold it up nor end the command."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator

import pytest

from engine import watch
from engine.watch import END, KEY, Watch, read_port

SECRET = bytes(range(KEY))
SECONDS = 60.0  # that anything may take


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one


def connect(port: int, hello: bytes) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port), SECONDS)
    one.sendall(hello)
    return one


def test_strangers_hold_up_nobody(server: socket.socket) -> None:
    port = server.getsockname()[1]
    silent = [connect(port, b"") for _ in range(3)]
    wrong = connect(port, b"GET / HTTP/1.1".ljust(KEY + 4))
    connect(port, SECRET).close()  # gone before it has said who it is
    others = [connect(port, SECRET + rank.to_bytes(4)) for rank in (2, 1)]
    found: queue.SimpleQueue[dict[int, socket.socket]] = queue.SimpleQueue()
    threading.Thread(target=lambda: found.put(watch._accept(server, SECRET, 3)), daemon=True).start()
    connections = found.get(timeout=SECONDS)
    assert sorted(connections) == [1, 2]
    for rank, one in zip((2, 1), others, strict=True):
        one.sendall(bytes([rank]))
        assert connections[rank].recv(1) == bytes([rank])
    assert not wrong.recv(1), "it is sent away"
    for one in (*silent, wrong, *others, *connections.values()):
        one.close()


def test_who_says_the_key_in_pieces_is_no_stranger(server: socket.socket) -> None:
    one = connect(server.getsockname()[1], SECRET[:5])
    timer = threading.Timer(0.3, one.sendall, (SECRET[5:] + (1).to_bytes(4),))
    timer.start()
    assert list(watch._accept(server, SECRET, 2)) == [1]
    timer.join()
    one.close()


def test_ranks_that_do_not_come_are_named(server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 5.0)
    says = r"rank 1, 3 did not connect to port \d+ of rank 0.*TOKEN_CRITIC_PORT="
    with connect(server.getsockname()[1], SECRET + (2).to_bytes(4)), pytest.raises(OSError, match=says):
        watch._accept(server, SECRET, 4)


def test_the_port_can_be_chosen(server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_port() == 0
    for wrong in ("70000", "http", "-1"):
        monkeypatch.setenv("TOKEN_CRITIC_PORT", wrong)
        with pytest.raises(ValueError, match=f"TOKEN_CRITIC_PORT={wrong}: expected a port"):
            read_port()
    busy = server.getsockname()[1]
    monkeypatch.setenv("TOKEN_CRITIC_PORT", str(busy))
    shared: queue.SimpleQueue[tuple[bytes, int]] = queue.SimpleQueue()
    with pytest.raises(OSError, match=rf"cannot listen on port {busy} .*TOKEN_CRITIC_PORT="):
        Watch.begin(0, 2, lambda word: shared.put(word) or word, read_port())
    assert shared.get(timeout=SECONDS) == (b"", 0), "the others do not wait for it"
    with pytest.raises(OSError, match="rank 0 cannot listen"):
        Watch.begin(1, 2, lambda word: (b"", 0))
    server.close()  # now it is free

    def other() -> None:
        key, port = shared.get(timeout=SECONDS)
        with connect(port, key + (1).to_bytes(4)) as one:
            one.sendall(END)
            assert one.recv(1) == END

    threading.Thread(target=other, daemon=True).start()
    begun = Watch.begin(0, 2, lambda word: shared.put(word) or word, read_port())
    assert begun.connections[1].getsockname()[1] == busy
    begun.end()
