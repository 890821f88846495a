"""A headless browser for benchmark, pictures and tests: one that is installed, else Playwright's own.

And what they all do with it: serve the page, wait until it is open, press what starts a run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.surroundings import direct, own_folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from app.packs import Packs

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
HOW_TO_GET = "no browser: pip install playwright, and install Chromium or run: python -m playwright install chromium"


# The page is open, and the controls stand as the recorded run had them, where there is one.
SETTLED = """() => {
    const stage = window.tokenCritic?.stage;
    return stage?.planned && (!document.querySelector("[data-preset]") || (stage.run.why === "recorded"
        && stage.shown.lanes[0].settings.seed === stage.planned.lanes[0]?.settings.seed));
}"""
DONE = "(id) => tokenCritic.stage.run.id !== id && !tokenCritic.stage.run.going"


@contextmanager
def served(packs: Packs) -> Iterator[str]:
    """The page's address, while it is served to this machine."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # Gradio reads it when it is imported
    own_folder()
    with direct():
        from app.handlers import Handlers
        from app.main import build, serving
        from launch import free_port

        handlers = Handlers(packs=packs)
        page = build(handlers)
        port = free_port("127.0.0.1", None)
        where = {"server_name": "127.0.0.1", "server_port": port, **serving(handlers)}
        _, address, _ = page.launch(prevent_thread_lock=True, **where)
        try:
            yield address
        finally:
            handlers.runs.close()
            page.close(verbose=False)


@contextmanager
def ran(page: Page) -> Iterator[None]:
    """Around what starts a run: wait for its end."""
    before = page.evaluate("() => tokenCritic.stage.run.id")
    yield
    page.wait_for_function(DONE, arg=before)


def run(page: Page, button: str = "#tc-run") -> None:
    """Press what starts a run, and wait for its end."""
    with ran(page):
        page.click(button)


@contextmanager
def browser() -> Iterator[Browser]:
    """FileNotFoundError with a line that says how to get one, where there is none."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise FileNotFoundError(HOW_TO_GET) from error
    path = next(filter(None, map(shutil.which, INSTALLED)), None)
    with sync_playwright() as playwright:
        try:
            opened = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        except Error as error:
            raise FileNotFoundError(HOW_TO_GET) from error
        try:
            yield opened
        finally:
            opened.close()
