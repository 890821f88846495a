"""All Gradio events of the page.

Gradio's controls and the page's store (assets/js/store.js) tell each other of changes by events that run in the
browser only. Three events ask the server: what needs a component that Gradio draws from Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from app.components.about import About
from app.components.controls import Controls
from app.components.curves import Curves
from app.components.lane import LaneControls
from app.components.results import Results
from app.context import Context
from app.features.about import describe_machine
from app.features.curves import draw_curves
from app.features.results import draw_chart
from app.request import control_names
from app.server.errors import report_errors

CHANGED = "(value) => {{ window.tokenCritic?.changed('{name}', value); }}"
UPDATES = "() => window.tokenCritic.updates()"
RUN = "() => { window.tokenCritic?.run(); }"
STOP = "() => { window.tokenCritic?.stop(); }"
ROLL_SEED = "() => { window.tokenCritic?.rollSeed(); }"
TOGGLE_DIALS = "() => { window.tokenCritic?.toggle('dials'); }"
TOGGLE_MORE = "() => { window.tokenCritic?.toggle('more'); }"
LANGUAGE = "() => window.tokenCritic.language"
SHOWN_RUN = "() => window.tokenCritic.shownRun()"
CHOSEN_CHART = "() => window.tokenCritic.results.asked()"

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def connect(
    context: Context,
    controls: Controls,
    lanes: Sequence[LaneControls],
    curves: Curves,
    results: Results,
    about: About,
) -> None:
    """Register all events. Call inside the Blocks."""
    values: list[Any] = [*controls.values, *(component for lane in lanes for component in lane.values)]
    names = [name for name in control_names() if name != "third"]  # which has no control
    for name, component in zip(names, values, strict=True):
        component.input(None, component, js=CHANGED.format(name=name), trigger_mode="multiple")
    controls.bridge.input(None, None, values, js=UPDATES, trigger_mode="multiple")  # type: ignore[attr-defined]
    controls.run.click(None, js=RUN)
    controls.stop.click(None, js=STOP)
    controls.dice.click(None, js=ROLL_SEED)
    controls.dials.click(None, js=TOGGLE_DIALS)
    controls.more.click(None, js=TOGGLE_MORE)
    draw = report_errors(partial(_draw_curves, context))
    drawn = [curves.plot, curves.ask]
    curves.ask.input(draw, curves.ask, drawn, js=SHOWN_RUN, trigger_mode="always_last", **PRIVATE)  # type: ignore[attr-defined]
    chart = report_errors(partial(draw_chart, context))
    results.ask.input(chart, results.ask, results.plot, js=CHOSEN_CHART, trigger_mode="always_last", **PRIVATE)  # type: ignore[attr-defined]
    describe = report_errors(lambda language: describe_machine(context.speaking(str(language))))
    about.ask.input(describe, about.machine, about.machine, js=LANGUAGE, queue=False, **PRIVATE)  # type: ignore[attr-defined]


def _draw_curves(context: Context, asked: Any) -> tuple[Any, dict[str, Any]]:
    """`asked` names the run, and the language of the page. Returns the curves, and whether the run is kept."""
    given = asked if isinstance(asked, dict) else {}
    run = given.get("run")
    figure = draw_curves(context.speaking(str(given.get("language"))), run)
    return figure, {"run": run, "kept": figure is not None}
