"""Updates of the page's controls, from plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from app.components.lane import rule_choices
from app.request import control_names, lane_fields


def offer_pack(
    label: object, classes: Sequence[tuple[str, str]], rules: Sequence[str], lanes: Sequence[Sequence[Any]]
) -> list[Any]:
    """Update the class and the controls of all lanes to a pack's. The class stays where the pack has it."""
    known = [name for name, _ in classes]
    chips = gr.update(choices=classes, value=label if label in known else known[0])
    values = [pair for lane in lanes for pair in zip(lane_fields(), lane, strict=True)]
    choices: dict[str, dict[str, Any]] = {"rule": {"choices": rule_choices(rules)}}
    return [chips, *(gr.update(value=value, **choices.get(name, {})) for name, value in values)]


def set_controls(
    given: Mapping[str, Any],
    classes: Sequence[tuple[str, str]],
    rules: Sequence[str],
    lanes: Sequence[Sequence[Any]],
) -> list[Any]:
    """Update all controls to the values of a request, and to what its pack offers."""
    chips, *lane_updates = offer_pack(given["label"], classes, rules, lanes)
    shared = len(control_names()) - len(lane_updates)
    updates = dict(zip(control_names(), [gr.update() for _ in range(shared)] + lane_updates, strict=True))
    updates["label"] = chips
    given = {"third": None, **given}  # a request of two lanes does not say it
    return [{**updates[name], **({"value": given[name]} if name in given else {})} for name in control_names()]


def show_controls(visible: Sequence[Sequence[bool]]) -> list[Any]:
    """Show or hide the controls of each lane, in the order of `lane_fields`."""
    return [gr.update(visible=is_visible) for lane in visible for is_visible in lane]
