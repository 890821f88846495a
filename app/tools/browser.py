"""Serve the page and drive it in a headless browser, for the benchmark, the screenshots and the tests.

The browser is an installed one, else Playwright's own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from app.server.environment import bypass_proxies, use_private_folder

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


# Gradio has made the page, and its controls are those of the recorded run, where there is one.
PAGE_READY = """() => {
    const state = window.tokenCritic?.state, seed = document.querySelector(".tc-seed input");
    const offers = [...document.querySelectorAll("[data-preset]")].some((one) => !one.parentElement.hidden);
    return document.querySelector("#tc-run") && state?.planned && (!offers || state.run.why === "recorded")
        && !state.run.going // the menu of recorded runs may come after the first lines of one
        && Number(seed?.value) === state.controls.seed;
}"""
POLL_MS = 50  # by default at every frame, which costs the machine that the run is on
RUN_DONE = "(id) => tokenCritic.state.run.id !== id && !tokenCritic.state.run.going"


@contextmanager
def serve_page(packs: Packs) -> Iterator[str]:
    """Serve the page to this machine inside the block. Yields its address."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # Gradio reads it when it is imported
    use_private_folder()
    with bypass_proxies():
        from app.context import Context
        from app.main import build, launch
        from launch import free_port

        context = Context(packs=packs)
        page = build(context)
        address, _ = launch(page, context, partial(free_port, "127.0.0.1", None), metrics=True, server_name="127.0.0.1")
        try:
            yield address
        finally:
            context.runs.close()
            page.close(verbose=False)


@contextmanager
def wait_for_run(page: Page) -> Iterator[None]:
    """Start a run inside the block. The block ends when the run does."""
    before = page.evaluate("() => tokenCritic.state.run.id")
    yield
    page.wait_for_function(RUN_DONE, arg=before, polling=POLL_MS)


def run_page(page: Page, button: str = "#tc-run") -> None:
    """Press a button that starts a run, and wait for its end."""
    with wait_for_run(page):
        page.click(button)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Open a browser. Raises FileNotFoundError that says how to get one, where there is none."""
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
