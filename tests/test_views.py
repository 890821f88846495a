"""How the page shows and explains a step, in a real browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.features.replay import read_traces
from app.packs import Packs
from app.request import control_names, lane_fields
from app.text.words import ENGLISH, words
from tests.pages import PATIENCE, at, comes_to, go_to, open_drawer, painted, take

playwright = pytest.importorskip("playwright.sync_api")

PIXELS = """([lane, panel]) => {
    const canvas = document.querySelector(`[data-lane="${lane}"] canvas[data-panel="${panel}"]`);
    return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
}"""


def pixels(page: Any, lane: int, panel: str) -> np.ndarray:
    """(S, S, 3) as drawn."""
    painted(page)
    flat = np.array(page.evaluate(PIXELS, [lane, panel]), np.int32).reshape(-1, 4)
    side = round(len(flat) ** 0.5)
    return flat[:, :3].reshape(side, side, 3)


def test_a_proposal_is_seen_as_picture_hatched_under_its_scores_and_as_numbers(page: Any) -> None:
    take(page, 9)
    frame = page.evaluate("""() => { const { proposal, tokens, scores } = tokenCritic.state.frames[1][9];
        return [[...proposal], [...tokens], [...scores]]; }""")
    proposal, tokens, scores = (np.array(one).reshape(16, 16) for one in frame)

    def cells(picture: np.ndarray) -> np.ndarray:
        return picture[: cell * 16, : cell * 16].reshape(16, cell, 16, cell, 3).swapaxes(1, 2)

    open_drawer(page, "view")
    plain = pixels(page, 1, "proposal")
    cell = len(plain) // 16
    page.select_option('[data-view="proposal"]', "masked")
    middle = (slice(None), slice(None), slice(cell // 2 - 1, cell // 2 + 1), slice(cell // 2 - 1, cell // 2 + 1))
    hatched = (cells(pixels(page, 1, "proposal"))[middle] != cells(plain)[middle]).any((2, 3, 4))
    assert (hatched == (tokens < 0)).all()

    page.select_option('[data-view="proposal"]', "heat")
    veiled, heat = cells(pixels(page, 1, "proposal")), cells(pixels(page, 1, "scores"))
    mixed = np.where(np.isnan(scores)[..., None, None, None], cells(plain), 0.4 * cells(plain) + 0.6 * heat)
    assert np.abs(veiled - mixed).max() <= 2

    page.select_option('[data-view="proposal"]', "tokens")
    corners = cells(pixels(page, 1, "proposal"))[:, :, 1, 1]
    colours: dict[int, set[bytes]] = {}
    for token, colour in zip(proposal.ravel(), corners.reshape(-1, 3), strict=True):
        colours.setdefault(int(token), set()).add(colour.tobytes())
    assert all(len(of_one) == 1 for of_one in colours.values()), "a token has one colour"
    assert len(set.union(*colours.values())) > 0.5 * len(colours), "most tokens have one of their own"

    page.select_option('[data-view="proposal"]', "picture")
    assert (pixels(page, 1, "proposal") == plain).all()
    open_drawer(page, "")


def test_as_in_the_paper_what_goes_in_next_is_what_goes_in(page: Any) -> None:
    open_drawer(page, "view")
    page.select_option('[data-view="layout"]', "chain")
    take(page, 9)
    boxes = [
        page.locator(f'[data-lane="0"] canvas[data-panel="{panel}"]').bounding_box()
        for panel in ("input", "proposal", "scores", "decision")
    ]
    assert [box["x"] for box in boxes] == sorted(box["x"] for box in boxes) and len({box["y"] for box in boxes}) == 1
    for lane in (0, 1):
        take(page, 9)
        after = pixels(page, lane, "decision")
        take(page, 10)
        assert (pixels(page, lane, "input") == after).all()
    assert "Goes in next" in page.inner_text('[data-lane="0"] .tc-panels')
    page.select_option('[data-view="layout"]', "loop")
    open_drawer(page, "")
    assert page.problems == []


def test_the_projector_shows_one_large_panel_and_leaves_only_play_and_step(page: Any) -> None:
    before = page.locator('[data-lane="1"] canvas[data-panel="decision"]').bounding_box()["width"]
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("p")
    page.wait_for_selector(".tc-stage.is-projected")
    page.keyboard.press("3")
    shown = """() => [...document.querySelectorAll(".tc-panel")].filter((one) => one.checkVisibility())
        .map((one) => one.dataset.panel)"""
    comes_to(page, shown, ["scores", "scores"])
    painted(page)
    assert page.locator('[data-lane="1"] canvas[data-panel="scores"]').bounding_box()["width"] > 1.5 * before
    boxes = page.evaluate("""() => Object.fromEntries(
        [".tc-transport", ".tc-to-projector", '[data-lane="1"] .tc-status', ".tc-notice"].map((one) => {
            const { left, right, top, bottom } = document.querySelector(one).getBoundingClientRect();
            return [one, { left, right, top, bottom, text: document.querySelector(one).textContent }];
        }))""")
    status, notice = boxes['[data-lane="1"] .tc-status'], boxes[".tc-notice"]
    assert status["text"] and status["bottom"] <= boxes[".tc-transport"]["top"], "what the step did is in sight"
    end = boxes[".tc-to-projector"]
    apart = notice["right"] - 144 <= end["left"] or notice["bottom"] <= end["top"]  # 144: its padding
    assert apart, "End does not stand on the line above the lanes"
    for gone in ("#tc-run", ".tc-chips", ".tc-lane-settings", ".tc-film", "#tc-drawer", ".tc-actions"):
        assert not page.locator(gone).first.is_visible(), gone
    small = page.evaluate("""() => [...document.querySelectorAll(".tc-stage *")].filter((one) => one.checkVisibility()
        && [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())
        && !one.closest(".tc-to-projector, .tc-spoken, option") && parseFloat(getComputedStyle(one).fontSize) < 24)
        .map((one) => one.outerHTML)""")
    assert small == []
    page.mouse.move(*at(page, 1, "scores", 40))
    page.keyboard.press("Home")
    page.keyboard.press(".")
    page.wait_for_function("() => tokenCritic.state.playhead.at === 1")
    page.mouse.click(*at(page, 1, "scores", 40))
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Escape")
    assert page.evaluate("() => tokenCritic.state.pinned") == -1, "one thing at a time"
    assert page.locator(".tc-stage.is-projected").count() == 1
    page.keyboard.press("Escape")
    page.wait_for_selector(".tc-stage:not(.is-projected)")
    assert page.is_visible("#tc-run") and page.problems == []


def test_every_control_is_explained_in_one_click(page: Any) -> None:
    explained = words(ENGLISH)["explain"]["all"]
    assert {name.rstrip("_123") for name in control_names()} - {"third"} <= set(explained), (
        "the third lane explains itself"
    )
    page.click("#tc-more")
    open_drawer(page, "view")
    shown = page.evaluate("""() => [...document.querySelectorAll(
        ".tc-lane-settings .block, .tc-seed, .tc-classes, .tc-switches .block, .tc-views > .tc-switch")]
        .filter((one) => one.checkVisibility() && one.querySelector("input, select"))
        .map((one) => one.querySelectorAll(".tc-ask").length)""")
    assert len(shown) >= 14 and set(shown) == {1}
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        open_drawer(page, "view" if width == 1280 else "")  # a sheet over the page, on a phone
        for button in page.locator(".tc-ask >> visible=true").all():
            button.click()
            page.wait_for_selector(".tc-explained:popover-open")
            box = page.locator(".tc-explained").bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= width and len(page.inner_text(".tc-explained")) > 40
            page.keyboard.press("Escape")
            page.wait_for_selector(".tc-explained", state="hidden")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.click("#tc-more")
    open_drawer(page, "")
    page.select_option("#tc-settings-1 .tc-x-rule select", "self-revoking")
    page.click("#tc-settings-1 .tc-x-eta .tc-ask")  # of a control that was not there
    page.wait_for_selector(".tc-explained:popover-open")
    assert explained["eta"]["text"] in page.inner_text(".tc-explained")
    page.keyboard.press("Escape")
    page.select_option("#tc-settings-1 .tc-x-rule select", "maskgit")
    page.wait_for_selector("#tc-settings-1 .tc-x-eta", state="detached")
    assert page.problems == [] and set(lane_fields()) <= set(explained)


def snippet(page: Any, at: int) -> str:
    text: str = page.evaluate("(at) => document.querySelectorAll('.tc-snippet pre')[at].textContent", at)
    return text


def test_the_examples_in_python_and_curl_do_what_they_say(page: Any, packs: Packs, tmp_path: Path) -> None:
    go_to(page, "use")
    page.wait_for_selector(".tc-snippet pre")
    python = subprocess.run(
        [sys.executable, "-c", snippet(page, 0)], capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE / 1000
    )
    assert python.returncode == 0, python.stderr
    ask, traces = read_traces((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert (ask["label"], ask["seed"]) == (packs.session(packs.first).classes[-1], 7)
    assert [trace.settings["rule"] for trace in traces] == ["maskgit", "critic"]
    if shutil.which("curl") and shutil.which("sh"):
        done = subprocess.run(
            ["sh", "-c", snippet(page, 1)], capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE / 1000
        )
        last = json.loads((tmp_path / "frames.txt").read_text().splitlines()[-1])
        (made,) = tmp_path.glob("*.gif")
        assert done.returncode == 0 and last["why"] == "done" and made.name.endswith("-7.gif")
        assert Image.open(made).n_frames == 18  # type: ignore[attr-defined]
    go_to(page, "compare")


def test_about_cites_the_papers_and_names_the_artwork_s_licence(page: Any) -> None:
    go_to(page, "use")
    page.wait_for_selector("#tc-about pre")
    page.click("#tc-about .tc-card button >> nth=0")
    page.wait_for_function("() => document.querySelector('#tc-about').innerText.includes('Open Font License')")
    said = page.inner_text("#tc-about")
    assert "2209.04439" in said and "2202.04200" in said and "MIT" in said
    links = "() => [...document.querySelectorAll('#tc-about .tc-card a')].map((link) => link.getAttribute('href'))"
    assert [link for link in page.evaluate(links) if not link.startswith("https://")] == [], (
        "the page has no other files"
    )
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#tc-about .tc-snippet button >> nth=0")
    assert page.evaluate("() => navigator.clipboard.readText()").startswith("@inproceedings{lezama2022")
    go_to(page, "compare")
    assert page.problems == []
