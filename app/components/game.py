"""Spot the fakes. assets/js/game.js draws the game and keeps the score; the server deals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.components.server_function import FetchPanel, server_function
from app.text import en

FILES = ("dom", "decode", "colours", "draw", "grid", "game")


def build(deal: Callable[[Any, Any, Any], dict[str, Any]]) -> None:
    """`deal(pack, seed, share of fakes)` returns one round."""
    with gr.Accordion(en.GAME["title"], open=False, elem_classes="tc-fold", elem_id="tc-game"):
        FetchPanel(FILES, "mountGame", en.GAME, server_function("deal", deal, 3, {"wrong": en.GAME["failed"]}))
