"""Lessons in a browser: each is played through, shows what it says, and leaves the page as it was."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.features.lesson_schema import recorded_of
from app.features.lessons import list_names, read_shipped
from app.packs import Packs
from app.text.words import ENGLISH, words
from app.tools.browser import PAGE_READY, serve_page, wait_for_run
from tests.pages import PATIENCE, UNFOLDED, comes_to, forget_refusals, go_to, open_drawer, painted
from tests.test_lessons import ONE

pytest.importorskip("playwright.sync_api")
LANES = ("left", "right", "third")
WORDS = words(ENGLISH)["lessons"]
READY = "(at) => tokenCritic.lessons.since !== null && tokenCritic.lessons.at === at"
SHOWN = """() => {
    const { shown, playhead, pinned, view, run } = tokenCritic.state;
    const lanes = [...document.querySelectorAll(".tc-lane")].map((one) => one.querySelector(".tc-status").textContent);
    const pointed = document.querySelector(".tc-panel.tc-pointed-at");
    const names = [...document.querySelectorAll(".tc-lane")].slice(0, shown.lanes.length).map((lane) =>
        [...lane.querySelectorAll(".tc-panel figcaption > span:first-of-type")].map((one) => one.textContent));
    return { names, rules: shown.lanes.map((lane) => lane.settings.rule), language: document.documentElement.lang,
        recorded: shown.recorded, why: run.why, pinned, lanes, proposal: view.proposal, layout: view.layout,
        pointed: pointed && [Number(pointed.closest(".tc-lane").dataset.lane), pointed.dataset.panel] };
}"""
WHOLE = """() => {
    const { controls, shown, run, playhead, pinned, view } = tokenCritic.state;
    return [controls, shown.recorded, run.why, run.told, playhead.at, playhead.playing, pinned, view,
        document.querySelectorAll(".tc-lit, .tc-pointed-at").length, tokenCritic.state.lesson,
        document.querySelector(".tc-lesson").hidden];
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve_page(Packs("emoji", others=[])) as address:
        yield address


def visit(browser: Any, address: str, path: str = "", language: str = "en", **how: Any) -> Any:
    """A page whose lessons are in a language."""
    page = browser.new_context(
        **{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **how}
    ).new_page()
    page.set_default_timeout(PATIENCE)
    page.problems = []
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.add_init_script(UNFOLDED)
    page.goto(f"{address}{path}{'&' if path else '?'}lang={language}")
    page.wait_for_function(PAGE_READY if "lesson" not in path else "() => window.tokenCritic?.lessons.since")
    return page


def turn(page: Any, at: int) -> None:
    """Press Next, and wait until page `at` can be tried."""
    page.click(".tc-lesson-nav .is-main")
    page.wait_for_function(READY, arg=at)


def check_page(page: Any, lesson: dict[str, Any], at: int) -> None:
    """The panel has the texts of a page, and the stage is in the state that the page asks for."""
    wanted = lesson["pages"][at]
    show = wanted.get("show", {})
    assert page.text_content(".tc-lesson-title") == wanted["title"]
    plain = re.split(r"\*\*|\$|\[\[|\n", wanted["text"])[0].strip()
    assert page.text_content(".tc-lesson-body p").startswith(plain)
    found, lane = page.evaluate(SHOWN), LANES.index(show.get("lane", "left"))
    assert (found["recorded"], found["why"]) == (recorded_of(lesson, wanted), "recorded")
    assert found["proposal"] == show.get("view", {}).get("proposal", "picture")
    assert found["layout"] == show.get("view", {}).get("layout", "loop")
    said = words(found["language"])["stage"]
    for names, rule in zip(found["names"], found["rules"], strict=True):
        others = [said["panels"][kind]["name"] for kind in ("input", "proposal", "decision")]
        assert names == [*others[:2], said["judges"][rule], others[2]], "each panel has its own name"
    if pinned := show.get("pinned"):
        assert found["pinned"] == (pinned[0] - 1) * 16 + pinned[1] - 1
    if step := show.get("step"):
        numbers = "textContent.match(/\\d+/g).slice(0, 2)"
        said = f"() => document.querySelectorAll('.tc-lane .tc-status')[{lane}].{numbers}.includes('{step}')"
        comes_to(page, said, True)
    if "panel" in show and "place" not in show:
        assert found["pointed"] == [lane, show["panel"]]
    if "place" in show:
        page.wait_for_selector(f"#tc-{show['place']}")


def answer(page: Any, question: dict[str, Any], said: dict[str, Any]) -> None:
    """What is right is not there before an answer, and is there after a wrong one."""
    rights = [one.get("right", False) for one in question["answers"]]
    assert page.locator(".tc-answer.is-right").count() == 0 and page.text_content(".tc-lesson-told") == ""
    page.click(f".tc-answer >> nth={rights.index(False)}")
    assert page.locator(".tc-answer").nth(rights.index(True)).evaluate("(one) => one.classList.contains('is-right')")
    told = page.text_content(".tc-lesson-told")
    assert told.startswith(said["wrong"])
    page.click(f".tc-answer >> nth={rights.index(True)}")
    assert page.text_content(".tc-lesson-told").startswith(said["right"])


def act(page: Any, action: dict[str, Any] | None) -> None:
    """Do what needs no network, with the page's own controls."""
    done = (action or {}).get("done", {})
    if list(done) == ["step"]:
        page.focus(".tc-strip input[type=range]")
        page.keyboard.press("Home")
        page.keyboard.press("End")
        for _ in range(int(page.get_attribute(".tc-strip input[type=range]", "max")) - done["step"]):
            page.keyboard.press("ArrowLeft")
    elif list(done) == ["pinned"]:
        page.locator('[data-lane="0"] canvas[data-panel="decision"]').click(position={"x": 30, "y": 30})
    elif list(done) == ["swapped"]:
        swap_by_number_and_by_patch(page)
    elif list(done) == ["played"]:
        page.wait_for_function("() => tokenCritic.game.open")  # one is dealt to who comes
        page.click(".tc-game-board canvas >> nth=0", position={"x": 30, "y": 30})
        page.click(f".tc-game button:text('{words(ENGLISH)['game']['check']}')")
    else:
        return
    page.wait_for_selector(".tc-lesson-tried:visible")


SWAPPED = """() => { const { swap } = tokenCritic.state;
    return swap && [swap.changed.length, (swap.changed.at(-1) ?? swap.frame).proposal[55]]; }"""


def swap_by_number_and_by_patch(page: Any) -> None:
    """Another code for row 4, column 8. One that is none is refused; all is taken back, and the run is as it was."""
    own = page.evaluate("() => tokenCritic.state.frames[1].at(-1).proposal[55]")
    page.click('[data-lane="1"] [data-name=swap]')
    for typed, wanted in (("541", [1, 541]), ("1024", [1, 541]), ("1.5", [1, 541])):
        page.fill(".tc-code", typed)
        page.keyboard.press("Enter")
        comes_to(page, SWAPPED, wanted)
        assert page.locator(".tc-swap output.is-wrong").count() == (typed != "541")
    assert page.text_content('[data-lane="1"] .tc-status').startswith("Changed by hand: 1 of 256")
    page.click(".tc-choose-code")
    page.keyboard.press("ArrowRight")  # in the patches: the code after it
    comes_to(page, SWAPPED, [1, 542])
    page.keyboard.press("Escape")
    page.wait_for_selector(".tc-lesson-tried:visible")
    page.click(f".tc-swap button:text('{words(ENGLISH)['stage']['swap']['undo']}')")
    comes_to(page, SWAPPED, [0, own])
    page.click(f".tc-swap button:text('{words(ENGLISH)['stage']['swap']['end']}')")
    comes_to(page, SWAPPED, None)
    page.wait_for_selector('[data-lane="1"] [data-name=swap]')


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ko"])
def test_each_lesson_is_played_through_and_the_page_is_as_before(browser: Any, address: str, language: str) -> None:
    page = visit(browser, address, language=language)
    page.evaluate("() => tokenCritic.player.take(6)")
    open_drawer(page, "view")
    page.select_option("[data-view=proposal]", "heat")
    open_drawer(page, "")
    page.locator('[data-lane="1"] canvas[data-panel="decision"]').click(position={"x": 30, "y": 30})
    open_drawer(page, "")
    before = page.evaluate(WHOLE)
    go_to(page, "learn")
    page.click(f"[data-lesson={list_names()[0]}]")
    for name in list_names():
        lesson = read_shipped(name, language)
        for at, wanted in enumerate(lesson["pages"]):
            page.wait_for_function(f"(name) => tokenCritic.lessons.name === name && ({READY})({at})", arg=name)
            assert f"lesson={name}&lesson_page={at + 1}" in page.url
            check_page(page, lesson, at)
            answer(page, wanted["question"], words(language)["lessons"])
            if language == "en":
                act(page, wanted.get("action"))
            page.click(".tc-lesson-nav .is-main")
    page.wait_for_selector(".tc-lesson", state="hidden")
    assert page.locator(".tc-lessons-tick:visible").count() == len(list_names())
    go_to(page, "compare")
    comes_to(page, WHOLE, before)
    assert page.problems == []
    page.context.close()


@pytest.mark.slow
def test_a_lesson_is_run_live_and_says_whether_this_machine_parts_from_the_recording(
    browser: Any, address: str
) -> None:
    page = visit(browser, address, "?lesson=greedy&lesson_page=4")
    assert page.text_content(".tc-lesson-state") == WORDS["recorded"]
    with wait_for_run(page):
        page.click(f".tc-lesson button:text('{WORDS['live']}')")
        comes_to(page, "() => document.querySelector('.tc-lesson-state').textContent", WORDS["running"])
    page.wait_for_selector(".tc-lesson-tried:visible")
    assert page.text_content(".tc-lesson-state") == page.evaluate("() => tokenCritic.state.verdict") != ""
    page.click(f".tc-lesson button:text('{WORDS['again']}')")
    comes_to(page, "() => tokenCritic.state.run.why", "recorded")
    turn(page, 4)
    check_page(page, read_shipped("greedy"), 4)
    page.click("#tc-run")
    page.wait_for_function("() => tokenCritic.state.run.begun && tokenCritic.state.run.going")
    page.click(f".tc-lesson [aria-label='{WORDS['leave']}']")  # while it runs
    page.wait_for_function(PAGE_READY)
    assert page.evaluate("() => [tokenCritic.state.shown.recorded, tokenCritic.state.place]") == ["first-look", "learn"]
    assert page.problems == []
    page.context.close()


@pytest.mark.slow
def test_a_picture_of_one_s_own_is_refined_within_the_lesson_that_asks_for_it(
    browser: Any, address: str, tmp_path: Path
) -> None:
    page = visit(browser, address, "?lesson=refine&lesson_page=4")
    Image.new("RGB", (64, 64), "orange").save(tmp_path / "own.png")
    page.set_input_files(".tc-own input[type=file]", tmp_path / "own.png")
    page.click(".tc-own button.is-main:not([disabled])")
    page.wait_for_selector(".tc-lesson-tried:visible")
    assert page.evaluate("() => [tokenCritic.lessons.name, tokenCritic.state.place]") == ["refine", "learn"]
    assert page.evaluate("() => tokenCritic.state.frames[2].length") > 1
    assert page.problems == []
    page.context.close()


@pytest.mark.slow
def test_a_page_of_a_lesson_has_an_address(browser: Any, address: str) -> None:
    page = visit(browser, address, "?lesson=greedy&lesson_page=2")
    check_page(page, read_shipped("greedy"), 1)
    page.keyboard.press("PageDown")  # a clicker's key
    page.wait_for_function(READY, arg=2)
    page.go_back()
    page.wait_for_function(READY, arg=1)
    page.reload()
    page.wait_for_function("() => window.tokenCritic?.lessons.since")
    check_page(page, read_shipped("greedy"), 1)
    page.focus(".tc-lesson-title")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(READY, arg=0)
    page.hover('.tc-lesson [data-symbol="p"] >> nth=0')
    assert page.locator('.tc-panel[data-panel="scores"].tc-lit').count() == 3
    assert "score" in page.text_content(".tc-term")
    page.hover(".tc-x-choice_temperature >> nth=0")
    assert page.locator('.tc-lesson .tc-symbol.tc-lit[data-symbol="tau"]').count() == 1
    page.keyboard.press("Escape")  # not in the panel: the lesson stays
    page.focus('.tc-lesson [data-symbol="p"] >> nth=0')
    assert "score" in page.text_content(".tc-term")
    page.keyboard.press("Escape")  # the first one closes what is explained
    assert page.text_content(".tc-term") == "" and page.is_visible(".tc-lesson")
    page.keyboard.press("Escape")
    page.wait_for_function(PAGE_READY)
    assert page.problems == []
    page.context.close()


@pytest.mark.slow
def test_of_lessons_that_are_asked_for_the_last_one_counts_and_none_where_the_visitor_went_on(
    browser: Any, address: str
) -> None:
    page = visit(browser, address, "?place=learn")
    held: dict[str, Any] = {}
    page.route("**/lesson", lambda route: held.update({json.loads(route.request.post_data)["name"]: route}))

    def wait_for(name: str) -> None:
        begun = time.monotonic()
        while name not in held:
            assert time.monotonic() - begun < PATIENCE / 1000, f"{name} is never asked for"
            page.wait_for_timeout(10)

    def choose(name: str) -> None:
        page.click(f"[data-lesson={name}]")
        wait_for(name)

    def answer(name: str) -> None:
        with page.expect_event("requestfinished", lambda request: request == held[name].request):
            held[name].continue_()
        painted(page)

    first, second, third = list_names()[:3]
    choose(first)
    choose(second)
    answer(second)
    page.wait_for_function(READY, arg=0)
    answer(first)
    assert page.evaluate("() => tokenCritic.lessons.name") == second
    go_to(page, "learn")  # back to the list
    choose(third)
    go_to(page, "gallery")
    answer(third)
    assert page.evaluate("() => [tokenCritic.state.place, tokenCritic.lessons.name]") == ["gallery", ""]
    del held[first]
    page.goto(f"{address}?lesson={first}")
    wait_for(first)
    go_to(page, "compare")
    answer(first)
    page.wait_for_function(PAGE_READY)  # what the page opens with
    assert page.evaluate("() => [tokenCritic.state.place, tokenCritic.lessons.name]") == ["compare", ""]
    assert page.problems == []
    page.context.close()


@pytest.mark.slow
def test_lecturers_open_lessons_of_their_own(browser: Any, address: str, tmp_path: Path) -> None:
    page = visit(browser, address, "?place=learn")
    wrong, right = tmp_path / "wrong.yaml", tmp_path / "mine.yaml"
    wrong.write_text(ONE.replace("step: 9", "step: 99"), encoding="utf-8")
    right.write_text(ONE, encoding="utf-8")
    page.set_input_files(".tc-lessons input[type=file]", wrong)
    page.wait_for_selector(".tc-lessons-problem:has-text('wrong.yaml, line 9: step 99')")
    forget_refusals(page)
    page.set_input_files(".tc-lessons input[type=file]", right)
    page.wait_for_function(READY, arg=0)
    assert page.text_content(".tc-lesson-title") == "Here" and "lesson=" not in page.url
    page.route(f"{address}mine.yaml", lambda route: route.fulfill(body=ONE.replace("title: Here", "title: From here")))
    page.goto(address + "?lesson=/mine.yaml")
    page.wait_for_function("() => window.tokenCritic?.lessons.since")
    assert page.text_content(".tc-lesson-title") == "From here"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name, said in (("https://example.org/x.yaml", WORDS["elsewhere"]), ("none", "no lesson 'none'")):
        page.goto(f"{address}?lesson={name}")
        page.wait_for_selector(f".tc-lessons-problem:has-text({json.dumps(said)})")
        page.wait_for_function(PAGE_READY)
    assert not [url for url in asked if url.startswith("https://example.org")]
    forget_refusals(page)
    assert page.problems == []
    page.context.close()


SLIDE = """() => { const { slide, frames, playhead } = tokenCritic.state;
    return slide && [slide.at + 1, slide.part, playhead.at + 1]; }"""
FAULTS = """async (language) => { // of each part of each lesson: text that is small, out of sight or cut off
    const { view } = tokenCritic.lessons.slides, { body, root } = view, found = [];
    const ask = (name) => fetch("lesson", { method: "POST", headers: { "content-type": "application/json" },
        body: JSON.stringify({ name, language }) }).then((answer) => answer.json());
    const says = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    for (const { name } of tokenCritic.lessons.known) {
        const { lesson } = await ask(name);
        const parts = ["text", "formula", "action", "question", "answer", "end"];
        lesson.pages.forEach((page, at) => parts.forEach((part) => {
            if (part === "action" && !page.action) return;
            view.draw({ lesson, at, part });
            const all = [...root.querySelectorAll("*")].filter((one) => one.checkVisibility() && !one.closest("math"));
            const small = all.some((one) => says(one) && parseFloat(getComputedStyle(one).fontSize) < 24);
            const cut = all.some((one) => one.clientWidth && one.scrollWidth > one.clientWidth + 2);
            if (small || cut || body.scrollHeight > body.clientHeight) found.push([name, at + 1, part, small, cut]);
        }));
    }
    view.draw(tokenCritic.state.slide);
    return found;
}"""
IN_SIGHT = """() => { // no lane is under the slide or the dock
    const box = (one) => document.querySelector(one).getBoundingClientRect();
    const { right } = box(".tc-slide"), { top } = box(".tc-dock");
    return [...document.querySelectorAll(".tc-lane")].filter((one) => one.checkVisibility()).every((one) => {
        const lane = one.getBoundingClientRect();
        return lane.left >= right && lane.right <= innerWidth && lane.top >= 0 && lane.bottom <= top; });
}"""


def clicks(page: Any, key: str, *wanted: list[Any]) -> None:
    """A clicker's key, once for each slide that it has to lead to."""
    for one in wanted:
        page.keyboard.press(key)
        comes_to(page, SLIDE, one)


@pytest.mark.slow
def test_a_lesson_is_shown_as_slides_by_the_two_keys_of_a_clicker(browser: Any, address: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(browser, address, "?lesson=sampling&lesson_page=2")
    lesson = read_shipped("sampling")
    open_drawer(page, "view")
    with page.context.expect_page() as opened:
        page.click('button:text("Lecturer\'s notes")')
    notes, right = opened.value, next(one for one in lesson["pages"][1]["question"]["answers"] if one.get("right"))
    open_drawer(page, "")
    page.click(f".tc-lesson button:text('{WORDS['slides']['show']}')")
    comes_to(page, SLIDE, [2, "text", 12])
    assert page.text_content(".tc-slide .tc-lesson-title") == lesson["pages"][1]["title"]
    assert right["why"] in notes.inner_text("body") and right["why"] not in page.inner_text("body")
    steps = [[2, "action", step] for step in (12, 13, 14)]
    clicks(page, "PageDown", *steps)
    page.wait_for_selector(".tc-slide .tc-lesson-tried:visible")
    assert page.evaluate(IN_SIGHT)
    notes.keyboard.press("PageDown")  # in the lecturer's window, too
    comes_to(page, SLIDE, [2, "question", 14])
    assert page.locator(".tc-slide .is-right").count() == 0
    clicks(page, "PageDown", [2, "answer", 14])
    assert right["text"] in page.inner_text(".tc-slide .is-right") and right["why"] in page.inner_text(".tc-slide")
    clicks(page, "PageDown", [3, "text", 9])
    page.wait_for_function(READY, arg=2)
    assert "lesson=sampling&lesson_page=3" in page.url
    page.keyboard.press("PageUp")
    page.wait_for_function(READY, arg=1)
    comes_to(page, SLIDE, [2, "answer", 12])
    assert "lesson_page=2" in page.url and page.evaluate(IN_SIGHT)
    clicks(page, "PageUp", [2, "question", 12], [2, "action", 12], [2, "text", 12])
    for language in ("en", "ko"):
        assert page.evaluate(FAULTS, language) == []
    assert not [(one["id"]) for one in axe.run(page, context=".tc-slide").response["violations"]]
    page.keyboard.press("Escape")
    page.wait_for_selector(".tc-lesson .tc-lesson-title:visible")
    assert page.evaluate(SLIDE) is None and page.text_content(".tc-lesson-title") == lesson["pages"][1]["title"]
    assert page.problems == []
    page.context.close()


@pytest.mark.slow
def test_slides_of_a_lecturers_own_lesson_end(browser: Any, address: str, tmp_path: Path) -> None:
    page = visit(browser, address, "?place=learn")
    own = tmp_path / "mine.yaml"
    text = "text: |\n" + "".join(f"      {'A long text of many words. ' * 20}\n\n" for _ in range(2))
    own.write_text(ONE.replace("text: A token, $x_0$.", text), encoding="utf-8")
    page.set_input_files(".tc-lessons input[type=file]", own)
    page.wait_for_function(READY, arg=0)
    page.keyboard.press("p")
    clicks(page, "PageDown", [1, "text", 9], [1, "question", 9])  # what does not fit comes with the first key
    clicks(page, "PageUp", [1, "text", 9])
    assert page.evaluate("() => document.querySelector('.tc-slide-body').scrollLeft") > 0, "back to where it was left"
    clicks(page, "PageDown", [1, "question", 9], [1, "answer", 9], [1, "end", 9], [1, "end", 9])
    assert page.text_content(".tc-slide .tc-lesson-title") == WORDS["slides"]["end"]
    assert page.is_disabled(".tc-slide .is-main")
    page.keyboard.press("Escape")
    page.wait_for_selector(".tc-lesson .tc-lesson-title:visible")
    assert page.problems == []
    page.context.close()


@pytest.mark.slow
def test_the_panel_leaves_room_for_the_lanes_and_has_no_fault_of_access(browser: Any, address: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for width, height, scheme in ((1280, 800, "light"), (390, 844, "dark")):
        size = {"width": width, "height": height}
        page = visit(browser, address, "?lesson=critic&lesson_page=2", viewport=size, color_scheme=scheme)
        panel, lane = (page.locator(one).bounding_box() for one in (".tc-lesson", '[data-lane="1"]'))
        if width > 760:
            assert panel["x"] + panel["width"] <= page.locator('[data-lane="0"]').bounding_box()["x"], "beside"
        else:
            assert lane["y"] + 200 < panel["y"] and panel["height"] <= 0.55 * height, "below"
            page.click(f".tc-lesson [aria-label='{WORDS['fold']}']")
            assert page.locator(".tc-lesson").bounding_box()["height"] < 160
            page.click(f".tc-lesson [aria-label='{WORDS['unfold']}']")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        found = axe.run(page, context=".tc-lesson").response["violations"]
        found += axe.run(page, context=".tc-lessons").response["violations"]
        assert not [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
        page.context.close()
