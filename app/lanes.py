"""What a visitor asks for, and the settings of the two lanes that follow from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.config import SampleConfig
from engine.rules import RULES
from engine.session import Session

RULES_AT_FIRST = ("maskgit", "critic")  # left and right
LANES = len(RULES_AT_FIRST)
INSTEAD = "confidence"  # where a pack has no critic
FIELDS = ("rule", "steps", "noise_K", "temp_a", "temp_b", "choice_temperature", "eta", "schedule")  # of each lane
SHARED_WHEN_MATCHED = ("steps", "noise_K", "temp_a", "temp_b", "schedule")
MOST_STEPS = next(field.metadata["high"] for field in dataclasses.fields(SampleConfig) if field.name == "steps")


@dataclass(frozen=True, kw_only=True)
class Ask:
    """The page's controls, as they came: nothing in it is checked."""

    pack: Any
    label: Any
    seed: Any
    equal_passes: Any
    matched: Any
    lanes: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, values: Sequence[Any]) -> Ask:
        """From flat values in the order of `names()`."""
        given = dict(zip(names(), values, strict=True))
        lanes = tuple({field: given.pop(f"{field}_{lane}") for field in FIELDS} for lane in range(1, LANES + 1))
        return cls(lanes=lanes, **given)


def names() -> list[str]:
    """The controls in their order, as the API calls them: the lanes are 1 (left) and 2 (right)."""
    shared = [field.name for field in dataclasses.fields(Ask) if field.name != "lanes"]
    return shared + [f"{field}_{lane}" for lane in range(1, LANES + 1) for field in FIELDS]


def at_first(session: Session) -> tuple[SampleConfig, ...]:
    """What the lanes are set to when a pack is opened."""
    return tuple(session.settings(rule=rule if rule in session.rules else INSTEAD) for rule in RULES_AT_FIRST)


def settle(session: Session, ask: Ask) -> tuple[SampleConfig, ...]:
    """The settings of both lanes. ValueError for the first value that is wrong."""
    if not isinstance(ask.equal_passes, bool):
        raise ValueError(f"equal_passes={ask.equal_passes!r}: expected true or false")
    if not isinstance(ask.label, str):
        raise ValueError(f"label={ask.label!r}: expected a class")
    same = {"label": ask.label, "seed": ask.seed, "matched": ask.matched}
    lanes = tuple(session.settings(**lane, **same) for lane in ask.lanes)
    if ask.matched:
        lanes = _matched(lanes)
    return _equal_passes(lanes) if ask.equal_passes else lanes


def owner(rules: Sequence[str]) -> int:
    """The lane whose numbers all lanes take when matched: the last one whose rule reads K, a and b by itself."""
    reading = [i for i, rule in enumerate(rules) if "noise_K" in RULES[rule].reads]
    return reading[-1] if reading else len(rules) - 1


def _matched(lanes: tuple[SampleConfig, ...]) -> tuple[SampleConfig, ...]:
    whose = lanes[owner([lane.rule for lane in lanes])]
    same = {name: getattr(whose, name) for name in SHARED_WHEN_MATCHED}
    return tuple(dataclasses.replace(lane, **same) for lane in lanes)


def _equal_passes(lanes: tuple[SampleConfig, ...]) -> tuple[SampleConfig, ...]:
    """The lanes with fewer passes get as many steps as the passes of the other pay for."""
    passes = max(lane.passes for lane in lanes)
    return tuple(lane if lane.passes == passes else _with_passes(lane, passes) for lane in lanes)


def _with_passes(lane: SampleConfig, passes: int) -> SampleConfig:
    steps = (passes + 1) // 2 if RULES[lane.rule].scored_by_pass else passes
    if steps > MOST_STEPS:
        raise ValueError(
            f"equal_passes: {passes} passes are {steps} steps of {RULES[lane.rule].label}, the most is {MOST_STEPS}: "
            "take fewer steps in the other lane"
        )
    return dataclasses.replace(lane, steps=steps)
