"""The settings of one lane, built from the fields of SampleConfig and of the rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from app.components.choices import Choice
from app.components.label import label
from app.request import SUFFIXES, lane_values
from app.text.words import ENGLISH, words
from engine.config import SampleConfig
from engine.rules import all_parameters


@dataclasses.dataclass(frozen=True, kw_only=True)
class LaneControls:
    """The components in the order of `lane_fields`."""

    values: tuple[gr.components.Component, ...]


def build(lane: int, rules: Sequence[Sequence[str]], config: SampleConfig, visible: Mapping[str, bool]) -> LaneControls:
    """`lane` counts from 0. `visible` says of each control, by its name, whether it is shown."""
    column = gr.Column(min_width=150, elem_classes="tc-lane-settings", elem_id=f"tc-settings-{lane + 1}")
    with column, gr.Row(elem_classes="tc-lane-controls"):
        values = [
            _build_control(name, value, rules, visible[f"{name}{SUFFIXES[lane]}"])
            for name, value in lane_values(config).items()
        ]
    return LaneControls(values=tuple(values))


def _build_control(name: str, value: Any, rules: Sequence[Sequence[str]], visible: bool) -> gr.components.Component:
    """Build the control of one field: a select where its values are words, else a slider over its range."""
    specs = {**{spec.name: spec for spec in dataclasses.fields(SampleConfig)}, **all_parameters()}
    metadata, help_class = specs[name].metadata, f"tc-x-{name}"
    is_named = name in words(ENGLISH)["labels"]["controls"]  # a new rule's parameter has no words yet
    own = metadata.get("symbol") or name
    if name == "rule":
        return Choice(rules, name, value=value, elem_classes=help_class)
    if metadata["choices"]:
        choices = [(word, word) for word in metadata["choices"]]
        return Choice(
            choices, name if is_named else own, value=value, visible=visible, elem_classes=["tc-rare", help_class]
        )
    return gr.Slider(
        metadata["low"],
        metadata["high"],
        value,
        step=metadata["step"],
        label=label(f"labels.controls.{name}") if is_named else own,
        visible=visible,
        buttons=[],
        min_width=60,
        elem_classes=["tc-slider", help_class],
    )
