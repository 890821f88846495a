"""Two native controls that Gradio does not have: radio buttons with pictures, and a select."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.components.mounted import Mounted


class Chips(Mounted):
    """Radio buttons with a picture each. `choices` are (name, data URL)."""

    def __init__(self, choices: Sequence[Sequence[str]], legend: str, **props: Any) -> None:
        listed = [list(choice) for choice in choices]
        super().__init__("chips", choices=listed, legend=legend, label=legend, **props)


class Choice(Mounted):
    """A native select. `choices` are (value, name)."""

    def __init__(self, choices: Sequence[Sequence[str]], label: str, **props: Any) -> None:
        listed = [list(choice) for choice in choices]
        super().__init__("choice", {"choices": listed, "name": label}, choices=listed, label=label, **props)
