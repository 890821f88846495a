"""What app/RELIABILITY.md promises of a server. TOKEN_CRITIC_FULL=1 (make soak) does them with the full numbers."""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

from app.packs import Packs
from app.tools.soak import post, read_run, send_raw
from tests.full import FULL

CLIENTS, RUNS = (32, 1000) if FULL else (8, 32)
CANCELLED = 200 if FULL else 14
PATIENCE = 600.0  # seconds that one may be told to ask again later
LEAKS = ("Traceback", "site-packages", "/home/", "/root/", ".py")


def metric(address: str, name: str) -> float:
    """A figure of the server's own."""
    one = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    one.request("GET", "/metrics")
    lines = one.getresponse().read().decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"token_critic_{name} ")))


def settings_of(i: int) -> dict[str, Any]:
    """One of a few requests, of two packs."""
    steps = {"steps_1": 3 + i % 3, "steps_2": 2 + i % 2}
    return {"seed": i % 4, **steps, **({"pack": "tiny", "label": "bars"} if i % 2 else {})}


def run_of(address: str, given: dict[str, Any]) -> list[str]:
    """The digests of a run's steps. All ask from one address: who asks too often waits and asks again."""
    asked = {name: value for name, value in given.items() if name != "seed"}
    begun = time.monotonic()
    while True:
        try:
            lines = list(read_run(address, given["seed"], **asked))
            return [step["digest"] for line in lines for step in line.get("steps", [])]
        except HTTPError as error:
            if error.code != 429 or time.monotonic() - begun > PATIENCE:
                raise
            time.sleep(1)


@pytest.mark.slow
def test_every_visitor_gets_bit_for_bit_what_a_visitor_alone_gets(address: str, packs: Packs) -> None:
    alone = {i: run_of(address, settings_of(i)) for i in range(12)}
    assert len({tuple(one) for one in alone.values()}) == 12, "each is another run"
    config = packs.session(packs.first).settings(rule="critic", label=packs.session(packs.first).classes[0], steps=2)
    own = [step.digest() for step in packs.session(packs.first).run(config)]
    assert [one for one in alone[0] if one in own] == own, "and what the engine gives without a server"
    with ThreadPoolExecutor(CLIENTS) as pool:
        together = list(pool.map(lambda i: run_of(address, settings_of(i % 12)), range(RUNS)))
    assert sum(one != alone[i % 12] for i, one in enumerate(together)) == 0


@pytest.mark.slow
def test_runs_that_are_left_end_within_a_step_and_disturb_nobody(address: str, packs: Packs) -> None:
    dice = random.Random(1)

    def stop_by_button(seed: int) -> None:
        steps = 0
        for i, line in enumerate(read_run(address, seed, steps_1=40, steps_2=40)):
            steps += len(line.get("steps", ()))
            if i == 1 + seed % 7:
                assert post(address, "stop", {"run": line["run"]}) == {"stopped": True}
        assert line["why"] == "stopped" and steps < 80

    def close_the_tab(seed: int) -> None:
        lines = read_run(address, seed, steps_1=40, steps_2=40)
        for _ in range(1 + seed % 7):
            next(lines)
        lines.close()

    def kill_the_socket(seed: int) -> None:
        body = json.dumps({"seed": seed, "steps_1": 40, "steps_2": 40}).encode()
        with send_raw(address, "run", body) as one:
            one.recv(10)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, no goodbye

    def ask_for_others(seed: int) -> None:
        assert post(address, "stop", {"run": f"guess-{seed}"}) == {"stopped": False}

    ways: list[Callable[[int], None]] = [stop_by_button, close_the_tab, kill_the_socket, ask_for_others]
    undisturbed = {"seed": 2, "steps_1": 12, "steps_2": 12}
    alone, seen = run_of(address, undisturbed), list[list[str]]()
    beside = threading.Thread(target=lambda: seen.append(run_of(address, undisturbed)))
    beside.start()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda seed: dice.choice(ways)(seed), range(CANCELLED)))
    begun = time.monotonic()
    beside.join(120)
    while metric(address, "runs_running") and time.monotonic() - begun < 30:
        time.sleep(0.05)
    assert time.monotonic() - begun < (10 if FULL else 20) and seen == [alone]
