"""Who cannot see well or uses no mouse: axe-core on the page's states, in a real browser."""

from __future__ import annotations

import io
import itertools
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.features.presets import FIRST
from app.text.words import ENGLISH, words
from app.tools.browser import PAGE_READY, POLL_MS, wait_for_run
from tests.full import FULL
from tests.pages import PATIENCE, UNFOLDED, at, go_to, luminance, open_drawer, open_phone, painted, take

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


PLACES = tuple(words(ENGLISH)["places"]["names"])
TABS = tuple(words(ENGLISH)["drawer"]["tabs"])


ALL_LOOKS = list(itertools.product((1280, 390), ("light", "dark"), ("en", "ko")))


@pytest.mark.parametrize(
    ("width", "scheme", "language"), ALL_LOOKS if FULL else [(1280, "light", "en"), (390, "dark", "ko")]
)
def test_axe_finds_nothing_serious_in_any_place_or_drawer(
    browser: Any, address: str, width: int, scheme: str, language: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce")
    page.set_default_timeout(PATIENCE)
    page.add_init_script(UNFOLDED)
    page.goto(f"{address}?lang={language}")
    page.wait_for_function(PAGE_READY)
    page.evaluate("() => tokenCritic.game.deal()")
    page.evaluate("() => { tokenCritic.game.marks.add(5); tokenCritic.game.check(); }")
    found = {}
    for place in PLACES:
        go_to(page, place)
        found[place] = violations(page)
    go_to(page, "compare")
    page.click("#tc-more")
    for tab in TABS:
        open_drawer(page, tab)
        if tab == "curves":
            page.wait_for_selector("#tc-curves .js-plotly-plot .legend")
        found[tab] = violations(page)
    page.close()
    assert found == {name: [] for name in (*PLACES, *TABS)}


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
    phone = open_phone(page, address)
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
    phone.tap("[data-to=fakes]")
    phone.wait_for_function("() => window.tokenCritic?.game.open")
    phone.locator(".tc-game-board canvas").first.scroll_into_view_if_needed()
    box = phone.locator(".tc-game-board canvas").first.bounding_box()
    phone.touchscreen.tap(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    assert phone.evaluate("() => tokenCritic.game.marks.size") == 1
    phone.context.close()


CONTROLS = "button, select, input:not([type=file], [type=hidden]), a"
LEAST_CONTRAST = 3  # WCAG 2.2, 1.4.11
BOXES = """(what) => [...document.querySelectorAll(what)].flatMap((one) => {
    if (!one.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || one.disabled) return [];
    const { x, y, width, height } = one.getBoundingClientRect();
    const inside = x >= 3 && y >= 3 && x + width <= innerWidth - 3 && y + height <= innerHeight - 3;
    const hit = document.elementFromPoint(x + width / 2, y + height / 2);
    const seen = hit && (one.contains(hit) || hit.contains(one) || hit.closest("label")?.contains(one));
    return inside && seen && width > 4 && height > 4 ? [[one.outerHTML.slice(0, 120), x, y, width, height]] : [];
})"""


def faint(page: Any) -> list[str]:
    """Controls on the screen of which no pixel stands out from what is behind them."""
    found, done = [], set()
    height = page.evaluate("() => document.documentElement.scrollHeight")
    for top in range(0, height, 500):
        page.evaluate("(top) => window.scrollTo(0, top)", top)
        painted(page)
        screen = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(float)
        for html, x, y, w, h in page.evaluate(BOXES, CONTROLS):
            if html in done:
                continue
            done.add(html)
            left, up, right, down = int(x) - 2, int(y) - 2, int(x + w) + 2, int(y + h) + 2
            light = luminance(screen[up:down, left:right])
            behind = np.median(np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]]))
            pairs = (np.maximum(light, behind) + 0.05) / (np.minimum(light, behind) + 0.05)
            if np.sort(pairs.ravel())[-8] < LEAST_CONTRAST:  # some pixels, not a stray one
                found.append(f"{html}: {pairs.max():.2f}")
    assert len(done) > 40
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_control_in_every_state_stands_out_from_what_is_behind_it(page: Any, scheme: str) -> None:
    page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", scheme == "dark")
    page.click("#tc-more")
    ticks = page.locator("input[type=checkbox] >> visible=true")
    found = faint(page)
    for tick in ticks.all():
        tick.check()
    page.evaluate("() => document.activeElement.blur()")
    page.mouse.move(1, 1)
    ticked = faint(page)
    for tick in ticks.all():
        tick.uncheck()
    page.click("#tc-more")
    page.evaluate("() => { document.body.classList.remove('dark'); window.scrollTo(0, 0); }")
    page.wait_for_selector(".tc-stage:not(.is-stale)")
    assert found == [] and ticked == []


