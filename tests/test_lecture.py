"""For the lecture: the decision that is hidden until a key, a clicker's keys, the lecturer's second window."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pages import at, comes_to, open_drawer, painted, take

pytest.importorskip("playwright.sync_api")
AT = "() => tokenCritic.state.playhead.at"
SHOWN = "() => tokenCritic.state.guess?.shown"


def test_the_audience_marks_what_it_thinks_is_taken_back_before_it_sees_it(page: Any) -> None:
    open_drawer(page, "view")
    page.check("[data-view=predicts]")
    open_drawer(page, "")
    take(page, 9)
    revoked, visible = page.evaluate("""() => { const { state, tokens } = tokenCritic.state.frames[1][9];
        const all = [...state.keys()];
        return [all.filter((i) => state[i] === 3), all.filter((i) => tokens[i] >= 0)]; }""")
    before = page.evaluate(
        "() => tokenCritic.state.frames[1].slice(0, 9).reduce((sum, { counts }) => sum + counts[3], 0)"
    )
    assert f"{before} taken back" in page.inner_text('[data-lane="1"] .tc-lane-taken'), "the title does not tell either"
    assert str(len(revoked)) not in page.inner_text('[data-lane="1"] .tc-status')
    wrong = next(place for place in visible if place not in revoked)
    hidden = next(place for place in range(256) if place not in visible)
    for place in (revoked[0], revoked[1], wrong, hidden):
        page.mouse.click(*at(page, 1, "decision", place))
    assert page.evaluate("() => [...tokenCritic.state.guess.marks[1]]") == [revoked[0], revoked[1], wrong]
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press(".")
    comes_to(page, SHOWN, True)
    painted(page)
    said = page.inner_text('[data-lane="1"] .tc-status')
    assert f"Of 3 marked 2 are taken back, of {len(revoked)} in all" in said and page.evaluate(AT) == 9
    page.keyboard.press(".")
    comes_to(page, AT, 10)
    assert page.evaluate(SHOWN) is False, "the next decision is hidden again"
    page.evaluate("() => tokenCritic.store.update('view', { predicts: false })")
    assert page.evaluate("() => tokenCritic.state.guess") is None and page.problems == []


def test_a_clicker_steps_while_projecting(page: Any) -> None:
    take(page, 4)
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("PageDown")
    assert page.evaluate(AT) == 4, "else the key scrolls the page"
    page.keyboard.press("p")
    page.wait_for_selector(".tc-stage.is-projected")
    page.keyboard.press("PageDown")
    comes_to(page, AT, 5)
    page.keyboard.press("PageUp")
    comes_to(page, AT, 4)
    page.keyboard.press("Escape")


def test_the_second_window_previews_the_next_step_and_keeps_notes(page: Any) -> None:
    take(page, 6)
    open_drawer(page, "view")
    with page.context.expect_page() as opened:
        page.click('button:text("Lecturer\'s notes")')
    notes = opened.value
    assert notes.inner_text("h1") == "Step 7 of 18" and notes.locator("canvas").count() == 2
    notes.fill("textarea", "ask about the hand")
    notes.evaluate("() => document.activeElement.blur()")
    notes.keyboard.press("PageDown")
    comes_to(page, AT, 7)
    assert notes.input_value("textarea") == "" and notes.inner_text("h1") == "Step 8 of 18"
    notes.keyboard.press("PageUp")
    comes_to(page, AT, 6)
    assert notes.input_value("textarea") == "ask about the hand"
    notes.close()
    take(page, 7)
    open_drawer(page, "")
    assert page.problems == []
