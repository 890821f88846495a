"""What stands before the server: names, origins, routes, sizes, times, rates; and what an error is answered with."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from uvicorn.server import ServerState

from app.server import connections, guard
from app.server.body import MAX_BODY
from app.server.connections import BoundedProtocol
from app.server.guard import Guard, Limits, names_of_machine
from app.server.health import Health
from app.server.stream import RunStream
from tests.fakes_app import new_context

LIMITS = Limits(hosts=names_of_machine("10.0.0.5", ["lab.example", ".edu.example"]), own_paths=frozenset({"/run"}))


async def echo(request: Request) -> Response:
    body = await request.body()
    if body == b"fail":
        raise KeyError("a secret of the server")
    return PlainTextResponse(f"{len(body)} {request.scope['root_path']}", headers={"query": request.url.query})


def client_of(limits: Limits = LIMITS, **how: Any) -> TestClient:
    paths = ("/run", "/", "/gradio_api/run/predict", "/gradio_api/upload")
    app = Starlette(routes=[Route(path, echo, methods=["GET", "POST"]) for path in paths])
    return TestClient(Guard(app, limits), raise_server_exceptions=False, **how)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("testserver", 200),
        ("localhost:7860", 200),
        ("127.0.0.1:7860", 200),
        ("[::1]:7860", 200),
        ("192.168.1.9", 200),
        ("LAB.example", 200),
        ("a.b.edu.example:80", 200),
        ("edu.example", 421),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
def test_only_names_that_are_allowed_are_served_and_all_numbers(host: str, status: int) -> None:
    """A hostile page can let its own name point here (DNS rebinding), but not a number."""
    assert client_of().get("/", headers={"host": host}).status_code == status


def test_a_page_of_another_site_may_look_but_not_touch() -> None:
    client = client_of()
    foreign = {"origin": "http://evil.example"}
    assert client.post("/run", headers=foreign).status_code == 403
    assert client.post("/run", headers={"origin": "http://testserver"}).status_code == 200
    for nowhere in ("null", "file://", "http://["):
        assert client.post("/run", headers={"origin": nowhere}).status_code == 403
    proxied = {"origin": "https://lab.example", "x-forwarded-host": "lab.example, other"}
    assert client.post("/run", headers=proxied).status_code == 200
    answer = client.get("/", headers=foreign)
    assert answer.status_code == 200 and "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        *(
            "upload",
            "upload_progress?upload_id=1",
            "component_server",
            "file=/etc/passwd",
            "proxy=http://x",
            "dev/reload",
        ),
        *("stream/x", "deep_link", "monitoring", "login"),
    ],
)
def test_what_the_page_does_not_use_of_gradio_is_not_there(path: str) -> None:
    assert client_of().post(f"/gradio_api/{path}").status_code == 404


def test_a_body_is_bounded_whether_it_says_its_length_or_not() -> None:
    client = client_of()
    assert client.post("/run", content=b"x" * (MAX_BODY + 1)).status_code == 200, "a run's file may be larger"
    assert client.post("/gradio_api/run/predict", content=b"x" * (MAX_BODY + 1)).status_code == 413
    chunks = (b"x" * 1000 for _ in range(MAX_BODY // 1000 + 1))
    assert client.post("/gradio_api/run/predict", content=chunks).status_code == 413


def test_large_bodies_are_bounded_together_until_they_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_HELD", 3 * MAX_BODY)
    client, content = client_of(), b"x" * 2 * MAX_BODY
    inner: list[tuple[int, int]] = []

    async def hold(request: Request) -> Response:
        await request.body()
        inner.extend((client.post("/run", content=body).status_code, len(body)) for body in (content, b"x"))
        return Response()

    holding = TestClient(Guard(Starlette(routes=[Route("/run", hold, methods=["POST"])]), LIMITS))
    monkeypatch.setattr(holding.app, "counts", client.app.counts)  # type: ignore[attr-defined]
    assert holding.post("/run", content=content).status_code == 200
    assert inner == [(503, len(content)), (200, 1)]
    assert client.post("/run", content=content).status_code == 200
    assert client.post("/run", content=content * 2).status_code == 503


def test_a_slow_body_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)
    sent: list[Any] = []

    async def silent() -> Any:
        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    app = Starlette(routes=[Route("/run", echo, methods=["POST"])])
    scope = {"type": "http", "method": "POST", "path": "/run", "query_string": b"", "client": ("10.0.0.1", 1)}
    scope["headers"] = [(b"host", b"localhost")]
    asyncio.run(asyncio.wait_for(Guard(app, LIMITS)(scope, silent, send), 10))
    assert sent[0]["status"] == 408


def test_posts_of_one_address_are_limited_and_others_are_not_hindered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BURST", 5.0)
    monkeypatch.setattr(guard, "RATE", 0.001)
    client = client_of()
    through = [{"x-forwarded-for": address} for address in ("8.8.8.8", "9.9.9.9")]
    trusting = client_of(Limits(own_paths=frozenset({"/run"}), trusts_proxy=True))
    assert [trusting.post("/run", headers=through[0]).status_code for _ in range(7)] == [200] * 5 + [429] * 2
    assert trusting.post("/run", headers=through[1]).status_code == 200
    assert [client.post("/run", headers=through[i % 2]).status_code for i in range(6)] == [200] * 5 + [429], (
        "who is not trusted cannot say that it is somebody else"
    )
    assert client.get("/").status_code == 200, "who only looks is not counted"


def test_who_asks_is_the_last_that_a_proxy_names_and_a_network_of_ipv6_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BURST", 1.0)
    monkeypatch.setattr(guard, "RATE", 0.001)
    client = client_of(Limits(own_paths=frozenset({"/run"}), trusts_proxy=True))

    def post(*addresses: str) -> int:
        return int(client.post("/run", headers=[("x-forwarded-for", one) for one in addresses]).status_code)

    assert post("6.6.6.1", "203.0.113.9") == 200 and post("6.6.6.2", "203.0.113.9") == 429
    assert post("2001:db8:1:2::1") == 200 and post("2001:db8:1:2::2") == 429 and post("2001:db8:1:3::1") == 200


def test_an_error_is_one_line_and_tells_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    client = client_of()
    for path, status in (("/run", 500), ("/gradio_api/run/predict", 422)):
        answer = client.post(path, content=b"fail")
        assert answer.status_code == status and "secret" not in answer.text and "Traceback" not in answer.text
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == 2 and all("KeyError" in line for line in printed)


def test_an_address_names_no_page_of_gradio_s() -> None:
    """It has one page, and fails with 500 for any other."""
    client = client_of()
    assert client.get("/?page=3&seed=1&rule_1=").headers["query"] == "seed=1&rule_1="
    assert client.get("/?preset=early").headers["query"] == "preset=early"


def test_answers_carry_what_browsers_need_to_be_careful() -> None:
    answer = client_of().get("/")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" not in answer.headers, "it is for pages"


def test_a_proxy_on_this_machine_says_where_the_page_is() -> None:
    prefix = {"x-forwarded-prefix": "/lab/critic/"}
    assert client_of(client=("127.0.0.1", 1)).get("/", headers=prefix).text == "0 /lab/critic"
    assert client_of(client=("10.1.1.1", 1)).get("/", headers=prefix).text == "0 "
    assert client_of(client=("127.0.0.1", 1)).get("/", headers={"x-forwarded-prefix": "//evil"}).text == "0 "


class Raw:
    """A connection of bytes to the page's server."""

    def __init__(self, address: str) -> None:
        self.where = urlsplit(address)
        self.socket = socket.create_connection((self.where.hostname, self.where.port), 30)

    def closed_within(self, seconds: float) -> bool:
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True


