"""A run over HTTP, without a browser and without networks: what comes, what is refused, who waits, what ends it."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

import app.server.stream
from app.context import Context
from app.features import presets
from app.features.exports import export_run
from app.features.presets import FIRST
from app.features.replay import MAX_BYTES
from app.request import control_names
from app.server import places as line
from app.server.body import MAX_BODY
from app.server.places import Places
from app.server.stream import PATH, RUN_TYPE, RunStream
from tests.fakes_app import FakePacks, digests, finished, make_recording, new_context, run, set_controls, steps_of

MAX_RUNNING, MAX_WAITING = 2, 5  # in these tests
PATIENCE = 60  # seconds: a test that fails must not hang
NUMBERS = itertools.count()
JSON = ("content-type", "application/json")
FILE = ("content-type", RUN_TYPE)


class Visitor:
    """One request, and what came of it. `takes`: how many frames before the reader stands still; `leave()`: it goes."""

    def __init__(
        self,
        body: bytes = b"{}",
        headers: Sequence[tuple[str, str]] = (JSON,),
        takes: int = 999,
        name: str = "",
        address: str = "10.0.0.1",
    ) -> None:
        name = name or f"visitor-{next(NUMBERS)}"  # each is another one
        self.body, self.headers, self.takes, self.address = body, (*headers, ("x-visitor", name)), takes, address
        self.status, self.said, self.given = 0, b"", False
        self.gone, self.came = asyncio.Event(), asyncio.Event()

    async def asks(self, stream: RunStream) -> Visitor:
        raw = [(name.encode(), value.encode()) for name, value in self.headers]
        client = (self.address, 50_000)
        scope = {"type": "http", "method": "POST", "path": PATH, "headers": raw, "query_string": b"", "client": client}
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
        if self.said:
            self.came.set()
        if len(self.frames) > self.takes:
            await asyncio.Event().wait()

    def leave(self) -> None:
        self.gone.set()

    @property
    def frames(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.splitlines()]


class Halting:
    """Live runs that stand still before their second frame until they are released, in place of the real ones."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.release, self.begun, self.closed = threading.Event(), 0, 0
        monkeypatch.setattr(app.server.stream, "run_lanes", self.run)

    def run(self, context: Context, controls: Any, visitor: str = "") -> Iterator[dict[str, Any]]:
        assert threading.current_thread() is not threading.main_thread()  # it may take its time
        self.begun += 1
        run = context.runs.start("fake", (), controls)
        try:
            for n in range(3):
                yield {"n": n}
                self.release.wait(PATIENCE)
        finally:
            run.end_reason = "done"
            self.closed += 1


