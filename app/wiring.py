"""Every event of the page, and the one place where an engine's refusal becomes a line for the visitor."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from app.folds import Folds
from app.handlers import Handlers
from app.lanes import FIELDS, names
from app.panels.controls import Controls
from app.panels.files import Files
from app.panels.gallery import Many
from app.panels.lane import LaneControls, named
from app.panels.plots import Plots
from app.panels.stage import Stage
from app.refusals import line, refusing

RUNS_AT_ONCE = 2  # more would only slow each other down: they share one device
PRESS = "(...values) => { window.tokenCritic?.press(); return values; }"
STOPPING = "(...values) => { window.tokenCritic?.stopping(); return values; }"
OVER = "() => { window.tokenCritic?.over(); }"
LINKED = "() => { if (/[?&](pack|label|seed)=/.test(location.search)) window.tokenCritic?.linked(); }"
DRAW = "(...values) => { window.tokenCriticGallery?.inbox.press(); return values; }"
DRAWN = "() => { window.tokenCriticGallery?.inbox.over(); }"
LINKED_RUN = "() => { window.tokenCritic?.linked(); }"
PLAYHEAD = "(run, kind) => [run, kind, window.tokenCritic?.stage.player.at ?? 0]"
UNFOLD = """() => {
    const shown = document.documentElement.classList.toggle("tc-unfolded");
    document.getElementById("tc-more").setAttribute("aria-pressed", shown);
}"""
ROLL = "() => Math.floor(Math.random() * 10000)"


def wire(
    handlers: Handlers,
    folds: Folds,
    controls: Controls,
    lanes: Sequence[LaneControls],
    stage: Stage,
    plots: Plots,
    many: Many,
    files: Files,
) -> None:
    """Connect components to handlers. Call inside the Blocks."""
    values = [*controls.values, *(one for lane in lanes for one in lane.values)]
    run = controls.run.click(
        refusing(handlers.run, names()),
        values,
        [stage, controls.run_id],
        js=PRESS,
        api_name="run",
        show_progress="hidden",
        preprocess=False,  # values go raw to the engine's door, which checks them; Gradio's own checks raise tracebacks
        concurrency_limit=RUNS_AT_ONCE,
        trigger_mode="once",
    )
    done = run.then(None, js=OVER)
    run.failure(None, js=OVER)  # what comes "then" does not come after an error
    controls.stop.click(
        refusing(handlers.stop, ["run_id"]),
        controls.run_id,
        stage,
        js=STOPPING,
        api_name="stop",
        show_progress="hidden",
        queue=False,
        cancels=run,
    )
    controls.dice.click(None, None, controls.seed, js=ROLL)
    controls.more.click(None, None, None, js=UNFOLD)
    _wire_plots(handlers, controls, plots, done)
    _wire_many(folds, controls, many, handlers.stop, values)
    _wire_files(handlers, folds, controls, stage, files, values)
    _wire_plan(handlers, controls, lanes, stage, values)


def _wire_many(
    folds: Folds, controls: Controls, many: Many, stop: Any, values: Sequence[gr.components.Component]
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
        refusing(stop, ["run_id"]),
        many.run_id,
        many.shown,
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )
    chosen = many.shown.input(None, None, controls.seed, js="() => window.tokenCriticGallery.seed")
    chosen.then(None, js=LINKED_RUN)


def _wire_files(
    handlers: Handlers,
    folds: Folds,
    controls: Controls,
    stage: Stage,
    files: Files,
    values: Sequence[gr.components.Component],
) -> None:
    """Files of a run, and a run from a file."""

    def export(run_id: object, kind: object, at: object) -> Any:
        try:
            name, content = folds.export(run_id, kind, at)
        except ValueError as error:
            raise line(error) from error
        path = Path(tempfile.mkdtemp(dir=files.made.GRADIO_CACHE)) / name  # which Gradio clears
        path.write_bytes(content)
        return gr.update(value=str(path), visible=True)

    files.make.click(
        export,
        [controls.run_id, files.kind, files.at],
        files.made,
        js=PLAYHEAD,
        api_name="export",
        show_progress="minimal",
    )
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
    opened.success(
        lambda run_id: _settings(handlers, handlers.asked(run_id)),
        controls.run_id,
        list(values),
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    ).then(None, js=OVER)


def _wire_plots(handlers: Handlers, controls: Controls, plots: Plots, done: Any) -> None:
    """Curves are drawn when they are opened, and after a run while they are."""
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    plots.fold.expand(lambda: True, None, plots.opened, queue=False, **quiet).then(
        handlers.curves, controls.run_id, plots.plot, **quiet
    )
    plots.fold.collapse(lambda: False, None, plots.opened, queue=False, **quiet)

    def again(run_id: object, opened: object) -> Any:
        return handlers.curves(run_id) if opened is True else gr.skip()

    done.then(again, [controls.run_id, plots.opened], plots.plot, **quiet)


def _wire_plan(
    handlers: Handlers,
    controls: Controls,
    lanes: Sequence[LaneControls],
    stage: Stage,
    values: Sequence[gr.components.Component],
) -> None:
    """What happens before a run: a new rule brings its preset, and the stage hears what would run."""
    quick: dict[str, Any] = {"show_progress": "hidden", "queue": False, "preprocess": False}
    everything = [one for lane in lanes for one in lane.values]
    rules = [lane.rule for lane in lanes]

    def plan(after: Any) -> None:
        after(refusing(handlers.plan, names()), values, stage, api_visibility="private", **quick)

    def shown(after: Any) -> Any:
        return after(
            refusing(lambda *given: _visible(handlers.shown(given[:-1], given[-1])), []),
            [*rules, controls.matched],
            everything,
            api_visibility="private",
            **quick,
        )

    opened = controls.pack.input(
        refusing(lambda pack, label: _offered(label, *handlers.offer(pack)), []),
        [controls.pack, controls.label],
        [controls.label, *everything],
        api_visibility="private",
        trigger_mode="always_last",
        **quick,
    )
    plan(shown(opened.then).then)
    for lane in lanes:
        chosen = lane.rule.input(
            refusing(handlers.preset, ["pack", "rule"]),
            [controls.pack, lane.rule],
            [one for one in lane.values if one is not lane.rule],  # the visitor may have gone on to another one
            api_visibility="private",
            trigger_mode="always_last",
            **quick,
        )
        plan(shown(chosen.then).then)
    added = controls.third.input(
        refusing(handlers.third, names()),
        values,
        list(lanes[-1].values),
        api_visibility="private",
        trigger_mode="always_last",
        **quick,
    )
    plan(shown(added.then).then)
    plan(shown(controls.matched.change).then)
    others: list[Any] = [one for one in values if one not in (*rules, controls.third)]
    changed = [one.input if isinstance(one, gr.HTML) else one.change for one in others]
    plan(lambda *args, **kwargs: gr.on(changed, *args, trigger_mode="always_last", **kwargs))
    page = gr.context.Context.root_block
    assert page is not None, "wire() belongs inside the Blocks"
    plan(page.load)
    linked = page.load(_linked(handlers), None, values, api_visibility="private", show_progress="hidden")
    ready = shown(linked.success)
    ready.then(None, js=LINKED)


def _offered(
    label: object, classes: Sequence[tuple[str, str]], rules: Sequence[str], lanes: Sequence[Sequence[Any]]
) -> list[Any]:
    """Updates of the chips and of all lanes; the class stays where the new pack has it, too."""
    known = [name for name, _ in classes]
    chips = gr.update(choices=classes, value=label if label in known else known[0])
    fields = [field for lane in lanes for field in zip(FIELDS, lane, strict=True)]
    choices: dict[str, dict[str, Any]] = {"rule": {"choices": named(rules)}}
    return [chips, *(gr.update(value=value, **choices.get(name, {})) for name, value in fields)]


def _linked(handlers: Handlers) -> Callable[..., Any]:
    """Set the controls as the page's address says."""

    def linked(request: gr.Request) -> Any:
        try:
            return _settings(handlers, handlers.linked(dict(request.query_params)))
        except ValueError as error:
            raise line(error) from error

    return linked


def _settings(handlers: Handlers, asked: Mapping[str, Any]) -> Any:
    """Updates of all controls to what was asked for; none where nothing was."""
    if not asked:
        return gr.skip()
    chips, *fields = _offered(asked["label"], *handlers.offer(asked["pack"]))
    shared = len(names()) - len(fields)
    updates = dict(zip(names(), [gr.update() for _ in range(shared)] + fields, strict=True))
    updates["label"] = chips
    return [{**updates[name], **({"value": asked[name]} if name in asked else {})} for name in names()]


def _visible(lanes: Sequence[Sequence[bool]]) -> list[Any]:
    return [gr.update(visible=visible) for lane in lanes for visible in lane]
