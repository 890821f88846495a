"""Who cannot see well or uses no mouse: axe-core on the page's states, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from app.features.presets import FIRST
from app.tools.browser import PAGE_READY, wait_for_run
from tests.pages import PATIENCE, at, painted

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")


def violations(page: Any) -> list[str]:
    """Those that axe calls serious or critical, with the elements."""
    painted(page)
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious_on_a_run(page: Any, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", scheme == "dark")
    page.evaluate("() => { tokenCritic.player.take(9); tokenCritic.stage.cells.pin(100); }")
    found = violations(page)
    page.evaluate("() => { tokenCritic.stage.cells.pin(-1); document.body.classList.remove('dark'); }")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert found == []


def test_axe_finds_nothing_serious_in_what_is_folded(page: Any) -> None:
    page.click("#tc-more")
    for fold in ("many", "curves", "files", "own", "game", "code", "about"):
        page.click(f"#tc-{fold} > button")
    page.wait_for_selector("#tc-curves .js-plotly-plot .legend")
    page.click("button:text('Deal a picture')")
    page.wait_for_function("() => window.tokenCritic.game.dealt")
    page.evaluate("() => window.tokenCritic.game.marks.add(5)")
    page.evaluate("() => window.tokenCritic.game.check()")
    found = violations(page)
    for fold in ("many", "curves", "files", "own", "game", "code", "about"):
        page.click(f"#tc-{fold} > button")
    page.click("#tc-more")
    assert found == []


def test_axe_finds_nothing_serious_with_an_explanation_or_the_projector(page: Any) -> None:
    page.click(".tc-x-noise_K .tc-ask >> visible=true >> nth=0")
    page.wait_for_selector(".tc-explained:popover-open")
    explained = violations(page)
    page.keyboard.press("Escape")
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("p")
    page.mouse.move(*at(page, 1, "decision", 40))
    projected = violations(page)
    page.keyboard.press("Escape")
    assert explained == [] and projected == []


def test_a_phone_s_finger_does_what_a_mouse_does(page: Any, address: str) -> None:
    context = page.context.browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone = context.new_page()
    phone.set_default_timeout(PATIENCE)
    phone.goto(address)
    phone.wait_for_function(PAGE_READY)
    with wait_for_run(phone):
        phone.tap("#tc-run")
    phone.tap(".tc-tabs label:nth-child(3)")
    assert phone.evaluate("() => document.querySelector('.tc-stage').dataset.panel") == "scores"
    phone.tap(".tc-row:nth-child(2) .tc-thumb:nth-child(10)")
    phone.wait_for_function("() => tokenCritic.state.playhead.at === 9")

    def touch(panel: str, place: int) -> None:
        phone.locator(f'[data-lane="1"] canvas[data-panel="{panel}"]').scroll_into_view_if_needed()
        phone.touchscreen.tap(*at(phone, 1, panel, place))

    touch("scores", 83)
    phone.wait_for_selector(".tc-token:not([hidden])")
    assert phone.evaluate("() => tokenCritic.state.pinned") == 83
    phone.tap(".tc-close")
    phone.tap('[data-lane="1"] button:text("Be the critic")')
    for place in (20, 21, 37, 21):
        touch("decision", place)
    assert sorted(phone.evaluate("() => [...tokenCritic.state.hand.chosen]")) == [20, 37]
    phone.tap("button:text('Cancel')")
    phone.tap("#tc-game > button")
    phone.tap("button:text('Deal a picture')")
    phone.wait_for_function("() => window.tokenCritic?.game.dealt")
    phone.locator(".tc-game-board canvas").first.scroll_into_view_if_needed()
    box = phone.locator(".tc-game-board canvas").first.bounding_box()
    phone.touchscreen.tap(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    assert phone.evaluate("() => tokenCritic.game.marks.size") == 1
    context.close()


ON = """([how, what]) => {
    const on = document.activeElement;
    return how === "css" ? on.matches(what) : on.innerText === what;
}"""


def tab_to(page: Any, what: str) -> None:
    """Move the focus by Tab alone: to a selector, or to a button that says "=text"."""
    wanted = ["text", what[1:]] if what.startswith("=") else ["css", what]
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate(ON, wanted):
            return
    raise AssertionError(f"no Tab leads to {what}")


def test_all_can_be_done_by_keyboard_alone(page: Any) -> None:
    def press(what: str, key: str = "Enter") -> None:
        tab_to(page, what)
        page.keyboard.press(key)

    def runs(what: str) -> None:
        with wait_for_run(page):
            press(what)

    tab_to(page, ".tc-seed input")
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    page.keyboard.press("Tab")
    page.wait_for_function("() => tokenCritic.state.planned.lanes[0].settings.seed === 3")
    runs("#tc-run")
    press('[data-lane="1"] .tc-panels', "ArrowRight")
    page.keyboard.press("Enter")
    assert page.evaluate("() => tokenCritic.state.pinned") >= 0
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    for _ in range(9):
        page.keyboard.press(".")
    assert page.evaluate("() => tokenCritic.state.playhead.at") == 9
    press('[data-view="proposal"]', "ArrowDown")
    assert page.input_value('[data-view="proposal"]') == "masked"
    page.keyboard.press("ArrowUp")
    press("#tc-curves > button")
    page.wait_for_selector("#tc-curves .js-plotly-plot .legend")
    press("=Be the critic")
    press('[data-lane="0"] .tc-panels', "ArrowRight")
    page.keyboard.press("Enter")
    assert page.evaluate("() => (tokenCritic.state.hand?.chosen.size ?? 0)") == 1
    press("=Rest as the rule")
    runs("=Run on")
    assert page.evaluate("() => tokenCritic.state.shown.lanes[2].origin.step") == 10
    runs("=Refine")
    assert page.evaluate("() => tokenCritic.state.shown.lanes[2].origin.fraction") == 0.6
    press("=Remove this lane")
    press("=Copy link")
    press("#tc-game > button")
    press("=Deal a picture")
    page.wait_for_function("() => window.tokenCritic?.game.open")
    press(".tc-game-board canvas", "ArrowDown")
    page.keyboard.press("Enter")
    press("=Check")
    page.wait_for_function("() => tokenCritic.game.result?.marks === 1")
    press("#tc-many > button")
    press("#tc-draw")
    page.wait_for_function(
        "() => window.tokenCritic?.gallery.items.flat().length === 16 && !tokenCritic.gallery.run.going"
    )
    runs(".tc-gallery-one")
    press("#tc-files > button")
    with page.expect_download():
        press("#tc-make")
    press("#tc-own > button")
    tab_to(page, "#tc-own .tc-hidden-file")
    press(f"[data-preset={FIRST}]")
    page.wait_for_function("() => tokenCritic.state.run.why === 'recorded'")
    assert page.problems == []
