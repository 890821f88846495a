"""Every event of the page, and the one place where an engine's refusal becomes a line for the visitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from app.folds import Folds
from app.handlers import Handlers
from app.lanes import names
from app.panels.controls import Controls
from app.panels.files import Files
from app.panels.gallery import Many
from app.panels.lane import LaneControls
from app.panels.plots import Plots
from app.panels.presets import Presets
from app.panels.stage import Stage
from app.presets import FIRST
from app.refusals import line, refusing
from app.updates import offered, settings, visible
from app.wiring_folds import SHOWN, wire_folds

RUN = "(...values) => window.tokenCritic?.run(values)"
STOP = "() => { window.tokenCritic?.stop(); }"
LINKED = "() => { if (/[?&](pack|label|seed)=/.test(location.search)) window.tokenCritic?.linked(); }"
UNFOLD = """() => {
    const shown = document.documentElement.classList.toggle("tc-unfolded");
    document.getElementById("tc-more").setAttribute("aria-pressed", shown);
}"""
# Of what follows quickly on itself, and of what comes "then": by default Gradio drops it while the same is under way.
LAST = {"trigger_mode": "always_last"}
ROLL = "() => Math.floor(Math.random() * 10000)"


def wire(
    handlers: Handlers,
    folds: Folds,
    controls: Controls,
    lanes: Sequence[LaneControls],
    presets: Presets,
    stage: Stage,
    plots: Plots,
    many: Many,
    files: Files,
) -> None:
    """Connect components to handlers. Call inside the Blocks."""
    values = [*controls.values, *(one for lane in lanes for one in lane.values)]
    done = controls.run.click(None, values, js=RUN)
    controls.stop.click(None, js=STOP)
    settled = _wire_plan(handlers, controls, lanes, stage, values)

    def restored(after: Any) -> Any:
        """The controls stand as those of the run on the stage did."""
        return settled(
            after(
                lambda run_id: settings(handlers, handlers.asked(run_id)),
                controls.run_id,
                list(values),
                js=SHOWN,
                api_visibility="private",
                show_progress="hidden",
                queue=False,
                **LAST,
            )
        )

    settled(controls.dice.click(None, None, controls.seed, js=ROLL))
    controls.more.click(None, None, None, js=UNFOLD)
    curves_follow = wire_folds(handlers, folds, controls, stage, plots, many, files, values, done, settled, restored)
    curves_follow(_wire_recorded(handlers, controls, presets, stage, values, settled, restored))


def _wire_recorded(
    handlers: Handlers,
    controls: Controls,
    presets: Presets,
    stage: Stage,
    values: Sequence[gr.components.Component],
    settled: Callable[[Any], Any],
    restored: Callable[[Any], Any],
) -> Any:
    """What the page opens with: the address, else a recorded preset. And the other presets.

    Returns the event after one of these was chosen.
    """
    quiet: dict[str, Any] = {**LAST, "show_progress": "hidden", "api_visibility": "private"}
    page = gr.context.Context.root_block
    assert page is not None, "wire() belongs inside the Blocks"

    def first(request: gr.Request) -> Iterator[Any]:
        if FIRST in handlers.presets() and not request.query_params.keys() & set(names()):
            yield from handlers.recorded(FIRST)
        else:  # what the address says, or what is wrong with it
            yield gr.skip(), gr.skip()

    def begin(run_id: object, request: gr.Request) -> Any:
        try:
            asked = handlers.linked(dict(request.query_params)) or handlers.asked(run_id)
            return settings(handlers, asked)
        except ValueError as error:
            raise line(error) from error

    opened = page.load(first, None, [stage, controls.run_id], **quiet)
    settled(opened.then(begin, controls.run_id, list(values), js=SHOWN, **quiet)).then(None, js=LINKED)
    chosen = presets.input(refusing(handlers.recorded, []), presets, [stage, controls.run_id], **quiet)
    return restored(chosen.success)


def _wire_plan(
    handlers: Handlers,
    controls: Controls,
    lanes: Sequence[LaneControls],
    stage: Stage,
    values: Sequence[gr.components.Component],
) -> Callable[[Any], Any]:
    """What happens before a run: a new rule brings its preset, and the stage hears what would run.

    Returns what has to follow an event that set the controls.
    """
    quick: dict[str, Any] = {**LAST, "show_progress": "hidden", "queue": False, "preprocess": False}
    everything = [one for lane in lanes for one in lane.values]
    rules = [lane.rule for lane in lanes]

    def plan(after: Any) -> Any:
        return after(refusing(handlers.plan, names()), values, stage, api_visibility="private", **quick)

    def shown(after: Any) -> Any:
        return after(
            refusing(lambda *given: visible(handlers.shown(given[:-1], given[-1])), []),
            [*rules, controls.matched],
            everything,
            api_visibility="private",
            **quick,
        )

    opened = controls.pack.input(
        refusing(lambda pack, label: offered(label, *handlers.offer(pack)), []),
        [controls.pack, controls.label],
        [controls.label, *everything],
        api_visibility="private",
        **quick,
    )
    plan(shown(opened.then).then)
    for lane in lanes:
        chosen = lane.rule.input(
            refusing(handlers.preset, ["pack", "rule"]),
            [controls.pack, lane.rule],
            [one for one in lane.values if one is not lane.rule],  # the visitor may have gone on to another one
            api_visibility="private",
            **quick,
        )
        plan(shown(chosen.then).then)
    added = controls.third.input(
        refusing(handlers.third, names()),
        values,
        list(lanes[-1].values),
        api_visibility="private",
        **quick,
    )
    plan(shown(added.then).then)
    plan(shown(controls.matched.input).then)
    # What the visitor does, not what an event sets: that would be planned half set, and again when all of it is.
    others: list[Any] = [one for one in values if one not in (*rules, controls.third, controls.matched)]
    moved = [one.input for one in others]
    plan(lambda *args, **kwargs: gr.on(moved, *args, **kwargs))
    return lambda event: plan(shown(event.then).then)
