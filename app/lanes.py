"""What a visitor asks for, and the lanes that follow: two or three runs, of which the third may branch off another."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.config import SampleConfig
from engine.rules import RULES
from engine.session import Session

RULES_AT_FIRST = ("maskgit", "critic", "critic-locked")  # left, right, and the third, which has to be added
INSTEAD = ("confidence", "confidence", "random")  # where a pack has no critic
LANES = len(RULES_AT_FIRST)
FIELDS = ("rule", "steps", "noise_K", "temp_a", "temp_b", "choice_temperature", "eta", "schedule")  # of each lane
SHARED_WHEN_MATCHED = ("steps", "noise_K", "temp_a", "temp_b", "schedule")
MOST_STEPS = next(field.metadata["high"] for field in dataclasses.fields(SampleConfig) if field.name == "steps")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where the third lane leaves another: after its first `step` steps, the last of them perhaps decided by hand."""

    lane: int
    step: int
    masked: tuple[int, ...] | None = None  # places to mask in that last step; None: as the lane's rule decided


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A run that is shown."""

    config: SampleConfig
    origin: Origin | None = None

    @property
    def first_step(self) -> int:
        """The first step that it computes itself."""
        return self.origin.step if self.origin else 0

    @property
    def passes_per_step(self) -> int:
        return 2 if RULES[self.config.rule].scored_by_pass else 1

    @property
    def passes(self) -> int:
        """Network passes that it computes itself."""
        return self.config.passes - self.first_step * self.passes_per_step


@dataclass(frozen=True, kw_only=True)
class Ask:
    """The page's controls, as they came: nothing in it is checked."""

    pack: Any
    label: Any
    seed: Any
    equal_passes: Any
    matched: Any
    third: Any  # None: two lanes; {}: a third one; {"lane", "step", "masked"}: a third one that branches off
    lanes: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, values: Sequence[Any]) -> Ask:
        """From flat values in the order of `names()`."""
        given = dict(zip(names(), values, strict=True))
        given["third"] = None if given["third"] == "" else given["third"]  # the page's way to say nothing
        lanes = tuple({field: given.pop(f"{field}_{lane}") for field in FIELDS} for lane in range(1, LANES + 1))
        return cls(lanes=lanes, **given)


def names() -> list[str]:
    """The controls in their order, as the API calls them: the lanes are 1 (left), 2 (right) and 3."""
    shared = [field.name for field in dataclasses.fields(Ask) if field.name != "lanes"]
    return shared + [f"{field}_{lane}" for lane in range(1, LANES + 1) for field in FIELDS]


def at_first(session: Session) -> tuple[SampleConfig, ...]:
    """What the lanes are set to when a pack is opened."""
    both = zip(RULES_AT_FIRST, INSTEAD, strict=True)
    return tuple(session.settings(rule=rule if rule in session.rules else instead) for rule, instead in both)


def settle(session: Session, ask: Ask) -> tuple[Lane, ...]:
    """The lanes that are asked for. ValueError for the first value that is wrong."""
    if not isinstance(ask.equal_passes, bool):
        raise ValueError(f"equal_passes={ask.equal_passes!r}: expected true or false")
    if not isinstance(ask.label, str):
        raise ValueError(f"label={ask.label!r}: expected a class")
    origin = _origin(ask.third)
    same = {"label": ask.label, "seed": ask.seed, "matched": ask.matched}
    lanes = ask.lanes if ask.third is not None else ask.lanes[: LANES - 1]
    configs = tuple(session.settings(**lane, **same) for lane in lanes)
    if ask.matched:
        configs = _matched(configs)
    if ask.equal_passes:
        configs = _equal_passes(configs, len(configs) - bool(origin))
    if origin:
        _fits(origin, configs, session.places)
    return tuple(Lane(config=one, origin=origin if i == LANES - 1 else None) for i, one in enumerate(configs))


def _origin(third: Any) -> Origin | None:
    """ValueError for what says no such thing; whether it fits the lanes is not known here."""
    if third is None or third == {}:
        return None
    said = f"third={str(third)[:80]}"
    if not isinstance(third, dict) or not set(third) <= {"lane", "step", "masked"}:
        raise ValueError(f"{said}: expected null, {{}} or an object of lane, step and masked")
    lane: Any = third.get("lane")
    step: Any = third.get("step")
    masked: Any = third.get("masked")
    if not (_whole(lane) and lane in range(LANES - 1)):
        raise ValueError(f"{said}: lane: expected 0 or 1, the lane to branch off")
    if not (_whole(step) and step >= 1):
        raise ValueError(f"{said}: step: expected a whole number of steps, at least 1")
    if masked is not None and not (isinstance(masked, list) and masked and all(map(_whole, masked))):
        raise ValueError(f"{said}: masked: expected null or a list of places")
    return Origin(lane=lane, step=step, masked=None if masked is None else tuple(sorted(set(masked))))


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _fits(origin: Origin, configs: Sequence[SampleConfig], places: int) -> None:
    last = min(configs[origin.lane].steps, configs[-1].steps) - 1
    if origin.step > last:
        raise ValueError(f"third: step {origin.step} leaves nothing to run: the last step to branch after is {last}")
    if origin.masked is not None and not 0 <= origin.masked[0] <= origin.masked[-1] < places:
        raise ValueError(f"third: masked: places go from 0 to {places - 1}")


def owner(rules: Sequence[str]) -> int:
    """The lane whose numbers all lanes take when matched: the second, or the last before it, that reads K, a and b."""
    reading = [i for i, rule in enumerate(rules[:2]) if "noise_K" in RULES[rule].reads]
    return reading[-1] if reading else len(rules[:2]) - 1


def _matched(configs: tuple[SampleConfig, ...]) -> tuple[SampleConfig, ...]:
    whose = configs[owner([config.rule for config in configs])]
    same = {name: getattr(whose, name) for name in SHARED_WHEN_MATCHED}
    return tuple(dataclasses.replace(config, **same) for config in configs)


def _equal_passes(configs: tuple[SampleConfig, ...], count: int) -> tuple[SampleConfig, ...]:
    """Of the first `count` lanes those with fewer passes get as many steps as the passes of the others pay for."""
    passes = max(config.passes for config in configs[:count])
    fair = tuple(config if config.passes == passes else _with_passes(config, passes) for config in configs[:count])
    return fair + configs[count:]


def _with_passes(config: SampleConfig, passes: int) -> SampleConfig:
    steps = (passes + 1) // 2 if RULES[config.rule].scored_by_pass else passes
    if steps > MOST_STEPS:
        raise ValueError(
            f"equal_passes: {passes} passes are {steps} steps of {RULES[config.rule].label}, the most is {MOST_STEPS}: "
            "take fewer steps in the other lane"
        )
    return dataclasses.replace(config, steps=steps)
