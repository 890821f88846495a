"""The stage: the lanes, the film strip and the player's controls, drawn in the browser from one frame per step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from app.assets import STAGE, drawn
from app.request import control_names
from app.text import en, explain
from engine import SAMPLING_VERSION

MOUNT = "mountStage(element, server, props, watch, words, names, version)"


class Stage(gr.HTML):
    """Its value is the last frame that Gradio sent. The frames of a run come by app.server.stream.

    assets/js/stage.js draws it, and calls `functions` by name.
    """

    def __init__(self, functions: Sequence[Callable[[Any], Any]], **props: Any) -> None:
        words = {**en.STAGE, "explain": explain.list_explanations()}
        super().__init__(
            **drawn(STAGE, MOUNT, words=words, names=control_names(), version=SAMPLING_VERSION),
            server_functions=list(functions),
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "one frame: begin, step (arrays as base64), end or plan"}
