"""What tests of the page do with it."""

from __future__ import annotations

from typing import Any

from app.browser import run

PATIENCE = 60_000


def back_to_two_lanes(page: Any) -> None:
    page.click('[data-lane="2"] button:text("Remove this lane")')
    page.wait_for_function("() => !document.documentElement.classList.contains('tc-three')")
    run(page)


def at(page: Any, lane: int, panel: str, place: int) -> tuple[float, float]:
    """The middle of a cell on the screen."""
    box = page.locator(f'[data-lane="{lane}"] canvas[data-panel="{panel}"]').bounding_box()
    cell = box["width"] / 16
    return box["x"] + (place % 16 + 0.5) * cell, box["y"] + (place // 16 + 0.5) * cell
