"""A picture of 32 x 32 tokens and more classes than fit as chips: what the page does with them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.features.exports import EXPORTS
from app.packs import Packs
from app.tools.browser import PAGE_READY, run_page, serve_page
from tests.pages import PATIENCE, go_to, painted, take
from tests.tiny import make_large_pack

SIDE = 32
CHOSEN = "() => tokenCritic.state.controls.label"
CELLS = """(side) => [...document.querySelectorAll(".tc-lane:not([data-lane='2']) .tc-panel canvas")]
    .filter((one) => one.checkVisibility()).map((one) => one.width / side)"""
COMBOBOX = """async () => {
    const from = performance.getEntriesByType("resource").find((one) => one.name.includes("/controls/chips.js")).name;
    const { Combobox } = await import(from.replace("chips.js", "combobox.js"));
    const options = Array.from({ length: 1000 }, (_, i) => ({ value: `k${i}`, name: `kind ${i}`, face: "" }));
    const words = { label: "Kind", find: "{n}", none: "none: {text}", found: { one: "1", many: "{n}" } };
    window.many = new Combobox(options, words, (value) => { window.taken = value; });
    many.set("k7");
    document.querySelector(".tc-classes").append(many.node);
    many.field.id = "many";
}"""


@pytest.fixture(scope="module")
def large(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    packs = Packs(make_large_pack(tmp_path_factory.mktemp("large") / "large").path, others=[])
    with serve_page(packs) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.goto(address)
        page.wait_for_function(PAGE_READY)
        yield page
        page.close()


@pytest.mark.slow
def test_one_of_many_classes_is_found_by_keys_alone(large: Any) -> None:
    field, keys = large.get_by_role("combobox", name="Class"), large.keyboard
    assert field.input_value() == "class 0" and not large.query_selector(".tc-chip")
    listed = large.locator(".tc-combobox")
    field.focus()
    keys.press("ArrowDown")
    assert listed.get_by_role("option").count() == 22
    assert listed.get_by_role("option", selected=True).inner_text() == "class 0"
    keys.type("1")  # in place of the name
    assert [one.inner_text() for one in listed.get_by_role("option").all()[:2]] == ["class 1", "class 10"]
    keys.press("ArrowDown")
    active = field.get_attribute("aria-activedescendant")
    assert large.inner_text(f"#{active}") == "class 10" and field.get_attribute("aria-expanded") == "true"
    keys.press("Escape")
    assert field.input_value() == "class 0" and large.evaluate(CHOSEN) == "class 0"
    keys.type("zebra")
    assert listed.get_by_role("option").count() == 0 and "zebra" in large.inner_text(".tc-combobox ul")
    keys.press("Enter")
    keys.press("Control+a")
    keys.type("20")
    keys.press("Enter")
    assert field.input_value() == "class 20" and field.get_attribute("aria-expanded") == "false"
    large.wait_for_function(f"() => ({CHOSEN})() === 'class 20'")
    assert large.problems == []


@pytest.mark.slow
def test_a_thousand_are_listed_and_chosen(large: Any) -> None:
    large.evaluate(COMBOBOX)
    large.click("#many")
    assert large.locator("#many + ul li").count() == 1000
    large.keyboard.press("ArrowUp")
    for _ in range(99):
        large.keyboard.press("PageDown")
    large.keyboard.press("End")
    large.keyboard.press("Enter")
    assert large.evaluate("() => taken") == "k996"
    large.fill("#many", "kind 99")
    large.locator("#many + ul li", has_text="kind 999").click()
    assert large.evaluate("() => [taken, many.field.value, many.list.hidden]") == ["k999", "kind 999", True]
    large.evaluate("() => many.node.remove()")
    assert large.problems == []


@pytest.mark.slow
def test_1024_tokens_are_shown_pinned_and_exported(large: Any) -> None:
    run_page(large)
    assert large.evaluate("() => tokenCritic.state.frames.map((lane) => [lane.length, lane[0].tokens.length])") == [
        [18, SIDE * SIDE],
        [18, SIDE * SIDE],
    ]
    take(large, 9)
    for size, smallest in (((1280, 800), 6), ((390, 844), 4)):
        large.set_viewport_size({"width": size[0], "height": size[1]})
        painted(large)
        cells = large.evaluate(CELLS, SIDE)
        assert cells and all(cell >= smallest and cell == int(cell) for cell in cells), f"{size}: {cells}"
        assert large.evaluate("() => document.documentElement.scrollWidth") <= size[0]
    large.set_viewport_size({"width": 1280, "height": 800})
    large.focus(".tc-panels >> nth=1")
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "Enter"):
        large.keyboard.press(key)
    assert large.evaluate("() => tokenCritic.state.pinned") == 2 * SIDE + 1
    assert large.locator(".tc-film canvas").count() == 36
    run_id = large.evaluate("() => tokenCritic.state.run.id")
    for kind in EXPORTS:
        answer = large.request.get(f"{large.url.split('?')[0]}export?run={run_id}&kind={kind}&lanes=all&at=9")
        assert answer.ok, f"{kind}: {answer.text()}"
        if kind == "png":
            sheet = Image.open(io.BytesIO(answer.body()))
            assert sheet.width > 18 * 64 and np.asarray(sheet).std() > 0
    assert large.problems == []


@pytest.mark.slow
def test_the_game_is_played_on_1024_tokens(large: Any) -> None:
    go_to(large, "fakes")
    large.click("#tc-fakes button:text('Another picture')")
    large.wait_for_function("() => tokenCritic.game.open")
    fake = large.evaluate("() => [...tokenCritic.game.dealt.fake]")
    assert len(fake) == SIDE * SIDE
    canvas = large.locator(".tc-game-board canvas").first
    box, place = canvas.bounding_box(), fake.index(1)
    large.mouse.click(
        box["x"] + (place % SIDE + 0.5) * box["width"] / SIDE, box["y"] + (place // SIDE + 0.5) * box["height"] / SIDE
    )
    assert large.evaluate("() => [...tokenCritic.game.marks]") == [place]
    large.click("#tc-fakes button:text('Check')")
    assert large.evaluate("() => tokenCritic.game.result.mine") == 1
    assert large.problems == []
