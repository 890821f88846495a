"""The settings of one lane, built from the fields of SampleConfig."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import gradio as gr

from app.lanes import FIELDS
from app.panels.choices import Choice
from app.text import en
from engine.config import SampleConfig
from engine.rules import RULES

STEPS = {"steps": 1, "choice_temperature": 0.5}  # of the sliders; 0.05 for the others


@dataclasses.dataclass(frozen=True, kw_only=True)
class LaneControls:
    """The components in the order of FIELDS."""

    values: tuple[gr.components.Component, ...]

    @property
    def rule(self) -> Choice:
        rule = self.values[FIELDS.index("rule")]
        assert isinstance(rule, Choice)
        return rule


def build(lane: int, rules: Sequence[str], config: SampleConfig, shown: Sequence[bool]) -> LaneControls:
    """`lane` counts from 0; `shown` says which controls the rule reads."""
    column = gr.Column(min_width=150, elem_classes="tc-lane-settings", elem_id=f"tc-settings-{lane + 1}")
    with column, gr.Row(elem_classes="tc-lane-controls"):
        values = [_control(name, rules, config, visible) for name, visible in zip(FIELDS, shown, strict=True)]
    return LaneControls(values=tuple(values))


def named(rules: Sequence[str]) -> list[tuple[str, str]]:
    """Choices of a rule control: each rule with the name people know it by."""
    return [(rule, RULES[rule].label) for rule in rules]


def _control(name: str, rules: Sequence[str], config: SampleConfig, visible: bool) -> gr.components.Component:
    """The control of one field: a select where it takes a word, else a slider over its range."""
    metadata = next(field.metadata for field in dataclasses.fields(SampleConfig) if field.name == name)
    value, label, explained = getattr(config, name), en.CONTROLS[name], f"tc-x-{name}"
    if name == "rule":
        return Choice(named(rules), label, value=value, elem_classes=explained)
    if metadata["choices"]:
        words = [(word, word) for word in metadata["choices"]]
        return Choice(words, label, value=value, visible=visible, elem_classes=["tc-rare", explained])
    return gr.Slider(
        metadata["low"],
        metadata["high"],
        value,
        step=STEPS.get(name, 0.05),
        label=label,
        visible=visible,
        buttons=[],
        min_width=60,
        elem_classes=["tc-slider", explained],
    )
