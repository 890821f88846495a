"""The recorded runs that the page opens with and offers."""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from app.context import Context
from app.features.presets import (
    FIRST,
    LEVEL,
    PRESETS,
    describe,
    list_recorded_with,
    load_recording,
    play_preset,
)
from app.packs import Packs
from app.request import RunRequest, resolve, used_controls
from app.text.words import ENGLISH, words
from app.tools.browser import PAGE_READY, run_page, serve_page
from app.tools.record import find_faults, get_controls, list_checks
from engine.rules import all_parameters
from engine.session import Session
from tests.pages import PATIENCE, go_to, look_at, open_drawer

playwright = pytest.importorskip("playwright.sync_api")

SAID = words(ENGLISH)


@pytest.fixture(scope="module")
def packs() -> Packs:
    return Packs("emoji", others=["avatars"])


@pytest.fixture(scope="module")
def address(packs: Packs) -> Iterator[str]:
    with serve_page(packs) as address:
        yield address


DRAWN = """async () => Promise.all(tokenCritic.state.frames
    .map((lane) => Promise.all(lane.map(tokenCritic.digestOf))))"""


def recorded(key: str) -> list[list[str]]:
    """The hashes of each lane's steps in a recording."""
    steps = [step for frame in load_recording(key).frames for step in frame.get("steps", [])]
    return [[step["digest"] for step in steps if step["lane"] == lane] for lane in (0, 1)]


def visit(browser: Any, address: str, **how: Any) -> Any:
    page = browser.new_context(viewport={"width": 1280, "height": 900}, **how).new_page()
    page.set_default_timeout(PATIENCE)
    page.problems = []
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.goto(address)
    return page


def test_every_preset_is_recorded_with_the_shipped_weights_and_settings(packs: Packs) -> None:
    """Fails where they are new: python -m app.tools.record."""
    assert list(PRESETS) == list(SAID["presets"]["all"])
    for pack in packs.names:
        of_pack = [key for key, preset in PRESETS.items() if preset.pack == pack]
        assert list_recorded_with(pack, packs.fingerprint(pack)) == of_pack
    for key, preset in PRESETS.items():
        made = load_recording(key)
        now = get_controls(Context(packs=packs), preset, made.controls["seed"])
        assert made.controls == used_controls(now, 2), f"{key}: record it again"
        assert 0 < made.shows <= made.tried - made.against
        assert made.against <= made.shows or made.p > LEVEL, f"{key}: the opposite is what seeds show"


@pytest.mark.parametrize("key", PRESETS)
def test_the_lanes_of_a_preset_differ_in_one_thing(packs: Packs, key: str) -> None:
    preset = PRESETS[key]
    session = packs.session(preset.pack, loaded=False)
    lanes = resolve(session, RunRequest.from_controls(get_controls(Context(packs=packs), preset, 7)))
    left, right = (lane.config.flat() for lane in lanes)
    differing = {name for name in left.keys() | right.keys() if left.get(name) != right.get(name)}
    if preset.differs != "rule":
        assert differing == {preset.differs}
        return
    own = [dict(lane.config.parameters) for lane in lanes]
    assert "rule" in differing
    if preset.alike:
        assert differing - {"rule"} == own[0].keys() ^ own[1].keys(), "all that both rules read is the same"
        assert own[0] == {name: own[1].get(name, all_parameters()[name].default) for name in own[0]}
    else:
        assert own == [dict(session.settings(rule=lane.config.rule).parameters) for lane in lanes]
    apart = lanes[1].passes - lanes[0].passes
    assert apart in (-1, 0) if preset.values.get("equal_passes") else left["steps"] == right["steps"]


def test_what_may_be_chance_is_said_to_be(packs: Packs) -> None:
    context = Context(packs=packs)
    for key, preset in PRESETS.items():
        *_, last = play_preset(context, key)
        assert ("may be chance" in last["counted"]) == (load_recording(key).p > 0.05)
        ruled = "the left lane's rule never does" in last["counted"]
        assert ruled == (preset.shows == "revokes") != ("p " in last["counted"]), "what cannot happen needs no test"


