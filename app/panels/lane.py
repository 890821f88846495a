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
    def rule(self) -> gr.components.Component:
        return self.values[FIELDS.index("rule")]


def build(lane: int, rules: Sequence[str], config: SampleConfig, shown: Sequence[bool]) -> LaneControls:
    """`lane` counts from 0; `shown` says which controls the rule reads."""
    specs = {field.name: field for field in dataclasses.fields(SampleConfig)}
    values: list[gr.components.Component] = []
    with gr.Column(min_width=150, elem_classes="tc-lane-settings", elem_id=f"tc-settings-{lane + 1}"):
        with gr.Row(elem_classes="tc-lane-controls"):
            for name, visible in zip(FIELDS, shown, strict=True):
                value, label = getattr(config, name), en.CONTROLS[name]
                low, high, choices = (specs[name].metadata[key] for key in ("low", "high", "choices"))
                if name == "rule":
                    values.append(Choice([(rule, RULES[rule].label) for rule in rules], label, value=value))
                elif choices:
                    values.append(Choice([(word, word) for word in choices], label, value=value, visible=visible))
                else:
                    step = STEPS.get(name, 0.05)
                    values.append(
                        gr.Slider(
                            low,
                            high,
                            value,
                            step=step,
                            label=label,
                            info=specs[name].metadata["help"],
                            visible=visible,
                            buttons=[],
                            min_width=60,
                            elem_classes="tc-slider",
                        )
                    )
    return LaneControls(values=tuple(values))
