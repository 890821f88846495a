"""What was measured. Plotly is loaded when the section is first opened."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.components.label import label
from app.components.mounted import Mounted


@dataclass(frozen=True, kw_only=True)
class Results:
    section: gr.Accordion
    plot: gr.Plot
    ask: Mounted  # its event `input` asks for the chart that is chosen


def build() -> Results:
    with gr.Accordion(
        label("labels.sections.results"), open=False, elem_classes="tc-fold", elem_id="tc-results"
    ) as section:
        ask = Mounted("results")
        plot = gr.Plot(show_label=False, elem_classes="tc-results-plot")
        Mounted("measured")
        Mounted("miniature")
        Mounted("vote")
    return Results(section=section, plot=plot, ask=ask)
