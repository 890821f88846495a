"""The stage: both lanes, the film strip and the transport, drawn in the browser from one frame a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.assets import STAGE, script
from app.text import en


class Stage(gr.HTML):
    """Its value is the last frame that was sent. Drawn by assets/js/stage.js."""

    def __init__(self, fetch: Callable[[Any, Any], Any], look: Callable[[Any], Any], **props: Any) -> None:
        # the browser knows them by these names, and passes its arguments as one list, or the only one as it is
        def missed(given: Any) -> Any:
            return fetch(*given) if isinstance(given, list) and len(given) == 2 else []

        def patches(given: Any) -> Any:
            return look(given)

        super().__init__(
            html_template="<div></div>",  # fixed: the canvases in it survive every update
            js_on_load=script(STAGE, "mountStage(element, server, props, watch, words)", words=en.STAGE),
            apply_default_css=False,
            server_functions=[missed, patches],
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "one frame: begin, step (arrays as base64), end or plan"}
