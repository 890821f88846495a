"""The page on one screen of code, and the options with which it is served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from app import events
from app.assets import styles
from app.components import about, controls, curves, lane, results
from app.components.mounted import Mounted, build_section
from app.context import Context
from app.features.page import describe_page
from app.request import initial_configs
from app.server.endpoints import endpoint_routes
from app.server.errors import CheckedBlocks
from app.server.modules import EarlyStart, module_route
from app.server.stream import RunStream
from app.text import en

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
LAUNCH_TRIES = 12  # of five seconds each
MAX_QUEUED = 64  # events of Gradio that wait
MONO = ("ui-monospace", "Consolas", "monospace")


def build(context: Context) -> gr.Blocks:
    """Build the page from top to bottom, then connect its events."""
    packs = context.packs
    session = packs.session(packs.first, loaded=False)
    config = describe_page(context)
    with CheckedBlocks(title=en.TITLE, fill_width=True, analytics_enabled=False, delete_cache=(600, 1800)) as page:
        top = controls.build(packs, initial_configs(session)[0])
        with gr.Row(elem_classes="tc-settings"):
            lanes = [
                lane.build(i, session.rules, settings, config["visible"])
                for i, settings in enumerate(initial_configs(session))
            ]
        Mounted("presets", elem_classes="tc-presets")
        Mounted("stage", elem_id="tc-stage")
        measured = results.build()
        build_section(str(en.GALLERY["title"]), "gallery", "tc-many")
        run_curves = curves.build()
        build_section(en.FILES["title"], "files", "tc-files")
        build_section(en.OWN["title"], "own", "tc-own")
        build_section(en.GAME["title"], "game", "tc-game")
        events.connect(context, top, lanes, run_curves, measured, about.build(packs))
    return page.queue(max_size=MAX_QUEUED, api_open=False)


def launch(page: gr.Blocks, context: Context, find_port: Callable[[], int], **where: Any) -> tuple[str, str | None]:
    """Serve the page until it is closed. Returns its address, and the public link where one is asked for.

    A failed start is tried again: Gradio gives its server five seconds, too few on a busy machine, and a port that
    `find_port` found may be taken by another process meanwhile. Raises OSError where the page cannot be served.
    """
    for tries_left in reversed(range(LAUNCH_TRIES)):
        try:
            # new ones for each try: Gradio adds its own handlers to app_kwargs
            options = {"prevent_thread_lock": True, "inbrowser": False, **get_launch_options(context)}
            _, address, public = page.launch(server_port=find_port(), **options, **where)
            return address, public
        except OSError:
            if not tries_left:
                raise
    raise AssertionError("not reached")


def get_launch_options(context: Context) -> dict[str, Any]:
    """Return the arguments of `gr.Blocks.launch` that do not depend on the host."""
    routes = [RunStream(context).route, *endpoint_routes(context), module_route(describe_page(context))]
    return {
        "app_kwargs": {"routes": routes, "middleware": [Middleware(EarlyStart)]},
        "theme": gr.themes.Base(primary_hue="blue", neutral_hue="slate", font=FONT, font_mono=MONO),
        "css": styles(),
        "ssr_mode": False,
        "_frontend": False,  # else launch fails where the page's first answer takes 3 seconds, as on a busy machine
        "show_error": False,
        "quiet": True,
        "run_history": False,
        "enable_monitoring": False,
        "state_session_capacity": 1000,
        "footer_links": [],
    }
