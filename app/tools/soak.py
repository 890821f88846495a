"""Many visitors who behave badly, for a while: python -m app.tools.soak [--minutes 20] [--pack emoji] [--leak]

Serves the page to this machine alone. Visitors finish their runs, stop them, leave in the middle, never read, send
half a request, or send nonsense. After a warm-up and at the end memory, threads and open files are compared, and a run
is compared with the same run before it all. Memory that a process takes once is no leak: where it grew, they come once
more, and growth is that of one round. Prints one JSON object; the exit code is 1 where something stayed.
`--leak` keeps what it should not: it shows that the measurement finds a leak.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from engine import cli

MAX_GROWTH = 50 * 2**20  # bytes
LEAKED = 2**27  # bytes, with --leak: far more than memory goes up and down by itself
MAX_MORE = 8  # threads and open files
VISITORS = 6  # at once
WARM_UP = 0.25  # share of the time
SETTLE_SECONDS = 15.0  # that the server gets to notice who has gone
PATIENCE = 120


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m app.tools.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pack", default="emoji", help="model pack: a name under weights/ or a folder")
    parser.add_argument("--minutes", type=float, default=20.0, help="how long")
    parser.add_argument("--leak", action="store_true", help="leak memory, to see that it is found")
    given = parser.parse_args(argv)
    if not 0 < given.minutes <= 600:
        raise ValueError(f"--minutes {given.minutes}: expected more than 0, at most 600")
    from app.packs import Packs

    found = soak(Packs(given.pack, others=[]), 60 * given.minutes, given.leak)
    print(json.dumps(found, indent=1))
    if found["problems"]:
        raise SystemExit(1)


def soak(packs: Any, seconds: float, leak: bool = False) -> dict[str, Any]:
    """Let visitors come for so many seconds. Returns what was counted; `problems` is what should not be."""
    from app.tools.browser import serve_page

    with serve_page(packs) as address:
        packs.session(packs.first)
        alone = finish(address, 1)
        crowd = Crowd(address, leak)
        crowd.come(seconds * WARM_UP, at_least=len(WAYS))
        before = measure()
        for rounds in (1, 2):
            crowd.come(seconds * (1 - WARM_UP))
            after = measure()
            growth = (after["bytes"] - before["bytes"]) // rounds
            if growth <= MAX_GROWTH:
                break
        again = finish(address, 1)
    problems = [name for name in ("threads", "files") if after[name] > before[name] + MAX_MORE]
    problems += ["memory"] * (growth > MAX_GROWTH) + ["another run"] * (again != alone) + crowd.wrong
    return {
        "seconds": seconds,
        "visits": crowd.visits,
        "growth_bytes": growth,
        "before": before,
        "after": after,
        "problems": problems,
    }


class Crowd:
    """Visitors, several at once, each with a way of its own."""

    def __init__(self, address: str, leak: bool) -> None:
        self.address = address
        self.visits: dict[str, int] = {}
        self.wrong: list[str] = []
        self._leak, self._kept = leak, list[bytearray]()
        self._lock = threading.Lock()
        self._random = random.Random(0)

    def come(self, seconds: float, at_least: int = 0) -> None:
        """Visit for so many seconds, and until there were so many visits in all."""
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=self._visit_until, args=(end, at_least)) for _ in range(VISITORS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._leak:
            self._kept.append(bytearray(os.urandom(2**16) * (LEAKED // 2**16)))

    def _visit_until(self, end: float, at_least: int) -> None:
        while time.monotonic() < end or sum(self.visits.values()) < at_least:
            with self._lock:
                way = WAYS[sum(self.visits.values()) % len(WAYS)]
                seed = self._random.randrange(10_000)
                self.visits[way.__name__] = self.visits.get(way.__name__, 0) + 1
            try:
                way(self.address, seed)
            except Exception as error:  # whatever a visitor meets is a finding
                with self._lock:
                    self.wrong.append(f"{way.__name__}: {type(error).__name__}: {str(error)[:100]}")


def finish(address: str, seed: int) -> list[str]:
    """A short run to its end. Returns the hashes of its steps."""
    return [step["digest"] for line in read_run(address, seed) for step in line.get("steps", [])]


def stop(address: str, seed: int) -> None:
    """A run that is stopped by its button."""
    for i, line in enumerate(read_run(address, seed)):
        if i == 3:
            post(address, "stop", {"run": line["run"]})


def leave(address: str, seed: int) -> None:
    """A run whose reader goes in the middle."""
    lines = read_run(address, seed)
    for _ in range(4):
        next(lines)
    lines.close()


def never_read(address: str, seed: int) -> None:
    """A long run that is asked for and never read, for a while."""
    with send_raw(address, "run", json.dumps({"seed": seed, "steps_1": 60, "steps_2": 60}).encode()):
        time.sleep(2)


def drop(address: str, seed: int) -> None:
    """A request of which half arrives."""
    with send_raw(address, "run", b'{"seed": 1', length=4000):
        time.sleep(0.1)


def ask_nonsense(address: str, seed: int) -> None:
    """Wrong values get a line that says so."""
    for name, given in (
        ("run", {"seed": -seed - 1}),
        ("plan", {"controls": 3}),
        ("stop", {"other": []}),
        ("nothing", {}),
    ):
        try:
            post(address, name, given)
        except HTTPError as error:
            if error.code >= 500:
                raise
            continue
        raise AssertionError(f"/{name} took {given}")


def draw_few(address: str, seed: int) -> None:
    """Two pictures of each lane."""
    for _ in read_run(address, seed, count=2):
        pass


WAYS: tuple[Callable[[str, int], Any], ...] = (finish, stop, leave, never_read, drop, ask_nonsense, draw_few)


def read_run(address: str, seed: int, **more: Any) -> Any:
    """Yield the lines of a short run."""
    body = json.dumps({"seed": seed, "steps_1": 6, "steps_2": 6, **more}).encode()
    headers = {"Content-Type": "application/json", "X-Visitor": f"soak-{seed:08d}"}
    with urlopen(Request(f"{address}run", body, headers), timeout=PATIENCE) as answer:
        for line in answer:
            yield json.loads(line)


def post(address: str, name: str, given: Any) -> Any:
    request = Request(f"{address}{name}", json.dumps(given).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read())


def send_raw(
    address: str, name: str, body: bytes, length: int | None = None, of: str = "127.0.0.1", whole_head: bool = True
) -> socket.socket:
    """A request over a socket that nobody reads; `of` is whom a proxy on this machine would ask for."""
    where = urlsplit(address)
    assert where.hostname is not None
    opened = socket.create_connection((where.hostname, where.port or 80), PATIENCE)
    head = f"POST /{name} HTTP/1.1\r\nHost: {where.netloc}\r\nX-Forwarded-For: {of}\r\n"
    if not whole_head:
        opened.sendall(head.encode())
        return opened
    head += f"Content-Type: application/json\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    with suppress(OSError):  # a server may refuse a large body before all of it is here
        opened.sendall(head.encode() + body)
    return opened


def measure() -> dict[str, int]:
    """Memory, threads and open files of this process, once it has come to rest."""
    time.sleep(SETTLE_SECONDS)
    gc.collect()
    from app.server.health import count_open_files, count_resident_bytes
    from app.server.memory import Trimmer

    Trimmer().trim()
    return {"bytes": count_resident_bytes(), "threads": threading.active_count(), "files": count_open_files()}


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
