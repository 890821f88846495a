"""Spot the fakes, folded away. Drawn and kept by assets/js/game.js; the server deals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.panels.served import Asking, served
from app.text import en

FILES = ("dom", "decode", "colours", "draw", "grid", "game")


def build(riddle: Callable[[Any, Any, Any], dict[str, Any]]) -> None:
    """`riddle`: of a pack, a seed and a share of fakes."""
    with gr.Accordion(en.GAME["title"], open=False, elem_classes="tc-fold", elem_id="tc-game"):
        Asking(FILES, "mountGame", en.GAME, served("deal", riddle, 3, {"wrong": en.GAME["failed"]}))
