"""What tests of the page do with it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from app.tools.browser import PAGE_READY, run_page

PATIENCE = 120_000  # ms that anything may take where others keep the machine busy
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
AT_REST = """() => document.getAnimations().every((one) =>
    one.playState !== "running" || one.effect.getTiming().iterations === Infinity)"""


def luminance(pixels: np.ndarray) -> np.ndarray:
    """Relative luminance of colours (..., 3) from 0 to 255, as WCAG defines it."""
    share = pixels / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    found: np.ndarray = linear @ np.array([0.2126, 0.7152, 0.0722])
    return found


def painted(page: Any) -> None:
    """Wait until all that has been asked for is drawn, and nothing moves any more."""
    page.evaluate(PAINTED)
    page.wait_for_function(AT_REST)


def take(page: Any, step: int) -> None:
    """Show a step, as a hand at the slider does."""
    page.evaluate("(step) => tokenCritic.player.take(step)", step)
    painted(page)


def comes_to(page: Any, script: str, wanted: Any, arg: Any = None) -> None:
    """Wait until the page says this; where it never does, fail with what it says instead."""
    from playwright.sync_api import TimeoutError as TooLate

    same = f"([wanted, arg]) => JSON.stringify(({script})(arg)) === JSON.stringify(wanted)"
    with suppress(TooLate):
        page.wait_for_function(same, arg=[wanted, arg])
    assert page.evaluate(script, arg) == wanted


def forget_refusals(page: Any) -> None:
    """What was wrong was meant to be: the browser notes each answer that refuses."""
    page.problems[:] = [one for one in page.problems if "422" not in one]


def another(page: Any) -> Any:
    """One more page of the same visitor, as patient: with what is in the cache, and recorded runs that stand still."""
    other = page.context.new_page()
    other.emulate_media(reduced_motion="reduce")
    other.set_default_timeout(PATIENCE)
    return other


UNFOLDED = "localStorage.setItem('token-critic-unfolded', '1')"  # before a page opens: its lanes' settings are in sight


def open_phone(page: Any, address: str) -> Any:
    """The page on a phone, in the same browser. Close its context."""
    context = page.context.browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    phone = context.new_page()
    phone.set_default_timeout(PATIENCE)
    phone.goto(address)
    phone.wait_for_function(PAGE_READY)
    return phone


def go_to(page: Any, place: str) -> None:
    """Go to a place by the bar."""
    page.click(f".tc-nav [data-to={place}]")


def open_drawer(page: Any, tab: str) -> None:
    """Open what stands beside the lanes; "" closes it."""
    now = page.evaluate("() => tokenCritic.state.drawer")
    if now != tab:
        page.click(f"[data-drawer={tab or now}]")


def look_at(page: Any, example: str) -> None:
    """Choose a recorded run."""
    page.click("#tc-examples")
    page.click(f"[data-preset={example}]")


def back_to_two_lanes(page: Any) -> None:
    page.click('[data-lane="2"] button:text("Remove this lane")')
    page.wait_for_function("() => !document.documentElement.classList.contains('tc-three')")
    run_page(page)


def at(page: Any, lane: int, panel: str, place: int) -> tuple[float, float]:
    """The middle of a cell on the screen."""
    canvas = page.locator(f'[data-lane="{lane}"] canvas[data-panel="{panel}"]')
    canvas.wait_for()  # until it is laid out
    box = canvas.bounding_box()
    cell = box["width"] / 16
    return box["x"] + (place % 16 + 0.5) * cell, box["y"] + (place // 16 + 0.5) * cell
