"""Spot the fakes, folded away. Drawn and kept by assets/js/game.js; the server deals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.assets import script
from app.panels.served import served
from app.text import en

FILES = ("dom", "decode", "colours", "draw", "grid", "game")


class Game(gr.HTML):
    """Asks the server for a riddle: pack, seed, share of fakes."""

    def __init__(self, riddle: Callable[[Any, Any, Any], dict[str, Any]], **props: Any) -> None:
        super().__init__(
            html_template="<div></div>",
            js_on_load=script(FILES, "mountGame(element, server, words)", words=en.GAME),
            apply_default_css=False,
            server_functions=[served("deal", riddle, 3, {"wrong": en.GAME["failed"]})],
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "nothing: the game asks for its riddles itself"}


def build(riddle: Callable[[Any, Any, Any], dict[str, Any]]) -> Game:
    with gr.Accordion(en.GAME["title"], open=False, elem_classes="tc-fold", elem_id="tc-game"):
        return Game(riddle)
