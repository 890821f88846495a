"""Questions to the server, and files from it, over HTTP: each is answered; what is wrong gets one line and no 5xx."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.context import Context
from app.features.compare import run_lanes
from app.features.exports import EXPORTS, SCALES, export_run
from app.features.gallery import draw_gallery
from app.features.settings import complete_controls, open_link, resolve_controls
from app.frames import to_data_url
from app.packs import Packs
from app.server import endpoints
from app.server.body import LARGE_BODIES, MAX_BODY
from app.server.endpoints import QUESTIONS, endpoint_routes
from engine.session import available_packs
from tests.fakes_app import FakePacks, new_context, run, set_controls, unpack
from tests.tiny import make_whole_pack

JSON = {"content-type": "application/json"}
GRID, N = 4, 16  # of the tiny pack
PICTURE = to_data_url(np.full((20, 20, 3), 200, np.uint8))
GOOD: dict[str, dict[str, Any]] = {  # a question that each endpoint answers on any server
    "plan": {"controls": {"seed": 4}, "changed": ["seed"], "offered": "fake"},
    "linked": {"query": {"seed": "4"}},
    "stop": {"run": "none"},
    "patches": {"pack": "fake"},
    "score": {"run": "none", "lane": 0},
    "nearest": {"run": "none"},
    "deal": {"pack": "none", "seed": 0, "fraction": 0.5},
    "results": {"pack": "fake"},
    "look": {"pack": "none", "label": "cat", "url": PICTURE},
    "decode": {"pack": "fake", "tokens": [0] * 64},
    "lesson": {"name": "greedy", "text": "", "language": "en"},
}
WRONG = [None, True, 3, -1e9, "x", "\ud800", [], [[]], {}, {"a": [1]}]


def client_of(context: Context) -> TestClient:
    return TestClient(Starlette(routes=endpoint_routes(context)), raise_server_exceptions=False)


class WithRecordings(FakePacks):
    names = (*FakePacks.names, "emoji")  # the pack whose recordings lessons show


@pytest.fixture
def client() -> TestClient:
    return client_of(new_context(WithRecordings()))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A server with a whole pack of real, tiny networks."""
    path = make_whole_pack(tmp_path_factory.mktemp("packs") / "tiny").path
    return Context(packs=Packs(path, threads=1, others=[]))


def ask(client: TestClient, name: str, given: Any) -> Any:
    """The answer to a question that is right."""
    found = client.post(f"/{name}", json=given)
    assert found.status_code == 200 and found.headers["content-type"] == "application/json", found.text
    return found.json()