@pytest.mark.parametrize(
    ("shows", "against", "p"),
    [(11, 4, 0.118469), (4, 11, 0.118469), (5, 0, 0.0625), (6, 0, 0.03125), (3, 3, 1), (0, 0, 1), (40, 0, 2**-39)],
)
def test_the_sign_test_is_exact(shows: int, against: int, p: float) -> None:
    made = dataclasses.replace(load_recording(FIRST), shows=shows, against=against)
    assert made.p == pytest.approx(p, rel=1e-4)


def test_a_text_says_what_its_counts_allow(packs: Packs) -> None:
    made = load_recording("early")
    lanes = resolve(packs.session(packs.first, loaded=False), RunRequest.from_controls(made.controls))
    said = [describe(SAID, dataclasses.replace(made, shows=n, against=4, tried=40), lanes)["counted"] for n in (11, 30)]
    assert (
        "11 of 40 seeds of Hands & body show it, this one most clearly, 4 the opposite; p = 0.12: may be chance"
        in said[0]
    )
    assert "30 of 40 seeds" in said[1] and "p < 0.001" in said[1] and "chance" not in said[1]


def test_texts_of_presets_hold_no_number_and_no_guess_of_their_own() -> None:
    """Their numbers are the recording's, and how often something happens is counted."""
    for text in SAID["presets"]["all"].values():
        said = re.sub(r"\{[^}]*\}", "", f"{text['title']}. {text['hint']}").lower()
        assert not re.search(r"\d|often|usual|mostl|almost|always|never|nearly|better|worse", said), said


def test_a_fault_is_found_in_a_pattern_that_is_none_and_in_no_real_one(packs: Packs) -> None:
    session = packs.session("avatars")
    pictures = session.pack.pictures()
    mine = np.flatnonzero((pictures.splits == "test") & (pictures.labels == session.classes.index("Identicon")))[:8]
    real = session.decode(session.encode(pictures.read(mine)))
    halves = real.copy()
    halves[:, :, 32:] = np.roll(real, 1, 0)[:, :, 32:]  # each right half is another one's
    checks = list_checks(session, "Identicon")
    assert find_faults(checks, real) == [False] * 8
    assert all(find_faults(checks, halves))


