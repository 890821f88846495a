"""The curves of a run. Plotly is loaded when they are first opened."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.components.label import label
from app.components.mounted import Mounted


@dataclass(frozen=True, kw_only=True)
class Curves:
    section: gr.Accordion
    plot: gr.Plot
    ask: Mounted  # its event `input` asks for the curves of the run on the stage


def build() -> Curves:
    with gr.Accordion(
        label("labels.sections.curves"), open=False, elem_classes="tc-fold", elem_id="tc-curves"
    ) as section:
        plot = gr.Plot(show_label=False)
    return Curves(section=section, plot=plot, ask=Mounted("curves", elem_classes="tc-hidden"))
