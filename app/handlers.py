"""Plain values in, plain values out: what happens when a control is used. Knows no component."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from app import frames
from app.lanes import FIELDS, Ask, at_first, owner, settle
from app.packs import Packs
from app.runs import Run, Runs
from engine.config import SampleConfig
from engine.rules import RULES
from engine.session import Session
from engine.step import Step

Frame = dict[str, Any]
Item = TypeVar("Item")
OWN_COUNTS = ("halton",)  # rules that read no schedule unless matched


@dataclass(frozen=True, kw_only=True)
class Handlers:
    """Bound to the packs and the runs of one server."""

    packs: Packs
    runs: Runs = field(default_factory=Runs)

    def run(self, *values: Any) -> Iterator[tuple[Frame, str]]:
        """Sample both lanes, step by step. Yields (frame, id of the run); a frame holds a step of each lane."""
        ask = Ask.of(values)
        session = self.packs.session(ask.pack)
        run = self.runs.start(ask.pack, settle(session, ask))
        try:
            yield self._sent(run, _beginning(session, run))
            for together in ahead(in_turns(walk(session, run.lanes), len(run.lanes)), self.packs.worker):
                steps = [{"lane": lane, **frames.pack(step, picture)} for lane, step, picture in together]
                yield self._sent(run, {"kind": "steps", "steps": steps})
                if run.must_end:
                    break
            run.ended = "done" if run.complete else run.must_end
            yield self._sent(run, {"kind": "end", "why": run.ended})
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

    def patches(self, pack: object) -> dict[str, Any]:
        """What the tokens of a pack look like; nothing for one that is not offered."""
        return self.packs.patches(pack) if pack in self.packs.names else {}

    def offer(self, pack: object) -> tuple[list[tuple[str, str]], list[str], list[list[Any]]]:
        """A pack just chosen: its classes with a picture each, its rules, the lanes' values in the order of FIELDS."""
        session = self.packs.session(pack)
        faces = self.packs.faces(str(pack))
        lanes = [[getattr(config, name) for name in FIELDS] for config in at_first(session)]
        return list(zip(session.classes, faces, strict=True)), list(session.rules), lanes

    def preset(self, pack: object, rule: object) -> list[Any]:
        """The values of a lane's other controls for a rule just chosen, in the order of FIELDS."""
        config = self.packs.session(pack).settings(rule=rule)
        return [getattr(config, name) for name in FIELDS if name != "rule"]

    def shown(self, rules: Sequence[object], matched: object) -> list[list[bool]]:
        """Which controls of each lane do something, in the order of FIELDS."""
        known = [rule if isinstance(rule, str) and rule in RULES else "critic" for rule in rules]
        whose = owner(known)
        return [[_reads(name, rule, matched is True, i == whose) for name in FIELDS] for i, rule in enumerate(known)]

    def _sent(self, run: Run, frame: Frame) -> tuple[Frame, str]:
        whole = {**frame, "run": run.id, "n": len(run.frames), "at": time.time() * 1000}
        run.keep(whole)
        return whole, run.id


def ahead(items: Iterator[Item], worker: Executor) -> Iterator[Item]:
    """The same items, each computed while the one before it is on its way to the page."""
    coming = worker.submit(next, items, None)
    try:
        while (item := coming.result()) is not None:
            coming = worker.submit(next, items, None)
            yield item
    finally:
        coming.cancel()  # nobody waits for it any more: where it has not begun, another run's step comes sooner


def in_turns(steps: Iterator[Item], lanes: int) -> Iterator[list[Item]]:
    """As many steps at once as there are lanes: one message for both costs the page half of two."""
    while together := list(islice(steps, lanes)):
        yield together


def walk(session: Session, lanes: Sequence[SampleConfig]) -> Iterator[tuple[int, Step, np.ndarray]]:
    """Steps of all lanes with their decoded proposals, in turn: the lane that has done the smallest share is next."""
    runs = [session.run(lane) for lane in lanes]
    done = [0] * len(lanes)
    while True:
        left = [i for i, lane in enumerate(lanes) if done[i] < lane.steps]
        if not left:
            return
        lane = min(left, key=lambda i: done[i] / lanes[i].steps)
        step = next(runs[lane])
        done[lane] += 1
        yield lane, step, session.decode(step.proposal)[0]


def _beginning(session: Session, run: Run) -> Frame:
    size = session.tokenizer.config
    return {
        "kind": "begin",
        "pack": run.pack,
        "label": run.lanes[0].label,
        "grid": size.grid,
        "lanes": [_lane(lane) for lane in run.lanes],
    }


def _lane(config: SampleConfig) -> dict[str, Any]:
    rule = RULES[config.rule]
    return {
        "name": rule.label,
        "steps": config.steps,
        "passes": config.passes,
        "passes_per_step": 2 if rule.scored_by_pass else 1,
        "settings": dataclasses.asdict(config),
    }


def _reads(name: str, rule: str, matched: bool, owns: bool) -> bool:
    """Whether a control changes the run: matched, all but the rule and eta comes from one lane."""
    if name == "rule":
        return True
    if matched and not owns and name != "eta":
        return False
    if name == "schedule":
        return matched or rule not in OWN_COUNTS
    return name == "steps" or name in SampleConfig(rule=rule, matched=matched).reads
