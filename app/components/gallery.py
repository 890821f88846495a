"""Many pictures at once. Drawn by assets/js/gallery.js."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.assets import drawn
from app.components.choices import Choice
from app.components.server_function import server_function
from app.text import en

FILES = ("dom", "inbox", "gallery")
MOUNT = 'mountGallery(element, server, props, () => trigger("input"), watch, words)'
COUNTS = (8, 16, 32, 64)


class Pictures(gr.HTML):
    """Its value is the last frame sent. Its event `input` says that a picture was chosen."""

    def __init__(self, get_frames: Callable[[Any, Any], Any], measure: Callable[[Any], Any], **props: Any) -> None:
        super().__init__(
            **drawn(FILES, MOUNT, words=en.GALLERY),
            server_functions=[
                server_function("missed", get_frames, 2, []),
                server_function("nearest", measure, 1, []),
            ],
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "one frame: begin, steps (pictures) or end"}


@dataclass(frozen=True, kw_only=True)
class Gallery:
    count: Choice
    draw: gr.Button
    stop: gr.Button
    pictures: Pictures
    seed: gr.Number  # of the chosen picture, filled in by the page
    run_id: gr.State


def build(get_frames: Callable[[Any, Any], Any], measure: Callable[[Any], Any]) -> Gallery:
    """`get_frames(run id, first)` returns frames; `measure(run id)` the distances to the training pictures."""
    with gr.Accordion(en.MANY["title"], open=False, elem_classes="tc-fold", elem_id="tc-many"):
        with gr.Row(elem_classes="tc-files"):
            count = Choice([(str(n), str(n)) for n in COUNTS], en.MANY["count"], value=str(COUNTS[0]))
            draw = gr.Button(en.MANY["draw"], elem_id="tc-draw", min_width=60)
            stop = gr.Button(en.STOP, elem_id="tc-many-stop", min_width=60)
        pictures = Pictures(get_frames, measure)
        seed = gr.Number(visible=False)
    return Gallery(count=count, draw=draw, stop=stop, pictures=pictures, seed=seed, run_id=gr.State(""))
