"""The front end's modules over HTTP: all of them, compressed, kept for ever under their hash, named by the page."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from gradio.i18n import I18nData
from httpx import Client
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app import assets
from app.assets import modules, modules_path, mount_script
from app.context import Context
from app.features.page import describe_page
from app.main import build
from app.packs import Packs
from app.request import control_names
from app.server.modules import EarlyStart, module_route
from app.tools.browser import serve_page
from tests.fakes_app import new_context
from tests.pages import PATIENCE
from tests.tiny import make_whole_pack

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted(file.relative_to(ROOT / "assets" / "js").as_posix() for file in (ROOT / "assets" / "js").rglob("*.js"))
MAX_TRANSFERRED = 100_000  # bytes of the page's own JavaScript, compressed
MAX_HEADERS = 4000  # bytes of all that the page is answered with; a proxy takes 4 KB
CONFIG = {"words": {"run": "Los ▶"}, "names": ["seed"]}
PLAIN = {"accept-encoding": "identity"}


@pytest.fixture(scope="module")
def client() -> TestClient:
    routes = [
        module_route({"en": CONFIG}),
        Route("/", lambda request: HTMLResponse("<head></head><p>")),
        Route("/plain", lambda request: JSONResponse({})),
    ]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(EarlyStart)]))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of the page itself as it is launched, with a tiny pack."""
    path = make_whole_pack(tmp_path_factory.mktemp("packs") / "tiny").path
    with (
        serve_page(Packs(path, threads=1, others=[])) as address,
        Client(base_url=address, trust_env=False, timeout=PATIENCE / 1000) as client,
    ):
        yield client


def transferred(client: TestClient, path: str) -> int:
    """Bytes of a module as a browser gets it."""
    with client.stream("GET", f"/{modules_path()}/{path}", headers={"accept-encoding": "gzip, br"}) as found:
        return len(b"".join(found.iter_raw()))


@pytest.mark.parametrize("path", SCRIPTS)
def test_every_module_is_served_as_it_stands_and_kept_for_ever(client: TestClient, path: str) -> None:
    content = (ROOT / "assets" / "js" / path).read_bytes()
    for headers, encoding in (
        (PLAIN, None),
        ({"accept-encoding": "gzip"}, "gzip"),
        ({"accept-encoding": "gzip, br"}, "br"),
    ):
        found = client.get(f"/{modules_path()}/{path}", headers=headers)
        assert found.status_code == 200 and found.content == content
        assert found.headers["content-type"].partition(";")[0] == "text/javascript"
        assert {"immutable", "max-age=31536000", "public"} <= set(found.headers["cache-control"].split(", "))
        assert found.headers.get("content-encoding") == encoding
        assert found.headers["vary"] == "accept-encoding" and found.headers["x-content-type-options"] == "nosniff"


def test_all_modules_together_are_small(client: TestClient) -> None:
    sizes = {path: transferred(client, path) for path in SCRIPTS}
    assert sizes.keys() == modules().keys() and sum(sizes.values()) < MAX_TRANSFERRED, sizes
    assert all(size <= len(gzip.compress(modules()[path])) for path, size in sizes.items())


def test_the_path_changes_with_any_module(monkeypatch: pytest.MonkeyPatch) -> None:
    before = modules_path()
    for changed in (
        {**modules(), "main.js": modules()["main.js"] + b"\n"},
        {path: text for path, text in modules().items() if path != "store.js"},
        {("shop.js" if path == "store.js" else path): text for path, text in modules().items()},
    ):
        monkeypatch.setattr(assets, "modules", lambda changed=changed: changed)
        assert modules_path.__wrapped__() != before
    monkeypatch.undo()
    assert modules_path.__wrapped__() == before


