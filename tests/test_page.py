"""The page in a real browser: press Run, watch both lanes, and compare what is drawn with what the engine records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from app.features.replay import read_traces
from app.packs import Packs
from app.request import control_names
from app.server import places
from app.server.body import LARGE_BODIES
from app.text.words import ENGLISH, words
from app.tools.bench import request_run
from app.tools.browser import PAGE_READY, POLL_MS, run_page
from engine import SAMPLING_VERSION
from engine.critic_example import make_critic_example
from engine.distance import nearest_distance
from engine.refine import refine
from engine.session import Session
from engine.step import Step
from tests.pages import (
    PATIENCE,
    another,
    at,
    back_to_two_lanes,
    comes_to,
    forget_refusals,
    go_to,
    look_at,
    open_drawer,
    painted,
    take,
)
from tests.test_modules import MAX_TRANSFERRED

playwright = pytest.importorskip("playwright.sync_api")

FRAMES = """async () => {
    const digests = async (frame) => ({ told: frame.digest, drawn: await tokenCritic.digestOf(frame) });
    const lanes = tokenCritic.state.frames;
    return Promise.all(lanes.map((lane) => Promise.all(lane.map(digests))));
}"""
DIGESTS = "() => tokenCritic.state.frames.map((lane) => lane.map((one) => one.digest).join())"
COLOURS = """() => {
    const canvas = document.querySelector('[data-lane="1"] canvas[data-panel="decision"]');
    const { frames, playhead, shown: { grid } } = tokenCritic.state;
    const cell = canvas.width / grid, context = canvas.getContext("2d");
    const at = (i) => {
        const x = (i % grid + 0.5) * cell, y = (Math.floor(i / grid) + 0.12) * cell;
        return [...context.getImageData(x, y, 1, 1).data].slice(0, 3);
    };
    return frames[1][playhead.at].state.reduce((all, one, i) => [...all, [one, at(i).join()]], []);
}"""

LATE_DISTANCES = """async () => {
    const gallery = tokenCritic.gallery, { id } = gallery.run, item = gallery.items[0][0], plain = window.fetch;
    const after = async (meanwhile) => {
        item.distance = undefined;
        window.fetch = async () => {
            gallery.run.id = meanwhile;
            return Response.json({ distances: [[7]], nearest: [[0]], pictures: ["data:,"] });
        };
        await gallery.nearest();
        return item.distance === 7;
    };
    const found = [await after(id), await after("another")];
    window.fetch = plain;
    gallery.run.id = id;
    return found;
}"""
# Gradio's own container hides what sticks out, so the page's width alone says nothing.
CUT_OFF = """(width) => {
    const seen = [...document.querySelectorAll(".tc-chip, button, select, input, .tc-panel, .tc-lane-foot > *")];
    const scrolls = (node) => node && (node.scrollWidth > node.clientWidth + 1
        && ["auto", "scroll"].includes(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
    const out = (box) => box.width && (box.right > width + 1 || box.left < -1);
    const cut = (node) => out(node.getBoundingClientRect()) && !scrolls(node.parentElement);
    return seen.filter((node) => node.checkVisibility() && cut(node)).map((node) => node.outerHTML);
}"""
COVERED = """() => {
    const top = document.querySelector(".tc-transport").getBoundingClientRect().top;
    const seen = [...document.querySelectorAll(".tc-lane-settings input, .tc-lane-settings select")];
    const covered = (node) => node.getBoundingClientRect().bottom > top;
    return seen.filter((node) => node.checkVisibility() && covered(node)).map((node) => node.outerHTML);
}"""

LANE_DIGESTS = "() => tokenCritic.state.frames.map((lane) => lane.map((one) => one.digest))"


STEPS: dict[str, list[Step]] = {}  # by rule


def engine_steps(session: Session, rule: str) -> list[Step]:
    """What python -m engine.sample writes for the page's first settings; `session` is of its first pack."""
    if rule not in STEPS:
        STEPS[rule] = list(session.run(session.settings(rule=rule, label=session.classes[0])))
    return STEPS[rule]


def test_both_lanes_get_18_different_steps_equal_to_the_engines(page: Any, packs: Packs) -> None:
    lanes = page.evaluate(FRAMES)
    for lane, rule in zip(lanes, ("maskgit", "critic"), strict=True):
        assert len(lane) == 18 and len({step["drawn"] for step in lane}) == 18
        recorded = [step.digest() for step in engine_steps(packs.session(packs.first), rule)]
        assert [step["drawn"] for step in lane] == recorded == [step["told"] for step in lane]
    assert page.problems == []


def test_the_decision_panel_paints_each_state_in_its_own_way(page: Any) -> None:
    take(page, 9)
    seen: dict[int, set[str]] = {}
    for state, colour in page.evaluate(COLOURS):
        seen.setdefault(state, set()).add(colour)
    assert len(seen[1]) == 1 and len(seen[3]) == 1, "newly kept and revoked have one colour each at the cell's edge"
    assert seen[1].isdisjoint(seen[3]) and seen[3].isdisjoint(seen[2])


def test_steps_can_be_scrubbed_by_keys_and_the_line_says_what_is_shown(page: Any) -> None:
    page.evaluate("() => document.activeElement.blur()")
    for key, shown in (("Home", 1), (".", 2), (".", 3), (",", 2), ("End", 18)):
        page.keyboard.press(key)
        page.wait_for_function("(s) => tokenCritic.state.playhead.at === s - 1", arg=shown)
        painted(page)
        assert f"Step {shown} of 18" in page.text_content('[data-lane="1"] .tc-status')


def test_a_cell_tells_its_token_and_a_click_shows_its_life(page: Any, packs: Packs) -> None:
    take(page, 9)
    page.evaluate("() => window.scrollTo(0, 0)")
    place = 5 * 16 + 6
    step = engine_steps(packs.session(packs.first), "critic")[9]
    page.mouse.move(*at(page, 1, "scores", place))
    page.wait_for_selector(".tc-tip:not([hidden])")
    tip = page.inner_text(".tc-tip")
    assert f"Token {step.proposal[0, place]}" in tip and "row 6, column 7" in tip.lower()
    assert f"{step.scores[0, place]:.2f}".removeprefix("0.00") in tip
    marked = page.evaluate("""() => [...document.querySelectorAll(".tc-pointed")].flatMap((mark) => {
        if (!mark.checkVisibility()) return [];
        const a = mark.getBoundingClientRect(), b = mark.parentElement.firstChild.getBoundingClientRect();
        return [Math.round((a.left - b.left) / a.width), Math.round((a.top - b.top) / a.height)].join();
    })""")
    assert marked == ["6,5"] * len(marked) and len(marked) == 8, "the same cell in every panel of every lane"
    page.mouse.click(*at(page, 1, "scores", place))
    page.wait_for_selector(".tc-token:not([hidden])")
    painted = "() => getComputedStyle(document.querySelector('.tc-life .tc-patch')).backgroundImage.startsWith('url(')"
    comes_to(page, painted, True)
    lives = page.evaluate("""() => [...document.querySelectorAll(".tc-life")].map((strip) =>
        [...strip.children].map((one) => one.getAttribute("aria-label")))""")
    for rule, told in zip(("maskgit", "critic"), lives, strict=True):
        recorded = engine_steps(packs.session(packs.first), rule)
        states = ("kept", "newly kept", "masked", "revoked")
        for one, said in zip(recorded, told, strict=True):
            assert f"token {one.proposal[0, place]} proposed" in said
            assert said.endswith(states[one.state[0, place]])
    shares = page.evaluate("""() => [...document.querySelectorAll(".tc-life-row:nth-child(2) .tc-candidates li")]
        .map((one) => one.lastChild.textContent)""")
    assert [float(share.removeprefix("<")) for share in shares] == pytest.approx(step.top_probs[0, place], abs=0.0101)
    page.click(".tc-life-row:nth-child(2) .tc-life-step:nth-child(4)")
    assert page.evaluate("() => tokenCritic.state.playhead.at") == 3
    assert page.problems == []


def test_the_arrow_keys_move_the_cell_and_escape_lets_go(page: Any) -> None:
    take(page, 9)
    page.evaluate("() => tokenCritic.store.set({ pinned: 5 * 16 + 6 })")
    page.focus('[data-lane="0"] .tc-panels')
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => tokenCritic.state.pinned") == 5 * 16 + 7, "the pinned cell goes along"
    page.keyboard.press("ArrowUp")
    comes_to(page, "() => document.querySelector('.tc-token h3').innerText", "Row 5, column 8")
    assert "row 5, column 8" in page.text_content(".tc-spoken")
    page.keyboard.press("Escape")
    page.wait_for_selector(".tc-token", state="hidden")
    assert page.evaluate("() => tokenCritic.state.pinned") == -1
    page.evaluate("() => document.activeElement.blur()")


def test_where_the_lanes_differ_is_framed(page: Any) -> None:
    pixels = """() => { const c = document.querySelector('[data-lane="0"] canvas[data-panel="proposal"]');
        return c.getContext("2d").getImageData(0, 0, c.width, c.height).data.join(); }"""
    open_drawer(page, "view")
    painted(page)  # the panels have another size beside it
    plain = page.evaluate(pixels)
    page.check("text=where the lanes differ")
    painted(page)
    framed = page.evaluate(pixels)
    page.uncheck("text=where the lanes differ")
    painted(page)
    assert framed != plain and page.evaluate(pixels) == plain
    open_drawer(page, "")


def test_a_branch_runs_on_from_a_step_as_a_third_lane(page: Any) -> None:
    take(page, 7)
    page.click('[data-lane="1"] button:text("Branch here")')
    page.wait_for_selector("#tc-settings-3 .tc-choice select")
    page.wait_for_function("() => document.querySelector('#tc-settings-3 select').value === 'critic'")
    page.wait_for_selector(".tc-stage.is-stale")
    assert "after step 8" in page.text_content(".tc-notice")
    run_page(page)
    same = """() => {
        const [, theirs, mine] = tokenCritic.state.frames.map((lane) => lane.map((one) => one.digest));
        return [mine.length, mine.join() === theirs.join()]; }"""
    assert page.evaluate(same) == [18, True], "with the same settings it is the same run"
    page.fill("#tc-settings-3 .tc-slider:nth-child(3) input[type=number]", "4")
    page.keyboard.press("Tab")
    page.wait_for_selector(".tc-stage.is-stale")
    run_page(page)
    first = """() => {
        const [, theirs, mine] = tokenCritic.state.frames.map((lane) => lane.map((one) => one.digest));
        return mine.findIndex((one, s) => one !== theirs[s]); }"""
    assert page.evaluate(first) == 8, "other settings from the ninth step on"
    back_to_two_lanes(page)


def test_who_masks_by_hand_as_the_rule_starts_from_what_the_rule_has(page: Any) -> None:
    take(page, 9)
    page.evaluate("() => window.scrollTo(0, 0)")
    page.focus('[data-lane="1"] button:text("Be the critic")')
    page.keyboard.press("Enter")
    page.wait_for_selector('[data-lane="1"] .tc-panels:focus')
    for key, count in (("ArrowRight", 0), (" ", 1), (" ", 0)):
        page.keyboard.press(key)
        assert page.evaluate("() => (tokenCritic.state.hand?.chosen.size ?? 0)") == count
    assert page.evaluate("() => tokenCritic.state.playhead.at") == 9, "the space bar marks, and does not play"
    x, y = at(page, 1, "decision", 3 * 16 + 3)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(*at(page, 1, "decision", 3 * 16 + 6), steps=8)
    page.mouse.up()
    chosen = page.evaluate("() => [...tokenCritic.state.hand.chosen]")
    assert chosen == [51, 52, 53, 54] and page.is_disabled("button:text('Run on')")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(*at(page, 1, "decision", 3 * 16 + 6), steps=8)
    page.mouse.up()
    assert page.evaluate("() => (tokenCritic.state.hand?.chosen.size ?? 0)") == 0, "a stroke over them takes them back"
    page.click("button:text('Rest as the rule')")
    run_page(page, "button:text('Run on')")
    theirs, mine = page.evaluate(LANE_DIGESTS)[1:]
    assert mine[:10] == theirs[:10], "as the rule decided"
    assert not set(mine[10:]) & set(theirs[10:]), "and from there on with fresh noise"
    wanted = page.evaluate("() => tokenCritic.state.shown.lanes[2].origin.masked.length")
    said = page.text_content(".tc-notice")
    assert f"Of {wanted} tokens" in said and f"masked {wanted} alike" in said and "score" in said
    back_to_two_lanes(page)
    assert page.problems == []


INPUT = """(lane) => document.querySelector(`[data-lane="${lane}"] canvas[data-panel="input"]`).toDataURL()"""


def test_a_branch_opens_its_settings_and_shows_what_it_starts_from(page: Any) -> None:
    page.set_viewport_size({"width": 1000, "height": 900})
    page.evaluate("() => document.documentElement.classList.remove('tc-dials')")
    take(page, 9)
    page.click('[data-lane="1"] button:text("Branch here")')
    page.wait_for_selector('[data-lane="2"].is-start')
    painted(page)
    assert page.is_visible("#tc-settings-3 select") and page.is_visible('[data-lane="1"]')
    assert [page.is_visible(one) for one in ("#tc-settings-1", '[data-lane="0"]', ".tc-row >> nth=0")] == [False] * 3
    assert page.inner_text('[data-lane="2"] h2') == "Token-Critic, branched off"
    titles = page.locator(".tc-lane:visible .tc-panel[data-panel=scores] figcaption > span:visible")
    assert all(one.evaluate("(one) => one.scrollWidth <= one.clientWidth") for one in titles.all()), "none is cut"
    assert "starts from: Token-Critic after step 10" in page.inner_text('[data-lane="2"] .tc-status')
    assert "256 cells" in page.get_attribute('[data-lane="1"] .tc-lane-taken', "title")
    started = page.evaluate(INPUT, 2)
    take(page, 10)
    assert started == page.evaluate(INPUT, 1), "what goes into the next step of the lane that it leaves"
    page.click('[data-lane="2"] button:text("Remove this lane")')
    page.wait_for_selector('[data-lane="0"]')
    assert not page.is_visible("#tc-settings-1"), "its settings are folded again, as they were"
    page.evaluate("() => document.documentElement.classList.add('tc-dials')")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.problems == []


def test_a_finished_picture_is_refined_and_a_part_of_it_repainted(page: Any, packs: Packs) -> None:
    session = packs.session(packs.first)
    take(page, 17)
    page.evaluate("() => window.scrollTo(0, 0)")
    run_page(page, '[data-lane="0"] button:text("Refine")')
    finished = engine_steps(session, "maskgit")[-1]
    config = session.settings(rule="maskgit", label=session.classes[0])

    def refined() -> list[str]:
        round = page.evaluate("() => tokenCritic.state.shown.lanes[2].origin.round")
        return [step.digest() for step in refine(session, config.replace(round=round - 1), finished.proposal, 0.6)]

    own = page.evaluate(LANE_DIGESTS)[2]
    assert own[18:] == refined()
    assert "before" in page.text_content(".tc-notice")
    take(page, 17)
    run_page(page, '[data-lane="0"] button:text("Refine")')
    again = page.evaluate(LANE_DIGESTS)[2]
    assert again[18:] == refined() and not set(again[18:]) & set(own[18:]), "a second press draws fresh noise"
    take(page, 17)
    page.click('[data-lane="1"] button:text("Repaint a part")')
    for place in (51, 52):
        page.mouse.click(*at(page, 1, "decision", place))
    run_page(page, "button:text('Run on')")
    kept = page.evaluate("""() => { const frames = tokenCritic.state.frames[2];
        return [...frames[18].tokens.keys()].filter((i) => frames[18].tokens[i] < 0); }""")
    assert kept == [51, 52]
    back_to_two_lanes(page)
    assert page.problems == []


def test_a_picture_of_one_s_own_is_seen_and_refined(page: Any, packs: Packs, tmp_path: Path) -> None:
    session = packs.session(packs.first)
    index = int(np.flatnonzero(session.pack.pictures().splits != "train")[0])
    image = session.pack.pictures().read(np.array([index]))
    go_to(page, "refine")
    page.wait_for_selector(".tc-own")
    (tmp_path / "none.png").write_bytes(b"no picture")
    page.set_input_files(".tc-own input[type=file]", tmp_path / "none.png")
    page.wait_for_function("() => document.querySelector('.tc-own .tc-status').textContent.includes('can be read')")
    assert page.is_disabled(".tc-own button:text('Refine')")
    Image.fromarray(image[0]).save(tmp_path / "own.png")
    page.set_input_files(".tc-own input[type=file]", tmp_path / "own.png")
    page.wait_for_function("() => window.tokenCritic.own.seen")
    tokens = session.encode(image)
    scores = session.score(tokens, session.classes[0])[0]
    seen = page.evaluate("() => [tokenCritic.own.seen.tokens, [...tokenCritic.own.seen.scores]]")
    assert seen[0] == tokens[0].tolist() and np.allclose(seen[1], scores)
    assert f"mean score is {scores.mean():.2f}" in page.inner_text(".tc-own")
    run_page(page, ".tc-own button:text('Refine')")
    own = page.evaluate(LANE_DIGESTS)[2]
    round = page.evaluate("() => tokenCritic.state.shown.lanes[2].origin.round")
    config = session.settings(rule="critic", label=session.classes[0], round=round - 1)
    assert own[1:] == [step.digest() for step in refine(session, config, tokens, 0.6)]
    assert "from your picture" in page.inner_text('[data-lane="2"] .tc-lane-head')
    assert f"{scores.mean():.2f} before" in page.text_content(".tc-notice")
    assert page.inner_text(".tc-original h2") == "Before: your picture" and page.is_visible(".tc-original canvas")
    assert page.inner_text('[data-lane="2"] h2') == "Token-Critic, refined"
    assert not page.is_visible('[data-lane="0"]') and not page.is_visible(".tc-row >> nth=1"), "they are unrelated"
    back_to_two_lanes(page)
    assert page.problems == []


def test_the_last_step_is_scored_when_asked_for(page: Any, packs: Packs) -> None:
    session = packs.session(packs.first)
    take(page, 17)
    page.wait_for_function("() => document.querySelector('[data-lane=\"1\"] .tc-note:not(:empty)')")
    page.click('[data-lane="1"] button:text("Score it")')
    page.wait_for_function("() => tokenCritic.state.frames[1][17].judged")
    judged = page.evaluate("() => [...tokenCritic.state.frames[1][17].judged]")
    assert f"{np.mean(judged):.2f}" in page.text_content(".tc-notice")
    assert np.allclose(judged, session.score(engine_steps(session, "critic")[-1].proposal, session.classes[0])[0])
    painted(page)
    assert page.text_content('[data-lane="1"] .tc-panel[data-panel="scores"] .tc-note') == ""
    middle = """(place) => { const c = document.querySelector('[data-lane="1"] canvas[data-panel="scores"]');
        const cell = c.width / 16, [x, y] = [place % 16, Math.floor(place / 16)].map((one) => (one + 0.5) * cell);
        return [...c.getContext("2d").getImageData(x, y, 1, 1).data].slice(0, 3); }"""
    high, low = int(np.argmax(judged)), int(np.argmin(judged))
    assert sum(page.evaluate(middle, high)) > sum(page.evaluate(middle, low)), "a higher score is brighter"
    assert page.problems == []


def test_the_curves_are_drawn_when_they_are_opened(page: Any, packs: Packs) -> None:
    open_drawer(page, "curves")
    page.wait_for_selector("#tc-curves .js-plotly-plot .legend")
    data = "document.querySelector('#tc-curves .js-plotly-plot').data"
    drawn = page.evaluate(f"() => {data}.map((one) => [one.name, one.y])")
    states = [step.state[0] for step in engine_steps(packs.session(packs.first), "critic")]
    ys = [y for name, y in drawn if name == "2 Token-Critic"][1:]  # after the planned counts
    assert ys[0] == [int((state >= 2).sum()) for state in states], "masked after each step"
    assert ys[1] == [int((state == 3).sum()) for state in states] and max(ys[1]) > 0, "revoked"
    assert max([y for name, y in drawn if name == "1 MaskGIT"][2]) == 0, "MaskGIT never revokes"
    open_drawer(page, "")


def test_the_playhead_keeps_its_place_in_the_curves_of_each_run(page: Any, address: str) -> None:
    other = another(page)
    other.goto(address)
    other.wait_for_function(PAGE_READY)
    open_drawer(other, "curves")
    other.wait_for_selector(".tc-curve-now", state="attached")
    other.evaluate("() => document.querySelector('#tc-curves .js-plotly-plot').classList.add('is-old')")
    other.evaluate("() => tokenCritic.changed('seed', 7)")
    run_page(other)
    place = "() => document.querySelector('#tc-curves :not(.is-old) > .tc-curve-now')?.style.left"
    before = other.wait_for_function(place).json_value()
    other.set_viewport_size({"width": 740, "height": 720})  # the drawer, and so the plot, is as wide as the page
    other.wait_for_function(f"(before) => ({place})() !== before", arg=before)
    other.close()


def test_a_run_that_is_not_kept_has_no_curves_and_that_is_said(page: Any) -> None:
    kept = page.evaluate("() => tokenCritic.state.run.id")
    page.evaluate("() => tokenCritic.store.update('run', { id: 'gone' })")
    open_drawer(page, "curves")
    page.wait_for_selector(f"text={words(ENGLISH)['drawer']['not_kept']}")
    page.evaluate("(id) => tokenCritic.store.update('run', { id })", kept)
    page.wait_for_selector("#tc-curves .js-plotly-plot .legend")
    assert not page.is_visible(f"text={words(ENGLISH)['drawer']['not_kept']}")
    open_drawer(page, "")


def set_steps(page: Any, steps: int) -> None:
    """Set the number of steps of both lanes."""
    page.evaluate("(n) => { for (const lane of [1, 2]) tokenCritic.changed(`steps_${lane}`, n); }", steps)
    page.wait_for_function("(n) => tokenCritic.state.planned.lanes.every((lane) => lane.steps === n)", arg=steps)


def test_many_pictures_come_sorted_and_one_opens_in_the_lanes(page: Any, packs: Packs) -> None:
    go_to(page, "gallery")
    set_steps(page, 6)
    page.click("#tc-gallery [data-gallery=draw]")
    page.wait_for_function(
        "() => tokenCritic.gallery.items.flat().length === 16 && tokenCritic.gallery.run.why === 'done'",
        polling=POLL_MS,
    )
    session = packs.session(packs.first)
    label = session.classes[0]
    config = session.settings(rule="critic", label=label, seed=5, steps=6)
    *_, last = session.run(config)
    shown = page.evaluate("""async () => {
        const item = tokenCritic.gallery.items[1][5], canvas = document.createElement("canvas");
        canvas.width = canvas.height = 64;
        const image = item.node.querySelector("img");
        await image.decode();
        canvas.getContext("2d").drawImage(image, 0, 0, 64, 64);
        const pixels = [...canvas.getContext("2d").getImageData(0, 0, 64, 64).data].filter((_, i) => i % 4 < 3);
        return [item.seed, item.score, item.named, pixels];
    }""")
    assert shown[0] == 5 and shown[3] == session.decode(last.proposal)[0].ravel().tolist()
    assert shown[1] == pytest.approx(session.score(last.proposal, label).mean(), abs=1e-6)
    assert shown[2] == pytest.approx(session.recognise(session.decode(last.proposal), label)[0], abs=1e-5)
    page.select_option("[data-gallery=order]", "score")
    ranked = page.locator(".tc-gallery-row").nth(1).locator("span").all_inner_texts()
    assert all(one.startswith("score 0.") for one in ranked) and ranked == sorted(ranked, reverse=True)
    page.click("button:text('Nearest training picture')")
    page.wait_for_function("() => tokenCritic.gallery.items[1][5].distance !== undefined")
    train = session.pack.pictures().read(session.pack.pictures().indices("train"))
    near = nearest_distance(session.decode(last.proposal), train)[0]
    assert page.evaluate("() => tokenCritic.gallery.items[1][5].distance") == pytest.approx(near, abs=0.01)
    page.check(".tc-chip input >> nth=3")
    page.wait_for_selector(".tc-stage.is-stale", state="attached")
    seed = int(page.get_attribute(".tc-gallery-one >> nth=0", "title").split(",")[0].split()[-1])
    run_page(page, ".tc-gallery-one >> nth=0")
    assert page.evaluate("() => tokenCritic.state.shown.label") == label, "as it was drawn"
    assert page.evaluate("() => tokenCritic.state.shown.lanes[0].settings.seed") == seed
    page.fill(".tc-seed input", "0")
    page.keyboard.press("Tab")
    page.wait_for_function("() => tokenCritic.state.planned.lanes[0].settings.seed === 0")
    set_steps(page, 18)
    assert page.evaluate(LATE_DISTANCES) == [True, False], "an answer counts only for the pictures it was asked for"
    go_to(page, "gallery")
    page.click("#tc-gallery [data-gallery=draw]")
    page.wait_for_function("() => tokenCritic.gallery.run.going && tokenCritic.gallery.items.flat().length > 1")
    page.click("#tc-gallery [data-gallery=stop]")
    page.wait_for_function("() => tokenCritic.gallery.run.why === 'stopped'")
    go_to(page, "compare")
    run_page(page)
    assert page.problems == []


def test_the_game_counts_what_is_marked(page: Any, packs: Packs) -> None:
    go_to(page, "fakes")
    page.wait_for_function("() => tokenCritic.game.open")  # one is dealt to who comes
    seed, fake, scores, same = page.evaluate("""() => {
        const { seed, dealt } = tokenCritic.game;
        return [seed, [...dealt.fake], [...dealt.scores], dealt.same];
    }""")
    known = make_critic_example(packs.session(packs.first), seed, 0.25)
    differs = known.hidden & (known.real != known.filled)
    assert fake == differs.astype(int).tolist() and scores == pytest.approx(known.scores.tolist())
    assert same == known.hidden.sum() - differs.sum() > 0, "what equals the real token is no fake"
    fakes = np.flatnonzero(differs).tolist()
    real = int(np.flatnonzero(~differs)[0])
    canvas = page.locator(".tc-game-board canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    cell = box["width"] / 16
    for place in (*fakes[:3], real):
        page.mouse.click(box["x"] + (place % 16 + 0.5) * cell, box["y"] + (place // 16 + 0.5) * cell)
    page.click("#tc-fakes button:text('Check')")
    page.wait_for_selector(".tc-roc svg")
    lowest = np.argsort(known.scores, kind="stable")[:4]
    said = page.inner_text(".tc-game > .tc-status")
    assert "Of your 4 marks 3 are fakes (75 %)" in said
    assert f"lowest scores {differs[lowest].sum()} " in said and known.name in said
    assert f"There were {len(fakes)} fakes" in said and f"{int(100 * differs.mean() + 0.5)} % of the time" in said
    share = 100 * differs[lowest].mean()
    assert f"you 75 %, the critic {share:.0f} %" in page.inner_text(".tc-total")
    canvas.focus()
    page.click("#tc-fakes button:text('Another picture')")
    page.wait_for_function("() => !tokenCritic.game.result")
    canvas.focus()
    said = []
    for key in ("ArrowRight", "ArrowDown", "Enter", "Enter"):
        page.keyboard.press(key)
        said.append(page.text_content(".tc-game .tc-spoken"))
    row, column = (1 + int(one) for one in divmod(page.evaluate("() => tokenCritic.game.at"), 16))
    assert said[1:] == [f"row {row}, column {column}{marked}" for marked in ("", ", marked", "")] and said[0] != said[1]
    boards = (".tc-game-board canvas >> nth=0", "[data-lane='0'] .tc-panels")  # else a screen reader keeps the arrows
    assert [page.get_attribute(board, "role") for board in boards] == ["application"] * 2
    page.evaluate("() => document.activeElement.blur()")
    go_to(page, "compare")
    assert page.problems == []


def test_a_run_is_kept_as_a_file_and_opened_again(page: Any, packs: Packs, tmp_path: Path) -> None:
    digests = page.evaluate(DIGESTS)
    open_drawer(page, "share")
    page.wait_for_selector("#tc-make")
    page.select_option("[data-file=kind]", "json")
    with page.expect_download() as download:
        page.click("#tc-make")
    file = tmp_path / "run.json"
    download.value.save_as(file)
    _, traces = read_traces(file.read_text(encoding="utf-8"))
    for trace, rule in zip(traces, ("maskgit", "critic"), strict=True):
        assert [step.digest() for step in trace.steps] == [
            s.digest() for s in engine_steps(packs.session(packs.first), rule)
        ]
    page.fill(".tc-seed input", "5")
    page.keyboard.press("Tab")
    page.set_input_files("#tc-drawer .tc-files input[type=file]", str(file))
    page.wait_for_function("() => tokenCritic.state.run.why === 'opened'")
    assert (
        page.evaluate("() => tokenCritic.state.frames.map((lane) => lane.map((one) => one.digest).join())") == digests
    )
    page.wait_for_function("() => document.querySelector('.tc-seed input')?.value === '0'")
    page.wait_for_function("() => document.querySelector('.tc-notice').textContent.includes('From a file')")
    run_page(page)
    assert "exactly" in page.text_content(".tc-notice")
    other = tmp_path / "other.json"
    other.write_text("{}", encoding="utf-8")
    page.set_input_files("#tc-drawer .tc-files input[type=file]", str(other))
    page.wait_for_selector("text=no run of this page")
    page.wait_for_function("() => !tokenCritic.state.run.going")
    forget_refusals(page)
    page.click("#tc-run")
    page.wait_for_function("() => tokenCritic.state.run.going")  # no longer: a run may be over soon
    page.set_input_files("#tc-drawer .tc-files input[type=file]", str(file))
    said = "() => document.querySelector('.tc-notice.is-wrong')?.textContent"
    comes_to(page, said, words(ENGLISH)["files"]["stop_first"])  # in place of what was wrong before
    page.wait_for_function("() => tokenCritic.state.run.why === 'done'")
    open_drawer(page, "")
    run_page(page)
    assert page.problems == []


def test_pictures_of_all_steps_have_a_scale_to_choose(page: Any) -> None:
    open_drawer(page, "share")
    page.select_option("[data-file=kind]", "webp")
    assert page.is_visible("[data-file=lanes]") and not page.is_visible("[data-file=scale]")
    page.select_option("[data-file=kind]", "png")
    assert page.get_by_label(words(ENGLISH)["files"]["scale"]).locator("visible=true").count() == 1
    heights = {}
    for scale in words(ENGLISH)["files"]["scales"]:
        page.select_option("[data-file=scale]", scale)
        with page.expect_download() as download:
            page.click("#tc-make")
        heights[scale] = Image.open(download.value.path()).height
    assert heights == {scale: int(scale) * heights["1"] for scale in words(ENGLISH)["files"]["scales"]}
    page.select_option("[data-file=kind]", "json")
    assert not page.is_visible("[data-file=scale]")
    open_drawer(page, "")
    assert page.problems == []


def test_a_run_that_is_dropped_on_the_page_is_opened(page: Any, address: str, packs: Packs) -> None:
    session = packs.session(packs.first)
    config = session.settings(rule="critic", steps=3, label=session.classes[1])
    other = another(page)
    other.goto(address)
    other.wait_for_function(PAGE_READY)
    other.evaluate(
        """(text) => {
        const carried = new DataTransfer();
        carried.items.add(new File([text], "trace.json", { type: "application/json" }));
        document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: carried }));
    }""",
        session.trace(config, session.run(config)).to_json(),
    )
    other.wait_for_function("() => tokenCritic.state.run.why === 'opened'")
    digests = other.evaluate("() => tokenCritic.state.frames[0].map((one) => one.digest)")
    assert digests == [step.digest() for step in session.run(config)], "a trace of engine.sample is a run, too"
    other.close()


def test_what_is_dropped_and_is_no_run_leaves_the_page_as_it_is(page: Any, address: str, tmp_path: Path) -> None:
    other = another(page)
    other.goto(f"{address}?place=learn")
    other.wait_for_function(PAGE_READY)
    shown = other.evaluate("() => tokenCritic.state.run")
    asked: list[str] = []
    other.on("request", lambda request: asked.append(request.url))
    drop = """([name, type, size]) => {
        const carried = new DataTransfer();
        const file = new File([new Uint8Array(size)], name, { type });
        if (!size) file.text = () => Promise.reject(new DOMException("a folder", "NotReadableError"));
        carried.items.add(file);
        const event = new DragEvent("drop", { bubbles: true, cancelable: true });
        Object.defineProperty(event, "dataTransfer", { value: { files: size ? carried.files : [file] } });
        document.body.dispatchEvent(event);
        return event.defaultPrevented;
    }"""
    told = "() => tokenCritic.state.message?.text ?? ''"
    assert other.evaluate(drop, ["a.png", "image/png", 9]), "the browser does not show it in place of the page"
    assert other.evaluate(told) == ""
    for dropped in (["large.json", "", LARGE_BODIES["/run"] + 1], ["folder.json", "", 0]):
        other.evaluate("() => tokenCritic.store.set({ message: null })")
        assert other.evaluate(drop, dropped)
        comes_to(other, told, f"No run can be read from {dropped[0]}.")
    (tmp_path / "one.yaml").write_text("{}", encoding="utf-8")
    box = other.locator(".tc-lessons input[type=file]").bounding_box()
    carried = {"items": [], "files": [str(tmp_path / "one.yaml")], "dragOperationsMask": 1}
    where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "data": carried}
    client = other.context.new_cdp_session(other)
    for kind in ("dragEnter", "dragOver", "drop"):
        client.send("Input.dispatchDragEvent", {"type": kind, **where})
    other.wait_for_function("() => document.querySelector('.tc-lessons-problem').textContent.includes('one.yaml')")
    assert other.evaluate("() => [tokenCritic.state.run, tokenCritic.state.place]") == [shown, "learn"]
    assert [urlsplit(one).path for one in asked] == ["/lesson"]
    other.close()


def test_a_file_whose_answer_breaks_off_is_said(page: Any) -> None:
    open_drawer(page, "share")
    page.evaluate("""() => {
        const { blob } = Response.prototype;
        Response.prototype.blob = async () => {
            Response.prototype.blob = blob;
            throw new TypeError("network error");
        };
    }""")
    page.click("#tc-make")
    told = "() => document.querySelector('.tc-files .tc-status').textContent"
    comes_to(page, told, words(ENGLISH)["files"]["no_answer"])
    open_drawer(page, "")
    assert page.problems == []


def test_a_link_runs_the_same_and_says_so(page: Any, address: str) -> None:
    link = page.evaluate("() => tokenCritic.address.address")
    digests = page.evaluate(DIGESTS)
    assert link.startswith(address) and "seed=0" in link
    other = another(page)
    other.goto(link.replace("seed=0", "seed=3"))
    done = "() => window.tokenCritic && tokenCritic.state.run.why === 'done'"
    other.wait_for_function(done)
    other.wait_for_function("() => document.querySelector('.tc-notice').textContent.includes('differs a little')")
    assert other.input_value(".tc-seed input") == "3"
    other.goto(link)
    other.wait_for_function(done)
    other.wait_for_function("() => document.querySelector('.tc-notice').textContent.includes('exactly')")
    assert other.evaluate(DIGESTS) == digests
    version = f"version={SAMPLING_VERSION}&"
    assert version in link
    older = link.replace(version, "") + "&noise_K_1=0.3&eta_2=1.0"  # as version 1 made them: all of every rule's
    other.goto(older)
    other.wait_for_function(done)
    other.wait_for_function("() => document.querySelector('.tc-notice').textContent.includes('another version')")
    greedy, critic = other.evaluate(DIGESTS)
    assert critic == digests[1], "it runs what it asks for all the same"
    assert greedy != digests[0], "version 1's MaskGIT had no temperature"
    other.goto(link)
    other.wait_for_function("() => window.tokenCritic?.state.frames[0]?.length > 1")
    other.click("#tc-stop")
    other.wait_for_function("() => !tokenCritic.state.run.going")
    other.fill(".tc-seed input", "3")
    other.keyboard.press("Tab")
    other.wait_for_selector(".tc-stage.is-stale")
    run_page(other)
    assert other.text_content(".tc-notice") == "", "another run is not held against the link"
    other.close()


@pytest.mark.parametrize(
    ("query", "said"),
    [("seed=abc", "seed='abc': expected"), ("seed=2.5", "seed=2.5: expected"), ("pack=x", "pack 'x'")],
)
def test_what_is_wrong_with_a_link_is_said(page: Any, address: str, query: str, said: str) -> None:
    other = another(page)
    other.goto(f"{address}?{query}")
    other.get_by_text(said).first.wait_for()
    other.close()


def test_a_changed_control_marks_the_lanes(page: Any) -> None:
    page.fill(".tc-seed input", "41")
    page.keyboard.press("Tab")
    page.wait_for_selector(".tc-stage.is-stale")
    assert "run again" in page.text_content(".tc-notice")
    branch = '[data-lane="0"] button:text("Branch here")'
    take(page, 3)
    page.wait_for_selector(f"{branch}[disabled]")
    assert "have changed" in page.get_attribute(branch, "title"), "it would leave another run than the one shown"
    page.fill(".tc-seed input", "0")
    page.keyboard.press("Tab")
    page.wait_for_selector(".tc-stage:not(.is-stale)")
    page.wait_for_selector(f"{branch}:not([disabled])")
    page.select_option("#tc-settings-2 .tc-choice select >> nth=0", "random")
    page.wait_for_selector('[data-lane="1"] button:text("Branch here")[disabled]')
    assert page.is_enabled(branch), "the left lane is what the controls ask for, still"
    page.select_option("#tc-settings-2 .tc-choice select >> nth=0", "critic")
    page.wait_for_selector(".tc-stage:not(.is-stale)")


def test_a_page_at_rest_asks_for_no_frames(page: Any, address: str) -> None:
    """Gradio's opening screen leaves a clock behind that asks for all, for ever."""
    other = another(page)
    other.emulate_media(reduced_motion="no-preference")  # the clock is one of what moves
    other.add_init_script("""let asked = 0;
        const next = window.requestAnimationFrame.bind(window);
        window.requestAnimationFrame = (callback) => { asked += 1; return next(callback); };
        setInterval(() => { window.lately = asked; asked = 0; }, 1000);
        window.loops = 0;
        document.addEventListener("DOMContentLoaded", () => {
            const loop = () => { window.loops += window.lately < 7 ? 1 : 0; requestAnimationFrame(loop); };
            requestAnimationFrame(loop);
        });""")
    other.goto(address)
    other.wait_for_function(PAGE_READY)
    other.evaluate("() => tokenCritic.player.pause()")
    other.wait_for_function("() => window.loops > 3 && window.lately < 7", polling=500)  # by default at every frame
    assert (
        other.evaluate("""() => new Promise((done) => {
        let frames = 0;
        const loop = () => { frames += 1; if (frames < 9) requestAnimationFrame(loop); else done(frames); };
        requestAnimationFrame(loop);
    })""")
        == 9
    ), "a loop that begins later goes on"
    other.close()


def test_a_refinement_a_branch_and_a_mask_by_hand_send_one_request_each(page: Any, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url.removeprefix(address)))
    take(page, 17)
    run_page(page, '[data-lane="0"] button:text("Refine")')
    painted(page)
    assert asked == ["run"], "a refinement"
    asked.clear()
    take(page, 9)
    page.click('[data-lane="0"] button:text("Branch here")')
    page.wait_for_selector(".tc-stage.is-stale")
    painted(page)
    assert asked == ["plan"], "a branch, which waits for its settings"
    run_page(page)
    asked.clear()
    take(page, 9)
    page.click('[data-lane="1"] button:text("Be the critic")')
    page.click("button:text('Rest as the rule')")
    run_page(page, "button:text('Run on')")
    painted(page)
    assert asked == ["run"], "a mask by hand"
    back_to_two_lanes(page)


def test_no_script_is_sent_twice_and_all_of_them_are_small(page: Any, address: str) -> None:
    other = page.context.browser.new_context().new_page()  # which has nothing in its cache
    other.set_default_timeout(PATIENCE)
    sent: list[Any] = []
    other.on("response", lambda one: sent.append(one) if "/modules/" in one.url else None)
    other.goto(address)
    other.wait_for_function(PAGE_READY)
    names = [one.url for one in sent]
    assert len(names) == len(set(names)) > 20
    sizes = [one.request.sizes()["responseBodySize"] for one in sent if one.url.endswith(".js")]
    assert 0 < sum(sizes) < MAX_TRANSFERRED
    assert all("immutable" in one.headers["cache-control"] for one in sent if one.url.endswith(".js"))
    other.context.close()


def test_what_is_on_the_stage_is_in_the_address(page: Any, address: str) -> None:
    other = another(page)
    other.goto(address)
    other.wait_for_function(PAGE_READY)
    assert other.url == address
    look_at(other, "early")
    other.wait_for_function("() => tokenCritic.state.shown.recorded === 'early' && !tokenCritic.state.run.going")
    assert other.url == f"{address}?preset=early"
    assert other.get_attribute("[data-preset=early]", "aria-pressed") == "true"
    assert other.locator("[data-preset][aria-pressed=true]").count() == 1
    run_page(other)
    live, digests = other.url, other.evaluate(DIGESTS)
    assert "seed=" in live and "hash=" in live
    other.reload()
    other.wait_for_function("() => window.tokenCritic?.state.run.why === 'done'")
    assert other.evaluate(DIGESTS) == digests and "exactly" in other.text_content(".tc-notice")
    other.go_back()
    other.wait_for_function("() => tokenCritic.state.shown?.recorded === 'early'")
    other.go_back()
    other.wait_for_function("() => tokenCritic.state.shown?.recorded === 'first-look'")
    assert other.url == address
    other.close()


def test_a_recorded_run_can_be_kept_and_linked(page: Any, address: str) -> None:
    other = another(page)
    other.goto(address)
    other.wait_for_function(PAGE_READY)
    assert other.is_enabled("button:text('Copy link')")
    other.evaluate("() => tokenCritic.store.update('run', { why: 'stopped' })")
    assert other.is_disabled("button:text('Copy link')")
    assert other.get_attribute("button:text('Copy link')", "title") == words(ENGLISH)["stage"]["link"]["none"]
    other.evaluate("() => tokenCritic.store.update('run', { why: 'recorded' })")
    open_drawer(other, "share")
    other.select_option("[data-file=kind]", "webp")
    with other.expect_download() as download:
        other.click("#tc-make")
    assert Image.open(download.value.path()).n_frames == 18  # type: ignore[attr-defined]
    link, digests = other.evaluate("() => tokenCritic.address.address"), other.evaluate(DIGESTS)
    other.goto(link)
    other.wait_for_function("() => window.tokenCritic?.state.run.why === 'done'")
    said = other.text_content(".tc-notice")
    assert ("exactly" in said) == (other.evaluate(DIGESTS) == digests)
    other.close()


def test_a_link_that_was_cut_off_says_so_and_runs_nothing(page: Any, address: str) -> None:
    link = page.evaluate("() => tokenCritic.address.address")
    other = another(page)
    for cut in (link[:-3], link[: link.index("hash=")], link[: link.index("rule_2")]):
        other.goto(cut)
        other.wait_for_selector(".tc-notice.is-wrong")
        assert "cut off" in other.text_content(".tc-notice")
        other.wait_for_function("() => document.querySelector('.tc-seed input')?.value === '0'")
        assert other.evaluate("() => tokenCritic.state.shown") is None
    other.close()


def test_stop_ends_the_run_and_keeps_what_came(page: Any) -> None:
    before = page.evaluate("() => tokenCritic.state.run.id")
    page.click("#tc-run")
    arrived = "(id) => tokenCritic.state.run.id !== id && tokenCritic.state.frames[1].length > 1"
    page.wait_for_function(arrived, arg=before)
    page.click("#tc-stop")
    page.wait_for_function("() => !tokenCritic.state.run.going")
    assert page.is_visible("#tc-run") and not page.is_visible("#tc-stop")
    assert 2 <= page.evaluate("() => tokenCritic.state.frames[1].length") < 18
    assert "Stopped" in page.text_content(".tc-notice")
    assert page.problems == []


def test_a_refused_run_says_why_and_leaves_run_usable(page: Any) -> None:
    page.fill(".tc-seed input", "")
    page.keyboard.press("Tab")
    page.wait_for_selector(".tc-notice.is-wrong")
    page.click("#tc-run")
    page.wait_for_function("() => !tokenCritic.state.run.going && document.querySelector('#tc-run').checkVisibility()")
    assert "seed" in page.text_content(".tc-notice.is-wrong")
    forget_refusals(page)
    page.fill(".tc-seed input", "0")
    page.keyboard.press("Tab")
    page.wait_for_selector(".tc-notice:not(.is-wrong)")
    run_page(page)
    assert page.evaluate("() => tokenCritic.state.run.why") == "done"


def test_what_was_wrong_a_moment_ago_does_not_stop_a_run(page: Any) -> None:
    """The plan that says so is on its way."""
    page.evaluate("""() => {
        const { store } = tokenCritic;
        store.set({ planned: { ...store.state.planned, wrong: "seed=-5" } });
    }""")
    run_page(page)
    assert page.evaluate("() => tokenCritic.state.run.why") == "done"
    assert not page.locator(".tc-notice.is-wrong").count()


def test_a_run_that_overtakes_a_preset_is_the_one_that_curves_are_drawn_of(page: Any, address: str) -> None:
    other = another(page)
    other.goto(address)
    other.wait_for_function(PAGE_READY)
    look_at(other, "locked")
    other.evaluate("() => document.getElementById('tc-run').click()")
    other.wait_for_function("() => tokenCritic.state.run.why === 'done'")
    with other.expect_request(
        lambda one: "queue/join" in one.url and len(one.post_data_json["data"]) == 1
    ) as asked_for:
        open_drawer(other, "curves")
    run = other.evaluate("() => tokenCritic.state.run.id")
    assert asked_for.value.post_data_json["data"] == [{"run": run, "language": ENGLISH}]
    other.close()


def test_a_file_that_takes_the_stage_ends_the_run_on_it(page: Any) -> None:
    page.click("#tc-run")
    page.wait_for_function("() => tokenCritic.state.frames[1].length > 1 && tokenCritic.state.run.going")
    page.evaluate("() => { tokenCritic.runs.start({ file: '{}' }); }")
    page.wait_for_selector("text=no run of this page")
    page.wait_for_function("() => !tokenCritic.state.run.going")
    forget_refusals(page)
    run_page(page)
    assert page.evaluate("() => tokenCritic.state.run.why") == "done" and page.problems == []


def test_a_double_click_on_run_is_one_run(page: Any) -> None:
    before = page.evaluate("() => tokenCritic.state.run.id")
    box = page.locator("#tc-run").bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + 10, click_count=2)
    page.wait_for_function("(id) => tokenCritic.state.run.id !== id && !tokenCritic.state.run.going", arg=before)
    assert page.evaluate("() => tokenCritic.state.run.why") == "done"


@contextmanager
def all_turns_taken(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While others run what takes long."""
    monkeypatch.setattr(places, "MAX_RUNNING_OF_ADDRESS", 2)
    monkeypatch.setattr(places, "POLL_SECONDS", 0.1)
    others = [request_run(address, steps_1=256, steps_2=256) for _ in range(2)]
    try:
        for one in others:
            next(one)
        yield
    finally:
        for one in others:
            one.close()


def test_who_has_to_wait_for_others_is_told(page: Any, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = page.evaluate("() => tokenCritic.state.run.id")
    with all_turns_taken(address, monkeypatch):
        page.click("#tc-run")
        page.wait_for_function(
            "() => document.querySelector('.tc-notice').textContent.startsWith('Waiting for a free place')"
        )
    page.wait_for_function("(id) => tokenCritic.state.run.id !== id && !tokenCritic.state.run.going", arg=before)
    assert page.evaluate("() => tokenCritic.state.run.why") == "done" and page.problems == []


def test_stop_ends_the_wait_for_others_too(page: Any, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = page.evaluate("() => tokenCritic.state.run.id")
    with all_turns_taken(address, monkeypatch):
        page.click("#tc-run")
        page.click("#tc-stop")
        page.wait_for_function("() => !tokenCritic.state.run.going")
    assert page.evaluate("() => tokenCritic.state.run.id") == before
    run_page(page)
    assert page.evaluate("() => tokenCritic.state.run.why") == "done" and page.problems == []


def test_another_pack_brings_its_classes_and_runs(page: Any) -> None:
    page.select_option(".tc-pack select", "tiny")
    page.wait_for_selector('.tc-chip input[value="squares"]')
    assert page.evaluate("() => document.querySelectorAll('.tc-chip').length") == 2
    page.wait_for_selector(".tc-presets button", state="hidden")  # recorded with another model
    run_page(page)
    assert page.evaluate("() => tokenCritic.state.frames.map((lane) => lane.length)") == [18, 18]
    assert page.evaluate("() => tokenCritic.state.shown.grid") == 4
    page.select_option(".tc-pack select", index=0)
    page.wait_for_selector('.tc-chip input[value="squares"]', state="detached")
    assert page.problems == []


@pytest.mark.slow
def test_bad_values_through_the_api_get_one_line_and_the_server_goes_on(address: str) -> None:
    for name in control_names():
        for wrong in (-7, "nonsense", [1], {"a": None}, 1e300):
            third = {"third": {}} if name.endswith("_3") else {}
            with pytest.raises(HTTPError) as refused:
                next(request_run(address, **{**third, name: wrong}))
            said = json.load(refused.value)["error"]
            assert refused.value.code == 422 and said.count("\n") == 0 and "Traceback" not in said and len(said) < 400
            assert name.rstrip("_123").split("_")[0] in said
    *_, last = request_run(address, steps_1=2, steps_2=2)
    assert (last["kind"], last["why"]) == ("end", "done")


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_the_page_is_never_wider_than_the_window(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    take(page, 3)
    comes_to(page, "(width) => Math.max(width, document.documentElement.scrollWidth)", width, arg=width)
    comes_to(page, CUT_OFF, [], arg=width)
    page.evaluate("() => window.scrollTo(0, 1e6)")
    painted(page)
    comes_to(page, COVERED, [])
    page.evaluate("() => window.scrollTo(0, 0)")
    panels = page.evaluate(
        "() => [...document.querySelectorAll('.tc-lane .tc-panel')].filter((one) => one.offsetParent).length"
    )
    assert panels == (2 if width == 390 else 8)
