"""The bar with the places and the pack; the controls that hold for all lanes: class, seed, switches, Run and Stop."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.components.choices import Chips, Choice
from app.components.label import label as text
from app.components.mounted import Mounted
from app.packs import Packs
from engine.config import SampleConfig


@dataclass(frozen=True, kw_only=True)
class Controls:
    pack: Choice
    label: Chips
    seed: gr.Number
    equal_passes: gr.Checkbox
    matched: gr.Checkbox
    dials: gr.Button  # shows the settings of the lanes
    more: gr.Button  # and those that are rarely used
    dice: gr.Button
    run: gr.Button
    stop: gr.Button
    bridge: Mounted  # its event `input` sets the controls to what the page's store says

    @property
    def values(self) -> list[gr.components.Component]:
        """In the order of `RunRequest`; the third lane's branch has no control."""
        return [self.pack, self.label, self.seed, self.equal_passes, self.matched]


def build(packs: Packs, config: SampleConfig) -> Controls:
    classes = packs.session(packs.first, loaded=False).classes
    choices = list(zip(classes, packs.class_pictures(packs.first), strict=True))
    with gr.Row(elem_classes="tc-bar"):
        gr.HTML(f"<h1>{text('labels.title')}</h1>", elem_classes="tc-title", apply_default_css=False)
        Mounted("places")
        pack = Choice(
            [(name, name) for name in packs.names],
            "pack",
            value=packs.first,
            visible=len(packs.names) > 1,
            elem_classes=["tc-pack", "tc-x-pack"],
        )
        Mounted("language", elem_classes="tc-language")
        bridge = Mounted("controls", elem_classes="tc-hidden")
    with gr.Row(elem_classes="tc-top"):
        label = Chips(choices, "label", value=classes[0], elem_classes=["tc-classes", "tc-x-label"])
        seed = gr.Number(
            config.seed, label=text("labels.controls.seed"), elem_classes=["tc-seed", "tc-x-seed"], min_width=90
        )
        dice = gr.Button(text("labels.dice"), elem_id="tc-dice", min_width=40)
        Mounted("presets", elem_classes="tc-presets")
        dials = gr.Button(text("labels.dials"), elem_id="tc-dials", min_width=40)
        run = gr.Button(text("labels.run"), variant="primary", elem_id="tc-run", min_width=110)
        stop = gr.Button(text("labels.stop"), variant="stop", elem_id="tc-stop", min_width=110)
    with gr.Row(elem_classes="tc-switches"):
        equal = gr.Checkbox(
            False, label=text("labels.controls.equal_passes"), min_width=100, elem_classes="tc-x-equal_passes"
        )
        matched = gr.Checkbox(False, label=text("labels.controls.matched"), min_width=100, elem_classes="tc-x-matched")
        more = gr.Button(text("labels.more"), elem_id="tc-more", min_width=40)
    return Controls(
        pack=pack,
        label=label,
        seed=seed,
        equal_passes=equal,
        matched=matched,
        dials=dials,
        more=more,
        dice=dice,
        run=run,
        stop=stop,
        bridge=bridge,
    )
