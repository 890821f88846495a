"""The run as curves, folded away: plotly is loaded when they are first opened."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.text import en


@dataclass(frozen=True, kw_only=True)
class Plots:
    fold: gr.Accordion
    plot: gr.Plot
    opened: gr.State


def build() -> Plots:
    with gr.Accordion(en.CURVES["title"], open=False, elem_classes="tc-fold", elem_id="tc-curves") as fold:
        plot = gr.Plot(show_label=False)
    return Plots(fold=fold, plot=plot, opened=gr.State(False))