def refusal(found: Any, *statuses: int) -> str:
    """The line of an answer that refuses."""
    assert found.status_code in statuses, (found.status_code, found.text[:300])
    (line,) = found.json().values()
    assert list(found.json()) == ["error"] and line and "\n" not in line and len(line) <= 301
    return str(line)


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.mark.parametrize(("waits_for", "answered"), [("/look", "/plan"), ("/export", "/plan"), ("/plan", "/stop")])
def test_who_asks_something_quick_does_not_wait_for_what_is_slow(
    waits_for: str, answered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, begun = threading.Event(), threading.Semaphore(0)

    def hold(*_: Any, **__: Any) -> Any:
        begun.release()
        assert go_on.wait(30)
        return {} if waits_for != "/export" else ("name", b"")

    monkeypatch.setitem(QUESTIONS, waits_for[1:], hold)
    monkeypatch.setattr(endpoints, "export_run", hold)

    async def visit() -> None:
        transport = httpx.ASGITransport(Starlette(routes=endpoint_routes(new_context())))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            how = {"method": "GET"} if waits_for == "/export" else {"method": "POST", "json": {}}
            held = [asyncio.create_task(client.request(url=waits_for, **how)) for _ in range(endpoints.MAX_AT_ONCE)]
            for _ in held:
                await asyncio.to_thread(begun.acquire)
            try:
                found = await asyncio.wait_for(client.post(answered, json=GOOD[answered[1:]]), 10)
            finally:
                go_on.set()
                await asyncio.gather(*held)
            assert found.status_code == 200

    asyncio.run(visit())


def test_every_question_is_tested_here() -> None:
    assert GOOD.keys() == QUESTIONS.keys(), "add to GOOD what a new question is asked with"


def test_what_the_controls_would_run_is_answered(client: TestClient) -> None:
    controls = set_controls(pack="poor", label="sun")
    found = ask(client, "plan", {"controls": controls, "changed": ["pack", "label"], "offered": "fake"})
    assert found == as_json(resolve_controls(new_context(), controls, ["pack", "label"], "fake"))
    assert found["choices"]["label"] == [["moon", "data:moon"], ["sun", "data:sun"]]
    assert ask(client, "plan", {"controls": {}})["controls"] == complete_controls(new_context(), {})


def test_what_an_address_asks_for_is_answered(client: TestClient) -> None:
    query = {"version": "2", "seed": "7", "label": '"dog"', "noise_K_2": "0."}
    found = ask(client, "linked", {"query": query, "offered": "fake"})
    assert found == as_json(open_link(new_context(), query, "fake")) and found["controls"]["seed"] == 7


def test_a_run_is_stopped_by_its_id() -> None:
    context = new_context()
    going = context.runs.start("fake", (), {})
    assert ask(client_of(context), "stop", {"run": going.id}) == {"stopped": True}
    assert going.stop_reason == "stopped"
    assert ask(client_of(context), "stop", {"run": "none"}) == {"stopped": False}


def test_tokens_are_seen_and_a_run_is_scored() -> None:
    context = new_context()
    client, run_id = client_of(context), run(context)[-1]["run"]
    assert ask(client, "patches", {"pack": "poor"}) == {"sheet": "data:poor", "side": 4, "across": 32, "codes": 8}
    assert ask(client, "patches", {"pack": "none"}) == {}
    assert ask(client, "score", {"run": run_id, "lane": 1})["mean"] == pytest.approx(0.75)
    assert ask(client, "score", {"run": run_id, "lane": 2}) == {}


def test_the_nearest_training_pictures_are_answered(tiny: Context) -> None:
    *_, last = draw_gallery(tiny, 2, complete_controls(tiny, {"steps_1": 2, "steps_2": 2}))
    found = ask(client_of(tiny), "nearest", {"run": last["run"]})
    assert [len(lane) for lane in found["distances"]] == [2, 2]
    run = tiny.runs.get(last["run"])
    assert run is not None
    store = tiny.packs.session("tiny").pack.pictures()
    train = store.read(store.indices("train")).astype(np.float64)
    for pictures, distances, nearest in zip(run.pictures, found["distances"], found["nearest"], strict=True):
        for drawn, distance, which in zip(pictures, distances, nearest, strict=True):
            all_of_them = np.sqrt(((train - drawn) ** 2).mean((1, 2, 3)))
            assert distance == pytest.approx(all_of_them.min(), abs=0.01)
            content = base64.b64decode(found["pictures"][which].removeprefix("data:image/webp;base64,"))
            shown = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), np.float64)
            assert len(content) < 8000 and np.abs(shown - train[all_of_them.argmin()]).mean() < 40


def test_a_round_of_the_game_is_dealt_and_only_tokens_that_differ_are_fakes(tiny: Context) -> None:
    client = client_of(tiny)
    for seed in range(4):
        found = ask(client, "deal", {"pack": "tiny", "seed": seed, "fraction": 0.5})
        fakes = unpack(found, "fake", "u1")
        assert found["grid"] == GRID and len(fakes) == N == len(unpack(found, "scores", "<f4"))
        assert fakes.sum() + found["same"] == N / 2, "what was sampled is a fake, or came out as the real one"
        assert found["filled"].startswith("data:image/png") and found["real"].startswith("data:image/png")
        assert ask(client, "deal", {"pack": "tiny", "seed": seed, "fraction": 0.5}) == found
    for wrong in ({"seed": -1}, {"seed": None}, {"fraction": 1.0}, {"fraction": "x"}, {"fraction": 2}, {"pack": "x"}):
        assert list(ask(client, "deal", {"pack": "tiny", "seed": 0, "fraction": 0.5, **wrong})) == ["wrong"]


def test_a_picture_of_ones_own_is_looked_at(tiny: Context) -> None:
    client = client_of(tiny)
    found = ask(client, "look", {"pack": "tiny", "label": "bars", "url": PICTURE})
    assert found["label"] == "bars" and len(found["tokens"]) == N and found["shown"].startswith("data:image/png")
    assert list(ask(client, "look", {"pack": "tiny", "label": "bars", "url": "data:,x"})) == ["wrong"]


