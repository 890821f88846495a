"""The page on one screen of code, and how it is served."""

from __future__ import annotations

from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from app.assets import styles
from app.folds import Folds
from app.handlers import Handlers
from app.lanes import at_first
from app.opening import Opening
from app.panels import about, controls, files, gallery, game, lane, own, plots
from app.panels.presets import Presets
from app.panels.served import served
from app.panels.stage import Stage
from app.refusals import Page
from app.stream import MOST_WAITING, Stream
from app.text import en
from app.wiring import wire
from app.wiring_folds import wire_about

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONO = ("ui-monospace", "Consolas", "monospace")


def build(handlers: Handlers) -> gr.Blocks:
    """The page over the handlers' packs."""
    packs = handlers.packs
    session = packs.session(packs.first, loaded=False)
    configs = at_first(session)
    with Page(title=en.TITLE, fill_width=True, analytics_enabled=False, delete_cache=(600, 1800)) as page:
        top = controls.build(packs, configs[0])
        with gr.Row(elem_classes="tc-settings"):
            shown = handlers.shown([config.rule for config in configs], False)
            lanes = [lane.build(i, session.rules, config, shown[i]) for i, config in enumerate(configs)]
        presets = Presets(handlers.presets())
        functions = [
            served("missed", handlers.missed, 2, []),
            served("patches", handlers.patches, 1, {}),
            served("judge", handlers.judge, 2, {}),
            served("active", handlers.active, 0, 0),
            served("stop", handlers.stop, 1, None),
        ]
        stage = Stage(functions, elem_id="tc-stage")
        folds = Folds(packs=packs, runs=handlers.runs)
        many = gallery.build(handlers.missed, folds.nearest)
        wire(handlers, folds, top, lanes, presets, stage, plots.build(), many, files.build())
        own.build(folds.own)
        game.build(folds.riddle)
        wire_about(handlers, about.build(packs))
    return page.queue(max_size=MOST_WAITING, api_open=False)


def serving(handlers: Handlers) -> dict[str, Any]:
    """Arguments of `launch` that hold wherever the page is served."""
    return {
        "app_kwargs": {"routes": [Stream(handlers).route], "middleware": [Middleware(Opening)]},
        "theme": gr.themes.Base(primary_hue="blue", neutral_hue="slate", font=FONT, font_mono=MONO),
        "css": styles(),
        "ssr_mode": False,
        "_frontend": False,  # else it ends where the page's first answer takes 3 seconds, as on a busy machine
        "show_error": False,
        "quiet": True,
        "run_history": False,
        "enable_monitoring": False,
        "max_file_size": "8mb",
        "state_session_capacity": 1000,
        "footer_links": [],
    }
