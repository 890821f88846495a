"""Refine a picture of the visitor's own, as the third lane. Drawn by assets/js/own.js."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.components.server_function import FetchPanel, server_function
from app.text import en

FILES = ("dom", "decode", "colours", "draw", "own")


def build(encode: Callable[[Any, Any, Any], dict[str, Any]]) -> None:
    """`encode(pack, class, data URL)` returns the picture's tokens and their scores."""
    with gr.Accordion(en.OWN["title"], open=False, elem_classes="tc-fold", elem_id="tc-own"):
        FetchPanel(FILES, "mountOwn", en.OWN, server_function("look", encode, 3, {"wrong": en.OWN["failed"]}))
