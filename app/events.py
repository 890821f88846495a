"""All Gradio events of the page.

An event calls a feature, which returns plain values, and updates components. The scripts below run in the browser
before the event; they talk to the page's own scripts (window.tokenCritic).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from app.components.about import About
from app.components.controls import Controls
from app.components.curves import Curves
from app.components.files import Files
from app.components.gallery import Gallery
from app.components.lane import LaneControls
from app.components.presets import Presets
from app.components.stage import Stage
from app.components.updates import offer_pack, set_controls, show_controls
from app.context import Context
from app.features.about import describe_machine
from app.features.compare import stop_run
from app.features.curves import draw_curves
from app.features.exports import export_run
from app.features.gallery import draw_gallery
from app.features.presets import FIRST, list_presets, play_preset
from app.features.replay import replay
from app.features.settings import (
    get_controls,
    get_pack_options,
    get_rule_defaults,
    get_third_values,
    get_visible_controls,
    parse_query,
    plan_run,
)
from app.request import control_names
from app.server.errors import report_errors, to_gradio_error
from app.server.stream import MAX_RUNNING
from app.text import en

RUN = "(...values) => window.tokenCritic?.run(values)"
STOP = "() => { window.tokenCritic?.stop(); }"
START = "() => { window.tokenCritic?.stage.go(); }"
RANDOM_SEED = "() => Math.floor(Math.random() * 10000)"
TOGGLE_MORE = """() => {
    const shown = document.documentElement.classList.toggle("tc-unfolded");
    document.getElementById("tc-more").setAttribute("aria-pressed", shown);
}"""
RUN_LINK = "() => { if (/[?&](pack|label|seed)=/.test(location.search)) window.tokenCritic?.linked(); }"
OPEN_FILE = "(...values) => { window.tokenCritic?.press(); return values; }"
FILE_OPENED = "() => { window.tokenCritic?.over(); }"
DRAW_GALLERY = "(...values) => { window.tokenCriticGallery?.inbox.press(); return values; }"
GALLERY_DRAWN = "() => { window.tokenCriticGallery?.inbox.over(); }"
CHOSEN_SEED = "(run) => [run, window.tokenCriticGallery.seed]"
# Replace the first input by the id of the run on the stage. Only the page knows it: Gradio may have sent a newer one.
RUN_ID = "() => window.tokenCritic?.shown() ?? ''"
RUN_ID_AND_REST = "async (_, ...others) => [await window.tokenCritic.shown(), ...others]"
RUN_ID_AND_POSITION = """async (_, kind, which, given) =>
    [await window.tokenCritic.shown(), kind, which, window.tokenCritic.stage.player.at]"""

# Gradio's default drops an event while the same one is under way; always_last repeats it once more at the end.
LAST: dict[str, Any] = {"trigger_mode": "always_last"}
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
UNQUEUED: dict[str, Any] = {**PRIVATE, "queue": False}
LIVE: dict[str, Any] = {**UNQUEUED, **LAST, "preprocess": False}  # of controls that a visitor is moving

Listener = Callable[..., Any]  # e.g. button.click or event.then: registers an event and returns it


@dataclass(frozen=True, kw_only=True)
class Events:
    """The components that take part in events, and the features' context."""

    context: Context
    controls: Controls
    lanes: Sequence[LaneControls]
    presets: Presets
    stage: Stage
    curves: Curves
    gallery: Gallery
    files: Files
    about: About

    def connect(self) -> None:
        """Register all events. Call inside the Blocks."""
        ran = self._connect_buttons()
        self._connect_settings()
        self._connect_curves()
        self._redraw_curves(ran)
        self._connect_gallery()
        self._connect_export()
        self._redraw_curves(self._connect_replay())
        self._connect_first_run()
        self._redraw_curves(self._connect_presets())
        machine = self._call(describe_machine)
        self.about.section.expand(machine, None, self.about.machine, **UNQUEUED)

    @property
    def _values(self) -> list[gr.components.Component]:
        """All controls, in the order of `control_names`."""
        return [*self.controls.values, *self._lane_values]

    @property
    def _lane_values(self) -> list[gr.components.Component]:
        return [component for lane in self.lanes for component in lane.values]

    def _call(self, feature: Callable[..., Any], parameters: Sequence[str] = ()) -> Callable[..., Any]:
        """Bind a feature to the context, and report its errors on the page."""
        return report_errors(partial(feature, self.context), parameters)

    # What follows an event.

    def _plan(self, listen: Listener) -> Any:
        """Tell the stage what would run."""
        return listen(self._call(plan_run, control_names()), self._values, self.stage, **LIVE)

    def _show(self, listen: Listener) -> Any:
        """Show the controls that change the run."""

        def show(*given: Any) -> list[Any]:
            *rules, matched = given
            return show_controls(get_visible_controls(rules, matched))

        inputs = [*(lane.rule for lane in self.lanes), self.controls.matched]
        return listen(report_errors(show), inputs, self._lane_values, **LIVE)

    def _refresh(self, event: Any) -> Any:
        """After an event that set controls: show those that change the run, then plan it."""
        return self._plan(self._show(event.then).then)

    def _restore(self, listen: Listener) -> Any:
        """Set the controls to those of the run on the stage."""

        def restore(run_id: object) -> Any:
            return self._set_controls(get_controls(self.context, run_id))

        options = {"js": RUN_ID, **UNQUEUED, **LAST}
        return self._refresh(listen(restore, self.controls.run_id, self._values, **options))

    def _set_controls(self, given: Mapping[str, Any]) -> Any:
        """Updates of all controls. Nothing given changes nothing."""
        return set_controls(given, *get_pack_options(self.context, given["pack"])) if given else gr.skip()

    def _redraw_curves(self, event: Any) -> None:
        """Draw the curves of a new run, while they are open."""

        def redraw(run_id: object, is_open: object) -> Any:
            return draw_curves(self.context, run_id) if is_open is True else gr.skip()

        inputs = [self.controls.run_id, self.curves.is_open]
        event.then(redraw, inputs, self.curves.plot, js=RUN_ID_AND_REST, **PRIVATE)

    # The controls.

    def _connect_buttons(self) -> Any:
        """Run, stop, new seed, more. Returns the event of Run."""
        controls = self.controls
        ran = controls.run.click(None, self._values, js=RUN)
        controls.stop.click(None, js=STOP)
        self._refresh(controls.dice.click(None, None, controls.seed, js=RANDOM_SEED))
        controls.more.click(None, None, None, js=TOGGLE_MORE)
        return ran

    def _connect_settings(self) -> None:
        """A new pack, rule or third lane sets other controls. Every change is planned."""
        controls, rules = self.controls, [lane.rule for lane in self.lanes]

        def offer(pack: object, label: object) -> list[Any]:
            return offer_pack(label, *get_pack_options(self.context, pack))

        inputs, outputs = [controls.pack, controls.label], [controls.label, *self._lane_values]
        self._refresh(controls.pack.input(report_errors(offer), inputs, outputs, **LIVE))
        defaults = self._call(get_rule_defaults, ["pack", "rule"])
        for lane in self.lanes:
            others = [one for one in lane.values if one is not lane.rule]  # the visitor may have changed it again
            self._refresh(lane.rule.input(defaults, [controls.pack, lane.rule], others, **LIVE))
        third = self._call(get_third_values, control_names())
        self._refresh(controls.third.input(third, self._values, list(self.lanes[-1].values), **LIVE))
        self._plan(self._show(controls.matched.input).then)
        # Only `input`, which a visitor causes: `change` would plan the controls while an event has set half of them.
        rest: list[Any] = [one for one in self._values if one not in (*rules, controls.third, controls.matched)]
        self._plan(partial(gr.on, [one.input for one in rest]))

    # What is on the stage.

    def _connect_first_run(self) -> None:
        """The page opens with the run of its address, else with a recorded run."""
        page = gr.context.Context.root_block
        assert page is not None, "connect() belongs inside the Blocks"

        def play_first(request: gr.Request) -> Iterator[Any]:
            if FIRST in list_presets(self.context) and not request.query_params.keys() & set(control_names()):
                yield from play_preset(self.context, FIRST)
            else:
                yield gr.skip(), gr.skip()

        def set_first(run_id: object, request: gr.Request) -> Any:
            try:
                linked = parse_query(self.context, dict(request.query_params))
                return self._set_controls(linked or get_controls(self.context, run_id))
            except ValueError as error:
                raise to_gradio_error(error) from error

        run_id = self.controls.run_id
        opened = page.load(play_first, None, [self.stage, run_id], **PRIVATE, **LAST)
        filled = opened.then(set_first, run_id, self._values, js=RUN_ID, **PRIVATE, **LAST)
        self._refresh(filled).then(None, js=RUN_LINK)

    def _connect_presets(self) -> Any:
        """A preset shows its recorded run. Returns the event after that."""
        outputs = [self.stage, self.controls.run_id]
        chosen = self.presets.input(self._call(play_preset), self.presets, outputs, **PRIVATE, **LAST)
        return self._restore(chosen.success)

    # Below the stage.

    def _connect_curves(self) -> None:
        """Draw the curves when they are opened."""
        section, is_open = self.curves.section, self.curves.is_open
        opened = section.expand(lambda: True, None, is_open, **UNQUEUED)
        opened.then(self._call(draw_curves), self.controls.run_id, self.curves.plot, js=RUN_ID, **PRIVATE)
        section.collapse(lambda: False, None, is_open, **UNQUEUED)

    def _connect_gallery(self) -> None:
        """Draw, stop, and show one of the pictures in the lanes."""
        gallery = self.gallery
        drawing = gallery.draw.click(
            self._call(draw_gallery, ["count", *control_names()]),
            [gallery.count, *self._values],
            [gallery.pictures, gallery.run_id],
            js=DRAW_GALLERY,
            api_name="many",
            show_progress="hidden",
            preprocess=False,
            concurrency_limit=MAX_RUNNING,
            trigger_mode="once",
        )
        drawing.then(None, js=GALLERY_DRAWN)
        drawing.failure(None, js=GALLERY_DRAWN)
        gallery.stop.click(self._call(stop_run), gallery.run_id, None, **UNQUEUED)

        def choose(run_id: object, seed: object) -> Any:
            controls = get_controls(self.context, run_id)
            if not controls:
                raise to_gradio_error(ValueError(en.MANY["gone"]))
            return self._set_controls({**controls, "seed": seed})

        inputs = [gallery.run_id, gallery.seed]
        chosen = gallery.pictures.input(choose, inputs, self._values, js=CHOSEN_SEED, **UNQUEUED)
        self._refresh(chosen).then(None, js=START)

    def _connect_export(self) -> None:
        """Make a file of the run on the stage."""
        files = self.files

        def export(run_id: object, kind: object, lanes: object, at: object) -> str:
            name, content = export_run(self.context, run_id, kind, lanes, at)
            path = Path(tempfile.mkdtemp(dir=files.made.GRADIO_CACHE)) / name  # Gradio removes it
            path.write_bytes(content)
            return str(path)

        made = files.make.click(
            report_errors(export, ["run_id", "kind", "lanes", "at"]),
            [self.controls.run_id, files.kind, files.lanes, files.at],
            files.made,
            js=RUN_ID_AND_POSITION,
            api_name="export",
            show_progress="minimal",
        )
        made.success(lambda: gr.update(visible=True), None, files.made, **UNQUEUED)

    def _connect_replay(self) -> Any:
        """Show a run from a file. Returns the event after that."""
        outputs = [self.stage, self.controls.run_id]
        options = {**PRIVATE, "js": OPEN_FILE, "concurrency_limit": MAX_RUNNING}
        opened = self.files.open.upload(self._call(replay), self.files.open, outputs, **options)
        opened.failure(None, js=FILE_OPENED)
        return self._restore(opened.success).then(None, js=FILE_OPENED)
