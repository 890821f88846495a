"""The places of the page in a real browser: address, back, reload, deep link, keys, touch; and the drawer."""

from __future__ import annotations

from typing import Any

import pytest

from app.text.words import ENGLISH, words
from app.tools.browser import PAGE_READY
from tests.pages import PATIENCE, another, comes_to, go_to, open_drawer, open_phone, painted, take

pytest.importorskip("playwright.sync_api")
NAMES: dict[str, str] = words(ENGLISH)["places"]["names"]
SHOWN = """() => [...document.querySelectorAll("#tc-stage, .tc-place")].filter((one) => one.checkVisibility())
    .map((one) => one.id)"""


def view_of(place: str) -> list[str]:
    return ["tc-stage"] if place == "compare" else [f"tc-{place}"]


def test_each_place_has_an_address_and_back_leads_back(page: Any, address: str) -> None:
    run = page.evaluate("() => tokenCritic.state.run.id")
    take(page, 7)
    for place in [*NAMES][1:]:
        go_to(page, place)
        comes_to(page, SHOWN, view_of(place))
        assert f"place={place}" in page.url and page.title().startswith(NAMES[place])
        assert page.locator(".tc-nav [aria-current=page]").inner_text() == NAMES[place]
    for place in reversed([*NAMES][:-1]):
        page.go_back()
        comes_to(page, SHOWN, view_of(place))
    kept = page.evaluate("() => [tokenCritic.state.run.id, tokenCritic.state.playhead.at]")
    assert kept == [run, 7], "the run on the stage was left as it was"
    assert page.problems == []


def test_a_place_is_opened_by_its_address_and_by_reloading_it(page: Any, address: str) -> None:
    other = another(page)
    for place in ("results", "use", "nowhere"):
        other.goto(f"{address}?place={place}")
        other.wait_for_function(PAGE_READY)
        comes_to(other, SHOWN, view_of(place if place in NAMES else "compare"))
        if place == "results":  # the reports may be there before the part of the page that draws them
            other.wait_for_selector("#tc-results .js-plotly-plot .point")
    other.goto(f"{address}?place=gallery")
    other.wait_for_function(PAGE_READY)
    other.reload()
    other.wait_for_function(PAGE_READY)
    comes_to(other, SHOWN, view_of("gallery"))
    other.keyboard.press("Tab")
    other.focus("[data-to=refine]")
    other.keyboard.press("Enter")
    comes_to(other, SHOWN, view_of("refine"))
    other.close()


def test_a_finger_reaches_every_place_on_a_phone(page: Any, address: str) -> None:
    phone = open_phone(page, address)
    for place in [*NAMES][::-1]:
        phone.tap(f"[data-to={place}]")
        comes_to(phone, SHOWN, view_of(place))
        assert phone.evaluate("() => document.documentElement.scrollWidth") == 390, place
    phone.context.close()


def test_the_first_view_fits_the_window_and_its_panels_are_large(page: Any, address: str) -> None:
    """As a visitor finds it: settings folded, the recorded run."""
    for width, height, least in ((1280, 800, 200), (1920, 1080, 300)):
        context = page.context.browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", device_scale_factor=1
        )
        fresh = context.new_page()
        fresh.set_default_timeout(PATIENCE)
        fresh.goto(address)
        fresh.wait_for_function(PAGE_READY)
        take(fresh, 9)
        sizes = fresh.evaluate("""() => [...document.querySelectorAll(".tc-panel canvas")]
            .filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect().width)""")
        assert len(sizes) == 8 and min(sizes) >= least, sizes
        assert fresh.evaluate("() => document.documentElement.scrollHeight") <= height
        assert fresh.is_visible(".tc-film") and fresh.is_visible("#tc-run") and fresh.is_visible("#tc-dice")
        assert not fresh.is_visible(".tc-settings")
        fresh.click("#tc-dials")
        assert fresh.is_visible(".tc-settings") and fresh.get_attribute("#tc-dials", "aria-expanded") == "true"
        fresh.reload()
        fresh.wait_for_function(PAGE_READY)
        assert fresh.is_visible(".tc-settings"), "found open the next time"
        context.close()


def test_at_the_end_each_lane_shows_its_picture_alone(page: Any) -> None:
    shown = """() => [...document.querySelectorAll(".tc-panel")].filter((one) => one.checkVisibility())
        .map((one) => one.dataset.panel)"""
    take(page, 17)
    comes_to(page, shown, ["proposal", "proposal"])
    said = page.locator(".tc-end").first.inner_text()
    assert "seed 0" in said and "mean score" in said
    width = page.locator('[data-lane="0"] canvas[data-panel=proposal]').bounding_box()["width"]
    take(page, 16)
    comes_to(page, shown, ["input", "proposal", "scores", "decision"] * 2)
    assert width > 1.8 * page.locator('[data-lane="0"] canvas[data-panel=proposal]').bounding_box()["width"]


def test_the_strip_is_the_scrubber(page: Any) -> None:
    take(page, 3)
    thumbs = page.locator(".tc-row").first.locator(".tc-thumb")
    first, last = (thumbs.nth(n).bounding_box() for n in (5, 12))
    page.mouse.move(first["x"] + 6, first["y"] + 6)
    page.mouse.down()
    page.mouse.move(last["x"] + 6, last["y"] + 6, steps=10)
    page.mouse.up()
    comes_to(page, "() => tokenCritic.state.playhead.at", 12)


def test_the_drawer_shows_one_thing_and_gives_the_focus_back(page: Any) -> None:
    shown = """() => [...document.querySelectorAll(".tc-drawer-body, #tc-curves")]
        .filter((one) => one.checkVisibility()).map((one) => one.dataset.tab ?? one.id)"""
    take(page, 9)
    page.evaluate("() => tokenCritic.stage.cells.pin(100)")
    comes_to(page, shown, ["token"])
    open_drawer(page, "share")
    comes_to(page, shown, ["share"])
    page.focus(".tc-drawer .tc-close")
    page.keyboard.press("Enter")
    comes_to(page, shown, [])
    assert page.evaluate("() => document.activeElement.dataset.drawer") == "share"
    open_drawer(page, "curves")
    page.wait_for_selector(".tc-curve-now")
    assert page.locator(".tc-curve-now").count() == 4
    # the chart may be drawn once more, in the meantime it has no place
    place = "() => document.querySelector('.tc-curve-now')?.getBoundingClientRect().x || false"
    before = page.wait_for_function(place).json_value()
    take(page, 3)
    assert page.wait_for_function(place).json_value() < before, "the playhead moves in the curves"
    open_drawer(page, "")
    page.evaluate("() => tokenCritic.stage.cells.pin(-1)")
    painted(page)
    assert page.problems == []
