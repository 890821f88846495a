"""A run as a file: to show (GIF, WebP, PNG, PDF, SVG) and to keep (JSON, which the page replays)."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from app import drawing
from app.lanes import LANES, Lane
from app.runs import Run
from app.text import en
from engine.plots import new_figure
from engine.rules import RULES
from engine.session import Session
from engine.sheet import make_sheet
from engine.step import State, Step, Trace

FORMAT = 1  # of the JSON
MILLISECONDS = 500  # a step of an animation
LAST = 2000
COLOURS = 128  # of a GIF


def animated_gif(run: Run, session: Session, at: int) -> bytes:
    """The decisions step by step. At most 128 colours: for looking only."""
    frames = [frame.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE) for frame in _frames(run)]
    return _animation(frames, "GIF")


def animated_webp(run: Run, session: Session, at: int) -> bytes:
    """The same, exact to the pixel."""
    return _animation(_frames(run), "WEBP", lossless=True, quality=0, method=0)


def sheet(run: Run, session: Session, at: int) -> bytes:
    """The decoded proposals as they are, a row for each lane and a column for each step."""
    columns = max(map(len, run.steps))
    blank = np.full_like(run.steps[0][0][1], 255)
    cells = [done[s][1] if s < len(done) else blank for done in run.steps for s in range(columns)]
    whole = make_sheet(np.stack(cells), columns)
    out = io.BytesIO()
    Image.fromarray(whole).save(out, "PNG")
    return out.getvalue()


def figure_pdf(run: Run, session: Session, at: int) -> bytes:
    """The four panels of every lane at the step shown."""
    return _figure(run, at, "pdf")


def figure_svg(run: Run, session: Session, at: int) -> bytes:
    return _figure(run, at, "svg")


def trace(run: Run, session: Session, at: int) -> bytes:
    """What was asked for and every step of every lane, to the bit: {"format", "ask", "lanes": [traces]}."""
    traces = [
        json.loads(session.trace(lane.config, [step for step, _ in steps], samples=(0,)).to_json())
        for lane, steps in zip(run.lanes, run.steps, strict=True)
    ]
    return json.dumps({"format": FORMAT, "ask": run.ask, "lanes": traces}, allow_nan=False).encode()


EXPORTS: dict[str, tuple[str, Callable[[Run, Session, int], bytes]]] = {  # suffix, and what makes it
    "gif": ("gif", animated_gif),
    "webp": ("webp", animated_webp),
    "png": ("png", sheet),
    "pdf": ("pdf", figure_pdf),
    "svg": ("svg", figure_svg),
    "json": ("json", trace),
}


def read_trace(text: str) -> tuple[dict[str, Any], list[Trace]]:
    """What an exported JSON holds: what was asked for, and a trace of each lane. ValueError where it is none.

    A trace of python -m engine.sample is one, too: of one lane, nothing asked.
    """
    try:
        plain = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"this file is not JSON: {error}") from error
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise ValueError("this file is no run of this page, and no trace of engine.sample")
    if "steps" in plain:
        return {}, [Trace.from_json(text)]
    lanes, ask = plain.get("lanes"), plain.get("ask")
    if not isinstance(lanes, list) or not isinstance(ask, dict) or not 1 <= len(lanes) <= LANES:
        raise ValueError(f"this file does not hold one to {LANES} lanes")
    return ask, [Trace.from_json(json.dumps(lane)) for lane in lanes]


def _animation(frames: list[Image.Image], kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    times = [MILLISECONDS] * (len(frames) - 1) + [LAST]
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=times, loop=0, **options)
    return out.getvalue()


def _frames(run: Run) -> list[Image.Image]:
    """All lanes side by side at each place of the playhead, as the page shows them."""
    length = max(len(steps) for steps in run.steps)
    return [_frame(run, place, length) for place in range(length)]


def _frame(run: Run, place: int, length: int) -> Image.Image:
    shown = [step_at(run, i, place, length) for i in range(len(run.lanes))]
    images = [drawing.decision(step, picture) for step, picture in shown]
    return drawing.side_by_side(
        images, [_caption(lane, step) for lane, (step, _) in zip(run.lanes, shown, strict=True)]
    )


def step_at(run: Run, lane: int, place: int, length: int) -> tuple[Step, np.ndarray]:
    """The step of a lane at a place of the playhead (assets/js/player.js)."""
    steps = run.steps[lane]
    together = any(one.continues for one in run.lanes)
    reached = place + 1 if together else math.ceil((place + 1) * len(steps) / length)
    return steps[max(0, min(len(steps), reached) - 1)]


def _caption(lane: Lane, step: Step) -> tuple[str, str]:
    kept, new, masked, revoked = (int(step.count(state)[0]) for state in State)
    counts = en.FILE_COUNTS.format(kept=kept, new=new, masked=masked, revoked=revoked)
    return f"{RULES[lane.config.rule].label}, {step.s + 1}/{step.steps}", counts


def _figure(run: Run, at: int, kind: str) -> bytes:
    length = max(len(steps) for steps in run.steps)
    figure = new_figure(figsize=(10, 2.9 * len(run.lanes)), layout="constrained")
    axes = figure.subplots(len(run.lanes), 4, squeeze=False)
    for i, lane in enumerate(run.lanes):
        step, picture = step_at(run, i, max(0, min(at, length - 1)), length)
        before = run.steps[i][step.s - 1][1] if step.s else picture  # a lane that starts from a picture shows that
        panels = [drawing.goes_in(step, before), drawing.proposal(step, picture)]
        panels += [drawing.scores(step), drawing.decision(step, picture)]
        for axis, panel, name in zip(axes[i], panels, en.FILE_PANELS, strict=True):
            axis.imshow(panel, interpolation="none")
            axis.set_title(name, fontsize=9)
            axis.set_axis_off()
        said = ": ".join(_caption(lane, step))
        axes[i][0].text(0, -0.04, said, transform=axes[i][0].transAxes, va="top", fontsize=9)
    out = io.BytesIO()
    figure.savefig(out, format=kind)
    return out.getvalue()
