"""What a visitor asks for, and the lanes that follow: two or three runs, of which the third may branch off another."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.config import MAX_STEPS, SampleConfig
from engine.refine import entry_step
from engine.rule import Rule
from engine.rules import RULES, all_parameters
from engine.session import Session
from engine.settings import validate

RULES_AT_FIRST = ("maskgit", "critic", "critic-locked")  # left, right, and the third, which has to be added
INSTEAD = ("confidence", "confidence", "random")  # where a pack has no critic
LANES = len(RULES_AT_FIRST)
SUFFIXES = tuple(f"_{lane}" for lane in range(1, LANES + 1))  # of the names of their controls
MOST_ROUNDS = 2**32


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where the third lane leaves another: after its first `step` steps, the last of them perhaps decided otherwise.

    After all its steps, when the picture is finished, the third lane takes it up again: a share of it that the
    critic finds least real (`fraction`), or the places that are given (`masked`), is masked and drawn anew.
    So it does with a picture of the visitor's own (`tokens`), which leaves no lane.
    """

    lane: int | None = None
    step: int = 1
    masked: tuple[int, ...] | None = None  # places to mask in that last step; None: as the lane's rule decided
    fraction: float | None = None
    tokens: tuple[int, ...] | None = None
    round: int = 0  # of the noise: another one draws other tokens; at least 1 where places are masked anew


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A run that is shown."""

    config: SampleConfig
    origin: Origin | None = None
    first_step: int = 0  # of its own settings' steps, the first that it takes
    continues: bool = False  # takes up a finished picture

    @property
    def shared(self) -> int:
        """Steps that it has from the lane it leaves; a picture of the visitor's own is one."""
        return self.origin.step if self.origin else 0

    @property
    def steps(self) -> int:
        """All that it shows."""
        return self.shared + self.config.steps - self.first_step

    @property
    def passes_per_step(self) -> int:
        return RULES[self.config.rule].passes_per_step

    @property
    def passes(self) -> int:
        """Network passes that it computes itself.

        In one the critic chooses what of a finished picture is masked, in one the generator sees the visitor's own.
        """
        own = self.config.passes - self.first_step * self.passes_per_step
        if self.origin is None:
            return own
        return own + (self.origin.fraction is not None) + (self.origin.tokens is not None)


@dataclass(frozen=True, kw_only=True)
class Ask:
    """The page's controls, as they came: nothing in it is checked."""

    pack: Any
    label: Any
    seed: Any
    equal_passes: Any
    matched: Any
    third: Any  # None: two lanes; {}: a third one; the fields of an Origin: a third one that leaves another
    lanes: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, values: Sequence[Any]) -> Ask:
        """From flat values in the order of `names()`."""
        given = dict(zip(names(), values, strict=True))
        given["third"] = None if given["third"] == "" else given["third"]  # the page's way to say nothing
        lanes = tuple({field: given.pop(f"{field}_{lane}") for field in fields()} for lane in range(1, LANES + 1))
        return cls(lanes=lanes, **given)


def fields() -> tuple[str, ...]:
    """The controls of a lane, in their order: every parameter that any rule has is one."""
    return ("rule", "steps", *all_parameters(), "schedule")


def control_values(config: SampleConfig) -> dict[str, Any]:
    """A lane's controls for these settings by name, in the order of `fields`.

    A parameter that its rule does not read has its default.
    """
    flat = {**{name: spec.default for name, spec in all_parameters().items()}, **config.flat()}
    return {name: flat[name] for name in fields()}


def names() -> list[str]:
    """The controls in their order, as the API calls them: the lanes are 1 (left), 2 (right) and 3."""
    shared = [field.name for field in dataclasses.fields(Ask) if field.name != "lanes"]
    return shared + [f"{field}_{lane}" for lane in range(1, LANES + 1) for field in fields()]


def by_name(values: Sequence[Any], lanes: int) -> dict[str, Any]:
    """The controls by name; where there are two lanes, without what belongs to the third."""
    given = dict(zip(names(), values, strict=True))
    if lanes == LANES:
        return given
    return {name: value for name, value in given.items() if name != "third" and not name.endswith(f"_{LANES}")}


def of_version_1(given: Mapping[str, Any], lanes: Sequence[str] = SUFFIXES) -> dict[str, Any]:
    """Controls, or with `lanes` = ("",) settings, that version 1 of the sampler noted.

    It noted a temperature for every rule, but only those of Algorithm 2, and matched ones, read it.
    """
    plain = {field: spec.default for field, spec in all_parameters().items() if spec.metadata["kind"] == "temperature"}
    changed = dict(given)
    for lane in lanes:
        rule = RULES.get(str(given.get(f"rule{lane}")))
        if rule is not None and not rule.algorithm_2 and given.get("matched") is not True:
            changed |= {f"{field}{lane}": value for field, value in plain.items()}
    return changed


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
    asked = ask.lanes if ask.third is not None else ask.lanes[: LANES - 1]
    configs = tuple(session.settings(**_read({**lane, **same})) for lane in asked)
    if ask.matched:
        configs = _matched(configs)
    if ask.equal_passes:
        configs = _equal_passes(configs, len(configs) - bool(origin))
    lanes = tuple(Lane(config=config) for config in configs)
    return (*lanes[:-1], _leaving(session, origin, configs)) if origin else lanes


def _read(lane: dict[str, Any]) -> dict[str, Any]:
    """Of a lane's controls those that its rule reads. ValueError where another parameter is no value of its own."""
    read = SampleConfig.readable(lane)
    for name, spec in all_parameters().items():
        if name not in read:
            validate(spec, lane[name])
    return read


