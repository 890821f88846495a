"""The page on one screen of code, and the options with which it is served."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from app import events
from app.assets import styles
from app.components import about, controls, curves, lane, results
from app.components.label import translations
from app.components.mounted import Mounted, build_place
from app.context import Context
from app.features.api import make_functions
from app.features.page import describe_page
from app.features.settings import list_rules
from app.request import initial_configs
from app.server.connections import bound_connections
from app.server.endpoints import QUESTIONS, endpoint_routes
from app.server.environment import no_hot_reload
from app.server.errors import CheckedBlocks, report_typed_errors
from app.server.guard import NO_FRAMES, SPACE_FRAMES, Guard, Limits, names_of_machine
from app.server.health import Health
from app.server.modules import EarlyStart, module_route
from app.server.stream import PATH, RunStream
from app.text.words import ENGLISH, languages, words

HANGUL = ("Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", "Noto Sans CJK KR", "NanumGothic")
FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", *HANGUL, "sans-serif")
LAUNCH_TRIES = 12  # of five seconds each
MAX_QUEUED = 64  # events of Gradio that wait
MAX_CALLS = 8  # of all typed endpoints at once; they take turns with all other runs
MONO = ("ui-monospace", "Consolas", "monospace")


def build(context: Context) -> gr.Blocks:
    """Build the page from top to bottom, then connect its events."""
    packs = context.packs
    session = packs.session(packs.first, loaded=False)
    config = describe_page(context)
    with CheckedBlocks(
        title=words(ENGLISH)["labels"]["title"], fill_width=True, analytics_enabled=False, delete_cache=(600, 1800)
    ) as page:
        top = controls.build(packs, initial_configs(session)[0])
        with gr.Row(elem_classes="tc-settings"):
            lanes = [
                lane.build(i, list_rules(session), settings, config["visible"])
                for i, settings in enumerate(initial_configs(session))
            ]
        Mounted("stage", elem_id="tc-stage")
        run_curves = curves.build()
        build_place("learn", "lessons")
        build_place("gallery", "gallery")
        build_place("refine", "own")
        build_place("fakes", "game")
        measured = results.build()
        events.connect(context, top, lanes, run_curves, measured, about.build(packs))
        for function in make_functions(context):
            gr.api(
                report_typed_errors(function),
                api_name=function.__name__,
                concurrency_limit=MAX_CALLS,
                concurrency_id="api",
            )
    return page.queue(max_size=MAX_QUEUED, api_open=False)


def launch(
    page: gr.Blocks,
    context: Context,
    find_port: Callable[[], int],
    allowed: Sequence[str] = (),
    metrics: bool = False,
    trusts_proxy: bool = False,
    **where: Any,
) -> tuple[str, str | None]:
    """Serve the page until it is closed. Returns its address, and the public link where one is asked for.

    `allowed` are more names that the server goes by; with `metrics` it shows figures of its use at /metrics.
    `trusts_proxy`: whoever connects is a proxy that says whom it asks for.

    A failed start is tried again: Gradio gives its server five seconds, too few on a busy machine, and a port that
    `find_port` found may be taken by another process meanwhile. Raises OSError where the page cannot be served.
    """
    for tries_left in reversed(range(LAUNCH_TRIES)):
        try:
            # new ones for each try: Gradio adds its own handlers to app_kwargs
            stream = RunStream(context)
            options = {"prevent_thread_lock": True, "inbrowser": False, **get_launch_options(context, stream)}
            with no_hot_reload():
                _, address, public = page.launch(server_port=find_port(), **options, **where)
            guard_server(
                page, where.get("server_name") or "", allowed, Health(context, stream, shows=metrics), trusts_proxy
            )
            return address, public
        except OSError:
            if not tries_left:
                raise
    raise AssertionError("not reached")


def guard_server(
    page: gr.Blocks, host: str, allowed: Sequence[str], health: Health, trusts_proxy: bool = False
) -> None:
    """Put the guard before all that Gradio serves, and bounds to its connections."""
    server: Any = page.server
    space = bool(os.environ.get("SPACE_ID"))
    names = names_of_machine(host.strip("[]"), (*allowed, *((".hf.space",) if space else ())))
    limits = Limits(
        hosts=names | ({".gradio.live"} if page.share else set()),
        own_paths=frozenset({PATH, "/export", "/healthz", "/metrics", *(f"/{name}" for name in QUESTIONS)}),
        own_prefixes=("/modules/",),
        frames=SPACE_FRAMES if space else NO_FRAMES,
        trusts_proxy=trusts_proxy or space,
    )
    guard = Guard(health.wrap(server.config.loaded_app), limits)
    health.guard = guard
    server.config.loaded_app = guard
    bound_connections(server, of_address=not limits.trusts_proxy)


def get_launch_options(context: Context, stream: RunStream | None = None) -> dict[str, Any]:
    """Return the arguments of `gr.Blocks.launch` that do not depend on the host."""
    described = {language: describe_page(dataclasses.replace(context, language=language)) for language in languages()}
    routes = [(stream or RunStream(context)).route, *endpoint_routes(context), module_route(described)]
    return {
        "app_kwargs": {"routes": routes, "middleware": [Middleware(EarlyStart)]},
        "theme": gr.themes.Base(primary_hue="blue", neutral_hue="slate", font=FONT, font_mono=MONO),
        "css": styles(),
        "i18n": translations(),
        "ssr_mode": False,
        "_frontend": False,  # else launch fails where the page's first answer takes 3 seconds, as on a busy machine
        "show_error": False,
        "quiet": True,
        "run_history": False,
        "enable_monitoring": False,
        "state_session_capacity": 100,  # each takes 190 KB, and the page keeps no state in Gradio
        "footer_links": [],
    }