def test_what_has_the_focus_is_never_covered(page: Any) -> None:
    """WCAG 2.4.11, at 1280 x 800, with the transport at the bottom."""
    page.evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0); }")
    covered, stops = [], 0
    for _ in range(200):
        page.keyboard.press("Tab")
        found = page.evaluate("""() => {
            const on = document.activeElement, bar = document.querySelector(".tc-dock");
            if (on === document.body) return null;
            const box = on.getBoundingClientRect(), top = bar.getBoundingClientRect().top;
            const hidden = !bar.contains(on) && box.bottom > top + 1 && box.height < 200;
            return [hidden, on.outerHTML.slice(0, 100)];
        }""")
        if found is None:
            break
        stops += 1
        covered += [found[1]] if found[0] else []
    assert covered == [] and stops > 40


def test_the_first_tab_stops_lead_past_the_controls(page: Any) -> None:
    page.evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0); }")
    page.mouse.click(2, 2)
    tab_to(page, "=Skip to the lanes")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.matches('[data-lane=\"0\"] .tc-panels')")
    page.evaluate("() => document.activeElement.blur()")
    tab_to(page, "=Skip to Play")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.matches('.tc-play')")
    page.evaluate("() => document.activeElement.blur()")


def test_what_a_finger_has_to_hit_is_large_enough(page: Any) -> None:
    """WCAG 2.5.8: 24 px, of the target itself or with the room around it that it takes."""
    page.set_viewport_size({"width": 390, "height": 844})
    painted(page)
    small = page.evaluate("""() => {
        const grown = (one) => {
            const after = getComputedStyle(one, "::after");
            const more = after.content !== "none" && after.position === "absolute" ? -parseFloat(after.top) : 0;
            const { width, height } = (one.closest("label") ?? one).getBoundingClientRect();
            return Math.min(Math.max(width, one.offsetWidth), Math.max(height, one.offsetHeight)) + 2 * (more || 0);
        };
        return [...document.querySelectorAll("button, select, input, a.tc-action")]
            .filter((one) => one.checkVisibility() && !one.closest(".tc-skip") && grown(one) < 24)
            .map((one) => `${one.outerHTML.slice(0, 90)}: ${grown(one)}`);
    }""")
    order = page.evaluate("""() => ["#tc-stage", "#tc-settings-1"].map((one) =>
        document.querySelector(one).getBoundingClientRect().top)""")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert not small, "\n".join(small)
    assert order == sorted(order), "the settings of the lanes stand right below the stage"


def test_at_200_percent_a_panel_of_each_lane_is_on_the_first_screen(page: Any) -> None:
    page.set_viewport_size({"width": 640, "height": 400})
    page.evaluate("() => window.scrollTo(0, 0)")
    painted(page)
    seen = page.evaluate("""() => [...document.querySelectorAll('.tc-lane canvas[data-panel="decision"]')]
        .filter((one) => one.checkVisibility())
        .map((one) => one.getBoundingClientRect()).map(({ top, height }) => (innerHeight - top) / height)""")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert len(seen) == 2 and min(seen) > 0.4, "a good part of it"


def test_on_paper_there_is_what_the_run_shows_and_nothing_to_press(page: Any) -> None:
    take(page, 9)
    page.emulate_media(media="print")
    painted(page)
    needed = (".tc-count .tc-key", ".tc-scale", ".tc-film", ".tc-slider", ".tc-lane canvas")
    seen = {one: page.is_visible(one) for one in needed}
    gone = {one: page.is_visible(one) for one in (".tc-transport", "#tc-run", ".tc-actions", ".tc-nav", ".tc-ask")}
    values = page.locator(".tc-slider input[type=number] >> visible=true").count()
    pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", print_background=True)))
    page.emulate_media(media="screen")
    assert all(seen.values()), seen
    assert not any(gone.values()), gone
    assert values >= 8 and pages == 1