def _origin(third: Any) -> Origin | None:
    """ValueError for what says no such thing; whether it fits the lanes is not known here."""
    if third is None or third == {}:
        return None
    said = f"third={str(third)[:80]}"
    known = [field.name for field in dataclasses.fields(Origin)]
    round = third.get("round", 0) if isinstance(third, dict) else 0
    if not isinstance(third, dict) or not set(third) <= set(known):
        raise ValueError(f"{said}: expected null, {{}} or an object of {', '.join(known)}")
    found: list[Any] = [third.get(name) for name in known[:-1]]
    lane, step, masked, fraction, tokens = found
    if not (_whole(round) and 0 <= round < MOST_ROUNDS):
        raise ValueError(f"{said}: round: expected a whole number from 0 to {MOST_ROUNDS - 1}")
    if tokens is not None and (lane is not None or step not in (None, 1) or not _places(tokens)):
        raise ValueError(f"{said}: tokens: expected a list of all tokens of a picture, and no lane or step beside it")
    if tokens is None and not (_whole(lane) and lane in range(LANES - 1)):
        raise ValueError(f"{said}: lane: expected 0 or 1, the lane to branch off")
    if tokens is None and not (_whole(step) and step >= 1):
        raise ValueError(f"{said}: step: expected a whole number of steps, at least 1")
    if masked is not None and not _places(masked):
        raise ValueError(f"{said}: masked: expected null or a list of places")
    if fraction is not None and not (isinstance(fraction, int | float) and 0 < fraction < 1 and masked is None):
        raise ValueError(f"{said}: fraction: expected a share between 0 and 1, and no places beside it")
    places = None if masked is None else tuple(sorted(set(masked)))
    if places is not None or fraction is not None:
        round = max(round, 1)  # the same noise would draw again what stood there
    if tokens is not None:
        return Origin(masked=places, fraction=fraction, tokens=tuple(tokens), round=round)
    return Origin(lane=lane, step=step, masked=places, fraction=fraction, round=round)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _places(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_whole, value))


def _leaving(session: Session, origin: Origin, configs: Sequence[SampleConfig]) -> Lane:
    """The third lane. ValueError where it cannot leave there."""
    config, N = configs[-1].replace(round=origin.round), session.num_tokens
    whole = origin.step if origin.lane is None else configs[origin.lane].steps
    if origin.tokens is not None:
        codes = session.tokenizer_config.codes
        if len(origin.tokens) != N or not 0 <= min(origin.tokens) <= max(origin.tokens) < codes:
            raise ValueError(f"third: tokens: expected {N} numbers from 0 to {codes - 1}")
    if origin.masked is not None and not 0 <= origin.masked[0] <= origin.masked[-1] < N:
        raise ValueError(f"third: masked: places go from 0 to {N - 1}")
    if origin.step > whole:
        raise ValueError(f"third: step {origin.step}: the lane it leaves has {whole} steps")
    if origin.fraction is not None and (origin.step < whole or session.critic is None):
        raise ValueError(f"third: fraction: needs a critic, and a finished picture: step {whole}")
    if origin.step < whole:
        if origin.step >= config.steps:
            raise ValueError(f"third: step {origin.step} leaves nothing to run: it has {config.steps} steps itself")
        return Lane(config=config, origin=origin, first_step=origin.step)
    if origin.masked is None and origin.fraction is None:
        raise ValueError(f"third: step {origin.step} leaves nothing to run: the picture is finished, and none masked")
    hidden = len(origin.masked) if origin.masked is not None else round((origin.fraction or 0) * N)
    return Lane(config=config, origin=origin, first_step=entry_step(config, N, hidden), continues=True)


def owner(rules: Sequence[str]) -> int:
    """The lane whose numbers all lanes take when matched: the last of the first two whose rule follows Algorithm 2."""
    reading = [i for i, rule in enumerate(rules[:2]) if RULES[rule].algorithm_2]
    return reading[-1] if reading else len(rules[:2]) - 1


def _matched(configs: tuple[SampleConfig, ...]) -> tuple[SampleConfig, ...]:
    whose = configs[owner([config.rule for config in configs])]
    same = {name: whose.flat()[name] for name in _shared_when_matched()}
    return tuple(config.replace(**same) for config in configs)


def _shared_when_matched() -> tuple[str, ...]:
    """What all lanes take from one: all but the rule and what its scores read."""
    return ("steps", "schedule", *Rule.parameters(matched=True))


def _equal_passes(configs: tuple[SampleConfig, ...], count: int) -> tuple[SampleConfig, ...]:
    """Of the first `count` lanes those with fewer passes get as many steps as the passes of the others pay for."""
    passes = max(config.passes for config in configs[:count])
    fair = tuple(config if config.passes == passes else _with_passes(config, passes) for config in configs[:count])
    return fair + configs[count:]


def _with_passes(config: SampleConfig, passes: int) -> SampleConfig:
    steps = -(-passes // RULES[config.rule].passes_per_step)
    if steps > MAX_STEPS:
        raise ValueError(
            f"equal_passes: {passes} passes are {steps} steps of {RULES[config.rule].label}, the most is {MAX_STEPS}: "
            "take fewer steps in the other lane"
        )
    return config.replace(steps=steps)


def reads(name: str, rule: str, matched: bool, owns: bool) -> bool:
    """Whether a control changes the run: matched, all but the rule and what its scores read comes from one lane."""
    if name in ("rule", "steps", "schedule"):
        shown = name != "schedule" or matched or RULES[rule].uses_schedule
    else:
        shown = name in RULES[rule].parameters(matched)
    return shown and (owns or not matched or name not in _shared_when_matched())
