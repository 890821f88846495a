"""What the controls are set to, which of them are shown, and what they would run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.context import Context
from app.features.compare import describe_lane
from app.frames import Frame
from app.request import (
    MAX_LANES,
    SUFFIXES,
    RunRequest,
    affects_run,
    control_names,
    initial_configs,
    lane_fields,
    lane_values,
    matched_source,
    resolve,
    upgrade_version_1,
)
from engine.rules import RULES


class PackOptions(NamedTuple):
    """What a pack offers."""

    classes: list[tuple[str, str]]  # name, picture as a data URL
    rules: list[str]
    lanes: list[list[Any]]  # first values of each lane's controls, in the order of `lane_fields`


def complete_values(context: Context, given: Mapping[str, Any]) -> list[Any]:
    """Return the values of all controls in order. Those that are not given have their first values.

    Raises ValueError for an unknown name, or where the values cannot be run.
    """
    if unknown := sorted(map(str, given.keys() - set(control_names()))):
        raise ValueError(f"unknown control {unknown[0]!r}: one of {', '.join(control_names())}")
    pack = given.get("pack", context.packs.first)
    session = context.packs.session(pack, loaded=False)
    shared = {"pack": pack, "label": session.classes[0], "seed": 0, "equal_passes": False, "matched": False}
    lanes = {
        f"{field}{suffix}": value
        for suffix, config in zip(SUFFIXES, initial_configs(session), strict=True)
        for field, value in lane_values(config).items()
    }
    values = [{**shared, "third": None, **lanes, **given}[name] for name in control_names()]
    resolve(session, RunRequest.from_values(values))  # refuse now, not when the run's turn has come
    return values


def plan_run(context: Context, *values: Any) -> Frame:
    """Return what the controls would run: rule, steps and passes of each lane, or what is wrong."""
    request = RunRequest.from_values(values)
    try:
        lanes = resolve(context.packs.session(request.pack), request)
    except ValueError as error:
        return {"kind": "plan", "wrong": str(error), "pack": "", "lanes": []}
    return {"kind": "plan", "wrong": "", "pack": request.pack, "lanes": [describe_lane(lane) for lane in lanes]}


def get_controls(context: Context, run_id: object) -> dict[str, Any]:
    """Return the controls that a run was started with, or {}."""
    run = context.runs.get(run_id)
    return run.controls if run is not None else {}


def parse_query(context: Context, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the controls that an address sets, or {}. Its values are JSON, or plain words.

    An address with the hashes of a run says which version of the sampler made it; version 1 said nothing.
    Raises ValueError for an unknown pack; all other values are checked when they are run.
    """
    given = {name: _parse_value(query[name]) for name in control_names() if name in query}
    if not given:
        return {}
    if "hash" in query and query.get("version", "1") == "1":
        given = upgrade_version_1(given)
    session = context.packs.session(given.get("pack", context.packs.first), loaded=False)
    return {"pack": context.packs.first, "label": session.classes[0], **given}


def get_pack_options(context: Context, pack: object) -> PackOptions:
    """Return what a pack offers. Raises ValueError for an unknown pack."""
    session = context.packs.session(pack, loaded=False)
    return PackOptions(
        classes=list(zip(session.classes, context.packs.class_pictures(str(pack)), strict=True)),
        rules=list(session.rules),
        lanes=[list(lane_values(config).values()) for config in initial_configs(session)],
    )


def get_third_values(context: Context, *values: Any) -> list[Any]:
    """Return the third lane's values in the order of `lane_fields`. A branch starts with those of its lane.

    An own picture takes the right lane's: at first Token-Critic's, as in the paper.
    """
    request = RunRequest.from_values(values)
    third: Any = request.third if isinstance(request.third, dict) else {}
    parent = MAX_LANES - 2 if "tokens" in third else third.get("lane")
    if parent not in range(MAX_LANES - 1):
        return [request.lanes[-1][name] for name in lane_fields()]
    try:
        session = context.packs.session(request.pack, loaded=False)
        lanes = resolve(session, dataclasses.replace(request, third=None))
    except ValueError:  # the plan that follows reports it
        return [request.lanes[parent][name] for name in lane_fields()]
    flat = lanes[parent].config.flat()  # with equal passes it may have more steps than its slider says
    return [flat.get(name, request.lanes[parent][name]) for name in lane_fields()]


def get_rule_defaults(context: Context, pack: object, rule: object) -> list[Any]:
    """Return the values of a lane's other controls for a new rule, in the order of `lane_fields`."""
    config = context.packs.session(pack, loaded=False).settings(rule=rule)
    return [value for name, value in lane_values(config).items() if name != "rule"]


def get_visible_controls(rules: Sequence[object], matched: object) -> list[list[bool]]:
    """Return for each lane which of its controls change the run, in the order of `lane_fields`."""
    known = [rule if isinstance(rule, str) and rule in RULES else "critic" for rule in rules]
    source = matched_source(known)
    return [
        [affects_run(name, rule, matched is True, i == source) for name in lane_fields()]
        for i, rule in enumerate(known)
    ]


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return text
