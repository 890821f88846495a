"""A headless browser for the benchmark and the tests: one that is installed, else Playwright's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
