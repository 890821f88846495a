"""Files of a run: those to keep hold it exactly, those to look at are what they say."""

from __future__ import annotations

import io
import json
import re
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.features import drawing, exports
from app.features.compare import run_lanes
from app.features.exports import EXPORTS, SCALES, export_run
from app.features.figure import Source, draw_figure, get_step
from app.features.gallery import draw_gallery
from app.features.worksheet import PAPERS, ROWS, choose_steps
from app.runs import Run
from app.text.words import ENGLISH, words
from tests.fakes_app import FakePacks, FakeSession, finished, new_context, run, set_controls

BEGINNINGS = {
    "gif": b"GIF89a",
    "webp": b"RIFF",
    "png": b"\x89PNG",
    "pdf": b"%PDF",
    "svg": b"<?xml",
    "json": b'{"format"',
    "worksheet": b"%PDF",
    "answers": b"%PDF",
}


def open_image(content: bytes) -> Any:
    return Image.open(io.BytesIO(content))


def assert_sheet_holds(kept: Run, content: bytes, n: int) -> None:
    """A PNG of scale n has every picture of a run, to the pixel."""
    sheet = np.asarray(open_image(content))
    for lane, steps in enumerate(kept.steps):
        for s, (_, picture) in enumerate(steps):
            x, y = (n * corner for corner in drawing.find_on_sheet(len(picture), lane, s))
            block = sheet[y : y + 16 * n, x : x + 16 * n]
            for i in range(n):
                np.testing.assert_array_equal(block[i::n, i::n], picture)


def assert_animation_holds(kept: Run, content: bytes) -> None:
    """A WebP has the last lane's decision at each place, to the pixel."""
    webp, places = open_image(content), max(len(steps) for steps in kept.steps)
    assert webp.n_frames == places
    for place in range(places):
        webp.seek(place)
        step, picture = get_step(kept, len(kept.steps) - 1, place, places)
        drawn = np.asarray(drawing.draw_decision(step, picture))
        shown = np.asarray(webp.convert("RGB"))
        left = shown.shape[1] - drawing.GAP - drawn.shape[1]
        top = shown.shape[0] - drawing.GAP - drawn.shape[0]
        np.testing.assert_array_equal(shown[top : top + len(drawn), left : left + drawn.shape[1]], drawn)


@pytest.mark.parametrize("scale", SCALES)
def test_a_sheet_holds_each_picture_exactly(scale: str) -> None:
    """At scale 2 and 4 each pixel is a block of one colour, so every n-th pixel gives the picture back."""
    context, run_id = finished(steps_2=9)
    kept = context.runs.get(run_id)
    assert kept is not None
    rng = np.random.default_rng(0)  # no two pixels are alike
    for steps in kept.steps:
        steps[:] = [(step, rng.integers(0, 256, picture.shape, np.uint8)) for step, picture in steps]
    name, content = export_run(context, run_id, "png", "all", 0, scale)
    assert name == "token-critic-cat-3.png"
    assert_sheet_holds(kept, content, int(scale))


@pytest.mark.parametrize(("columns", "numbered"), [(9, range(9)), (12, range(0, 12, 2)), (120, range(0, 120, 2))])
def test_a_sheet_has_each_lane_s_name_and_the_numbers_of_its_steps(columns: int, numbered: range) -> None:
    """Small pictures have room for every other number."""
    side = 16
    pictures = [np.zeros((side, side, 3), np.uint8)] * columns
    sheet = np.asarray(drawing.draw_sheet(["A", "A name that is long"], [pictures[:3], pictures], 1)) < 200
    left = drawing.GAP
    names = [sheet[y - drawing.LINE_HEIGHT : y] for _, y in (drawing.find_on_sheet(side, lane, 0) for lane in (0, 1))]
    widths = [np.flatnonzero(name.any((0, 2))).max() - left for name in names]
    assert 5 < widths[0] < 15 and 90 < widths[1] < 160, "as long as its letters, and not cut off"
    for lane, count in enumerate((3, columns)):
        below = drawing.find_on_sheet(side, lane, 0)[1] + side
        line = sheet[below : below + drawing.LINE_HEIGHT].any((0, 2))
        middles = [line[left + s * (side + drawing.SHEET_GAP) :][5 : side - 5].any() for s in range(columns)]
        assert [s for s, has in enumerate(middles) if has] == [s for s in numbered if s < count]


