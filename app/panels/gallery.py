"""Many pictures at once, folded away. Drawn by assets/js/gallery.js."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.assets import drawn
from app.panels.choices import Choice
from app.panels.served import served
from app.text import en

FILES = ("dom", "inbox", "gallery")
MOUNT = 'mountGallery(element, server, props, () => trigger("input"), watch, words)'
COUNTS = (8, 16, 32, 64)


class Gallery(gr.HTML):
    """Its value is the last frame that was sent, its event `input` that a picture was chosen."""

    def __init__(self, fetch: Callable[[Any, Any], Any], measure: Callable[[Any], Any], **props: Any) -> None:
        super().__init__(
            **drawn(FILES, MOUNT, words=en.GALLERY),
            server_functions=[served("missed", fetch, 2, []), served("nearest", measure, 1, [])],
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "one frame: begin, steps (pictures) or end"}


@dataclass(frozen=True, kw_only=True)
class Many:
    count: Choice
    draw: gr.Button
    stop: gr.Button
    shown: Gallery
    seed: gr.Number  # of the picture that was chosen, filled in by the page
    run_id: gr.State


def build(fetch: Callable[[Any, Any], Any], measure: Callable[[Any], Any]) -> Many:
    with gr.Accordion(en.MANY["title"], open=False, elem_classes="tc-fold", elem_id="tc-many"):
        with gr.Row(elem_classes="tc-files"):
            count = Choice([(str(n), str(n)) for n in COUNTS], en.MANY["count"], value=str(COUNTS[0]))
            draw = gr.Button(en.MANY["draw"], elem_id="tc-draw", min_width=60)
            stop = gr.Button(en.STOP, elem_id="tc-many-stop", min_width=60)
        shown = Gallery(fetch, measure)
        seed = gr.Number(visible=False)
    return Many(count=count, draw=draw, stop=stop, shown=shown, seed=seed, run_id=gr.State(""))
