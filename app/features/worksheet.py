"""A worksheet of a run as PDF: its steps on paper, with an empty grid for each decision, or with the answers."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from app.features import drawing
from app.features.figure import Source, draw_panels, get_picture_before, get_step, write_caption
from app.text.words import fill
from engine.plots import new_figure, open_pdf

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = {"a4": (8.27, 11.69), "letter": (8.5, 11.0)}  # inches
PAPERS = tuple(SIZES)
MOST_STEPS = 12  # of a run, spread evenly: a lecture has time for no more
ROWS = 6  # of panels on a page
DPI = 150  # of the panels on paper


def make_worksheet(source: Source) -> bytes:
    """Draw the steps without their decisions, for students to mark."""
    return _save(source, answers=False)


def make_answers(source: Source) -> bytes:
    """Draw the same with the decisions, and the number of tokens in each state."""
    return _save(source, answers=True)


def choose_steps(length: int) -> list[int]:
    """Return positions of the playhead, spread evenly; without the last step, which decides nothing."""
    return np.unique(
        np.linspace(0, max(0, length - 2), min(MOST_STEPS, max(1, length - 1))).round().astype(int)
    ).tolist()


def _save(source: Source, answers: bool) -> bytes:
    length = max(len(steps) for steps in source.run.steps)
    lanes = len(source.run.lanes)
    rows = [(at, lane) for at in choose_steps(length) for lane in range(lanes)]
    each = ROWS - ROWS % lanes  # all lanes of a step stand on one page
    pages = [rows[i : i + each] for i in range(0, len(rows), each)]
    out = io.BytesIO()
    with open_pdf(out) as file:
        for number, page in enumerate(pages, 1):
            file.savefig(_draw_page(source, page, (number, len(pages)), length, answers), dpi=DPI)
    return out.getvalue()


def _draw_page(
    source: Source, rows: list[tuple[int, int]], number: tuple[int, int], length: int, answers: bool
) -> Figure:
    run, words, font = source.run, source.words["files"], source.font
    width, height = SIZES[source.paper]
    figure = new_figure(figsize=(width, height))
    config = run.lanes[0].config
    title = fill(words["sheet"]["answers" if answers else "title"], label=config.label or "", seed=config.seed)
    figure.text(0.06, 0.972, title, fontproperties=font, fontsize=13, va="top")
    if not answers:
        figure.text(0.06, 0.95, words["sheet"]["task"], fontproperties=font, fontsize=8.5, va="top")
    page = fill(words["sheet"]["page"], n=number[0], whole=number[1])
    figure.text(0.94, 0.972, page, fontproperties=font, fontsize=9, va="top", ha="right")
    side = min(0.2 * width, 0.125 * height)  # of a panel, in inches
    for row, (at, lane) in enumerate(rows):
        step, picture = get_step(run, lane, at, length)
        name, counts = write_caption(source.words, run.lanes[lane], step)
        top = 0.908 - row * 0.9 / ROWS
        caption = f"{name}: {counts}" if answers else name
        figure.text(0.06, top, caption, fontproperties=font, fontsize=9, va="bottom")
        panels = draw_panels(step, picture, get_picture_before(run.steps[lane], step.s))
        if not answers:
            panels[3] = drawing.draw_empty_grid(step)
        for column, (panel, label) in enumerate(zip(panels, words["panels"], strict=True)):
            box = (0.06 + column * 0.225, top - 0.004 - side / height, side / width, side / height)
            _place(figure, box, panel)
            if row == 0:
                figure.text(box[0] + box[2] / 2, top + 0.02, label, fontproperties=font, fontsize=8.5, ha="center")
    return figure


def _place(figure: Figure, box: tuple[float, float, float, float], panel: Image.Image) -> None:
    axis = figure.add_axes(box)
    axis.imshow(np.asarray(panel), interpolation="none")
    axis.set_axis_off()