def test_tokens_that_were_swapped_by_hand_are_painted(tiny: Context) -> None:
    client, session = client_of(tiny), tiny.packs.session("tiny")
    most, tokens = session.tokenizer_config.codes - 1, [1] * N
    found = ask(client, "decode", {"pack": "tiny", "tokens": tokens})
    assert found == {"picture": to_data_url(session.decode(np.array([tokens]))[0])}
    for code in (-1, most + 1, 10**30):
        wrong = client.post("/decode", json={"pack": "tiny", "tokens": [code, *tokens[1:]]})
        assert f"from 0 to {most}" in refusal(wrong, 422)
    for wrong in (tokens[1:], [True, *tokens[1:]], [1.5, *tokens[1:]], [[1] * N]):
        assert "expected a list" in refusal(client.post("/decode", json={"pack": "tiny", "tokens": wrong}), 422)


@pytest.mark.slow
@pytest.mark.parametrize("name", available_packs())
def test_what_the_page_asks_is_answered_for_each_shipped_pack(name: str) -> None:
    context = Context(packs=Packs(name, others=[]))
    client, session = client_of(context), context.packs.session(name)
    label, pictures = session.classes[-1], session.pack.pictures()
    controls = complete_controls(context, {"pack": name, "label": label, "steps_1": 2, "steps_2": 2})
    *_, ran = run_lanes(context, controls)
    *_, drawn = draw_gallery(context, 2, controls)
    assert ask(client, "patches", {"pack": name})["codes"] == session.tokenizer_config.codes
    assert 0 < ask(client, "score", {"run": ran["run"], "lane": 1})["mean"] < 1
    assert np.shape(ask(client, "nearest", {"run": drawn["run"]})["distances"]) == (2, 2)
    assert ask(client, "deal", {"pack": name, "seed": 0, "fraction": 0.5})["grid"] == session.tokenizer_config.grid
    own = pictures.indices(pictures.held_out[0])[-1:]  # as if it were a visitor's
    looked = ask(client, "look", {"pack": name, "label": label, "url": to_data_url(pictures.read(own)[0])})
    assert looked["tokens"] == session.encode(pictures.read(own))[0].tolist()
    assert ask(client, "decode", {"pack": name, "tokens": looked["tokens"]})["picture"] == looked["shown"]
    assert len(ask(client, "results", {"pack": name})["charts"]) > 5


@pytest.mark.parametrize("name", list(GOOD))
def test_each_question_is_answered_and_only_with_its_own_arguments(client: TestClient, name: str) -> None:
    given = GOOD[name]
    ask(client, name, given)
    assert "'more'" in refusal(client.post(f"/{name}", json={**given, "more": 1}), 422)
    for key in ("context", "self"):
        refusal(client.post(f"/{name}", json={**given, key: 1}), 422)
    first = next(iter(given))
    assert f"'{first}'" in refusal(client.post(f"/{name}", json={k: v for k, v in given.items() if k != first}), 422)
    assert client.get(f"/{name}").status_code == 405


@pytest.mark.parametrize("name", list(GOOD))
def test_a_value_of_any_kind_is_answered_or_refused_in_a_line(tiny: Context, name: str) -> None:
    client, given = client_of(tiny), GOOD[name]
    if "pack" in given:  # one that this server has, or each is refused for it before another value is looked at
        given = {**given, "pack": "tiny"}
    for key in given:
        for value in WRONG:
            found = client.post(f"/{name}", content=json.dumps({**given, key: value}), headers=JSON)
            if found.status_code != 200:
                refusal(found, 422)
            elif "wrong" in found.json():
                assert "\n" not in found.json()["wrong"]


def nested(depth: int) -> bytes:
    return b'{"controls": {"third": ' + b"[" * depth + b"]" * depth + b"}}"


@pytest.mark.parametrize("key", ["pack", "label", "seed", "third", "rule_1", "steps_2", "noise_K_1", "schedule_2"])
def test_a_control_of_any_kind_is_planned_or_refused_in_a_line(client: TestClient, key: str) -> None:
    for value in (*WRONG, float("nan"), float("inf"), 10**400):
        for changed in ([], [key]):
            body = json.dumps({"controls": {**set_controls(), key: value}, "changed": changed})
            found = client.post("/plan", content=body, headers=JSON)
            if found.status_code != 200:
                refusal(found, 422)
            else:
                assert "\n" not in found.json()["plan"]["wrong"]


@pytest.mark.parametrize("name", list(GOOD))
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"no json", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[1]", "JSON object"),
        (b"null", "JSON object"),
        (b'"x"', "JSON object"),
        (b'{"run": 1' + b"1" * 5000 + b"}", "no JSON"),
    ],
)
def test_what_is_no_json_object_is_refused_in_a_line(client: TestClient, name: str, body: bytes, says: str) -> None:
    assert says in refusal(client.post(f"/{name}", content=body, headers=JSON), 422)