@pytest.mark.parametrize("width", [1280, 1920])
def test_nothing_is_clipped_with_three_lanes(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    open_drawer(page, "view")
    page.click("button:text('Add a lane')")
    open_drawer(page, "")
    page.wait_for_function("() => tokenCritic.state.planned.lanes.length === 3")
    page.select_option("#tc-settings-3 .tc-x-rule select", "maskgit")
    page.wait_for_function("() => tokenCritic.state.planned.lanes[2].settings.rule === 'maskgit'")
    painted(page)
    clipped = page.evaluate("""() => [...document.querySelectorAll(
        ".tc-lane-settings [data-testid='block-info'], .tc-lane-settings input[type=number], .tc-lane h2, figcaption")]
        .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1).map((one) => one.outerHTML)""")
    page.click('[data-lane="2"] button:text("Remove this lane")')
    page.wait_for_function("() => tokenCritic.state.planned.lanes.length === 2")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert clipped == []


def test_what_is_read_out_is_whole_sentences(page: Any) -> None:
    page.evaluate("() => { tokenCritic.player.take(17); }")
    page.wait_for_function("() => document.querySelector('.tc-spoken').textContent.includes('Step 18')")
    said = page.text_content(".tc-spoken")
    assert ".." not in said and ". ." not in said
    page.evaluate("() => { tokenCritic.player.take(9); }")
    page.focus('[data-lane="1"] .tc-panels')
    page.keyboard.press("ArrowRight")
    cell = page.text_content(".tc-spoken")
    assert re.fullmatch(r"Token \d+, [\d.<]+, [a-z ]+, row \d+, column \d+", cell), cell
    empty = page.evaluate("""() => [...document.querySelectorAll("h1, h2, h3")]
        .filter((one) => one.checkVisibility() && !one.textContent.trim()).map((one) => one.outerHTML)""")
    page.evaluate("() => document.activeElement.blur()")
    assert empty == []


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
    press("[data-drawer=view]")
    press('[data-view="proposal"]', "ArrowDown")
    assert page.input_value('[data-view="proposal"]') == "masked"
    page.keyboard.press("ArrowUp")
    press("[data-drawer=curves]")
    page.wait_for_selector("#tc-curves .js-plotly-plot .legend")
    press("=Be the critic")
    press('[data-lane="0"] .tc-panels', "ArrowRight")
    page.keyboard.press("Enter")
    assert page.evaluate("() => (tokenCritic.state.hand?.chosen.size ?? 0)") == 1
    press("=Rest as the rule")
    runs("=Run on")
    assert page.evaluate("() => tokenCritic.state.shown.lanes[2].origin.step") == 10
    runs('[data-lane="0"] [data-name="refine"]')
    assert page.evaluate("() => tokenCritic.state.shown.lanes[2].origin.fraction") == 0.6
    press("=Remove this lane")
    press("[data-drawer=share]")
    press("=Copy link")
    press("[data-to=fakes]")
    press("=Another picture")
    page.wait_for_function(
        "() => window.tokenCritic?.game.open && document.activeElement.textContent === 'Another picture'"
    )
    press(".tc-game-board canvas", "ArrowDown")
    page.keyboard.press("Enter")
    press("=Check")
    page.wait_for_function("() => tokenCritic.game.result?.marks === 1")
    page.evaluate("() => { tokenCritic.changed('steps_1', 3); tokenCritic.changed('steps_2', 3); }")
    page.wait_for_function("() => tokenCritic.state.planned.lanes.every((lane) => lane.steps === 3)")
    press("[data-to=gallery]")
    press("#tc-gallery [data-gallery=draw]")
    page.wait_for_function(
        "() => window.tokenCritic?.gallery.items.flat().length === 16 && !tokenCritic.gallery.run.going",
        polling=POLL_MS,
    )
    runs(".tc-gallery-one")
    with page.expect_download():
        press("#tc-make")
    press("[data-to=refine]")
    tab_to(page, "#tc-refine .tc-hidden-file")
    press("[data-to=compare]")
    press("#tc-examples")
    press(f"[data-preset={FIRST}]")
    page.wait_for_function("() => tokenCritic.state.run.why === 'recorded'")
    assert page.problems == []
