"""Two native controls that Gradio does not have: radio buttons with pictures, and a select."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.components.label import label as text
from app.components.mounted import Mounted


class Chips(Mounted):
    """Radio buttons with a picture each, or a field to search many.

    `choices` are (name, data URL), or (name, "") without a picture; `legend` is the key of its name.
    """

    def __init__(self, choices: Sequence[Sequence[str]], legend: str, **props: Any) -> None:
        listed = [list(choice) for choice in choices]
        super().__init__("chips", choices=listed, legend=legend, label=text(f"labels.controls.{legend}"), **props)


class Choice(Mounted):
    """A native select. `label` is the key of its name, or the name itself.

    `choices` are (value, name in English), or (value, name, command that trains what this choice lacks).
    """

    def __init__(self, choices: Sequence[Sequence[str]], label: str, **props: Any) -> None:
        listed = [list(choice) for choice in choices]
        super().__init__("choice", {"choices": listed, "name": label}, choices=listed, show_label=False, **props)