@pytest.fixture
def halting(monkeypatch: pytest.MonkeyPatch) -> Halting:
    return Halting(monkeypatch)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The frames of a run that is the recording of the first preset, too."""
    sent = run()
    monkeypatch.setattr(presets, "load_recording", lambda key: make_recording(sent))
    return sent


def answered(test: Callable[[], Any]) -> Any:
    async def in_time() -> Any:
        return await asyncio.wait_for(test(), PATIENCE)

    return asyncio.run(in_time())


def asked(body: Any, *headers: tuple[str, str]) -> Visitor:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    found: Visitor = answered(
        lambda: Visitor(content, headers or (JSON,)).asks(RunStream(new_context(), Places(MAX_RUNNING, MAX_WAITING)))
    )
    return found


def test_what_is_not_said_is_as_the_page_has_it_at_first() -> None:
    visitor = asked({"seed": 3, "steps_1": 4, "steps_2": 2})
    frames = visitor.frames
    assert visitor.status == 200 and {frame["run"] for frame in frames} == {frames[0]["run"]}
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
        ({"third": "\ud800"}, 422, "third"),
        ({"seed": None}, 422, "seed: is empty; give a whole number"),
        ({"count": 0}, 422, "count=0"),
        ({"count": None}, 422, "count=None"),
        ({"count": 2, "seed": -1}, 422, "seed"),
        ({"recorded": "none"}, 422, "no recorded preset"),
        ({"recorded": None}, 422, "no recorded preset"),
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


def test_a_recording_comes_as_it_was_recorded(recorded: list[dict[str, Any]]) -> None:
    frames = asked({"recorded": FIRST}).frames
    assert [frame["kind"] for frame in frames] == [frame["kind"] for frame in recorded]
    assert all(digests(frames, lane) == digests(recorded, lane) != [] for lane in (0, 1))
    assert frames[-1]["why"] == "recorded"


def test_a_file_comes_as_the_run_that_it_was_made_of() -> None:
    context, run_id = finished(third={"lane": 1, "step": 3}, rule_3="critic")
    content = export_run(context, run_id, "json", "all", 0)[1]
    opened = asked(content, FILE)
    assert opened.status == 200 and opened.frames[-1]["why"] == "opened"
    assert opened.frames[0]["ask"] == set_controls(third={"lane": 1, "step": 3}, rule_3="critic")
    kept = context.runs.get(run_id)
    assert kept is not None
    for lane, steps in enumerate(kept.steps):
        assert digests(opened.frames, lane) == [step.digest() for step, _ in steps]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"no json", 422, "not JSON"),
        (b"", 422, "not JSON"),
        (b"{}", 422, "no run of this page"),
        (b'{"format": 1, "lanes": [], "ask": {}}', 422, "lanes"),
        (b"[" * 100_000, 422, "made of lists"),
        (b" " * (MAX_BYTES + 1), 413, str(MAX_BYTES)),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_line(body: bytes, status: int, says: str) -> None:
    visitor = asked(body, FILE)
    assert visitor.status == status and says in visitor.frames[0]["error"] and len(visitor.frames) == 1


def test_a_file_may_be_larger_than_a_request() -> None:
    context, run_id = finished(steps_1=24, steps_2=24)
    content = export_run(context, run_id, "json", "all", 0)[1] + b" " * MAX_BODY
    assert asked(content, FILE).status == 200 and asked(content).status == 413


def test_a_gallery_draws_so_many_pictures_of_each_lane() -> None:
    frames = asked({**set_controls(seed=5), "count": 3}).frames
    assert (frames[0]["kind"], frames[0]["count"], frames[-1]["why"]) == ("begin", 3, "done")
    assert [(one["lane"], one["seed"]) for one in steps_of(frames)] == [(k, 5 + i) for i in range(3) for k in (0, 1)]


def test_others_wait_in_line_and_who_leaves_it_is_forgotten(halting: Halting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "POLL_SECONDS", 0.01)

    async def scene() -> None:
        stream = RunStream(new_context(), Places(MAX_RUNNING, MAX_WAITING))
        first, (patient, hasty) = [Visitor() for _ in range(MAX_RUNNING)], [Visitor(), Visitor()]
        running = [asyncio.create_task(one.asks(stream)) for one in first]
        for one in first:
            await one.came.wait()
        waiting = [asyncio.create_task(one.asks(stream)) for one in (hasty, patient)]
        for one in (hasty, patient):
            await one.came.wait()
        hasty.leave()
        await waiting[0]
        assert halting.begun == MAX_RUNNING and stream.places.waiting == 1
        halting.release.set()
        await asyncio.gather(*running, waiting[1])
        assert [len(steps_in(one)) for one in (*first, patient, hasty)] == [3, 3, 3, 0]
        assert halting.closed == MAX_RUNNING + 1

    answered(scene)


def steps_in(visitor: Visitor) -> list[dict[str, Any]]:
    """What a visitor got of a halting run."""
    return [frame for frame in visitor.frames if "n" in frame]


async def come_when_all_slots_are_taken(halting: Halting) -> tuple[Visitor, list[asyncio.Task[Visitor]]]:
    """Fill all slots, then let one more visitor ask. Returns that visitor, and what to await once the runs go on."""
    stream = RunStream(new_context(), Places(MAX_RUNNING, MAX_WAITING))
    running = [asyncio.create_task(Visitor().asks(stream)) for _ in range(MAX_RUNNING)]
    while halting.begun < MAX_RUNNING:
        await asyncio.sleep(0.01)
    patient = Visitor()
    return patient, [*running, asyncio.create_task(patient.asks(stream))]


def test_who_waits_hears_at_the_first_poll_how_many_run_and_then_no_more_than_needed(
    halting: Halting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "POLL_SECONDS", 0.01)

    async def scene() -> None:
        patient, running = await come_when_all_slots_are_taken(halting)
        await asyncio.wait_for(patient.came.wait(), 5)  # seconds: a busy machine polls late
        assert patient.frames == [{"kind": "waiting", "before": 0, "seconds": None}] and patient.status == 200
        await asyncio.sleep(0.1)  # ten polls
        assert len(patient.frames) == 1, "a line now and then is enough"
        halting.release.set()
        await asyncio.gather(*running)
        assert patient.frames[1:] == [{"n": 0}, {"n": 1}, {"n": 2}]

    answered(scene)


def test_who_waits_long_hears_so_again(halting: Halting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies close a connection that is silent."""
    monkeypatch.setattr(line, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(app.server.stream, "KEEPALIVE_SECONDS", 0.05)

    async def scene() -> None:
        patient, running = await come_when_all_slots_are_taken(halting)
        while len(patient.frames) < 3:
            await asyncio.sleep(0.01)
        assert {frame["kind"] for frame in patient.frames} == {"waiting"}
        halting.release.set()
        await asyncio.gather(*running)
        assert len(steps_in(patient)) == 3

    answered(scene)


def test_a_recording_comes_while_all_slots_are_taken(halting: Halting, recorded: list[dict[str, Any]]) -> None:
    async def scene() -> None:
        stream = RunStream(new_context(), Places(MAX_RUNNING, MAX_WAITING))
        first = [asyncio.create_task(Visitor().asks(stream)) for _ in range(MAX_RUNNING + 1)]  # one of them waits
        while halting.begun < MAX_RUNNING or not stream.places.waiting:
            await asyncio.sleep(0.01)
        visitor = await Visitor(json.dumps({"recorded": FIRST}).encode()).asks(stream)
        assert visitor.frames[0]["kind"] == "begin" and visitor.frames[-1]["why"] == "recorded"
        assert halting.begun == MAX_RUNNING and halting.closed == 0
        halting.release.set()
        await asyncio.gather(*first)

    answered(scene)


def test_what_is_wrong_is_said_before_the_turn_comes() -> None:
    context = new_context()

    async def scene() -> None:
        stream = RunStream(context, Places(0))  # nobody's turn comes
        visitor = await Visitor(b'{"seed": -1}').asks(stream)
        assert visitor.status == 422 and "seed" in visitor.frames[0]["error"]

    answered(scene)


def test_one_visitor_has_few_runs_and_one_address_not_all(halting: Halting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "MAX_OF_ADDRESS", 5)

    async def scene() -> None:
        stream = RunStream(new_context(), Places(20, 0))
        mine = [asyncio.create_task(Visitor(name="one-and-the-same").asks(stream)) for _ in range(line.MAX_OF_VISITOR)]
        while halting.begun < line.MAX_OF_VISITOR:
            await asyncio.sleep(0.01)
        more = await Visitor(name="one-and-the-same").asks(stream)
        assert more.status == 429 and "stop one" in more.frames[0]["error"]
        beside = asyncio.create_task(Visitor().asks(stream))
        while halting.begun < line.MAX_OF_VISITOR + 1:
            await asyncio.sleep(0.01)
        sixth = await Visitor().asks(stream)
        assert sixth.status == 429 and "your address" in sixth.frames[0]["error"]
        elsewhere = asyncio.create_task(Visitor(address="10.0.0.2").asks(stream))
        while halting.begun < line.MAX_OF_VISITOR + 2:
            await asyncio.sleep(0.01)
        halting.release.set()
        assert all(len(steps_in(one)) == 3 for one in await asyncio.gather(*mine, beside, elsewhere))
        again = await Visitor(name="one-and-the-same").asks(stream)
        assert len(steps_in(again)) == 3 and stream.places.running == 0, "a run that has ended does not count"

    answered(scene)


def test_who_waits_is_told_how_long_that_may_take() -> None:
    async def scene() -> None:
        places, heard = Places(1, 5), []
        client = line.Client(visitor="a", address="a")

        async def tell(before: int, seconds: float | None) -> None:
            heard.append((before, seconds))

        async def hold(seconds: float) -> None:
            async with places.take(client, tell):
                await asyncio.sleep(seconds)

        await hold(0.1)
        await hold(0.1)
        await asyncio.gather(*(hold(0.15) for _ in range(3)))
        assert {before for before, _ in heard} == {0, 1} and places.running == 0
        assert all(seconds is not None and 0 < seconds < 5 for _, seconds in heard)

    line_poll, line.POLL_SECONDS = line.POLL_SECONDS, 0.02
    try:
        answered(scene)
    finally:
        line.POLL_SECONDS = line_poll


def test_more_than_can_wait_are_told_so(halting: Halting) -> None:
    async def scene() -> None:
        stream = RunStream(new_context(), Places(MAX_RUNNING, MAX_WAITING))
        tasks = [asyncio.create_task(Visitor().asks(stream)) for _ in range(MAX_RUNNING + MAX_WAITING)]
        while halting.begun < MAX_RUNNING or stream.places.waiting < MAX_WAITING:
            await asyncio.sleep(0.01)
        one_more = await Visitor().asks(stream)
        assert one_more.status == 503 and str(MAX_WAITING) in one_more.frames[0]["error"]
        halting.release.set()
        assert all(len(steps_in(one)) == 3 for one in await asyncio.gather(*tasks))

    answered(scene)


@pytest.mark.parametrize("takes", [-1, 0, None])
def test_a_run_that_nobody_reads_ends_and_lets_others_in(
    takes: int | None, halting: Halting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who takes nothing at all, who takes one frame, and who is gone."""
    monkeypatch.setattr(app.server.stream, "WRITE_TIMEOUT", 0.05)
    halting.release.set()

    async def scene() -> None:
        stream = RunStream(new_context(), Places(MAX_RUNNING, MAX_WAITING))
        for _ in range(MAX_RUNNING + 1):  # more than there are turns
            visitor = Visitor(takes=999 if takes is None else takes)
            task = asyncio.create_task(visitor.asks(stream))
            if takes is None:
                visitor.leave()
            await task
            assert len(visitor.frames) == (1 if takes == 0 else 0)

    answered(scene)
    assert halting.closed == halting.begun == MAX_RUNNING + 1


def test_what_goes_wrong_on_the_way_is_the_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(context: Context, controls: Any, visitor: str) -> Iterator[dict[str, Any]]:
        yield {"n": 0}
        raise ValueError("the third step is not finite")

    monkeypatch.setattr(app.server.stream, "run_lanes", fail)
    visitor = asked({})
    assert visitor.frames == [{"n": 0}, {"kind": "error", "error": "the third step is not finite"}]


def test_a_run_that_is_left_stops_computing() -> None:
    context = new_context()

    async def scene() -> None:
        visitor = Visitor()
        task = asyncio.create_task(visitor.asks(RunStream(context)))
        await visitor.came.wait()
        visitor.leave()
        await task
        run = context.runs.get(visitor.frames[0]["run"])
        assert run is not None and run.end_reason == "stopped" and not run.complete

    answered(scene)
    assert context.runs.active == 0 and FakePacks.worker.submit(lambda: True).result(timeout=PATIENCE)


def test_one_address_cannot_take_all_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "MAX_RUNNING_OF_ADDRESS", 2)
    monkeypatch.setattr(line, "POLL_SECONDS", 0.01)

    async def scene() -> None:
        places, release, entered = Places(3, 5), asyncio.Event(), []

        async def nobody(before: int, seconds: float | None) -> None:
            pass

        async def hold(address: str) -> None:
            async with places.take(line.Client(visitor="", address=address), nobody):
                entered.append(address)
                await release.wait()

        greedy = [asyncio.create_task(hold("a")) for _ in range(4)]
        await asyncio.sleep(0.05)
        other = asyncio.create_task(hold("b"))
        await asyncio.sleep(0.05)
        assert entered == ["a", "a", "b"] and (places.running, places.waiting) == (3, 2)
        release.set()
        await asyncio.gather(*greedy, other)
        assert entered == ["a", "a", "b", "a", "a"] and (places.running, places.waiting) == (0, 0)

    answered(scene)
