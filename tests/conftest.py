"""The shipped pack, opened once, and the page in a real browser.

TOKEN_CRITIC_PACK names another pack, TOKEN_CRITIC_THREADS another number of threads than there are cores.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from app.packs import Packs
from app.server.environment import use_private_folder
from app.tools.browser import PAGE_READY, open_browser, run_page, serve_page
from engine import device
from engine.session import Session
from engine.train import probe
from tests.pages import PATIENCE, UNFOLDED
from tests.tiny import make_whole_pack

PLANNED = """([seed, label]) => {
    const { settings } = tokenCritic.state.planned.lanes[0];
    return settings.seed === seed && settings.label === label;
}"""
use_private_folder()  # before any test imports Gradio, which also looks for proxies then
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "*"
share = max(1, device.cores() // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)))  # each worker's, of the cores
threads = int(os.environ.get("TOKEN_CRITIC_THREADS", share))
device.cores = lambda: threads
PACK = os.environ.get("TOKEN_CRITIC_PACK", "emoji")
assert probe.SECONDS > 0.01, "each training of a test measures the machine for so long"
probe.SECONDS = 0.01


@pytest.fixture(scope="session")
def session() -> Session:
    return Session.open(PACK, device="cpu")


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Packs:
    return Packs(PACK, others=[make_whole_pack(tmp_path_factory.mktemp("packs") / "tiny").path])


@pytest.fixture(scope="session")
def address(packs: Packs) -> Iterator[str]:
    with serve_page(packs) as address:
        yield address


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser, so that `-m "not browser"` leaves it out. Files of many long tests come first.

    So no worker begins a long file when the others have nothing left. Long are those in a browser, and the slow ones.
    """
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    marked = ("browser", "slow")
    long = Counter(item.path for item in items if any(item.get_closest_marker(one) for one in marked))
    items.sort(key=lambda item: -long[item.path])  # those of a file stay together, in their order


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    pytest.importorskip("playwright.sync_api")
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(address: str, packs: Packs, browser: Any) -> Any:
    """One page for all tests here, after its first run; `problems` gathers what must not happen."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(PATIENCE)
    page.problems = []
    page.add_init_script(UNFOLDED)
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda r: page.problems.append(r.url) if _foreign(r.url, address) else None)
    page.goto(address)
    page.wait_for_function(PAGE_READY)
    page.check(".tc-chip input >> nth=0")  # the recorded run that the page opens with has another class and seed
    page.fill(".tc-seed input", "0")
    page.keyboard.press("Tab")
    first = packs.session(packs.first).classes[0]
    page.wait_for_function(PLANNED, arg=[0, first])
    run_page(page)
    return page


def _foreign(url: str, address: str) -> bool:
    return not url.startswith((address, "data:", "blob:"))