@pytest.mark.slow
def test_connections_whose_request_does_not_come_are_closed(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 1.0)
    silent, slow, patient = Raw(address), Raw(address), http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    slow.socket.sendall(b"GET / HTTP/1.1\r\nHost: local")
    patient.request("GET", "/healthz")
    assert patient.getresponse().read()
    assert silent.closed_within(20) and slow.closed_within(20)
    whole = Raw(address)
    whole.socket.sendall(b"POST /plan HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n")
    time.sleep(1.5)  # its head is here: the time for it does not run any more
    whole.socket.sendall(b"{}")
    assert whole.socket.recv(12) == b"HTTP/1.1 415"


@pytest.mark.slow
def test_a_large_answer_is_given_up_only_where_nobody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READ_SECONDS", 1.0)
    content = bytes(4 * 2**20)
    config = uvicorn.Config(Starlette(routes=[Route("/", lambda request: Response(content))]), log_config=None)

    async def visit() -> None:
        loop, state = asyncio.get_running_loop(), ServerState()
        server = await loop.create_server(lambda: BoundedProtocol(config, state, {}), "127.0.0.1", 0)
        server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, connections.SEND_BUFFER)

        async def ask() -> socket.socket:
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)  # its default takes all of it
            one.setblocking(False)
            await loop.sock_connect(one, server.sockets[0].getsockname())
            await loop.sock_sendall(one, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return one

        read, begun = 0, loop.time()
        with await ask() as slow:
            while taken := len(await loop.sock_recv(slow, 2**15)):
                read += taken
                await asyncio.sleep(0.02)
        assert read > len(content) and loop.time() - begun > 2 * connections.READ_SECONDS
        with await ask():
            while not state.connections:
                await asyncio.sleep(0.01)
            while state.connections:
                await asyncio.sleep(0.01)
        server.close()

    asyncio.run(asyncio.wait_for(visit(), 30))


def test_the_page_itself_stands_behind_the_guard(address: str) -> None:
    where = urlsplit(address)

    def ask(method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
        one = http.client.HTTPConnection(where.netloc, timeout=30)
        one.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            one.putheader(name.replace("_", "-"), value)
        if body is not None:
            one.putheader("Content-Length", str(len(body)))
        one.endheaders(body)
        answer = one.getresponse()
        return answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}

    status, page, headers = ask("GET", "/")
    assert status == 200 and "frame-ancestors 'self'" in headers["content-security-policy"]
    assert ask("GET", "/", Host="evil.example")[0] == 421
    assert ask("GET", "/config", Origin="http://evil.example")[2].get("access-control-allow-origin") is None
    asked: list[tuple[str, Any]] = [
        ("queue/join", {"fn_index": 99, "data": [], "session_hash": "x"}),
        ("run/predict", {"fn_index": 99, "data": [], "session_hash": "x"}),
        ("run/predict", {"data": None}),
        ("run/nothing", {"data": []}),
        ("call/nothing", {"data": []}),
    ]
    for path, body in asked:
        status, text, _ = ask("POST", f"/gradio_api/{path}", json.dumps(body).encode(), Content_Type="application/json")
        assert 400 <= status < 500 and "Traceback" not in text and "site-packages" not in text, path
    status, page, _ = ask("GET", "/config", X_Forwarded_Prefix="/lab", X_Forwarded_Host="hall.example")
    assert json.loads(page)["root"] == "http://hall.example/lab"
    assert ask("GET", "/healthz")[1] == '{"status": "ok"}' and ask("POST", "/healthz")[0] == 405


def test_figures_are_shown_where_that_was_asked_for() -> None:
    context = new_context()
    app = Starlette()
    silent, open_ = (Health(context, RunStream(context), shows=shows) for shows in (False, True))
    assert TestClient(silent.wrap(app)).get("/metrics").status_code == 404
    text = TestClient(open_.wrap(app)).get("/metrics").text
    figures = dict(line.split() for line in text.splitlines() if line[0] != "#")
    assert figures["token_critic_runs_running"] == "0" and float(figures["token_critic_resident_bytes"]) > 1e7
    assert text.count("# TYPE") == len(figures), "each with its type and help, as Prometheus reads them"


def test_page_and_server_say_the_same_limit_of_a_run_s_file() -> None:
    root = Path(__file__).resolve().parent.parent
    script = (root / "assets" / "js" / "features" / "files.js").read_text(encoding="utf-8")
    factor, power = re.findall(r"MOST_BYTES = (\d+) \* 2 \*\* (\d+);", script)[0]
    assert int(factor) * 2 ** int(power) == guard.LARGE_BODIES["/run"]
