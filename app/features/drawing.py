"""Draw the panels of a step as pixels, for files.

The marks are those of the page (assets/js/draw/panels.js), in its light colours. tests/fixtures/panels.json holds both
to the same cases.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from app.assets import colours
from app.text.wrong import Wrong
from engine.plots import colour_map
from engine.step import State, Step

CELL = 20  # pixels of a token: leaves room for a line of text above a lane
GAP = 12  # pixels
LINE_HEIGHT = 20  # pixels
FONT_SIZE = 13  # pixels
SHEET_GAP = 2  # pixels between the pictures of a sheet
MAX_PIXELS = 2**25  # of a sheet at a scale above 1: it is held in memory


def draw_decision(step: Step, picture: np.ndarray, cell: int = CELL) -> Image.Image:
    """Draw which tokens a step kept, newly kept, masked and revoked, over its proposal, uint8 (S, S, 3)."""
    image, draw, side = _enlarge(step, picture, cell)
    for place, state in enumerate(step.state[0].tolist()):
        x, y = place % side * cell, place // side * cell
        if state == State.NEW:
            draw.rectangle((x, y, x + cell - 1, y + cell - 1), outline=colours()["new"], width=max(1, cell // 8))
        elif state == State.MASKED:
            _draw_masked(draw, x, y, cell)
        elif state == State.REVOKED:
            draw.rectangle((x, y, x + cell - 1, y + cell - 1), fill=colours()["revoked"])
            inset = max(1, cell // 4)
            ends = (x + inset, y + inset, x + cell - 1 - inset, y + cell - 1 - inset)
            draw.line(ends, fill=colours()["cross"], width=max(1, cell // 8))
            draw.line((ends[0], ends[3], ends[2], ends[1]), fill=colours()["cross"], width=max(1, cell // 8))
    return image


def draw_input(step: Step, before: np.ndarray, cell: int = CELL) -> Image.Image:
    """Draw what went in: the visible tokens of the picture before, uint8 (S, S, 3)."""
    image, draw, side = _enlarge(step, before, cell)
    for place in np.flatnonzero(step.masked[0]).tolist():
        _draw_masked(draw, place % side * cell, place // side * cell, cell)
    return image


def draw_proposal(step: Step, picture: np.ndarray, cell: int = CELL) -> Image.Image:
    """Enlarge the proposal, uint8 (S, S, 3)."""
    return _enlarge(step, picture, cell)[0]


def draw_scores(step: Step, cell: int = CELL) -> Image.Image:
    """Draw the scores from 0 to 1 in cividis. A place without a score is grey, with a dot."""
    values = step.scores[0]
    mapped = (colour_map("cividis")(np.nan_to_num(np.clip(values, 0, 1)))[:, :3] * 255).round().astype(np.uint8)
    image, draw, side = _enlarge(step, mapped.reshape(_side(step), -1, 3), cell)
    for place in np.flatnonzero(np.isnan(values)).tolist():
        _draw_empty(draw, place % side * cell, place // side * cell, cell)
    return image


def draw_empty_grid(step: Step, cell: int = CELL) -> Image.Image:
    """Draw a grid to mark by hand: what went in masked is grey."""
    side = _side(step)
    image = Image.new("RGB", (side * cell, side * cell), "white")
    draw = ImageDraw.Draw(image)
    for place in range(side * side):
        x, y = place % side * cell, place // side * cell
        fill = colours()["empty"] if step.masked[0][place] else "white"
        draw.rectangle((x, y, x + cell - 1, y + cell - 1), fill=fill, outline=colours()["line"])
    return image


def place_side_by_side(
    images: Sequence[Image.Image], captions: Sequence[Sequence[str]], font_file: Path | None = None
) -> Image.Image:
    """Place pictures in a row on white, with a caption (lines of text) above each. None: in the usual font."""
    lines = max(len(caption) for caption in captions)
    width = sum(image.width for image in images) + GAP * (len(images) + 1)
    row = Image.new("RGB", (width, max(image.height for image in images) + LINE_HEIGHT * lines + 2 * GAP), "white")
    draw, font, x = ImageDraw.Draw(row), _open_font(font_file, FONT_SIZE), GAP
    for image, caption in zip(images, captions, strict=True):
        for i, text in enumerate(caption):
            draw.text((x, GAP // 2 + LINE_HEIGHT * i), text, fill=colours()["text"], font=font)
        row.paste(image, (x, GAP + LINE_HEIGHT * lines))
        x += image.width + GAP
    return row


def draw_sheet(
    names: Sequence[str], rows: Sequence[Sequence[np.ndarray]], scale: int, font_file: Path | None = None
) -> Image.Image:
    """Arrange the pictures of each lane, uint8 (S, S, 3), in a row, its name above and the steps' numbers below.

    All is `scale` times as large: a pixel of a picture becomes scale x scale pixels.
    Raises ValueError where that is too large.
    """
    font = _open_font(font_file, FONT_SIZE * scale)
    side, columns = len(rows[0][0]), max(map(len, rows))
    right, bottom = find_on_sheet(side, len(rows), columns)
    width = max(right - SHEET_GAP + GAP, 2 * GAP + math.ceil(max(map(font.getlength, names)) / scale)) * scale
    height = (bottom - find_on_sheet(side, 0, 0)[1]) * scale
    if scale > 1 and width * height > MAX_PIXELS:
        raise Wrong("files.too_large", width=width, height=height)
    sheet = Image.new("RGB", (width, height), colours()["surface"])
    draw = ImageDraw.Draw(sheet)
    every = math.ceil((font.getlength(str(columns)) / scale + 2 * SHEET_GAP) / (side + SHEET_GAP))  # number that fits
    for i, (name, pictures) in enumerate(zip(names, rows, strict=True)):
        for s, picture in enumerate(pictures):
            x, y = find_on_sheet(side, i, s)
            large = Image.fromarray(picture).resize((side * scale, side * scale), Image.Resampling.NEAREST)
            sheet.paste(large, (x * scale, y * scale))
            if s % every == 0:
                middle = ((x + side / 2) * scale, (y + side + LINE_HEIGHT / 2) * scale)
                draw.text(middle, str(s + 1), fill=colours()["quiet"], font=font, anchor="mm")
        x, y = find_on_sheet(side, i, 0)
        draw.text((x * scale, (y - LINE_HEIGHT / 2) * scale), name, fill=colours()["text"], font=font, anchor="lm")
    return sheet


def find_on_sheet(side: int, lane: int, s: int) -> tuple[int, int]:
    """Return the left upper corner of a picture of a sheet at scale 1, in pixels. `side`: of a picture."""
    row = GAP + LINE_HEIGHT + side + LINE_HEIGHT
    return GAP + s * (side + SHEET_GAP), GAP + LINE_HEIGHT + lane * row


def _open_font(file: Path | None, size: int) -> Any:
    return ImageFont.truetype(file, size) if file else ImageFont.load_default(size)


def _side(step: Step) -> int:
    return round(step.state.shape[1] ** 0.5)


def _enlarge(step: Step, picture: np.ndarray, cell: int) -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    side = _side(step)
    image = Image.fromarray(picture).resize((side * cell, side * cell), Image.Resampling.NEAREST)
    return image, ImageDraw.Draw(image), side


def _draw_masked(draw: ImageDraw.ImageDraw, x: int, y: int, cell: int) -> None:
    draw.rectangle((x, y, x + cell - 1, y + cell - 1), fill=colours()["masked"])
    draw.line((x, y + cell - 1, x + cell - 1, y), fill=colours()["hatch"])


def _draw_empty(draw: ImageDraw.ImageDraw, x: int, y: int, cell: int) -> None:
    draw.rectangle((x, y, x + cell - 1, y + cell - 1), fill=colours()["empty"])
    dot = max(1, cell // 8)
    left, top = x + (cell - dot) // 2, y + (cell - dot) // 2
    draw.rectangle((left, top, left + dot - 1, top + dot - 1), fill=colours()["dot"])
