"""Plain values in, plain values out: what happens when a control is used. Knows no component."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from plotly.graph_objects import Figure

from app import frames
from app.curves import curves
from app.lanes import (
    LANES,
    Ask,
    Lane,
    at_first,
    by_name,
    control_values,
    fields,
    names,
    of_version_1,
    owner,
    reads,
    settle,
)
from app.packs import Packs
from app.presets import PLAIN, PRESETS, TAKEN_BACK, load, made_with
from app.runs import Run, Runs
from app.text import en
from app.walk import ahead, in_turns, walk
from engine.rules import RULES
from engine.session import Session

Frame = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Handlers:
    """Bound to the packs and the runs of one server."""

    packs: Packs
    runs: Runs = field(default_factory=Runs)

    def run(self, *values: Any) -> Iterator[tuple[Frame, str]]:
        """Sample all lanes, step by step. Yields (frame, id of the run); a frame holds a step of each lane."""
        ask = Ask.of(values)
        session = self.packs.session(ask.pack)
        lanes = settle(session, ask)
        run = self.runs.start(ask.pack, lanes, by_name(values, len(lanes)))
        try:
            yield run.sent(beginning(session, run))
            for together in ahead(in_turns(walk(session, run.lanes), len(run.lanes)), self.packs.worker):
                steps = [{"lane": lane, **frames.pack(step, picture)} for lane, step, picture in together]
                for lane, step, picture in together:
                    run.note(lane, step, picture)
                yield run.sent({"kind": "steps", "steps": steps})
                if run.must_end:
                    break
            run.ended = "done" if run.complete else run.must_end
            yield run.sent({"kind": "end", "why": run.ended, "scores": self._scores(session, run)})
        finally:
            run.ended = run.ended or "stopped"  # the visitor has gone, or an error goes up

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """All controls in their order: those given by name, the others as they are when the page is opened.

        ValueError for a name that is none, or for what cannot be run.
        """
        if unknown := sorted(map(str, given.keys() - set(names()))):
            raise ValueError(f"unknown control {unknown[0]!r}: one of {', '.join(names())}")
        pack = given.get("pack", self.packs.first)
        session = self.packs.session(pack, loaded=False)
        shared = {"pack": pack, "label": session.classes[0], "seed": 0, "equal_passes": False, "matched": False}
        lanes = {
            f"{field}_{i}": value
            for i, lane in enumerate(at_first(session), 1)
            for field, value in control_values(lane).items()
        }
        found = [{**shared, "third": None, **lanes, **given}[name] for name in names()]
        settle(session, Ask.of(found))  # now, not when its turn has come
        return found

    def presets(self) -> list[str]:
        """Those recorded with the weights of the pack that is opened first."""
        pack = self.packs.session(self.packs.first, loaded=False).pack
        return made_with(pack.name, pack.fingerprint())

    def recorded(self, key: object) -> Iterator[tuple[Frame, str]]:
        """A preset as it was recorded: needs no network."""
        made = load(key)
        lanes = settle(self.packs.session(made.pack, loaded=False), Ask.of([made.ask.get(name) for name in names()]))
        run = self.runs.start(made.pack, lanes, made.ask)
        try:
            for frame in made.frames[:-1]:
                yield run.sent({**frame, "recorded": True}, counted=False)
            look = en.PRESETS[made.key][1]
            mine = PRESETS[made.key].better
            sides = {"lane": en.SIDES[mine], "other": en.SIDES[1 - mine]}
            how = en.SHOWS[PRESETS[made.key].shows].format(**sides, tokens=TAKEN_BACK, plain=PLAIN)
            counts = {"tried": made.tried, "shows": made.shows, "against": made.against}
            told = en.RECORDED.format(look=look, how=how, **counts)
            yield run.sent({**made.frames[-1], "why": "recorded", "told": told, "recorded": True}, counted=False)
        finally:
            run.ended = "recorded"

    def stop(self, run_id: object) -> None:
        """End a run within a step."""
        run = self.runs.get(run_id)
        if run is not None:
            run.stop()

    def plan(self, *values: Any) -> Frame:
        """What the controls would run, without running it: rule, steps and passes of each lane, or what is wrong."""
        ask = Ask.of(values)
        try:
            lanes = settle(self.packs.session(ask.pack), ask)
        except ValueError as error:
            return {"kind": "plan", "wrong": str(error), "pack": "", "lanes": []}
        return {"kind": "plan", "wrong": "", "pack": ask.pack, "lanes": [_lane(lane) for lane in lanes]}

    def missed(self, run_id: object, first: object) -> list[Frame]:
        """Frames of a run from number `first` on, for a page that did not get them."""
        run = self.runs.get(run_id)
        return run.frames[first:] if run is not None and isinstance(first, int) and first >= 0 else []

    def curves(self, run_id: object) -> Figure | None:
        """A run as curves, a recorded one too; nothing where it is not kept any more."""
        run = self.runs.get(run_id)
        if run is None:
            return None
        sent = [step for frame in run.frames for step in frame.get("steps", ())]
        steps = [[frames.unpack(step) for step in sent if step["lane"] == lane] for lane in range(len(run.lanes))]
        return curves(run.lanes, steps, self.packs.session(run.pack, loaded=False).num_tokens)

    def patches(self, pack: object) -> dict[str, Any]:
        """What the tokens of a pack look like; nothing for one that is not offered."""
        return self.packs.patches(pack) if pack in self.packs.names else {}

    def active(self) -> int:
        """Runs under way, of all visitors."""
        return self.runs.active

    def judge(self, run_id: object, lane: object) -> Frame:
        """The critic's scores of a finished lane's picture, which sampling does not need: a pass more."""
        run = self.runs.get(run_id)
        if run is None or not run.complete or lane not in range(len(run.lanes)):
            return {}  # the page says that it is not kept any more
        session, chosen = self.packs.session(run.pack), int(lane)  # type: ignore[call-overload]
        final = run.steps[chosen][-1][0].proposal
        try:
            label = run.lanes[chosen].config.label or ""
            scores = self.packs.worker.submit(session.score, final, label).result()[0]
        except ValueError as error:
            return {"wrong": str(error)}
        return {"scores": frames.packed(scores, "<f4"), "mean": float(scores.mean())}

    def machine(self) -> str:
        """What the networks run on, and why in that dtype."""
        session = self.packs.session(self.packs.first)
        measured = session.precision.milliseconds
        times = ", ".join(f"{name} {time:g} ms" for name, time in (measured or {}).items())
        why = (
            en.MACHINE["measured"].format(times=times, worth=session.precision.min_speedup)
            if measured
            else en.MACHINE["told"]
        )
        return en.MACHINE["line"].format(**session.made_by()) + why

    def asked(self, run_id: object) -> dict[str, Any]:
        """The controls that a run was started with."""
        run = self.runs.get(run_id)
        return run.ask if run is not None else {}

    def linked(self, query: Mapping[str, str]) -> dict[str, Any]:
        """The controls that an address sets, none for one that sets nothing; the values are JSON, or words as they are.

        One with the hashes of a run says with which version of the sampler it was made; version 1 said nothing.

        ValueError for a pack that is not offered; all else is checked when it is run.
        """
        given = {name: _value(query[name]) for name in names() if name in query}
        if not given:
            return {}
        if "hash" in query and query.get("version", "1") == "1":
            given = of_version_1(given)
        session = self.packs.session(given.get("pack", self.packs.first), loaded=False)
        return {"pack": self.packs.first, "label": session.classes[0], **given}

    def offer(self, pack: object) -> tuple[list[tuple[str, str]], list[str], list[list[Any]]]:
        """A pack just chosen: its classes with a picture each, its rules, the lanes' controls as `fields` says."""
        session = self.packs.session(pack, loaded=False)
        faces = self.packs.faces(str(pack))
        lanes = [list(control_values(config).values()) for config in at_first(session)]
        return list(zip(session.classes, faces, strict=True)), list(session.rules), lanes

    def third(self, *values: Any) -> list[Any]:
        """The third lane's values in the order of `fields`: where it leaves another lane, those that one runs with.

        With a picture of the visitor's own the right lane's: by default Token-Critic's, as in the paper.
        """
        ask = Ask.of(values)
        third: Any = ask.third if isinstance(ask.third, dict) else {}
        off = LANES - 2 if "tokens" in third else third.get("lane")
        if off not in range(LANES - 1):
            return [ask.lanes[-1][name] for name in fields()]
        try:
            lanes = settle(self.packs.session(ask.pack, loaded=False), dataclasses.replace(ask, third=None))
        except ValueError:  # which the plan that follows says
            return [ask.lanes[off][name] for name in fields()]
        runs_with = lanes[off].config.flat()  # with equal passes perhaps more steps
        return [runs_with.get(name, ask.lanes[off][name]) for name in fields()]

    def preset(self, pack: object, rule: object) -> list[Any]:
        """The values of a lane's other controls for a rule just chosen, in the order of `fields`."""
        config = self.packs.session(pack, loaded=False).settings(rule=rule)
        return [value for name, value in control_values(config).items() if name != "rule"]

    def shown(self, rules: Sequence[object], matched: object) -> list[list[bool]]:
        """Which controls of each lane do something, in the order of `fields`."""
        known = [rule if isinstance(rule, str) and rule in RULES else "critic" for rule in rules]
        whose = owner(known)
        return [[reads(name, rule, matched is True, i == whose) for name in fields()] for i, rule in enumerate(known)]

    def _scores(self, session: Session, run: Run) -> list[float]:
        """The critic's mean score of each lane's picture, where there are both: a pass each."""
        if session.critic is None or not run.complete:
            return []
        finals = np.concatenate([steps[-1][0].proposal for steps in run.steps])
        scores = self.packs.worker.submit(session.score, finals, run.lanes[0].config.label or "").result()
        return [float(one) for one in scores.mean(1)]


def beginning(session: Session, run: Run) -> Frame:
    size = session.tokenizer_config
    return {
        "kind": "begin",
        "pack": run.pack,
        "ask": run.ask,
        "label": run.lanes[0].config.label,
        "grid": size.grid,
        "critic": session.critic is not None,
        "lanes": [_lane(lane) for lane in run.lanes],
    }


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return text


def _lane(lane: Lane) -> dict[str, Any]:
    return {
        "name": RULES[lane.config.rule].label,
        "steps": lane.steps,
        "continues": lane.continues,
        "passes": lane.passes,
        "passes_per_step": lane.passes_per_step,
        "settings": lane.config.flat(),
        "origin": dataclasses.asdict(lane.origin) if lane.origin else None,
    }