@pytest.mark.parametrize(
    "path",
    [
        f"/{modules_path()}/none.js",
        f"/{modules_path()}/",
        f"/{modules_path()}/store",
        f"/{modules_path()}/../../app/main.py",
        f"/{modules_path()}/stage/../main.js",
        f"/{modules_path()}/../js/main.js",
        f"/{modules_path()}//main.js",
        f"/{modules_path()}/{ROOT}/assets/js/main.js",
        "/modules/0123456789abcdef/main.js",
        "/modules/main.js",
        "/modules/",
    ],
)
def test_what_is_no_module_is_not_found(client: TestClient, path: str) -> None:
    assert status_of(client, path) == 404


def status_of(client: TestClient, path: str) -> int:
    """The status that exactly this path gets: a client of HTTP would resolve `..` itself."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "root_path": ""}
    asyncio.run(client.app(scope, receive, send))  # type: ignore[arg-type]
    return statuses[0]


def test_the_config_is_asked_for_anew_each_time(client: TestClient) -> None:
    found = client.get(f"/{modules_path()}/config.en.json")
    assert found.headers["cache-control"] == "no-cache" and found.headers["content-type"] == "application/json"
    assert found.json() == CONFIG and "▶".encode() in found.content
    assert "config.en.json" not in modules(), "a module of this name would never be served"


def test_the_page_s_head_begins_with_links_to_all_modules(client: TestClient) -> None:
    links = "".join(f'<link rel="modulepreload" href="{modules_path()}/{path}">' for path in SCRIPTS)
    opened = client.get("/")
    assert opened.text.startswith(f"<head>{links}<script>")
    assert int(opened.headers["content-length"]) == len(opened.content)
    assert "modulepreload" not in client.get("/plain").text


def test_a_component_imports_what_is_served_wherever_the_page_is() -> None:
    script = mount_script("choice", {"name": "Größe", "choices": [["a", "b"]]})
    assert f'"{modules_path()}/main.js"' in script and "location.pathname" in script
    (given,) = re.findall(r'decodeURIComponent\("(.+?)"\)', script)
    assert 'mount("choice", {' in script
    assert json.loads(unquote(given)) == {"name": "Größe", "choices": [["a", "b"]]} and "choices" not in script.replace(
        given, ""
    )


def test_the_page_is_described_in_plain_values() -> None:
    found = describe_page(new_context())
    assert json.loads(json.dumps(found, allow_nan=False)).keys() == found.keys()
    assert found["names"] == control_names() == list(found["controls"])
    assert found["offered"] == "fake" and found["opens_with"] == "", "nothing was recorded with these weights"
    assert found["visible"]["choice_temperature_1"] and not found["visible"]["noise_K_1"]


def test_the_page_itself_serves_its_modules_its_questions_and_its_runs(page: Client) -> None:
    opened = page.get("/")
    assert opened.status_code == 200 and opened.headers["content-type"].startswith("text/html")
    assert all(f'<link rel="modulepreload" href="{modules_path()}/{path}">' in opened.text for path in SCRIPTS)
    assert sum(len(name) + len(value) + 4 for name, value in opened.headers.raw) < MAX_HEADERS
    assert page.get(f"/{modules_path()}/main.js", headers=PLAIN).content == modules()["main.js"]
    assert page.get(f"/{modules_path()}/config.en.json").json()["offered"] == "tiny"
    for path in (f"/{modules_path()}/none.js", "/modules/0123456789abcdef/main.js", "/modules/main.js"):
        assert page.get(path).status_code == 404
    planned = page.post("/plan", json={"controls": {}, "offered": "tiny"}).json()
    assert [lane["steps"] for lane in planned["plan"]["lanes"]] == [18, 18]
    lines = page.post("/run", json={"steps_1": 2, "steps_2": 1, "pack": "tiny"}).text.splitlines()
    last = json.loads(lines[-1])
    assert last["why"] == "done" and page.get("/export", params={"run": last["run"]}).status_code == 200


def test_what_gradio_keeps_of_the_components_is_plain() -> None:
    """It copies all of it for each visitor. A word quoted in a component's script would become a listener there."""
    config = build(Context(packs=Packs("emoji", threads=1, others=[]))).get_config_file()
    assert json.loads(json.dumps(config["components"], allow_nan=False, default=I18nData.to_dict))
