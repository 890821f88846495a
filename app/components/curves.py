"""The curves of a run, in the drawer beside the lanes. Plotly is loaded when they are first shown."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.components.label import label
from app.components.mounted import Mounted


@dataclass(frozen=True, kw_only=True)
class Curves:
    plot: gr.Plot
    ask: Mounted  # its event `input` asks for the curves of the run on the stage; its value says if that is kept


def build() -> Curves:
    """The drawer: what the front end draws in it, and Gradio's plot under that."""
    with gr.Column(elem_classes="tc-drawer", elem_id="tc-drawer"):
        Mounted("drawer")
        with gr.Column(elem_id="tc-curves"):
            plot = gr.Plot(label=label("drawer.tabs.curves"), show_label=False)
            ask = Mounted("curves", elem_classes="tc-hidden")
    return Curves(plot=plot, ask=ask)
