"""Updates of the page's controls, from what the handlers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from app.handlers import Handlers
from app.lanes import fields, names
from app.panels.lane import named


def offered(
    label: object, classes: Sequence[tuple[str, str]], rules: Sequence[str], lanes: Sequence[Sequence[Any]]
) -> list[Any]:
    """Updates of the chips and of all lanes; the class stays where the new pack has it, too."""
    known = [name for name, _ in classes]
    chips = gr.update(choices=classes, value=label if label in known else known[0])
    controls = [control for lane in lanes for control in zip(fields(), lane, strict=True)]
    choices: dict[str, dict[str, Any]] = {"rule": {"choices": named(rules)}}
    return [chips, *(gr.update(value=value, **choices.get(name, {})) for name, value in controls)]


def settings(handlers: Handlers, asked: Mapping[str, Any]) -> Any:
    """Updates of all controls to what was asked for; none where nothing was."""
    if not asked:
        return gr.skip()
    chips, *own = offered(asked["label"], *handlers.offer(asked["pack"]))
    shared = len(names()) - len(own)
    updates = dict(zip(names(), [gr.update() for _ in range(shared)] + own, strict=True))
    updates["label"] = chips
    asked = {"third": None, **asked}  # a run of two lanes says nothing of a third
    return [{**updates[name], **({"value": asked[name]} if name in asked else {})} for name in names()]


def visible(lanes: Sequence[Sequence[bool]]) -> list[Any]:
    return [gr.update(visible=visible) for lane in lanes for visible in lane]
