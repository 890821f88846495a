"""The stage: both lanes, the film strip and the transport, drawn in the browser from one frame a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from app.assets import STAGE, drawn
from app.lanes import names
from app.text import en, explain
from engine import SAMPLING_VERSION

MOUNT = "mountStage(element, server, props, watch, words, names, version)"


class Stage(gr.HTML):
    """Its value is the last frame that Gradio sent; those of a run come by app.stream.

    Drawn by assets/js/stage.js, which calls `functions` by their names:

    missed (frames of a run), patches (of a pack), judge (a finished lane), active (runs under way), stop (a run).
    """

    def __init__(self, functions: Sequence[Callable[[Any], Any]], **props: Any) -> None:
        super().__init__(
            **drawn(
                STAGE, MOUNT, words={**en.STAGE, "explain": explain.words()}, names=names(), version=SAMPLING_VERSION
            ),
            server_functions=list(functions),
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "one frame: begin, step (arrays as base64), end or plan"}
