"""Plain values in, plain values out: what happens when a control is used. Knows no component."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from plotly.graph_objects import Figure

from app import frames
from app.curves import curves
from app.exports import EXPORTS, read_trace
from app.lanes import FIELDS, LANES, Ask, Lane, at_first, names, of_two, owner, reads, settle
from app.packs import Packs
from app.runs import Run, Runs
from app.text import en
from app.walk import ahead, in_turns, walk
from engine.config import SampleConfig
from engine.fakes import riddle
from engine.rules import RULES
from engine.session import Session
from engine.step import Trace

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
        asked = dict(zip(names(), values, strict=True))
        run = self.runs.start(ask.pack, settle(session, ask), asked if ask.third is not None else of_two(asked))
        try:
            yield self._sent(run, _beginning(session, run))
            for together in ahead(in_turns(walk(session, run.lanes), len(run.lanes)), self.packs.worker):
                steps = [{"lane": lane, **frames.pack(step, picture)} for lane, step, picture in together]
                for lane, step, picture in together:
                    run.note(lane, step, picture)
                yield self._sent(run, {"kind": "steps", "steps": steps})
                if run.must_end:
                    break
            run.ended = "done" if run.complete else run.must_end
            yield self._sent(run, {"kind": "end", "why": run.ended, "scores": self._scores(session, run)})
        finally:
            run.ended = run.ended or "stopped"  # the visitor has gone, or an error goes up

    def stop(self, run_id: object) -> Frame:
        """End a run within a step."""
        run = self.runs.get(run_id)
        if run is not None:
            run.stop()
        return {"kind": "end", "why": "stopped", "run": run.id if run else "", "n": -1}

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
        """A run as curves; nothing where it is not kept any more."""
        run = self.runs.get(run_id)
        if run is None:
            return None
        steps = [[step for step, _ in done] for done in run.steps]
        return curves(run.lanes, steps, self.packs.session(run.pack).places)

    def export(self, run_id: object, kind: object, at: object) -> tuple[str, bytes]:
        """Name and content of a file made of a finished run; `at` is the place of the playhead.

        ValueError where there is none.
        """
        run = self.runs.get(run_id)
        if run is None or not run.complete:
            raise ValueError(en.FILES["none"])
        if not isinstance(kind, str) or kind not in EXPORTS:
            raise ValueError(f"unknown file {kind!r}: one of {', '.join(EXPORTS)}")
        suffix, make = EXPORTS[kind]
        place = at if isinstance(at, int) else 0
        content = make(run, self.packs.session(run.pack), place)
        config = run.lanes[0].config
        return f"token-critic-{_plain(config.label or '')}-{config.seed}.{suffix}", content

    def replay(self, content: bytes) -> Iterator[tuple[Frame, str]]:
        """An exported run as if it were run now, and as recorded to the bit. ValueError for what is none."""
        ask, traces = read_trace(content.decode("utf-8", "replace"))
        values = [ask.get(name) for name in names()]
        pack = ask.get("pack", self.packs.first)
        session = self.packs.session(pack)
        lanes = settle(session, Ask.of(values)) if ask else tuple(map(_recorded, traces))
        if [lane.steps for lane in lanes] != [len(trace.steps) for trace in traces]:
            raise ValueError("the lanes of this file do not fit what it says was asked for")
        run = self.runs.start(pack, lanes, ask)
        try:
            yield self._sent(run, _beginning(session, run))
            for lane, trace in enumerate(traces):
                for s, step in enumerate(one.only(0) for one in trace.steps):
                    if step.s != s or step.state.shape[1] != session.places:
                        raise ValueError(f"step {s} of this file is not one of pack {pack!r}, or steps are left out")
                    picture = self.packs.worker.submit(session.decode, step.proposal).result()[0]
                    run.note(lane, step, picture)
                    yield self._sent(run, {"kind": "steps", "steps": [{"lane": lane, **frames.pack(step, picture)}]})
            run.ended = "opened"
            yield self._sent(run, {"kind": "end", "why": run.ended, "scores": []})
        finally:
            run.ended = run.ended or "stopped"

    def riddle(self, pack: object, seed: object, fraction: object) -> Frame:
        """A round of Spot the fakes, or what is wrong with the wish for one."""
        try:
            session = self.packs.session(pack or self.packs.first)
            config = session.settings(rule="maskgit", seed=seed)
            if not isinstance(fraction, float):
                raise ValueError(f"fraction={str(fraction)[:40]}: expected a share between 0 and 1")
            found = self.packs.worker.submit(riddle, session, config.seed, fraction).result()
            filled, real = self.packs.worker.submit(session.decode, np.stack([found.filled, found.real])).result()
        except (ValueError, FileNotFoundError) as error:
            return {"wrong": " ".join(str(error).split())}
        return {
            "name": found.name,
            "label": found.label,
            "grid": session.tokenizer.config.grid,
            "hidden": frames.packed(found.hidden, "u1"),
            "scores": frames.packed(found.scores, "<f4"),
            "same": int((found.hidden & (found.real == found.filled)).sum()),
            "filled": frames.data_url(filled),
            "real": frames.data_url(real),
        }

    def patches(self, pack: object) -> dict[str, Any]:
        """What the tokens of a pack look like; nothing for one that is not offered."""
        return self.packs.patches(pack) if pack in self.packs.names else {}

    def asked(self, run_id: object) -> dict[str, Any]:
        """The controls that a run was started with."""
        run = self.runs.get(run_id)
        return run.ask if run is not None else {}

    def linked(self, query: Mapping[str, str]) -> dict[str, Any]:
        """The controls that an address sets, none for one that sets nothing; the values are JSON, or words as they are.

        ValueError for a pack that is not offered; all else is checked when it is run.
        """
        given = {name: _value(query[name]) for name in names() if name in query}
        if not given:
            return {}
        session = self.packs.session(given.get("pack", self.packs.first))
        return {"pack": self.packs.first, "label": session.classes[0], **given}

    def offer(self, pack: object) -> tuple[list[tuple[str, str]], list[str], list[list[Any]]]:
        """A pack just chosen: its classes with a picture each, its rules, the lanes' values in the order of FIELDS."""
        session = self.packs.session(pack)
        faces = self.packs.faces(str(pack))
        lanes = [[getattr(config, name) for name in FIELDS] for config in at_first(session)]
        return list(zip(session.classes, faces, strict=True)), list(session.rules), lanes

    def third(self, *values: Any) -> list[Any]:
        """The third lane's values in the order of FIELDS: where it branches off another lane, that one's."""
        ask = Ask.of(values)
        off: Any = ask.third.get("lane") if isinstance(ask.third, dict) else None
        lane = off if off in range(LANES) else LANES - 1
        return [ask.lanes[lane][name] for name in FIELDS]

    def preset(self, pack: object, rule: object) -> list[Any]:
        """The values of a lane's other controls for a rule just chosen, in the order of FIELDS."""
        config = self.packs.session(pack).settings(rule=rule)
        return [getattr(config, name) for name in FIELDS if name != "rule"]

    def shown(self, rules: Sequence[object], matched: object) -> list[list[bool]]:
        """Which controls of each lane do something, in the order of FIELDS."""
        known = [rule if isinstance(rule, str) and rule in RULES else "critic" for rule in rules]
        whose = owner(known)
        return [[reads(name, rule, matched is True, i == whose) for name in FIELDS] for i, rule in enumerate(known)]

    def _scores(self, session: Session, run: Run) -> list[float]:
        """The critic's mean score of each lane's picture, where there are both: a pass each."""
        if session.critic is None or not run.complete:
            return []
        finals = np.concatenate([steps[-1][0].proposal for steps in run.steps])
        scores = self.packs.worker.submit(session.score, finals, run.lanes[0].config.label or "").result()
        return [float(one) for one in scores.mean(1)]

    def _sent(self, run: Run, frame: Frame) -> tuple[Frame, str]:
        whole = {**frame, "run": run.id, "n": len(run.frames), "at": time.time() * 1000}
        run.keep(whole)
        return whole, run.id


def _beginning(session: Session, run: Run) -> Frame:
    size = session.tokenizer.config
    return {
        "kind": "begin",
        "pack": run.pack,
        "ask": run.ask,
        "label": run.lanes[0].config.label,
        "grid": size.grid,
        "lanes": [_lane(lane) for lane in run.lanes],
    }


def _recorded(trace: Trace) -> Lane:
    known = {field.name for field in dataclasses.fields(SampleConfig)}
    return Lane(config=SampleConfig(**{k: v for k, v in trace.settings.items() if k in known}))


def _plain(name: str) -> str:
    """A class as part of a file's name."""
    return re.sub(r"\W+", "-", name).strip("-").lower()


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
        "settings": dataclasses.asdict(lane.config),
        "origin": dataclasses.asdict(lane.origin) if lane.origin else None,
    }
