"""Refining a picture of the visitor's own, folded away. Drawn and kept by assets/js/own.js."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.assets import script
from app.panels.served import served
from app.text import en

FILES = ("dom", "decode", "colours", "draw", "own")


class Own(gr.HTML):
    """Asks the server what it sees in a picture: pack, class, data URL. Runs as the third lane."""

    def __init__(self, look: Callable[[Any, Any, Any], dict[str, Any]], **props: Any) -> None:
        super().__init__(
            html_template="<div></div>",
            js_on_load=script(FILES, "mountOwn(element, server, words)", words=en.OWN),
            apply_default_css=False,
            server_functions=[served("look", look, 3, {"wrong": en.OWN["failed"]})],
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "nothing: it asks for what it shows itself"}


def build(look: Callable[[Any, Any, Any], dict[str, Any]]) -> Own:
    with gr.Accordion(en.OWN["title"], open=False, elem_classes="tc-fold", elem_id="tc-own"):
        return Own(look)
