"""Presets: a row of buttons. Each shows a recorded run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from app.assets import drawn
from app.text import presets as text


class Presets(gr.HTML):
    """Its value is the key of the last chosen preset."""

    def __init__(self, keys: Sequence[str], **props: Any) -> None:
        self.keys = list(keys)
        titles = {key: text.TITLES_AND_HINTS[key][0] for key in keys}
        super().__init__(
            **drawn(("dom", "presets"), MOUNT, titles=titles, words=text.ROW),
            elem_classes="tc-presets",
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "string", "enum": self.keys}


MOUNT = 'mountPresets(element, props, () => trigger("input"), titles, words)'
