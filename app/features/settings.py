"""What the controls are set to, which of them are shown, and what they would run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.context import Context
from app.request import (
    SUFFIXES,
    Lane,
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
from app.text.words import Words
from engine.rules import RULES
from engine.session import Session

Controls = dict[str, Any]  # name -> value
HASH_LETTERS = 4  # of a step, in a link (assets/js/features/permalink.js)


def complete_controls(context: Context, given: Mapping[str, Any]) -> Controls:
    """Return all controls in their order. Those that are not given have their first values.

    Raises ValueError for an unknown name, or where the values cannot be run.
    """
    controls = _fill(context, given)
    session = context.packs.session(controls["pack"], loaded=False)
    resolve(session, RunRequest.from_controls(controls))  # refuse now, not when the run's turn has come
    return controls


def resolve_controls(
    context: Context, controls: Mapping[str, Any], changed: Sequence[str] = (), offered: str = ""
) -> dict[str, Any]:
    """Return what the controls are after a change, which of them are shown, and what they would run.

    `changed` names the controls that the visitor changed: a new pack brings its classes and settings, a new rule its
    settings, but not in place of what was changed, too. A third lane that leaves a picture goes with that picture's
    pack. `offered` is the pack whose choices the page has: for
    another one the answer holds the choices. Raises ValueError for an unknown name, pack or rule.
    """
    full = _fill(context, controls)
    if not isinstance(changed, list | tuple) or any(name not in full for name in map(str, changed)):
        raise ValueError(f"changed={str(changed)[:40]!r}: expected a list of names of controls")
    session = context.packs.session(full["pack"], loaded=False)
    if "pack" in changed:
        if full["label"] not in session.classes:
            full["label"] = session.classes[0]
        if full["third"] and "third" not in changed:
            full["third"] = None
        for suffix, config in zip(SUFFIXES, initial_configs(session), strict=True):
            _set_lane(full, suffix, lane_values(config), changed)
    for suffix in SUFFIXES:
        if f"rule{suffix}" in changed:
            settings = lane_values(session.settings(rule=full[f"rule{suffix}"]))
            _set_lane(full, suffix, settings, changed)
    return {
        "controls": full,
        "visible": visible_controls(full),
        "choices": None if full["pack"] == offered else pack_choices(context, full["pack"]),
        "plan": plan_lanes(context, full),
    }


def open_link(context: Context, query: Mapping[str, str], offered: str = "") -> dict[str, Any]:
    """Return what an address asks for, as `resolve_controls` does; "wrong" says that the link was cut off.

    The values of an address are JSON, or plain words. The address of a run begins with the version of the sampler and
    ends with the hashes of its steps; version 1 did not say its version. Of a link without its end the last control is
    left out: half of a value can look like a value. Raises ValueError for an unknown pack.
    """
    if not isinstance(query, Mapping) or not all(isinstance(text, str) for text in query.values()):
        raise ValueError("query: expected an object: texts by name")
    is_cut = "version" in query and "hash" not in query
    whole = list(query)[:-1] if is_cut else list(query)
    given = {name: _parse_value(query[name]) for name in control_names() if name in whole}
    if "hash" in query and query.get("version", "1") == "1":
        given = upgrade_version_1(given)
    found = resolve_controls(context, given, offered=offered)
    if "hash" in query:
        hashes = "_".join("0" * HASH_LETTERS * lane["steps"] for lane in found["plan"]["lanes"])
        is_cut = len(query["hash"]) < len(hashes)
    return {**found, "wrong": context.words["stage"]["link_cut"]} if is_cut else found


def plan_lanes(context: Context, controls: Controls) -> dict[str, Any]:
    """Return what the controls would run: rule, steps and passes of each lane, or what is wrong."""
    try:
        session = context.packs.session(controls["pack"])
        lanes = resolve(session, RunRequest.from_controls(controls))
    except ValueError as error:
        return {"wrong": context.say(error), "pack": "", "lanes": []}
    return {"wrong": "", "pack": controls["pack"], "lanes": [describe_lane(context, lane) for lane in lanes]}


def describe_lane(context: Context, lane: Lane) -> dict[str, Any]:
    """Return what the page shows of a lane before its first step."""
    return {
        "name": name_rule(context.words, lane.config.rule),
        "steps": lane.steps,
        "continues": lane.continues,
        "passes": lane.passes,
        "passes_per_step": lane.passes_per_step,
        "settings": lane.config.flat(),
        "origin": dataclasses.asdict(lane.branch) if lane.branch else None,
    }


def name_rule(words: Words, rule: str) -> str:
    """Return a rule's name. A new one has none in the words yet, but its own."""
    return str(words["names"]["rules"].get(rule, RULES[rule].label))


def visible_controls(controls: Mapping[str, Any]) -> dict[str, bool]:
    """Return which of the lanes' controls change the run: name -> bool."""
    rules = [controls.get(f"rule{suffix}") for suffix in SUFFIXES]
    known = [rule if isinstance(rule, str) and rule in RULES else "critic" for rule in rules]
    source, matched = matched_source(known), controls.get("matched") is True
    return {
        f"{name}{suffix}": affects_run(name, rule, matched, i == source)
        for i, (suffix, rule) in enumerate(zip(SUFFIXES, known, strict=True))
        for name in lane_fields()
    }


def pack_choices(context: Context, pack: str) -> dict[str, list[tuple[str, ...]]]:
    """Return the choices that a pack offers: its classes, each with a picture as a data URL, and its rules."""
    session = context.packs.session(pack, loaded=False)
    classes: list[tuple[str, ...]] = list(zip(session.classes, context.packs.class_pictures(pack), strict=True))
    return {"label": classes, **{f"rule{suffix}": list_rules(session) for suffix in SUFFIXES}}


def list_rules(session: Session) -> list[tuple[str, ...]]:
    """Return (rule, name) of each rule, and the command that trains a critic beside those that lack it in this pack."""
    command = session.pack.train_command("critic")
    can = [(rule, RULES[rule].label) for rule in session.rules]
    return [*can, *((rule, RULES[rule].label, command) for rule in RULES if rule not in session.rules)]


def _fill(context: Context, given: Mapping[str, Any]) -> Controls:
    """Return all controls in their order, the others with their first values. Raises ValueError for unknown names."""
    if not isinstance(given, Mapping):
        raise ValueError("controls: expected an object: values by name")
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
    return {name: {**shared, "third": None, **lanes, **given}[name] for name in control_names()}


def _set_lane(controls: Controls, suffix: str, values: Mapping[str, Any], changed: Collection[str]) -> None:
    """Set a lane's controls, but for those that the visitor changed."""
    controls.update({f"{name}{suffix}": value for name, value in values.items() if f"{name}{suffix}" not in changed})


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return text
