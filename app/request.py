"""A request (the values of the page's controls), and the lanes that it resolves to.

There are two or three lanes. The third one may branch off another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.text.wrong import Wrong
from engine.config import MAX_STEPS, SampleConfig
from engine.refine import entry_step
from engine.rule import Rule
from engine.rules import RULES, all_parameters
from engine.session import Session
from engine.settings import validate

INITIAL_RULES = ("maskgit", "critic", "critic-locked")  # left, right, third
WITHOUT_CRITIC = ("confidence", "confidence", "random")  # their replacements in a pack without a critic
MAX_LANES = len(INITIAL_RULES)
SUFFIXES = tuple(f"_{lane}" for lane in range(1, MAX_LANES + 1))  # of the names of a lane's controls
MAX_ROUNDS = 2**32
MAX_POSITIONS = 4096  # of a list of places or tokens: 64 x 64
MAX_PASSES = 10_000  # network passes of one run, or of all pictures of a gallery
LONG_PASSES = 200  # a run with more waits behind shorter ones


@dataclass(frozen=True, kw_only=True)
class Branch:
    """Where the third lane starts: after the first `step` steps of another lane.

    With `masked`, the last of these steps masks the given places, not those that the rule chose.
    After all steps of a lane, the third lane refines the finished picture: it masks the share `fraction` that
    the critic scores lowest, or the places `masked`, and draws them anew.
    With `tokens` it refines the visitor's own picture, and branches off no lane.
    """

    lane: int | None = None
    step: int = 1
    masked: tuple[int, ...] | None = None  # None: as the lane's rule decided
    fraction: float | None = None
    tokens: tuple[int, ...] | None = None
    round: int = 0  # selects the noise; at least 1 where places are masked anew, else they would be drawn alike


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One run on the page."""

    config: SampleConfig
    branch: Branch | None = None
    first_step: int = 0  # the first step of `config` that the lane computes
    continues: bool = False  # whether it refines a finished picture

    @property
    def shared_steps(self) -> int:
        """Steps that it takes from another lane. The visitor's own picture counts as one step."""
        return self.branch.step if self.branch else 0

    @property
    def steps(self) -> int:
        """All steps that it shows."""
        return self.shared_steps + self.config.steps - self.first_step

    @property
    def passes_per_step(self) -> int:
        return RULES[self.config.rule].passes_per_step

    @property
    def passes(self) -> int:
        """Network passes that it computes itself.

        One more where the critic chooses what to mask, and one more where the generator sees an own picture.
        """
        passes = self.config.passes - self.first_step * self.passes_per_step
        if self.branch is None:
            return passes
        return passes + (self.branch.fraction is not None) + (self.branch.tokens is not None)


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """The values of the page's controls, not yet checked."""

    pack: Any
    label: Any
    seed: Any
    equal_passes: Any
    matched: Any
    third: Any  # None: two lanes; {}: a third lane; the fields of a Branch: a third lane that branches off
    lanes: tuple[dict[str, Any], ...]

    @classmethod
    def from_controls(cls, controls: Mapping[str, Any]) -> RunRequest:
        """Build a request from all controls: name -> value."""
        given = {name: controls.get(name) for name in control_names()}
        lanes = tuple({field: given.pop(f"{field}{suffix}") for field in lane_fields()} for suffix in SUFFIXES)
        return cls(lanes=lanes, **given)


def lane_fields() -> tuple[str, ...]:
    """Names of a lane's controls, in order. Every parameter of any rule is one."""
    return ("rule", "steps", *all_parameters(), "schedule")


def lane_values(config: SampleConfig) -> dict[str, Any]:
    """Values of a lane's controls for these settings, in the order of `lane_fields`.

    A parameter that the rule does not use has its default.
    """
    flat = {**{name: spec.default for name, spec in all_parameters().items()}, **config.flat()}
    return {name: flat[name] for name in lane_fields()}


def control_names() -> list[str]:
    """Names of all controls in order, as the API names them. The lanes are 1 (left), 2 (right) and 3."""
    shared = [field.name for field in dataclasses.fields(RunRequest) if field.name != "lanes"]
    return shared + [f"{field}{suffix}" for suffix in SUFFIXES for field in lane_fields()]


def used_controls(controls: Mapping[str, Any], num_lanes: int) -> dict[str, Any]:
    """Return the controls of so many lanes: two lanes leave out those of the third."""
    if num_lanes == MAX_LANES:
        return dict(controls)
    return {name: value for name, value in controls.items() if name != "third" and not name.endswith(SUFFIXES[-1])}


