"""The settings of one lane, built from the fields of SampleConfig and of the rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import gradio as gr

from app.lanes import control_values, fields
from app.panels.choices import Choice
from app.text import en
from engine.config import SampleConfig
from engine.rules import RULES, all_parameters


@dataclasses.dataclass(frozen=True, kw_only=True)
class LaneControls:
    """The components in the order of `fields`."""

    values: tuple[gr.components.Component, ...]

    @property
    def rule(self) -> Choice:
        rule = self.values[fields().index("rule")]
        assert isinstance(rule, Choice)
        return rule


def build(lane: int, rules: Sequence[str], config: SampleConfig, shown: Sequence[bool]) -> LaneControls:
    """`lane` counts from 0; `shown` says which controls the rule reads."""
    column = gr.Column(min_width=150, elem_classes="tc-lane-settings", elem_id=f"tc-settings-{lane + 1}")
    with column, gr.Row(elem_classes="tc-lane-controls"):
        controls = zip(control_values(config).items(), shown, strict=True)
        values = [_control(name, value, rules, visible) for (name, value), visible in controls]
    return LaneControls(values=tuple(values))


def named(rules: Sequence[str]) -> list[tuple[str, str]]:
    """Choices of a rule control: each rule with the name people know it by."""
    return [(rule, RULES[rule].label) for rule in rules]


def _control(name: str, value: Any, rules: Sequence[str], visible: bool) -> gr.components.Component:
    """The control of one field: a select where it takes a word, else a slider over its range."""
    specs = {**{spec.name: spec for spec in dataclasses.fields(SampleConfig)}, **all_parameters()}
    metadata, explained = specs[name].metadata, f"tc-x-{name}"
    label = en.CONTROLS.get(name) or metadata["symbol"] or name  # a rule that is new here has no words yet
    if name == "rule":
        return Choice(named(rules), label, value=value, elem_classes=explained)
    if metadata["choices"]:
        words = [(word, word) for word in metadata["choices"]]
        return Choice(words, label, value=value, visible=visible, elem_classes=["tc-rare", explained])
    return gr.Slider(
        metadata["low"],
        metadata["high"],
        value,
        step=metadata["step"],
        label=label,
        visible=visible,
        buttons=[],
        min_width=60,
        elem_classes=["tc-slider", explained],
    )
