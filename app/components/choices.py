"""Two native controls that Gradio does not have: radio buttons with pictures, and a select."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from app.assets import drawn


class Chips(gr.HTML):
    """Radio buttons with a picture each. `choices` are (name, data URL)."""

    def __init__(self, choices: Sequence[Sequence[str]], legend: str, **props: Any) -> None:
        super().__init__(
            **drawn(("dom", "chips"), "mountChips(element, props, trigger, watch)"),
            choices=[list(choice) for choice in choices],
            legend=legend,
            label=legend,
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "string", "description": "a class of the pack"}


class Choice(gr.HTML):
    """A native select. `choices` are (value, name)."""

    def __init__(self, choices: Sequence[Sequence[str]], label: str, **props: Any) -> None:
        listed = [list(choice) for choice in choices]
        mount = "mountChoice(element, props, trigger, watch, first)"
        super().__init__(
            **drawn(("dom", "choice"), mount, first={"choices": listed, "name": label}),
            choices=listed,
            label=label,
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "string", "enum": [choice[0] for choice in self.props["choices"]]}
