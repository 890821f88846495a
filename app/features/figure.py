"""Draw the panels of a run's steps as a figure."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from app.features import drawing
from app.features.settings import name_rule
from app.request import Lane
from app.runs import Run
from app.text.words import Words, fill
from engine.plots import new_figure
from engine.session import Session
from engine.step import State, Step

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a file is made of."""

    run: Run
    session: Session
    at: int  # position of the playhead
    scale: int  # how many times as large the PNG is
    paper: str  # of a worksheet
    words: Words
    font: Path | None  # None: the usual one


def get_step(run: Run, lane: int, position: int, length: int) -> tuple[Step, np.ndarray]:
    """Return the step of a lane, and its picture, at a position of the playhead (as assets/js/playhead.js does)."""
    steps = run.steps[lane]
    same_step = any(other.continues for other in run.lanes)  # else lanes of different lengths end together
    reached = position + 1 if same_step else math.ceil((position + 1) * len(steps) / length)
    return steps[max(0, min(len(steps), reached) - 1)]


def get_picture_before(steps: Sequence[tuple[Step, np.ndarray]], s: int) -> np.ndarray:
    """Return the picture that went into step s of a lane.

    A first step has none before it: a lane that starts from a picture shows that.
    """
    return steps[max(0, s - 1)][1]


def write_caption(words: Words, lane: Lane, step: Step) -> tuple[str, str]:
    """Return the name of a lane's rule with the step, and what the step did."""
    kept, new, masked, revoked = (int(step.count(state)[0]) for state in State)
    counts = fill(words["files"]["counts"], kept=kept, new=new, masked=masked, revoked=revoked, hidden=masked + revoked)
    return f"{name_rule(words, lane.config.rule)}, {step.s + 1}/{step.steps}", counts


def draw_panels(step: Step, picture: np.ndarray, before: np.ndarray) -> list[Image.Image]:
    """Draw what goes in, the proposal, the scores and the decision of a step."""
    return [
        drawing.draw_input(step, before),
        drawing.draw_proposal(step, picture),
        drawing.draw_scores(step),
        drawing.draw_decision(step, picture),
    ]


def draw_figure(words: Words, run: Run, at: int, font: Path | None = None) -> Figure:
    """Draw the four panels of every lane side by side, under a caption, at a position of the playhead."""
    length = max(len(steps) for steps in run.steps)
    figure = new_figure(figsize=(10, 3.1 * len(run.lanes)), layout="constrained")
    parts = figure.subfigures(len(run.lanes), 1, squeeze=False)[:, 0]
    for i, (lane, part) in enumerate(zip(run.lanes, parts, strict=True)):
        step, picture = get_step(run, i, max(0, min(at, length - 1)), length)
        part.suptitle(": ".join(write_caption(words, lane, step)), fontproperties=font, fontsize=11)
        panels = draw_panels(step, picture, get_picture_before(run.steps[i], step.s))
        for axis, panel, name in zip(part.subplots(1, 4), panels, words["files"]["panels"], strict=True):
            axis.imshow(panel, interpolation="none")
            axis.set_title(name, fontproperties=font, fontsize=9)
            axis.set_axis_off()
    return figure


def save_figure(source: Source, kind: str) -> bytes:
    """Draw the step at the playhead as a file of that kind, as matplotlib names it."""
    out = io.BytesIO()
    draw_figure(source.words, source.run, source.at, source.font).savefig(out, format=kind)
    return out.getvalue()
