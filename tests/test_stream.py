"""A run over HTTP, without a browser and without networks: what is refused, who waits, and what ends a run."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest

import app.server.stream
from app.context import Context
from app.features.compare import run_lanes
from app.features.settings import complete_values
from app.request import control_names
from app.server.stream import MAX_BODY, MAX_RUNNING, MAX_WAITING, PATH, RunStream
from tests.test_app import FakePacks, new_context

PATIENCE = 60  # seconds: a test that fails must not hang
JSON = ("content-type", "application/json")


class Visitor:
    """One request, and what came of it. `takes`: how many frames before the reader stands still; `leave()`: it goes."""

    def __init__(self, body: bytes = b"{}", headers: Sequence[tuple[str, str]] = (JSON,), takes: int = 999) -> None:
        self.body, self.headers, self.takes = body, headers, takes
        self.status, self.said, self.given = 0, b"", False
        self.gone, self.came = asyncio.Event(), asyncio.Event()

    async def asks(self, stream: RunStream) -> Visitor:
        raw = [(name.encode(), value.encode()) for name, value in self.headers]
        scope = {"type": "http", "method": "POST", "path": PATH, "headers": raw, "query_string": b""}
        await stream(scope, self.receive, self.send)
        return self

    async def receive(self) -> dict[str, Any]:
        if not self.given:
            self.given = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.said += message.get("body", b"")
        self.came.set()
        if len(self.frames) > self.takes:
            await asyncio.Event().wait()

    def leave(self) -> None:
        self.gone.set()

    @property
    def frames(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.splitlines()]


class Halting:
    """Runs that stand still before their second frame until they are released."""

    def __init__(self) -> None:
        self.release, self.begun, self.closed = threading.Event(), 0, 0

    def stream(self) -> RunStream:
        return RunStream(self.complete, self.run)

    def complete(self, given: Any) -> list[Any]:
        assert threading.current_thread() is not threading.main_thread()  # it may take its time
        return []

    def run(self) -> Iterator[tuple[dict[str, Any], str]]:
        self.begun += 1
        try:
            for n in range(3):
                yield {"n": n}, "id"
                self.release.wait(PATIENCE)
        finally:
            self.closed += 1


def open_stream(context: Context) -> RunStream:
    return RunStream(partial(complete_values, context), partial(run_lanes, context))


def answered(test: Callable[[], Any]) -> Any:
    async def in_time() -> Any:
        return await asyncio.wait_for(test(), PATIENCE)

    return asyncio.run(in_time())


def asked(body: Any, *headers: tuple[str, str]) -> Visitor:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    found: Visitor = answered(lambda: Visitor(content, headers or (JSON,)).asks(open_stream(new_context())))
    return found


def test_what_is_not_said_is_as_the_page_has_it_at_first() -> None:
    visitor = asked({"seed": 3, "steps_1": 4, "steps_2": 2})
    frames = visitor.frames
    assert visitor.status == 200 and [frame["n"] for frame in frames] == list(range(len(frames)))
    assert (frames[0]["kind"], frames[-1]["why"]) == ("begin", "done")
    assert [lane["steps"] for lane in frames[0]["lanes"]] == [4, 2] and frames[0]["ask"]["seed"] == 3
    assert [lane["settings"]["rule"] for lane in frames[0]["lanes"]] == ["maskgit", "critic"]
    assert sum(len(frame.get("steps", [])) for frame in frames) == 6


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"no json", 422, "no JSON"),
        (b"\xff\xfe", 422, "no JSON"),
        (b"[" * 100_000, 422, "no JSON"),
        ([1], 422, "JSON object"),
        ({"sed": 3}, 422, "unknown control 'sed': one of pack, label"),
        ({"pack": "none"}, 422, "unknown pack"),
        ({"seed": -1}, 422, "seed"),
        ({"third": {"lane": 9}}, 422, "third"),
        (b" " * (MAX_BODY + 1), 413, str(MAX_BODY)),
    ],
)
def test_what_is_wrong_is_said_in_a_line(body: Any, status: int, says: str) -> None:
    visitor = asked(body)
    assert visitor.status == status and says in visitor.frames[0]["error"] and len(visitor.said) < 700
    assert len(visitor.frames) == 1


def test_a_page_of_another_host_cannot_start_a_run_unasked() -> None:
    """A form sends text/plain; JSON makes the browser ask first."""
    assert asked({}, ("content-type", "text/plain")).status == 415 and asked({}, ("accept", "*/*")).status == 415
    assert asked({"steps_1": 1, "steps_2": 1}, ("content-type", "application/json; charset=utf-8")).status == 200


@pytest.mark.parametrize("name", control_names())
def test_a_bad_value_of_each_control_is_refused_under_its_name(name: str) -> None:
    shown = {"third": {}} if name.endswith("_3") else {}
    said = asked({**shown, name: [1]}).frames[0]["error"]
    assert name.rstrip("_123").split("_")[0] in said and "\n" not in said


def test_others_wait_in_line_and_who_leaves_it_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.server.stream, "POLL_SECONDS", 0.01)
    halting = Halting()

    async def scene() -> None:
        stream = halting.stream()
        first, (patient, hasty) = [Visitor() for _ in range(MAX_RUNNING)], [Visitor(), Visitor()]
        running = [asyncio.create_task(one.asks(stream)) for one in first]
        for one in first:
            await one.came.wait()
        waiting = [asyncio.create_task(one.asks(stream)) for one in (hasty, patient)]
        while stream._num_waiting < 2:
            await asyncio.sleep(0.01)
        assert halting.begun == MAX_RUNNING and not hasty.said and not patient.said
        hasty.leave()
        await waiting[0]
        assert not hasty.said
        halting.release.set()
        await asyncio.gather(*running, waiting[1])
        assert [len(one.frames) for one in (*first, patient)] == [3, 3, 3] and halting.closed == MAX_RUNNING + 1

    answered(scene)


def test_who_waits_long_hears_that_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.server.stream, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(app.server.stream, "KEEPALIVE_SECONDS", 0.05)
    halting = Halting()

    async def scene() -> None:
        stream = halting.stream()
        first = [asyncio.create_task(Visitor().asks(stream)) for _ in range(MAX_RUNNING)]
        while halting.begun < MAX_RUNNING:
            await asyncio.sleep(0.01)
        patient = Visitor()
        waiting = asyncio.create_task(patient.asks(stream))
        await patient.came.wait()
        halting.release.set()
        await asyncio.gather(*first, waiting)
        kinds = [frame.get("kind", "frame") for frame in patient.frames]
        assert kinds[0] == "waiting" and kinds[-3:] == ["frame"] * 3

    answered(scene)


def test_what_is_wrong_is_said_before_the_turn_comes() -> None:
    context = new_context()

    async def scene() -> None:
        stream = open_stream(context)
        stream._slots = asyncio.Semaphore(0)  # nobody's turn comes
        visitor = await Visitor(b'{"seed": -1}').asks(stream)
        assert visitor.status == 422 and "seed" in visitor.frames[0]["error"]

    answered(scene)


def test_more_than_can_wait_are_told_so() -> None:
    halting = Halting()

    async def scene() -> None:
        stream = halting.stream()
        tasks = [asyncio.create_task(Visitor().asks(stream)) for _ in range(MAX_RUNNING + MAX_WAITING)]
        while halting.begun < MAX_RUNNING or stream._num_waiting < MAX_WAITING:
            await asyncio.sleep(0.01)
        one_more = await Visitor().asks(stream)
        assert one_more.status == 503 and str(MAX_WAITING) in one_more.frames[0]["error"]
        halting.release.set()
        assert all(len(one.frames) == 3 for one in await asyncio.gather(*tasks))

    answered(scene)


@pytest.mark.parametrize("takes", [-1, 0, None])
def test_a_run_that_nobody_reads_ends_and_lets_others_in(takes: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who takes nothing at all, who takes one frame, and who is gone."""
    monkeypatch.setattr(app.server.stream, "WRITE_TIMEOUT", 0.05)
    halting = Halting()
    halting.release.set()

    async def scene() -> None:
        stream = halting.stream()
        for _ in range(MAX_RUNNING + 1):  # more than there are turns
            visitor = Visitor(takes=999 if takes is None else takes)
            task = asyncio.create_task(visitor.asks(stream))
            if takes is None:
                visitor.leave()
            await task
            assert len(visitor.frames) == (1 if takes == 0 else 0)

    answered(scene)
    assert halting.closed == halting.begun == MAX_RUNNING + 1


def test_what_goes_wrong_on_the_way_is_the_last_line() -> None:
    class Failing(Halting):
        def run(self) -> Iterator[tuple[dict[str, Any], str]]:
            yield {"n": 0}, "id"
            raise ValueError("the third step is not finite")

    visitor = answered(lambda: Visitor().asks(Failing().stream()))
    assert visitor.frames == [{"n": 0}, {"kind": "error", "error": "the third step is not finite"}]


def test_a_run_that_is_left_stops_computing() -> None:
    context = new_context()

    async def scene() -> None:
        visitor = Visitor()
        task = asyncio.create_task(visitor.asks(open_stream(context)))
        await visitor.came.wait()
        visitor.leave()
        await task
        run = context.runs.get(visitor.frames[0]["run"])
        assert run is not None and run.end_reason == "stopped" and not run.complete

    answered(scene)
    assert context.runs.active == 0 and FakePacks.worker.submit(lambda: True).result(timeout=PATIENCE)
