"""No control that does nothing: each is moved on the page in a real browser, and what would run changes with it."""

from __future__ import annotations

from typing import Any

import pytest

from app.request import affects_run, lane_fields
from engine.rules import RULES
from tests.pages import comes_to, open_drawer

playwright = pytest.importorskip("playwright.sync_api")

PLANNED = "() => JSON.stringify([tokenCritic.state.planned.pack, tokenCritic.state.planned.lanes])"
VISIBLE = """(names) => names.filter((name) =>
    document.querySelector(`#tc-settings-1 .block.tc-x-${name}`)?.checkVisibility())"""
SETTING = "([lane, name]) => tokenCritic.state.planned.lanes[lane].settings[name]"
DELAY = """() => { // ms to the next step of what plays
    const { player } = tokenCritic, asked = [], set = window.setTimeout;
    window.setTimeout = (call, delay) => { asked.push(delay); return set(call, delay); };
    player.play();
    window.setTimeout = set;
    player.pause();
    return asked[0];
}"""
ANOTHER = """(select) => { // another choice than now
    const next = [...select.options].find((one) => one.value !== select.value).value;
    select.value = next;
    select.dispatchEvent(new Event("change", { bubbles: true }));
    return next;
}"""


def planned(page: Any) -> str:
    text: str = page.evaluate(PLANNED)
    return text


def choose(page: Any, lane: int, rule: str) -> None:
    page.select_option(f"#tc-settings-{lane + 1} .tc-x-rule select", rule)
    page.wait_for_function(
        "([lane, rule]) => tokenCritic.state.planned.lanes[lane].settings.rule === rule", arg=[lane, rule]
    )


def test_what_both_lanes_share_changes_the_run(page: Any) -> None:
    first = planned(page)
    for move, back in (
        (lambda: page.fill(".tc-seed input", "9"), lambda: page.fill(".tc-seed input", "0")),
        (lambda: page.check(".tc-chip input >> nth=3"), lambda: page.check(".tc-chip input >> nth=0")),
        (
            lambda: page.get_by_role("checkbox", name="Equal passes").check(),
            lambda: page.get_by_role("checkbox", name="Equal passes").uncheck(),
        ),
        (
            lambda: page.get_by_role("checkbox", name="Matched").check(),
            lambda: page.get_by_role("checkbox", name="Matched").uncheck(),
        ),
        (
            lambda: (open_drawer(page, "view"), page.click("button:text('Add a lane')")),
            lambda: page.click("button:text('Remove this lane')"),
        ),
    ):
        move()
        page.keyboard.press("Tab")
        page.wait_for_function(f"(first) => ({PLANNED})() !== first", arg=first)
        back()
        page.keyboard.press("Tab")
        page.wait_for_function(f"(first) => ({PLANNED})() === first", arg=first)
    page.click("#tc-dice")
    page.wait_for_function(f"(first) => ({PLANNED})() !== first", arg=first)
    page.fill(".tc-seed input", "0")
    page.keyboard.press("Tab")
    page.wait_for_function(f"(first) => ({PLANNED})() === first", arg=first)
    assert page.problems == []


@pytest.mark.parametrize("rule", list(RULES))
def test_every_control_that_a_rule_shows_changes_its_settings(page: Any, rule: str) -> None:
    page.evaluate(
        "() => document.documentElement.classList.contains('tc-more') || document.getElementById('tc-more').click()"
    )
    choose(page, 0, rule)
    shown = [name for name in lane_fields() if affects_run(name, rule, False, False)]
    comes_to(page, VISIBLE, shown, arg=list(lane_fields()))
    for name in shown[1:]:
        before = page.evaluate(SETTING, [0, name])
        control = page.locator(f"#tc-settings-1 .block.tc-x-{name}")
        if control.locator("select").count():
            control.locator("select").evaluate(ANOTHER)
        else:
            control.locator("input[type=range]").focus()
            page.keyboard.press("ArrowLeft" if before else "ArrowRight")
        page.wait_for_function(f"([at, before]) => ({SETTING})(at) !== before", arg=[[0, name], before])
    choose(page, 0, "maskgit")
    assert page.problems == []


def test_who_chooses_two_rules_at_once_sees_the_controls_of_the_second(page: Any) -> None:
    rules = list(RULES)
    for first, second in zip(rules, rules[1:] + rules[:1], strict=True):
        page.select_option("#tc-settings-1 .tc-x-rule select", first)
        page.select_option("#tc-settings-1 .tc-x-rule select", second)
        read = [affects_run(name, second, False, False) for name in lane_fields()]
        page.wait_for_function(
            """([names, read, rule]) => tokenCritic.state.planned.lanes[0].settings.rule === rule
                && names.every((name, i) => read[i] === Boolean(
                    document.querySelector(`#tc-settings-1 .block.tc-x-${name}`)?.checkVisibility()))""",
            arg=[list(lane_fields()), read, second],
        )
    assert page.problems == []


def test_the_speed_is_how_fast_it_plays(page: Any) -> None:
    for speed in ("10", "2"):
        page.select_option(".tc-transport select", speed)
        assert page.evaluate(DELAY) == 1000 / float(speed)
    page.select_option(".tc-transport select", "10")
    page.evaluate("() => tokenCritic.player.take(0)")
    page.click(".tc-play")
    page.wait_for_function("() => !tokenCritic.state.playhead.playing && tokenCritic.state.playhead.at === 17")
    page.select_option(".tc-transport select", "2")
