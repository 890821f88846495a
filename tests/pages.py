"""What tests of the page do with it."""

from __future__ import annotations

from typing import Any

PATIENCE = 60_000
# The page is open, and the controls stand as the recorded run had them, where there is one.
SETTLED = """() => {
    const stage = window.tokenCritic?.stage;
    return stage?.planned && (!document.querySelector("[data-preset]") || (stage.run.why === "recorded"
        && stage.shown.lanes[0].settings.seed === stage.planned.lanes[0]?.settings.seed));
}"""


def run(page: Any, button: str = "#tc-run") -> None:
    """Press what starts a run, and wait for its end."""
    before = page.evaluate("() => tokenCritic.stage.run.id")
    page.click(button)
    page.wait_for_function("(id) => tokenCritic.stage.run.id !== id && !tokenCritic.stage.run.going", arg=before)


def back_to_two_lanes(page: Any) -> None:
    page.click('[data-lane="2"] button:text("Remove this lane")')
    page.wait_for_function("() => !document.documentElement.classList.contains('tc-three')")
    run(page)


def at(page: Any, lane: int, panel: str, place: int) -> tuple[float, float]:
    """The middle of a cell on the screen."""
    box = page.locator(f'[data-lane="{lane}"] canvas[data-panel="{panel}"]').bounding_box()
    cell = box["width"] / 16
    return box["x"] + (place % 16 + 0.5) * cell, box["y"] + (place // 16 + 0.5) * cell
