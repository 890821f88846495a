"""The recorded runs that the page opens with and offers."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from app.browser import SETTLED, run, served
from app.packs import Packs
from app.presets import FIRST, PRESETS, load, made_with
from app.text import en
from engine.session import Session
from tests.pages import PATIENCE

playwright = pytest.importorskip("playwright.sync_api")

DRAWN = """async () => Promise.all(tokenCritic.stage.lanes.filter((lane) => lane.meta)
    .map((lane) => Promise.all(lane.frames.map(tokenCritic.digestOf))))"""


def recorded(key: str) -> list[list[str]]:
    """The hashes of each lane's steps in a recording."""
    steps = [step for frame in load(key).frames for step in frame.get("steps", [])]
    return [[step["digest"] for step in steps if step["lane"] == lane] for lane in (0, 1)]


def visit(browser: Any, address: str, **how: Any) -> Any:
    page = browser.new_context(viewport={"width": 1280, "height": 900}, **how).new_page()
    page.set_default_timeout(PATIENCE)
    page.problems = []
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.goto(address)
    return page


def test_every_preset_is_recorded_with_the_shipped_weights(packs: Packs) -> None:
    """Fails where the weights are new: python -m app.record."""
    pack = packs.session(packs.first).pack
    assert made_with(pack.name, pack.fingerprint()) == list(PRESETS) == list(en.PRESETS)
    for key, preset in PRESETS.items():
        made = load(key)
        assert made.against < made.shows <= made.tried - made.against and made.ask["label"] == preset.label
        assert all(made.ask[name] == value for name, value in preset.values.items())


def test_the_page_opens_before_the_networks_are_loaded(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    release, load_now = threading.Event(), Session.load
    monkeypatch.setattr(Session, "load", lambda self: release.wait() and load_now(self))
    packs = Packs("emoji")
    try:
        with served(packs) as address:
            page = visit(browser, address)
            page.wait_for_function("() => window.tokenCritic?.stage.player.playing")
            assert page.evaluate(DRAWN) == recorded(FIRST)
            session = packs.session(packs.first, loaded=False)
            assert not {"tokenizer", "generator", "critic"} & set(vars(session))
            release.set()
            page.wait_for_function(SETTLED)
            run(page)
            assert page.problems == []
    finally:
        release.set()


def test_the_page_opens_with_a_recorded_run_that_plays_and_says_so(browser: Any, address: str) -> None:
    page = visit(browser, address)
    page.wait_for_function("() => window.tokenCritic?.stage.player.playing")
    assert page.evaluate(DRAWN) == recorded(FIRST)
    page.wait_for_function(SETTLED)
    said = page.text_content(".tc-notice")
    assert said.startswith("Recorded") and f"of {load(FIRST).tried} seeds" in said
    assert page.text_content("#tc-run") == en.STAGE["run_live"]
    assert page.input_value(".tc-seed input") == str(load(FIRST).ask["seed"])
    run(page)
    said, same = page.text_content(".tc-notice"), page.evaluate(DRAWN) == recorded(FIRST)
    assert ("exactly" in said) == same and ("parts from" in said) != same, "it says whether this machine gets the same"
    page.click("[data-preset=early]")
    early = load("early").ask  # whose seed may be that of the first one
    page.wait_for_function(
        """([seed, label]) => { const { settings } = tokenCritic.stage.planned.lanes[0];
            return settings.seed === seed && settings.label === label; }""",
        arg=[early["seed"], early["label"]],
    )
    page.fill(".tc-seed input", "77")
    page.keyboard.press("Tab")
    page.wait_for_selector(".tc-stage.is-stale")
    run(page)
    assert page.text_content(".tc-notice") == "", "another run is not held against it"
    assert page.text_content("#tc-run") == en.RUN
    page.click("[data-preset=early]")
    page.wait_for_function("() => tokenCritic.stage.run.why === 'recorded'")
    page.click("#tc-many > button")
    page.click("#tc-draw")
    page.wait_for_function("() => window.tokenCriticGallery?.items[0]?.length > 1")
    run(page, ".tc-gallery-row >> nth=0 >> .tc-gallery-one >> nth=1")  # the first one has the recording's seed
    assert page.text_content(".tc-notice") == "", "nor is a picture of a gallery"
    assert page.problems == []
    page.context.close()


def test_each_preset_shows_its_recording_and_sets_the_controls(browser: Any, address: str) -> None:
    page = visit(browser, address, reduced_motion="reduce")
    page.wait_for_function(SETTLED)
    assert not page.evaluate("() => tokenCritic.stage.player.playing"), "nothing moves by itself"
    page.click("button:text('Add a lane')")
    page.wait_for_function("() => tokenCritic.stage.planned.lanes.length === 3")
    for key in PRESETS:
        before = page.evaluate("() => tokenCritic.stage.run.id")
        page.click(f"[data-preset={key}]")
        page.wait_for_function("(id) => tokenCritic.stage.run.id !== id && !tokenCritic.stage.run.going", arg=before)
        page.wait_for_function("() => !document.querySelector('.tc-stage').classList.contains('is-stale')")
        assert page.evaluate(DRAWN) == recorded(key), key
        told = page.text_content(".tc-notice")
        assert en.PRESETS[key][1] in told and f"{load(key).shows} of {load(key).tried}" in told
        asked = page.evaluate("() => tokenCritic.stage.planned.lanes.map((lane) => lane.settings)")
        assert asked == [lane["settings"] for lane in load(key).frames[0]["lanes"]]
    assert page.problems == []
    page.context.close()


def test_who_presses_run_at_once_gets_a_live_run(browser: Any, address: str) -> None:
    page = visit(browser, address)
    page.wait_for_function("() => window.tokenCritic")
    page.click("#tc-run")
    page.wait_for_function("() => tokenCritic.stage.run.why === 'done'")
    page.wait_for_function("() => tokenCritic.stage.inbox.past.size === 1")  # that is the recording, early or late
    assert page.evaluate("() => tokenCritic.stage.run.why") == "done", "and the recording does not take its place"
    assert page.problems == []
    page.context.close()
