"""An element of the page that a part of the front end draws in."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.assets import mount_script


class Mounted(gr.HTML):
    """`part` names what is drawn (assets/js/main.js); `given` is what this one is built with, plain values."""

    def __init__(self, part: str, given: Any = None, **props: Any) -> None:
        super().__init__(
            html_template="<div></div>",  # fixed: what is drawn in it survives every update
            js_on_load=mount_script(part, given),
            apply_default_css=False,
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "drawn by the page's own scripts"}


def build_place(name: str, *parts: str) -> gr.Column:
    """A place of the page that holds these parts. assets/css/places.css shows it while the page is there."""
    with gr.Column(elem_classes="tc-place", elem_id=f"tc-{name}") as place:
        for part in (f"heading-{name}", *parts):
            Mounted(part)
    return place
