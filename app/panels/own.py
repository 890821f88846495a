"""Refining a picture of the visitor's own, folded away, as the third lane. Drawn and kept by assets/js/own.js."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.panels.served import Asking, served
from app.text import en

FILES = ("dom", "decode", "colours", "draw", "own")


def build(look: Callable[[Any, Any, Any], dict[str, Any]]) -> None:
    """`look`: what the server sees in a picture, of a pack, a class and a data URL."""
    with gr.Accordion(en.OWN["title"], open=False, elem_classes="tc-fold", elem_id="tc-own"):
        Asking(FILES, "mountOwn", en.OWN, served("look", look, 3, {"wrong": en.OWN["failed"]}))