def test_the_scale_of_a_sheet_is_one_of_those_offered_and_fits_into_memory() -> None:
    context, run_id = finished()
    for wrong in ("3", "0", "", "2.0", 2, None, ["1"]):
        with pytest.raises(ValueError, match=r"scale=.*: one of 1, 2, 4"):
            export_run(context, run_id, "png", "all", 0, wrong)
    row = [np.zeros((256, 256, 3), np.uint8)] * 64
    assert drawing.draw_sheet(["A"], [row], 1).width > 64 * 256
    with pytest.raises(ValueError, match="smaller scale"):
        drawing.draw_sheet(["A"], [row], 4)


def test_an_animation_holds_the_decisions_exactly() -> None:
    context, run_id = finished(steps_2=9)
    kept = context.runs.get(run_id)
    assert kept is not None
    assert_animation_holds(kept, export_run(context, run_id, "webp", "all", 0)[1])


def test_the_frames_of_a_gif_are_drawn_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All together those of a long run take hundreds of megabytes."""
    context, run_id = finished(steps_2=24)
    draw, alive, most = exports._draw_frame, 0, 0

    def drop() -> None:
        nonlocal alive
        alive -= 1

    def count(*given: Any) -> Image.Image:
        nonlocal alive, most
        frame = draw(*given)
        weakref.finalize(frame, drop)
        alive += 1
        most = max(most, alive)
        return frame

    monkeypatch.setattr(exports, "_draw_frame", count)
    assert open_image(export_run(context, run_id, "gif", "all", 0)[1]).n_frames > 12 and most <= 2


def test_two_files_are_made_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    context, run_id = finished()
    both, under_way, most = threading.Barrier(2), [0], 0

    def make(_: Source) -> bytes:
        nonlocal most
        under_way.append(1)
        most = max(most, sum(under_way))
        both.wait(30)  # there are two, and a third would be counted
        under_way.append(-1)
        return b""

    monkeypatch.setitem(EXPORTS, "json", EXPORTS["json"]._replace(make=make))
    with ThreadPoolExecutor(6) as threads:
        assert len(list(threads.map(lambda _: export_run(context, run_id, "json", "all", 0), range(6)))) == 6
    assert most == 2


@pytest.mark.parametrize("lanes", ["1", "all"])
def test_the_panels_of_a_figure_stand_evenly_under_their_caption(lanes: str) -> None:
    """A caption that took part in the layout as text of the first panel made room beside that panel."""
    context, run_id = finished(third={"lane": 1, "step": 3}, rule_3="critic")
    kept = context.runs.get(run_id)
    assert kept is not None
    figure = draw_figure(context.words, kept if lanes == "all" else kept.select_lane(0), 4)
    figure.draw_without_rendering()
    assert len(figure.axes) == 4 * (3 if lanes == "all" else 1)
    boxes = np.array([axis.get_window_extent().bounds for axis in figure.axes]).reshape(-1, 4, 4)  # x, y, width, height
    for lane in boxes:
        gaps = lane[1:, 0] - lane[:-1, 0] - lane[:-1, 2]
        np.testing.assert_allclose(gaps, gaps[0], atol=1)
        assert 0 < gaps[0] < 0.2 * lane[0, 2]
        np.testing.assert_allclose(lane[:, 1:], lane[:1, 1:].repeat(4, 0), atol=1)
    for part, lane in zip(figure.subfigs, boxes, strict=True):
        caption = part._suptitle.get_window_extent()
        titles = [axis.title.get_window_extent() for axis in part.axes]
        assert caption.y0 >= max(title.y1 for title in titles) and caption.width < lane[-1, 0] + lane[-1, 2]


@pytest.mark.parametrize("kind", list(EXPORTS))
def test_files_are_what_they_say(kind: str) -> None:
    context, run_id = finished()
    name, content = export_run(context, run_id, kind, "all", 4)
    assert content.startswith(BEGINNINGS[kind]) and name == f"token-critic-cat-3.{EXPORTS[kind].suffix}"
    assert set(EXPORTS) == set(words(ENGLISH)["files"]["kinds"]) and set(SCALES) == set(
        words(ENGLISH)["files"]["scales"]
    )


@pytest.mark.parametrize("paper", PAPERS)
def test_a_worksheet_has_all_lanes_of_each_step_and_shows_no_answer(paper: str) -> None:
    context, run_id = finished()
    kept = context.runs.get(run_id)
    assert kept is not None
    asked, told = (export_run(context, run_id, kind, "all", 0, "1", paper)[1] for kind in ("worksheet", "answers"))
    steps = choose_steps(max(len(lane) for lane in kept.steps))
    pages = -(-len(steps) * len(kept.lanes) // ROWS)
    width = {"a4": b"595", "letter": b"612"}[paper]
    for content in (asked, told):
        assert len(re.findall(rb"/Type /Page\b", content)) == pages and b"/MediaBox [ 0 0 " + width in content
    assert asked != told
    assert choose_steps(18) == sorted(set(choose_steps(18))) and 17 not in choose_steps(18) and choose_steps(1) == [0]
    with pytest.raises(ValueError, match="paper="):
        export_run(context, run_id, "worksheet", "all", 0, "1", "a3")


def test_one_lane_is_a_file_too() -> None:
    context, run_id = finished()
    kept = context.runs.get(run_id)
    assert kept is not None
    picture = np.asarray(open_image(export_run(context, run_id, "png", "2", 0)[1]))
    both = np.asarray(open_image(export_run(context, run_id, "png", "all", 0)[1]))
    assert 2 * len(picture) == len(both) and (both[-len(picture) :, : picture.shape[1]] == picture).all()
    (alone,) = json.loads(export_run(context, run_id, "json", "2", 0)[1])["lanes"]
    assert [step["digest"] for step in alone["steps"]] == [step.digest() for step, _ in kept.steps[1]]
    for wrong in ("3", "0", 2, None, ["1"]):
        with pytest.raises(ValueError, match="lanes="):
            export_run(context, run_id, "gif", wrong, 0)


def test_a_lane_that_leaves_another_one_is_no_file_of_its_own() -> None:
    context, run_id = finished(third={"lane": 1, "step": 3}, rule_3="critic")
    with pytest.raises(ValueError, match="all lanes"):
        export_run(context, run_id, "json", "3", 0)
    assert len(json.loads(export_run(context, run_id, "json", "all", 0)[1])["lanes"]) == 3


@pytest.mark.parametrize(("label", "name"), [("Bär & Ähre", "token-critic-bar-ahre-3"), ("人", "token-critic-3")])
def test_a_class_of_any_letters_gives_a_name_that_a_header_can_hold(label: str, name: str) -> None:
    context = new_context(FakePacks(partial(FakeSession, classes=(label,))))
    run_id = run(context, label=label)[-1]["run"]
    assert export_run(context, run_id, "json", "all", 0)[0] == f"{name}.json"


@pytest.mark.parametrize(("run_id", "kind"), [("none", "gif"), (None, "gif"), ("", "x"), (3, None)])
def test_a_file_of_nothing_is_refused(run_id: Any, kind: Any) -> None:
    context, mine = finished()
    for wrong in ((run_id, kind), (mine, "nonsense"), (mine, None), (mine, ["gif"])):
        with pytest.raises(ValueError):
            export_run(context, *wrong, "all", 0)


def test_a_run_under_way_and_a_gallery_are_no_files() -> None:
    context = new_context()
    going = run_lanes(context, set_controls())
    *_, gallery = draw_gallery(context, 1, set_controls())
    for frame in (next(going), gallery):
        with pytest.raises(ValueError, match="press Run"):
            export_run(context, frame["run"], "json", "all", 0)
    going.close()
