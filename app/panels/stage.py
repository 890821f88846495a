"""The stage: both lanes, the film strip and the transport, drawn in the browser from one frame a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.assets import STAGE, script
from app.panels.served import served
from app.text import en


class Stage(gr.HTML):
    """Its value is the last frame that was sent. Drawn by assets/js/stage.js."""

    def __init__(
        self,
        fetch: Callable[[Any, Any], Any],
        look: Callable[[Any], Any],
        judge: Callable[[Any, Any], Any],
        **props: Any,
    ) -> None:
        def patches(given: Any) -> Any:  # the browser knows it by this name
            return look(given)

        super().__init__(
            html_template="<div></div>",  # fixed: the canvases in it survive every update
            js_on_load=script(STAGE, "mountStage(element, server, props, watch, words)", words=en.STAGE),
            apply_default_css=False,
            server_functions=[served("missed", fetch, 2, []), served("judge", judge, 2, {}), patches],
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "one frame: begin, step (arrays as base64), end or plan"}
