"""What app/RELIABILITY.md promises where something fails: a run, a reader, the whole server, Gradio's queue.

TOKEN_CRITIC_FULL=1 (make soak) does it with the full numbers.
"""

from __future__ import annotations

import http.client
import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import torch

from app.server import stream
from app.tools import soak
from app.tools.soak import read_run, send_raw
from engine.sampler import sample
from engine.step import Step
from tests.full import FULL
from tests.ports import find_port
from tests.test_hosting import Started
from tests.test_promises import LEAKS, metric, run_of
from tests.tiny import make_whole_pack

STALLED = 12 if FULL else 2
JOINS, SESSION_IDS = (1000, 10_000) if FULL else (150, 200)
PATIENCE = 120.0  # seconds that anything may take
ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_who_never_reads_or_stands_still_is_given_up_and_disturbs_nobody(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not FULL:
        monkeypatch.setattr(stream, "WRITE_TIMEOUT", 1.0)
    undisturbed = {"seed": 3, "steps_1": 3, "steps_2": 3}
    alone, long = run_of(address, undisturbed), json.dumps({"steps_1": 120, "steps_2": 120}).encode()
    with ExitStack() as opened:
        for i in range(STALLED):
            one = opened.enter_context(send_raw(address, "run", long, of=f"10.7.0.{i}"))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # else its system reads much for it
            if i % 2:
                one.recv(2000)  # and no more
        assert run_of(address, undisturbed) == alone
        seconds = wait_until_idle(address)
    print(f"{STALLED} runs that nobody reads: idle after {seconds:.1f} s")
    assert seconds < (40 if FULL else 15)


def wait_until_idle(address: str) -> float:
    """Seconds until no run is under way, and none waits in Gradio's queue."""
    begun = time.monotonic()
    while metric(address, "runs_active") or json.load(urlopen(f"{address}gradio_api/queue/status"))["queue_size"]:
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.05)
    return time.monotonic() - begun


def fail_at(step: int, error: Exception | None) -> Callable[..., Iterator[Step]]:
    """The sampler that raises this at a step, or whose generator gives NaN there."""

    def broken(predict: Any, rule: Any, **given: Any) -> Iterator[Step]:
        calls = count()

        def at_first(*inputs: Any) -> Any:
            return predict(*inputs) * (float("nan") if error is None and next(calls) == step else 1)

        for s, found in enumerate(sample(at_first, rule, **given)):
            if error is not None and s == step:
                raise error
            yield found

    return broken


@pytest.mark.slow
@pytest.mark.parametrize(
    "error",
    [None, MemoryError(), torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("/home/x/y.py"), KeyError("x")],
)
def test_what_goes_wrong_at_a_step_is_one_line_and_the_next_run_is_as_ever(
    address: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: Exception | None
) -> None:
    small = {"pack": "tiny", "label": "bars", "steps_1": 4, "steps_2": 4}
    given = {"seed": 5, **small}
    alone = run_of(address, given)
    monkeypatch.setattr("engine.session.sample", fail_at(2, error))
    *_, before, last = read_run(address, 5, **small)
    assert before["kind"] == "steps" and set(last) == {"kind", "error"} and last["kind"] == "error"
    assert "\n" not in last["error"] and not any(leak in last["error"] for leak in LEAKS)
    monkeypatch.undo()
    assert run_of(address, given) == alone and wait_until_idle(address) < PATIENCE
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
def test_a_server_that_is_told_to_end_in_the_middle_of_a_run_does(tmp_path: Path) -> None:
    port = find_port()
    words = ["launch.py", "--no-browser", "--pack", str(make_whole_pack(tmp_path / "tiny").path), "--port", str(port)]
    with Started(ROOT, words, port) as server:
        lines = read_run(f"http://127.0.0.1:{port}/", 1, steps_1=256, steps_2=256)
        assert [next(lines)["kind"] for _ in range(3)] == ["begin", "steps", "steps"]
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
        seconds = time.monotonic() - begun
    print(f"ended {seconds:.1f} s after SIGTERM")
    assert server.process.returncode == 0 and "Traceback" not in server.said and seconds < (5 if FULL else 20)


@pytest.mark.slow
def test_many_calls_of_gradios_queue_are_refused_with_a_text_and_take_no_memory(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soak, "SETTLE_SECONDS", 1.0)
    given = {"seed": 4, "pack": "tiny", "label": "bars", "steps_1": 2, "steps_2": 2}
    alone, ids = run_of(address, given), fn_indices(address)
    before = soak.measure()["bytes"]
    answers = [
        ask(address, i, {"fn_index": ids["run"], "data": ["", i, 8, "maskgit", "critic", "tiny"]}) for i in range(JOINS)
    ]
    refused = [text for status, text in answers if status == 503]
    assert {status for status, _ in answers} <= {200, 503} and len(refused) > JOINS / 10
    assert all("full" in text and not any(leak in text for leak in LEAKS) for text in refused)
    begun = time.monotonic()
    assert run_of(address, given) == alone
    waited = time.monotonic() - begun
    for i in range(SESSION_IDS):
        ask(address, i, {"fn_index": ids["score"], "data": [[], "", ""]})
    status, text = ask(address, 0, {"fn_index": ids["score"]}, claims=30 * 2**20)
    growth = (soak.measure()["bytes"] - before) / 2**20
    print(
        f"{JOINS} joins, {len(refused)} refused, another visitor after {waited:.1f} s; "
        f"{SESSION_IDS} session ids; {growth:.0f} MiB more"
    )
    wait_until_idle(address)
    assert status == 413 and "bytes" in text and growth < 100 and waited < (10 if FULL else 20)


def fn_indices(address: str) -> dict[str, int]:
    """The number by which Gradio's queue calls each typed endpoint."""
    with urlopen(f"{address}config") as answer:
        return {one["api_name"]: one["id"] for one in json.load(answer)["dependencies"]}


def ask(address: str, i: int, given: dict[str, Any], claims: int | None = None) -> tuple[int, str]:
    """Join Gradio's queue as a session of its own, from an address that is another one for every 100."""
    one = http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
    body = json.dumps({**given, "session_hash": f"session{i:06d}", "event_data": None}).encode()
    one.putrequest("POST", "/gradio_api/queue/join")
    for name, value in (
        ("Content-Type", "application/json"),
        ("Content-Length", str(claims or len(body))),
        ("X-Forwarded-For", f"10.8.{i // 100 // 250}.{i // 100 % 250}"),
    ):
        one.putheader(name, value)
    one.endheaders(body)
    answer = one.getresponse()
    text = answer.read().decode()
    one.close()
    return answer.status, text
