"""What was measured. Plotly is loaded when the place is first opened."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.components.label import label
from app.components.mounted import Mounted


@dataclass(frozen=True, kw_only=True)
class Results:
    plot: gr.Plot
    ask: Mounted  # its event `input` asks for the chart that is chosen


def build() -> Results:
    with gr.Column(elem_classes="tc-place", elem_id="tc-results"):
        Mounted("heading-results")
        with gr.Column(elem_classes="tc-measured"):
            ask = Mounted("results")
            plot = gr.Plot(label=label("results.charts"), show_label=False, elem_classes="tc-results-plot")
        Mounted("measured")
        Mounted("miniature")
        Mounted("vote")
    return Results(plot=plot, ask=ask)
