"""Files of a run: those to keep hold it exactly, those to look at are what they say."""

from __future__ import annotations

import io
import json
from functools import partial
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.features import drawing, exports
from app.features.compare import run_lanes
from app.features.exports import EXPORTS, MEDIA_TYPES, export_run
from app.features.gallery import draw_gallery
from app.text import en
from tests.fakes_app import FakePacks, FakeSession, finished, new_context, run, set_controls

BEGINNINGS = {
    "gif": b"GIF89a",
    "webp": b"RIFF",
    "png": b"\x89PNG",
    "pdf": b"%PDF",
    "svg": b"<?xml",
    "json": b'{"format"',
}


def open_image(content: bytes) -> Any:
    return Image.open(io.BytesIO(content))


def test_lossless_files_hold_the_run_exactly() -> None:
    context, run_id = finished(steps_2=9)
    kept = context.runs.get(run_id)
    assert kept is not None
    name, content = export_run(context, run_id, "png", "all", 0)
    assert name == "token-critic-cat-3.png"
    sheet = np.asarray(open_image(content))
    for lane, steps in enumerate(kept.steps):
        for s, (_, picture) in enumerate(steps):
            np.testing.assert_array_equal(sheet[lane * 18 : lane * 18 + 16, s * 18 : s * 18 + 16], picture)
    webp = open_image(export_run(context, run_id, "webp", "all", 0)[1])
    assert webp.n_frames == 9
    for place in range(9):
        webp.seek(place)
        step, picture = exports.get_step(kept, 1, place, 9)
        drawn = np.asarray(drawing.draw_decision(step, picture))
        shown = np.asarray(webp.convert("RGB"))
        left = shown.shape[1] - drawing.GAP - drawn.shape[1]
        top = shown.shape[0] - drawing.GAP - drawn.shape[0]
        np.testing.assert_array_equal(shown[top : top + len(drawn), left : left + drawn.shape[1]], drawn)


@pytest.mark.parametrize("kind", list(EXPORTS))
def test_files_are_what_they_say(kind: str) -> None:
    context, run_id = finished()
    name, content = export_run(context, run_id, kind, "all", 4)
    assert content.startswith(BEGINNINGS[kind]) and name == f"token-critic-cat-3.{kind}"
    assert set(MEDIA_TYPES) == set(EXPORTS) == set(en.FILE_FORMATS)


def test_one_lane_is_a_file_too() -> None:
    context, run_id = finished()
    kept = context.runs.get(run_id)
    assert kept is not None
    picture = np.asarray(open_image(export_run(context, run_id, "png", "2", 0)[1]))
    both = np.asarray(open_image(export_run(context, run_id, "png", "all", 0)[1]))
    assert len(picture) < len(both) and (both[-len(picture) :, : picture.shape[1]] == picture).all()
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
