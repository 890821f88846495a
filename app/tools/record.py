"""Record the presets of the page: python -m app.tools.record [--seeds 40] [PRESET ...]

Tries each preset for many seeds. Counts the seeds that show its effect (app/features/presets.py), and those that show
the opposite. Of the former it records the one in which the pack's classifier favours the preset's lane most.
Prints one line per preset. A run of a lesson (LESSON_RUNS there) is recorded as it is.
Run it again when the weights or the pack's settings change: a recording stores which weights made it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from app.context import Context
from app.features.compare import run_lanes
from app.features.presets import LESSON_RUNS, MIN_REVOKED, PLAIN_RATIO, PRESETS, Preset, Recording, Times
from app.features.settings import complete_controls
from app.packs import Packs
from app.request import RunRequest, initial_configs, lane_values, resolve
from engine import cli
from engine.checks import Check, open_checks
from engine.session import Session
from engine.step import State

KEYS = (*PRESETS, *LESSON_RUNS)


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m app.tools.record", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("presets", nargs="*", help=f"which: {', '.join(KEYS)}; default: all")
    parser.add_argument("--seeds", type=int, default=40, help="seeds that are tried")
    given = parser.parse_args(argv)
    unknown = [key for key in given.presets if key not in KEYS]
    if unknown or given.seeds < 1:
        parser.error(f"unknown preset {unknown[0]!r}" if unknown else f"--seeds {given.seeds}: expected at least 1")
    context = Context(packs=Packs())
    for key in given.presets or KEYS:
        made = record_lesson_run(context, key) if key in LESSON_RUNS else record(context, key, given.seeds)
        counts = {"shows": made.shows, "against": made.against, "tried": made.tried}
        line = {"preset": key, "seed": made.controls["seed"], **counts, "file": str(made.save())}
        print(json.dumps(line), flush=True)


def record(context: Context, key: str, seeds: int) -> Recording:
    """Try seeds 0, 1, ..., and record the one that shows the effect most."""
    preset = PRESETS[key]
    session = context.packs.session(preset.pack)
    checks = list_checks(session, preset.label) if preset.shows == "whole" else []
    bar = tqdm(range(seeds), desc=key, disable=None, file=sys.stderr)
    found = [try_seed(context, preset, seed, checks) for seed in bar]
    seed = max(range(seeds), key=lambda seed: (found[seed][0], found[seed][2]))
    counts = {"shows": sum(shows for shows, _, _ in found), "against": sum(against for _, against, _ in found)}
    return run_and_record(context, key, get_controls(context, preset, seed), **counts, tried=seeds)


def record_lesson_run(context: Context, key: str) -> Recording:
    """Record a run that a lesson shows."""
    return run_and_record(context, key, get_lesson_controls(context, key), shows=0, against=0, tried=0)


def run_and_record(context: Context, key: str, controls: dict[str, Any], **counts: int) -> Recording:
    """Run what the controls say, and record its frames."""
    frames = list(run_lanes(context, controls))
    pack, dropped = str(controls["pack"]), ("run", "at")  # of this one run
    return Recording(
        key=key,
        pack=pack,
        weights=context.packs.session(pack).pack.fingerprint(),
        frames=[{name: value for name, value in frame.items() if name not in dropped} for frame in frames],
        **counts,
    )


def get_lesson_controls(context: Context, key: str) -> dict[str, Any]:
    """Return all controls of a lesson's run. Each lane has the pack's own settings of its rule."""
    given = LESSON_RUNS[key]
    session = context.packs.session(given["pack"])
    firsts = [
        session.settings(rule=given.get(f"rule_{i}", one.rule)) for i, one in enumerate(initial_configs(session), 1)
    ]
    lanes = {f"{name}_{i}": value for i, one in enumerate(firsts, 1) for name, value in lane_values(one).items()}
    return complete_controls(context, {**lanes, **given})


def try_seed(context: Context, preset: Preset, seed: int, checks: Sequence[Check]) -> tuple[bool, bool, float]:
    """Return whether a seed shows the effect, whether it shows the opposite, and a margin.

    The margin is how much more probable the classifier finds the class in the better lane's picture.
    """
    session = context.packs.session(preset.pack)
    lanes = resolve(session, RunRequest.from_controls(get_controls(context, preset, seed)))
    runs = [list(session.run(lane.config)) for lane in lanes]
    finals = [steps[-1].proposal for steps in runs]
    pictures = session.decode(np.concatenate(finals))
    probabilities = session.recognise(pictures, preset.label)
    faulty = find_faults(checks, pictures)
    revoked = [sum(int(step.count(State.REVOKED)[0]) for step in steps) for steps in runs]
    distinct = [np.unique(final).size for final in finals]

    def shows(mine: int, other: int) -> bool:
        return {
            "named": bool(probabilities[mine] > 0.5 > probabilities[other]),
            "whole": faulty[other] and not faulty[mine],
            "plainer": distinct[other] < PLAIN_RATIO * distinct[mine],
            "revokes": revoked[mine] >= MIN_REVOKED and not revoked[other],
        }[preset.shows]

    mine, other = preset.better, 1 - preset.better
    return shows(mine, other), shows(other, mine), float(probabilities[mine] - probabilities[other])


def list_checks(session: Session, label: str) -> list[Check]:
    """Return the checks of a class of avatars."""
    return [styles[label] for styles in open_checks(session.pack.pictures()).values() if label in styles]


def find_faults(checks: Sequence[Check], pictures: np.ndarray) -> list[bool]:
    """Say of each picture whether any of the checks finds a fault."""
    return [any(check.faults(one[None]).any() for check in checks) for one in pictures]


def get_controls(context: Context, preset: Preset, seed: int) -> dict[str, Any]:
    """Return all controls: the page's first values, changed as the preset says."""
    session, given = context.packs.session(preset.pack), preset.values
    first = initial_configs(session)[:2]
    left, right = (session.settings(rule=given.get(f"rule_{i}", one.rule)) for i, one in enumerate(first, 1))
    if preset.alike:
        left = right.replace(rule=left.rule)
    lanes = {f"{name}_{i}": value for i, one in enumerate((left, right), 1) for name, value in lane_values(one).items()}
    own = {name: one.factor * lanes[name] if isinstance(one, Times) else one for name, one in given.items()}
    chosen = {"pack": preset.pack, "label": preset.label, "seed": seed}
    return complete_controls(context, {**chosen, **lanes, **own})


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
