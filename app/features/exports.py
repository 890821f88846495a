"""Make a file of a run: to show (GIF, WebP, PNG, PDF, SVG) and to keep (JSON, which the page replays)."""

from __future__ import annotations

import io
import json
import re
import threading
import unicodedata
from collections.abc import Callable
from typing import Any, NamedTuple

from PIL import Image

from app.context import Context
from app.features import drawing
from app.features.figure import Source, get_step, save_figure, write_caption
from app.features.fonts import choose_words
from app.features.settings import name_rule
from app.features.worksheet import PAPERS, make_answers, make_worksheet
from app.runs import Run
from app.text.words import fill
from app.text.wrong import Wrong

JSON_FORMAT = 1  # version of the JSON file
STEP_MS, LAST_STEP_MS = 500, 2000  # of an animation
GIF_COLOURS = 128
SCALES = ("1", "2", "4")  # of the PNG
MAKING = threading.BoundedSemaphore(2)  # files at once: a WebP of the longest run takes 200 MB


def make_gif(source: Source) -> bytes:
    """Animate the decisions step by step, with at most 128 colours: for looking only."""
    options: dict[str, Any] = {"method": Image.Quantize.FASTOCTREE, "dither": Image.Dither.NONE}
    return _animate(source, "GIF", lambda frame: frame.quantize(GIF_COLOURS, **options))


def make_webp(source: Source) -> bytes:
    """Animate the decisions, exact to the pixel."""
    return _animate(source, "WEBP", lossless=True, quality=0, method=0)


def make_png(source: Source) -> bytes:
    """Arrange the decoded proposals: one row per lane, one column per step. Each pixel becomes `scale` x `scale`."""
    run, words = source.run, source.words
    names = [
        fill(words["files"]["lane"], name=name_rule(words, lane.config.rule), steps=lane.steps, passes=lane.passes)
        for lane in run.lanes
    ]
    out = io.BytesIO()
    rows = [[picture for _, picture in steps] for steps in run.steps]
    drawing.draw_sheet(names, rows, source.scale, source.font).save(out, "PNG")
    return out.getvalue()


def make_pdf(source: Source) -> bytes:
    """Draw the four panels of every lane at the step shown."""
    return save_figure(source, "pdf")


def make_svg(source: Source) -> bytes:
    """Draw the same as the PDF."""
    return save_figure(source, "svg")


def make_json(source: Source) -> bytes:
    """Write the controls and every step of every lane to the bit: {"format", "ask", "lanes": [traces]}."""
    run = source.run
    traces = [
        json.loads(source.session.trace(lane.config, [step for step, _ in steps], samples=(0,)).to_json())
        for lane, steps in zip(run.lanes, run.steps, strict=True)
    ]
    if run.made_by is not None:  # a recording, or a run from a file: this machine only shows it
        traces = [{**trace, "made_by": dict(run.made_by)} for trace in traces]
    return json.dumps({"format": JSON_FORMAT, "ask": run.controls, "lanes": traces}, allow_nan=False).encode()


class Kind(NamedTuple):
    """A kind of file: how it is made, and as what it is sent."""

    make: Callable[[Source], bytes]
    media_type: str
    suffix: str


EXPORTS = {
    "gif": Kind(make_gif, "image/gif", "gif"),
    "webp": Kind(make_webp, "image/webp", "webp"),
    "png": Kind(make_png, "image/png", "png"),
    "pdf": Kind(make_pdf, "application/pdf", "pdf"),
    "svg": Kind(make_svg, "image/svg+xml", "svg"),
    "json": Kind(make_json, "application/json", "json"),
    "worksheet": Kind(make_worksheet, "application/pdf", "worksheet.pdf"),
    "answers": Kind(make_answers, "application/pdf", "answers.pdf"),
}


def export_run(
    context: Context,
    run_id: object,
    kind: object,
    lanes: object,
    at: object,
    scale: object = SCALES[0],
    paper: object = PAPERS[0],
) -> tuple[str, bytes]:
    """Return name and content of a file made of a finished run.

    `lanes` is "all", "1", "2" or "3"; `at` is the position of the playhead; `scale` is one of SCALES,
    `paper` one of PAPERS. Raises ValueError where there is no such run, kind, lane, scale or paper.
    """
    run = context.runs.get(run_id)
    if run is None or not run.steps or not run.complete:
        raise Wrong("files.none")
    if not isinstance(kind, str) or kind not in EXPORTS:
        raise ValueError(f"unknown file {kind!r}: one of {', '.join(EXPORTS)}")
    if scale not in SCALES:
        raise ValueError(f"scale={str(scale)[:40]!r}: one of {', '.join(SCALES)}")
    if paper not in PAPERS:
        raise ValueError(f"paper={str(paper)[:40]!r}: one of {', '.join(PAPERS)}")
    position = at if isinstance(at, int) else 0
    if lanes != "all":
        run, position = _select_lane(run, lanes, position)
    session = context.packs.session(run.pack)
    words, font = choose_words(context.language)
    source = Source(
        run=run, session=session, at=position, scale=int(str(scale)), paper=str(paper), words=words, font=font
    )
    with MAKING:
        content = EXPORTS[kind].make(source)
    config = run.lanes[0].config
    parts = filter(None, ("token-critic", _to_file_name(config.label or ""), str(config.seed)))
    return f"{'-'.join(parts)}.{EXPORTS[kind].suffix}", content


def _select_lane(run: Run, which: object, position: int) -> tuple[Run, int]:
    """Return a lane as a run of its own, and the position of the playhead in it."""
    known = [str(i + 1) for i in range(len(run.lanes))]
    if which not in known:
        raise ValueError(f"lanes={str(which)[:40]!r}: this run has all, {', '.join(known)}")
    lane = known.index(str(which))
    if run.lanes[lane].branch is not None:
        raise Wrong("files.branch")
    longest = max(len(steps) for steps in run.steps)
    step, _ = get_step(run, lane, max(0, min(position, longest - 1)), longest)
    return run.select_lane(lane), step.s


def _to_file_name(label: str) -> str:
    """Return the letters of a label as ASCII, as HTTP headers need it. It can be empty."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    return re.sub(r"\W+", "-", plain).strip("-").lower()


def _animate(
    source: Source, kind: str, convert: Callable[[Image.Image], Image.Image] = lambda frame: frame, **options: Any
) -> bytes:
    """Draw the frames one at a time: all together are large, and Pillow keeps what it needs."""
    length = max(len(steps) for steps in source.run.steps)
    frames = (convert(_draw_frame(source, position, length)) for position in range(length))
    out = io.BytesIO()
    times = [STEP_MS] * (length - 1) + [LAST_STEP_MS]
    next(frames).save(out, kind, save_all=True, append_images=frames, duration=times, loop=0, **options)
    return out.getvalue()


def _draw_frame(source: Source, position: int, length: int) -> Image.Image:
    """Draw all lanes side by side at a position of the playhead, as the page shows them."""
    words, run = source.words, source.run
    shown = [get_step(run, i, position, length) for i in range(len(run.lanes))]
    images = [drawing.draw_decision(step, picture) for step, picture in shown]
    captions = [write_caption(words, lane, step) for lane, (step, _) in zip(run.lanes, shown, strict=True)]
    return drawing.place_side_by_side(images, captions, source.font)