def upgrade_version_1(given: Mapping[str, Any], suffixes: Sequence[str] = SUFFIXES) -> dict[str, Any]:
    """Translate controls that version 1 of the sampler stored. `suffixes=("",)` translates one lane's settings.

    Version 1 stored a temperature for every rule, but only rules of Algorithm 2, and matched ones, used it.
    """
    plain = {field: spec.default for field, spec in all_parameters().items() if spec.metadata["kind"] == "temperature"}
    changed = dict(given)
    for suffix in suffixes:
        rule = RULES.get(str(given.get(f"rule{suffix}")))
        if rule is not None and not rule.algorithm_2 and given.get("matched") is not True:
            changed |= {f"{field}{suffix}": value for field, value in plain.items()}
    return changed


def add_unread_parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Give each lane of stored controls the parameters that its rule does not read, at their defaults.

    A file or a recording does not hold the parameters of a rule that is newer than it.
    """
    added = dict(given)
    for suffix in SUFFIXES:
        rule = given.get(f"rule{suffix}")
        if isinstance(rule, str) and rule in RULES:
            read = {*RULES[rule].parameters(False), *RULES[rule].parameters(True)}
            for name, spec in all_parameters().items():
                if name not in read:
                    added.setdefault(f"{name}{suffix}", spec.default)
    return added


def initial_configs(session: Session) -> tuple[SampleConfig, ...]:
    """Settings of the lanes when a pack is opened."""
    pairs = zip(INITIAL_RULES, WITHOUT_CRITIC, strict=True)
    return tuple(session.settings(rule=rule if rule in session.rules else other) for rule, other in pairs)


def resolve(session: Session, request: RunRequest) -> tuple[Lane, ...]:
    """Check a request and return its lanes. Raises ValueError for the first wrong value."""
    if not isinstance(request.equal_passes, bool):
        raise ValueError(f"equal_passes={request.equal_passes!r}: expected true or false")
    if not isinstance(request.label, str):
        raise ValueError(f"label={request.label!r}: expected a class")
    branch = _parse_branch(request.third)
    shared = {"label": request.label, "seed": request.seed, "matched": request.matched}
    asked = request.lanes if request.third is not None else request.lanes[: MAX_LANES - 1]
    _refuse_empty(request.seed, asked)
    configs = tuple(session.settings(**_used_values({**lane, **shared})) for lane in asked)
    if request.matched:
        configs = _match(configs)
    if request.equal_passes:
        configs = _equalise_passes(configs, len(configs) - bool(branch))
    lanes = tuple(Lane(config=config) for config in configs)
    return (*lanes[:-1], _branch_lane(session, branch, configs)) if branch else lanes


def _refuse_empty(seed: Any, lanes: Sequence[Mapping[str, Any]]) -> None:
    """Raise ValueError for the first number without a value: an empty field of the page."""
    numbers = {"seed": seed}
    for suffix, lane in zip(SUFFIXES, lanes, strict=False):
        numbers |= {f"{field}{suffix}": lane[field] for field in ("steps", *all_parameters())}
    if empty := [name for name, value in numbers.items() if value is None]:
        is_whole = empty[0].startswith(("seed", "steps"))
        raise Wrong("errors.empty_whole" if is_whole else "errors.empty_number", setting=empty[0])


def _used_values(lane: dict[str, Any]) -> dict[str, Any]:
    """Keep the values that the lane's rule uses. Raises ValueError where one of the others is invalid."""
    used = SampleConfig.readable(lane)
    for name, spec in all_parameters().items():
        if name not in used:
            validate(spec, lane[name])
    return used