@pytest.mark.parametrize("depth", [100, 400, 800, 900, 950, 990, 5000])
def test_json_of_any_depth_is_answered_or_refused_in_a_line(client: TestClient, depth: int) -> None:
    found = client.post("/plan", content=nested(depth), headers=JSON)
    if found.status_code != 200:
        refusal(found, 422)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_page_of_another_host_cannot_ask(client: TestClient, kind: str) -> None:
    """A form sends these; JSON makes the browser ask first."""
    for name, given in GOOD.items():
        found = client.post(f"/{name}", content=json.dumps(given), headers={"content-type": kind})
        assert "application/json" in refusal(found, 415)
        typed = {"content-type": "application/json; charset=utf-8"}
        assert client.post(f"/{name}", content=json.dumps(given), headers=typed).status_code == 200


@pytest.mark.parametrize("name", list(GOOD))
def test_a_body_that_is_too_large_is_refused(client: TestClient, name: str) -> None:
    most = LARGE_BODIES.get(f"/{name}", MAX_BODY)
    padded = json.dumps(GOOD[name]).encode().ljust(most)
    assert client.post(f"/{name}", content=padded, headers=JSON).status_code == 200
    assert str(most) in refusal(client.post(f"/{name}", content=padded + b" ", headers=JSON), 413)


def test_a_client_that_leaves_while_it_asks_is_no_error_of_the_server() -> None:
    async def leave(context: Context) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/plan", "headers": headers, "query_string": b""}
        await Starlette(routes=endpoint_routes(context))(scope, receive, send)
        return sent

    assert asyncio.run(leave(new_context()))[0]["status"] == 400


@pytest.fixture(scope="module")
def kept() -> Iterator[tuple[Context, TestClient, str]]:
    """A server with a run that is done."""
    context = new_context()
    yield context, client_of(context), run(context)[-1]["run"]


@pytest.mark.parametrize("kind", list(EXPORTS))
def test_a_file_has_its_name_and_its_media_type(kept: tuple[Context, TestClient, str], kind: str) -> None:
    context, client, run_id = kept
    found = client.get("/export", params={"run": run_id, "kind": kind, "lanes": "2", "at": "3"})
    assert found.status_code == 200 and found.headers["content-type"].partition(";")[0] == EXPORTS[kind].media_type
    assert found.headers["content-disposition"] == f'attachment; filename="token-critic-cat-3.{EXPORTS[kind].suffix}"'
    assert found.headers["cache-control"] == "no-store"
    if kind not in ("pdf", "svg", "worksheet", "answers"):  # these hold the time at which they were made
        assert found.content == export_run(context, run_id, kind, "2", 3)[1]


def test_a_sheet_has_the_scale_that_is_asked_for(kept: tuple[Context, TestClient, str]) -> None:
    context, client, run_id = kept
    for scale in SCALES:
        found = client.get("/export", params={"run": run_id, "kind": "png", "scale": scale})
        assert found.content == export_run(context, run_id, "png", "all", 0, scale)[1]


def test_what_is_not_said_of_a_file_is_all_lanes_as_json(kept: tuple[Context, TestClient, str]) -> None:
    context, client, run_id = kept
    found = client.get("/export", params={"run": run_id})
    assert found.content == export_run(context, run_id, "json", "all", 0)[1]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"run": "none"}, "press Run"),
        ({"run": ""}, "press Run"),
        ({"kind": "exe"}, "unknown file 'exe'"),
        ({"kind": ""}, "unknown file"),
        ({"lanes": "4"}, "lanes='4'"),
        ({"lanes": "\u200b"}, "lanes="),
        ({"kind": "png", "scale": "3"}, "scale='3'"),
        ({"at": "9" * 5000}, ""),
    ],
)
def test_a_file_that_cannot_be_made_is_refused_in_a_line(
    kept: tuple[Context, TestClient, str], query: dict[str, str], says: str
) -> None:
    _, client, run_id = kept
    assert says in refusal(client.get("/export", params={"run": run_id, **query}), 422)


@pytest.mark.parametrize("at", ["-1", "999", "x", "", "1.5", "²"])
def test_a_place_of_the_playhead_that_is_none_gives_the_nearest_step(
    kept: tuple[Context, TestClient, str], at: str
) -> None:
    _, client, run_id = kept
    assert client.get("/export", params={"run": run_id, "kind": "svg", "at": at}).status_code == 200
