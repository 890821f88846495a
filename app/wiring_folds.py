"""The events of what is folded away below the stage."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from app.folds import Folds
from app.handlers import Handlers
from app.lanes import names
from app.panels.about import About
from app.panels.controls import Controls
from app.panels.files import Files
from app.panels.gallery import Many
from app.panels.plots import Plots
from app.panels.stage import Stage
from app.refusals import line, refusing
from app.stream import RUNS_AT_ONCE
from app.text import en
from app.updates import settings

PRESS = "(...values) => { window.tokenCritic?.press(); return values; }"
OVER = "() => { window.tokenCritic?.over(); }"
DRAW = "(...values) => { window.tokenCriticGallery?.inbox.press(); return values; }"
DRAWN = "() => { window.tokenCriticGallery?.inbox.over(); }"
GO = "() => { window.tokenCritic?.stage.go(); }"
# The id of the run on the stage, which only the page knows: what Gradio sent last may be one that the visitor was
# quicker than. In place of the first input: alone, and with others.
SHOWN = "() => window.tokenCritic?.shown() ?? ''"
SHOWN_WITH = "async (_, ...others) => [await window.tokenCritic.shown(), ...others]"
PLAYHEAD = """async (_, kind, which, given) =>
    [await window.tokenCritic.shown(), kind, which, window.tokenCritic.stage.player.at]"""


def wire_folds(
    handlers: Handlers,
    folds: Folds,
    controls: Controls,
    stage: Stage,
    plots: Plots,
    many: Many,
    files: Files,
    values: Sequence[gr.components.Component],
    done: Any,
    settled: Callable[[Any], Any],
    restored: Callable[[Any], Any],
) -> Callable[[Any], Any]:
    """`done` is the event after a run; `settled` says what has to follow an event that set controls.

    `restored` is given when to set them to what the run on the stage had. Returns what draws the
    curves again after an event that brought another run.
    """
    again = _wire_plots(handlers, controls, plots)
    again(done)
    _wire_many(handlers, folds, many, values, settled)
    again(_wire_files(folds, controls, stage, files, restored))
    return again


def wire_about(handlers: Handlers, about: About) -> None:
    """What the networks run on is known once they are loaded: it is said when the fold is opened."""
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    about.fold.expand(handlers.machine, None, about.machine, queue=False, **quiet)


def _wire_plots(handlers: Handlers, controls: Controls, plots: Plots) -> Callable[[Any], Any]:
    """Curves are drawn when they are opened, and again, while they are, after an event that brought another run."""
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    plots.fold.expand(lambda: True, None, plots.opened, queue=False, **quiet).then(
        handlers.curves, controls.run_id, plots.plot, js=SHOWN, **quiet
    )
    plots.fold.collapse(lambda: False, None, plots.opened, queue=False, **quiet)

    def again(run_id: object, opened: object) -> Any:
        return handlers.curves(run_id) if opened is True else gr.skip()

    return lambda event: event.then(again, [controls.run_id, plots.opened], plots.plot, js=SHOWN_WITH, **quiet)


def _wire_many(
    handlers: Handlers,
    folds: Folds,
    many: Many,
    values: Sequence[gr.components.Component],
    settled: Callable[[Any], Any],
) -> None:
    """A gallery; one of its pictures opens in the lanes."""
    drawing = many.draw.click(
        refusing(folds.many, ["count", *names()]),
        [many.count, *values],
        [many.shown, many.run_id],
        js=DRAW,
        api_name="many",
        show_progress="hidden",
        preprocess=False,
        concurrency_limit=RUNS_AT_ONCE,
        trigger_mode="once",
    )
    drawing.then(None, js=DRAWN)
    drawing.failure(None, js=DRAWN)
    many.stop.click(
        handlers.stop,
        many.run_id,
        None,
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )

    def chosen(run_id: object, seed: object) -> Any:
        asked = handlers.asked(run_id)
        if not asked:
            raise line(ValueError(en.MANY["gone"]))
        return settings(handlers, {**asked, "seed": seed})

    one = many.shown.input(
        chosen,
        [many.run_id, many.seed],
        list(values),
        js="(run) => [run, window.tokenCriticGallery.seed]",
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )
    settled(one).then(None, js=GO)


def _wire_files(folds: Folds, controls: Controls, stage: Stage, files: Files, restored: Callable[[Any], Any]) -> Any:
    """Files of a run, and a run from a file; returns the event after that one."""

    def export(run_id: object, kind: object, lanes: object, at: object) -> Any:
        try:
            name, content = folds.export(run_id, kind, lanes, at)
        except ValueError as error:
            raise line(error) from error
        path = Path(tempfile.mkdtemp(dir=files.made.GRADIO_CACHE)) / name  # which Gradio clears
        path.write_bytes(content)
        return str(path)

    made = files.make.click(
        export,
        [controls.run_id, files.kind, files.which, files.at],
        files.made,
        js=PLAYHEAD,
        api_name="export",
        show_progress="minimal",
    )
    quick: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
    made.success(lambda: gr.update(visible=True), None, files.made, **quick)
    opened = files.open.upload(
        refusing(folds.replay, []),
        files.open,
        [stage, controls.run_id],
        js=PRESS,
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=RUNS_AT_ONCE,
    )
    opened.failure(None, js=OVER)
    return restored(opened.success).then(None, js=OVER)