def test_the_page_opens_before_the_networks_are_loaded(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    release, load_now = threading.Event(), Session.load
    monkeypatch.setattr(Session, "load", lambda self: release.wait() and load_now(self))
    packs = Packs("emoji")
    try:
        with serve_page(packs) as address:
            page = visit(browser, address)
            page.wait_for_function("() => window.tokenCritic?.state.playhead.playing")
            assert page.evaluate(DRAWN) == recorded(FIRST)
            session = packs.session(packs.first, loaded=False)
            assert not {"tokenizer", "generator", "critic"} & set(vars(session))
            release.set()
            page.wait_for_function(PAGE_READY)
            run_page(page)
            assert page.problems == []
    finally:
        release.set()


def test_the_page_opens_with_a_recorded_run_that_plays_and_says_so(browser: Any, address: str) -> None:
    page = visit(browser, address)
    page.wait_for_function("() => window.tokenCritic?.state.playhead.playing")
    assert page.evaluate(DRAWN) == recorded(FIRST)
    page.wait_for_function(PAGE_READY)
    said = page.text_content(".tc-notice")
    assert "A recorded run." in said and f"of {load_recording(FIRST).tried} seeds" in said
    page.wait_for_function(
        "(said) => document.querySelector('#tc-run').textContent === said", arg=SAID["stage"]["run_live"]
    )
    assert page.input_value(".tc-seed input") == str(load_recording(FIRST).controls["seed"])
    run_page(page)
    said, same = page.text_content(".tc-notice"), page.evaluate(DRAWN) == recorded(FIRST)
    assert ("exactly" in said) == same and ("differs a little" in said) != same, "whether this machine gets the same"
    look_at(page, "early")
    early = load_recording("early").controls  # whose seed may be that of the first one
    page.wait_for_function(
        """([seed, label]) => { const { settings } = tokenCritic.state.planned.lanes[0];
            return settings.seed === seed && settings.label === label; }""",
        arg=[early["seed"], early["label"]],
    )
    page.fill(".tc-seed input", "77")
    page.keyboard.press("Tab")
    page.wait_for_selector(".tc-stage.is-stale")
    run_page(page)
    assert page.text_content(".tc-notice") == "", "another run is not held against it"
    assert page.text_content("#tc-run") == SAID["labels"]["run"]
    look_at(page, "early")
    page.wait_for_function("() => tokenCritic.state.run.why === 'recorded'")
    go_to(page, "gallery")
    page.click("#tc-gallery [data-gallery=draw]")
    page.wait_for_function("() => window.tokenCritic?.gallery.items[0]?.length > 1")
    run_page(page, ".tc-gallery-row >> nth=0 >> .tc-gallery-one >> nth=1")  # the first one has the recording's seed
    assert page.text_content(".tc-notice") == "", "nor is a picture of a gallery"
    assert page.problems == []
    page.context.close()


def test_a_button_that_gradio_makes_again_says_what_it_does(browser: Any, address: str) -> None:
    page = visit(browser, address, reduced_motion="reduce")
    page.wait_for_function(PAGE_READY)
    page.evaluate("""() => {
        const made = document.querySelector("#tc-run"), anew = made.cloneNode(true);
        anew.textContent = " Run";
        made.replaceWith(anew);
    }""")
    page.wait_for_function(
        "(said) => document.querySelector('#tc-run').textContent === said", arg=SAID["stage"]["run_live"]
    )
    page.context.close()


def test_each_preset_shows_its_recording_and_sets_the_controls(browser: Any, address: str, packs: Packs) -> None:
    page = visit(browser, address, reduced_motion="reduce")
    page.wait_for_function(PAGE_READY)
    assert not page.evaluate("() => tokenCritic.state.playhead.playing"), "nothing moves by itself"
    open_drawer(page, "view")
    page.click("button:text('Add a lane')")
    page.wait_for_function("() => tokenCritic.state.planned.lanes.length === 3")
    pack = packs.first
    for key, preset in PRESETS.items():
        if preset.pack != pack:
            pack = preset.pack
            page.select_option(".tc-pack select", pack)
            page.wait_for_function(
                "(key) => !document.querySelector(`[data-preset=${key}]`).parentElement.hidden", arg=key
            )
        before = page.evaluate("() => tokenCritic.state.run.id")
        look_at(page, key)
        page.wait_for_function("(id) => tokenCritic.state.run.id !== id && !tokenCritic.state.run.going", arg=before)
        page.wait_for_function("() => !document.querySelector('.tc-stage').classList.contains('is-stale')")
        assert page.evaluate(DRAWN) == recorded(key), key
        told = page.text_content(".tc-notice")
        assert (
            f"{load_recording(key).shows} of {load_recording(key).tried}" in told
            and f"{load_recording(key).against} the opposite" in told
        )
        asked = page.evaluate("() => tokenCritic.state.planned.lanes.map((lane) => lane.settings)")
        assert asked == [lane["settings"] for lane in load_recording(key).frames[0]["lanes"]]
    assert page.problems == []
    page.context.close()


def test_who_presses_run_at_once_gets_a_live_run(browser: Any, address: str) -> None:
    page = visit(browser, address)
    page.wait_for_function("() => window.tokenCritic")
    page.click("#tc-run")
    page.wait_for_function("() => tokenCritic.state.run.why === 'done'")
    page.wait_for_load_state("networkidle")  # the recording's answer, too, has come or was dropped
    assert page.evaluate("() => tokenCritic.state.run.why") == "done", "and the recording does not take its place"
    assert page.problems == []
    page.context.close()
