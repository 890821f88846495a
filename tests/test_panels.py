"""What the panels of a step show in files: the same as on the page (tests/js/panels.test.js)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.assets import colours
from app.features import drawing
from app.features.figure import get_picture_before
from engine.plots import colour_map
from engine.step import ARRAYS, TOP, Step

FIXTURE = json.loads((Path(__file__).parent / "fixtures" / "panels.json").read_text(encoding="utf-8"))
CELL = 21  # pixels; odd, so that a cell has a middle
PICTURES = {"before": (10, 20, 30), "proposal": (40, 50, 60)}  # one colour each


def rgb(colour: str) -> tuple[int, ...]:
    """The values of "#rrggbb"."""
    return tuple(bytes.fromhex(colour[1:]))


def make_step(case: dict[str, Any]) -> Step:
    """The step of a case. Nothing else of it is drawn."""
    places = len(case["tokens"])
    arrays = {name: np.zeros((1, places, 5) if name in TOP else (1, places), kind) for name, kind in ARRAYS.items()}
    for name in ("tokens", "state", "scores"):
        arrays[name][:] = [np.nan if value is None else value for value in case[name]]
    return Step(s=case["s"], steps=case["steps"], temperature=1.0, **arrays)


def draw_panels(case: dict[str, Any]) -> dict[str, np.ndarray]:
    """All panels of a case, each (side * CELL, side * CELL, 3)."""
    side = round(len(case["tokens"]) ** 0.5)
    before, picture = (np.full((side, side, 3), PICTURES[name], np.uint8) for name in ("before", "proposal"))
    earlier = [(make_step(case), before)] * case["s"]
    step = make_step(case)
    drawn = {
        "input": drawing.draw_input(step, get_picture_before([*earlier, (step, picture)], step.s), CELL),
        "proposal": drawing.draw_proposal(step, picture, CELL),
        "scores": drawing.draw_scores(step, CELL),
        "decision": drawing.draw_decision(step, picture, CELL),
    }
    return {name: np.asarray(panel) for name, panel in drawn.items()}


def probe(panel: np.ndarray, place: int) -> dict[str, tuple[int, ...]]:
    """The colours of a cell at the middle of its upper edge, and in its middle."""
    side = len(panel) // CELL
    cell = panel[place // side * CELL :, place % side * CELL :]
    return {"edge": tuple(cell[0, CELL // 2].tolist()), "middle": tuple(cell[CELL // 2, CELL // 2].tolist())}


def wanted_colours(shown: str) -> dict[str, tuple[int, ...]]:
    """What `probe` has to find: of a mark, of a picture, or of a score's colour."""
    points = FIXTURE["marks"].get(shown, {"edge": shown, "middle": shown})
    return {point: PICTURES.get(one) or rgb(colours().get(one, one)) for point, one in points.items()}


@pytest.mark.parametrize("case", FIXTURE["cases"], ids=[case["name"] for case in FIXTURE["cases"]])
def test_each_cell_of_each_panel_shows_what_it_must(case: dict[str, Any]) -> None:
    panels = draw_panels(case)
    assert set(panels) == set(case["panels"])
    for name, cells in case["panels"].items():
        for place, shown in enumerate(cells):
            assert probe(panels[name], place) == wanted_colours(shown), f"{name}, cell {place}: {shown}"


def test_the_colours_of_the_scores_are_those_of_cividis() -> None:
    """The fixture's, which the page's table of stops is held to."""
    for case in FIXTURE["cases"]:
        for score, colour in zip(case["scores"], case["panels"]["scores"], strict=True):
            if score is not None:
                exact = colour_map("cividis")(min(1.0, max(0.0, score)))
                np.testing.assert_allclose(rgb(colour), np.array(exact[:3]) * 255, atol=0.51)


def test_colours_are_said_in_the_style_sheet_alone() -> None:
    drawn = {"new", "revoked", "cross", "masked", "hatch", "empty", "dot", "text"}
    assert drawn <= set(colours())
    source = Path(drawing.__file__).read_text(encoding="utf-8")
    assert not [colour for colour in colours().values() if colour in source]
    assert not [name for name in drawn if f'colours()["{name}"]' not in source]
