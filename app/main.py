"""The page on one screen of code, and the options with which it is served."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from app.assets import styles
from app.components import about, controls, curves, files, gallery, game, lane, refine
from app.components.presets import Presets
from app.components.server_function import server_function
from app.components.stage import Stage
from app.context import Context
from app.events import Events
from app.features.compare import count_active_runs, get_frames_since, get_patches, run_lanes, score_tokens, stop_run
from app.features.exports import EXPORTS
from app.features.gallery import measure_distances
from app.features.game import deal
from app.features.presets import list_presets
from app.features.refine import encode_picture
from app.features.settings import complete_values, get_visible_controls
from app.opening import Opening
from app.request import initial_configs
from app.server.errors import CheckedBlocks
from app.server.stream import MAX_WAITING, RunStream
from app.text import en

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONO = ("ui-monospace", "Consolas", "monospace")


def build(context: Context) -> gr.Blocks:
    """Build the page from top to bottom, then connect its events."""
    packs = context.packs
    session = packs.session(packs.first, loaded=False)
    configs = initial_configs(session)
    visible = get_visible_controls([config.rule for config in configs], False)
    get_frames = partial(get_frames_since, context)
    functions = [
        server_function("missed", get_frames, 2, []),
        server_function("patches", partial(get_patches, context), 1, {}),
        server_function("judge", partial(score_tokens, context), 2, {}),
        server_function("active", partial(count_active_runs, context), 0, 0),
        server_function("stop", partial(stop_run, context), 1, None),
    ]
    with CheckedBlocks(title=en.TITLE, fill_width=True, analytics_enabled=False, delete_cache=(600, 1800)) as page:
        top = controls.build(packs, configs[0])
        with gr.Row(elem_classes="tc-settings"):
            lanes = [lane.build(i, session.rules, config, visible[i]) for i, config in enumerate(configs)]
        presets = Presets(list_presets(context))
        stage = Stage(functions, elem_id="tc-stage")
        many = gallery.build(get_frames, partial(measure_distances, context))
        run_curves = curves.build()
        run_files = files.build(list(EXPORTS))
        refine.build(partial(encode_picture, context))
        game.build(partial(deal, context))
        Events(
            context=context,
            controls=top,
            lanes=lanes,
            presets=presets,
            stage=stage,
            curves=run_curves,
            gallery=many,
            files=run_files,
            about=about.build(packs),
        ).connect()
    return page.queue(max_size=MAX_WAITING, api_open=False)


def get_launch_options(context: Context) -> dict[str, Any]:
    """Return the arguments of `gr.Blocks.launch` that do not depend on the host."""
    stream = RunStream(partial(complete_values, context), partial(run_lanes, context))
    return {
        "app_kwargs": {"routes": [stream.route], "middleware": [Middleware(Opening)]},
        "theme": gr.themes.Base(primary_hue="blue", neutral_hue="slate", font=FONT, font_mono=MONO),
        "css": styles(),
        "ssr_mode": False,
        "_frontend": False,  # else launch fails where the page's first answer takes 3 seconds, as on a busy machine
        "show_error": False,
        "quiet": True,
        "run_history": False,
        "enable_monitoring": False,
        "max_file_size": "8mb",
        "state_session_capacity": 1000,
        "footer_links": [],
    }
