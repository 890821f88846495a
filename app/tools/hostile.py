"""What visitors do who mean no good, one thing after another: python -m app.tools.hostile [--pack emoji] [--small]

Serves the page to this machine alone. Prints one JSON object, a figure for each line of the table in
app/RELIABILITY.md, and `problems`: those that are not as promised there; then the exit code is 1. `--small` does the
same with a tenth of the requests.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from app.tools.soak import measure, send_raw
from engine import cli

LONGEST = {"steps_1": 256, "steps_2": 256}
FIRST_FRAME_SECONDS = 10.0  # that another visitor waits at most
MEMORY_ABANDONED, MEMORY_DROPPED = 50 * 2**20, 100 * 2**20  # bytes
SLOW_SECONDS = 15.0  # after which a slow connection is closed
PATIENCE = 120


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m app.tools.hostile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pack", default="emoji", help="model pack: a name under weights/ or a folder")
    parser.add_argument("--small", action="store_true", help="a tenth of the requests")
    given = parser.parse_args(argv)
    from app.packs import Packs

    found = attack(Packs(given.pack, others=[]), 0.1 if given.small else 1.0)
    print(json.dumps(found, indent=1))
    if found["problems"]:
        raise SystemExit(1)


def attack(packs: Any, share: float = 1.0) -> dict[str, Any]:
    """Do all of it, with this share of the requests. Returns the figures; `problems` is what is not as promised."""
    from app.tools.browser import serve_page

    with serve_page(packs) as address:
        packs.session(packs.first)
        first_frame(address)
        figures = {
            attempt.__name__: attempt(address, max(2, round(share * count))) for attempt, count in ATTEMPTS.items()
        }
    limits = {
        "two_never_read": FIRST_FRAME_SECONDS,
        "one_asks_for_66": FIRST_FRAME_SECONDS,
        "thousand_dropped": FIRST_FRAME_SECONDS,
        "large_dropped": MEMORY_DROPPED,
        "abandoned": MEMORY_ABANDONED,
        "slow_heads": SLOW_SECONDS,
        "slow_bodies": SLOW_SECONDS,
    }
    return {**figures, "problems": [name for name, most in limits.items() if not figures[name] <= most]}


def two_never_read(address: str, _: int) -> float:
    """Seconds to the first step of another visitor, while two ask for the longest run and never read it."""
    with ExitStack() as opened:
        for _ in range(2):
            opened.enter_context(send_raw(address, "run", json.dumps(LONGEST).encode()))
        time.sleep(1)
        return first_frame(address)


def one_asks_for_66(address: str, count: int) -> float:
    """Seconds to the first step of a visitor from elsewhere, while one address asks for so many of the longest run."""
    with ExitStack() as opened:
        for _ in range(count):
            opened.enter_context(send_raw(address, "run", json.dumps(LONGEST).encode(), of="10.9.9.9"))
        time.sleep(1)
        return first_frame(address)


def thousand_dropped(address: str, count: int) -> float:
    """Seconds to the first step of a visitor after so many posts that were dropped at once."""
    for i in range(count):
        send_raw(address, "run", b"{}", of=f"10.1.{i // 250}.{i % 250}").close()
    return first_frame(address)


def large_dropped(address: str, count: int) -> float:
    """Bytes that stay after so many dropped posts of a megabyte, with a list of 280,000 places to mask."""
    body = json.dumps({"third": {"lane": 0, "step": 2, "masked": list(range(100_000, 240_000))}}).encode()

    def go() -> None:
        for i in range(count):
            send_raw(address, "run", body, of=f"10.2.{i // 250}.{i % 250}").close()

    return growth(go)


def abandoned(address: str, count: int) -> float:
    """Bytes that stay after so many runs whose visitors left after the first lines."""

    def leave(i: int) -> None:
        headers = {"Content-Type": "application/json", "X-Forwarded-For": f"10.3.{i // 250}.{i % 250}"}
        request = Request(f"{address}run", json.dumps({"seed": i}).encode(), headers)
        with urlopen(request, timeout=PATIENCE) as answer:
            for _ in range(3):
                answer.readline()

    def go(range_of: range) -> None:
        for first in range_of[::10]:
            threads = [threading.Thread(target=leave, args=(first + i,)) for i in range(10)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    go(range(max(10, count // 5)))  # what the store of runs keeps anyway
    return growth(lambda: go(range(count)))


def slow_heads(address: str, count: int) -> float:
    """Seconds until the last of so many connections is closed that send half of a request's head."""
    return seconds_open(address, count, lambda one: one.sendall(b"X-More: "), head_only=True)


def slow_bodies(address: str, count: int) -> float:
    """Seconds until the last of so many connections is answered or closed that send half of a body."""
    return seconds_open(address, count, lambda one: None, head_only=False)


def seconds_open(address: str, count: int, more: Callable[[Any], None], head_only: bool) -> float:
    begun = time.monotonic()
    with ExitStack() as stack:
        opened = [
            stack.enter_context(
                send_raw(address, "run", b"{", length=500, of=f"10.4.{i // 250}.{i % 250}", whole_head=not head_only)
            )
            for i in range(count)
        ]
        for one in opened:
            more(one)
        for one in opened:
            one.settimeout(PATIENCE)
            with suppress(OSError):
                one.recv(1)
    return round(time.monotonic() - begun, 2)


ATTEMPTS: dict[Callable[[str, int], float], int] = {
    two_never_read: 2,
    one_asks_for_66: 66,
    thousand_dropped: 1000,
    large_dropped: 600,
    abandoned: 300,
    slow_heads: 200,
    slow_bodies: 200,
}


def first_frame(address: str) -> float:
    """Seconds to the first step of a run of the page's own settings."""
    headers = {"Content-Type": "application/json", "X-Visitor": "somebody-else"}
    begun = time.monotonic()
    try:
        with urlopen(Request(f"{address}run", b"{}", headers), timeout=PATIENCE) as answer:
            for line in answer:
                if json.loads(line)["kind"] == "steps":
                    return round(time.monotonic() - begun, 2)
    except HTTPError as error:
        print(f"refused: {error.read().decode()[:200]}", file=sys.stderr)
    return float("inf")


def growth(go: Callable[[], None]) -> float:
    before = measure()["bytes"]
    go()
    return float(measure()["bytes"] - before)


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