def _parse_branch(third: Any) -> Branch | None:
    """Read the value of `third`. Raises ValueError for a wrong form; `_branch_lane` checks it against the lanes."""
    if third is None or third == {}:
        return None
    prefix = f"third={str(third)[:80]}"
    known = [field.name for field in dataclasses.fields(Branch)]
    round = third.get("round", 0) if isinstance(third, dict) else 0
    if not isinstance(third, dict) or not set(third) <= set(known):
        raise ValueError(f"{prefix}: expected null, {{}} or an object of {', '.join(known)}")
    found: list[Any] = [third.get(name) for name in known[:-1]]
    lane, step, masked, fraction, tokens = found
    if not (_is_integer(round) and 0 <= round < MAX_ROUNDS):
        raise ValueError(f"{prefix}: round: expected a whole number from 0 to {MAX_ROUNDS - 1}")
    if tokens is not None and (lane is not None or step not in (None, 1) or not _is_integer_list(tokens)):
        raise ValueError(f"{prefix}: tokens: expected a list of all tokens of a picture, and no lane or step beside it")
    if tokens is None and not (_is_integer(lane) and lane in range(MAX_LANES - 1)):
        raise ValueError(f"{prefix}: lane: expected 0 or 1, the lane to branch off")
    if tokens is None and not (_is_integer(step) and step >= 1):
        raise ValueError(f"{prefix}: step: expected a whole number of steps, at least 1")
    if masked is not None and not _is_integer_list(masked):
        raise ValueError(f"{prefix}: masked: expected null or a list of places")
    if fraction is not None and not (isinstance(fraction, int | float) and 0 < fraction < 1 and masked is None):
        raise ValueError(f"{prefix}: fraction: expected a share between 0 and 1, and no places beside it")
    places = None if masked is None else tuple(sorted(set(masked)))
    if places is not None or fraction is not None:
        round = max(round, 1)  # the same noise would draw the same tokens again
    if tokens is not None:
        return Branch(masked=places, fraction=fraction, tokens=tuple(tokens), round=round)
    return Branch(lane=lane, step=step, masked=places, fraction=fraction, round=round)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_integer_list(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= MAX_POSITIONS and all(map(_is_integer, value))


def _branch_lane(session: Session, branch: Branch, configs: Sequence[SampleConfig]) -> Lane:
    """Return the third lane. Raises ValueError where it cannot start there."""
    config, N = configs[-1].replace(round=branch.round), session.num_tokens
    last = branch.step if branch.lane is None else configs[branch.lane].steps
    if branch.tokens is not None:
        codes = session.tokenizer_config.codes
        if len(branch.tokens) != N or not 0 <= min(branch.tokens) <= max(branch.tokens) < codes:
            raise ValueError(f"third: tokens: expected {N} numbers from 0 to {codes - 1}")
    if branch.masked is not None and not 0 <= branch.masked[0] <= branch.masked[-1] < N:
        raise ValueError(f"third: masked: places go from 0 to {N - 1}")
    if branch.step > last:
        raise Wrong("errors.no_longer_shared", step=branch.step, last=last)
    if branch.fraction is not None and (branch.step < last or not session.pack.has("critic")):  # without loading it
        raise Wrong("errors.needs_critic", last=last)
    if branch.step < last:
        if branch.step >= config.steps:
            raise Wrong("errors.nothing_left", step=branch.step, steps=config.steps)
        return Lane(config=config, branch=branch, first_step=branch.step)
    if branch.masked is None and branch.fraction is None:
        raise Wrong("errors.none_masked", step=branch.step)
    num_masked = len(branch.masked) if branch.masked is not None else round((branch.fraction or 0) * N)
    return Lane(config=config, branch=branch, first_step=entry_step(config, N, num_masked), continues=True)


def check_budget(lanes: Sequence[Lane], pictures: int = 1) -> bool:
    """Whether this many pictures of each lane are a long job. ValueError where they are more than one may ask for."""
    passes = pictures * sum(lane.passes for lane in lanes)
    if passes > MAX_PASSES:
        raise Wrong("errors.too_many_passes", passes=passes, most=MAX_PASSES)
    return passes > LONG_PASSES


def matched_source(rules: Sequence[str]) -> int:
    """The lane whose values all lanes take when matched: the last of the first two whose rule is of Algorithm 2."""
    candidates = [i for i, rule in enumerate(rules[:2]) if RULES[rule].algorithm_2]
    return candidates[-1] if candidates else len(rules[:2]) - 1


def _match(configs: tuple[SampleConfig, ...]) -> tuple[SampleConfig, ...]:
    source = configs[matched_source([config.rule for config in configs])]
    shared = {name: source.flat()[name] for name in _matched_fields()}
    return tuple(config.replace(**shared) for config in configs)


def _matched_fields() -> tuple[str, ...]:
    """What all lanes take from one lane: all but the rule and what its scores use."""
    return ("steps", "schedule", *Rule.parameters(matched=True))


def _equalise_passes(configs: tuple[SampleConfig, ...], count: int) -> tuple[SampleConfig, ...]:
    """Give the cheaper of the first `count` lanes more steps, up to the passes of the dearest."""
    passes = max(config.passes for config in configs[:count])
    equal = tuple(config if config.passes == passes else _with_passes(config, passes) for config in configs[:count])
    return equal + configs[count:]


def _with_passes(config: SampleConfig, passes: int) -> SampleConfig:
    steps = -(-passes // RULES[config.rule].passes_per_step)
    if steps > MAX_STEPS:
        rule = RULES[config.rule].label
        raise Wrong("errors.too_many_steps", passes=passes, steps=steps, rule=rule, most=MAX_STEPS)
    return config.replace(steps=steps)


def affects_run(name: str, rule: str, matched: bool, is_source: bool) -> bool:
    """Whether a lane's control changes its run. `is_source`: whether the lane is the `matched_source`."""
    if name in ("rule", "steps", "schedule"):
        used = name != "schedule" or matched or RULES[rule].uses_schedule
    else:
        used = name in RULES[rule].parameters(matched)
    return used and (is_source or not matched or name not in _matched_fields())
