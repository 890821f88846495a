"""Record the presets of the page: python -m app.record [--pack emoji] [--seeds 40] [PRESET ...]

Tries a preset for so many seeds, counts how many show what it is about (app/presets.py) and how many the opposite, and
records of the former the one in which the pack's classifier is most in favour of the lane that it speaks for. Prints
a line each.
To be run again when the weights or the pack's settings change: a recording says which it was made with.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np
from tqdm import tqdm

from app.handlers import Handlers
from app.lanes import Ask, at_first, control_values, settle
from app.packs import Packs
from app.presets import PLAIN, PRESETS, TAKEN_BACK, Preset, Recording, Times
from engine import cli
from engine.step import State


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m app.record", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("presets", nargs="*", help=f"which: {', '.join(PRESETS)}; default: all")
    parser.add_argument("--pack", default="emoji", help="model pack: a name under weights/ or a folder")
    parser.add_argument("--seeds", type=int, default=40, help="seeds that are tried")
    given = parser.parse_args(argv)
    unknown = [key for key in given.presets if key not in PRESETS]
    if unknown or given.seeds < 1:
        parser.error(f"unknown preset {unknown[0]!r}" if unknown else f"--seeds {given.seeds}: expected at least 1")
    packs = Packs(given.pack)
    for key in given.presets or PRESETS:
        made = record(packs, key, given.seeds)
        counts = {"shows": made.shows, "against": made.against, "tried": made.tried}
        print(json.dumps({"preset": key, "seed": made.ask["seed"], **counts, "file": str(made.store())}), flush=True)


def record(packs: Packs, key: str, seeds: int) -> Recording:
    """Try seeds 0, 1, ... and run the one that shows most."""
    preset, handlers = PRESETS[key], Handlers(packs=packs)
    session = packs.session(packs.first)
    found = [judged(packs, preset, seed) for seed in tqdm(range(seeds), desc=key, disable=None, file=sys.stderr)]
    seed = max(range(seeds), key=lambda seed: (found[seed][0], found[seed][2]))
    frames = [frame for frame, _ in handlers.run(*controls(packs, preset, seed))]
    own = ("run", "n", "at")
    return Recording(
        key=key,
        pack=packs.first,
        weights=session.pack.fingerprint(),
        shows=sum(shows for shows, _, _ in found),
        against=sum(against for _, against, _ in found),
        tried=seeds,
        frames=[{name: value for name, value in frame.items() if name not in own} for frame in frames],
    )


def judged(packs: Packs, preset: Preset, seed: int) -> tuple[bool, bool, float]:
    """Whether a seed shows it, whether it shows the opposite, and how much surer of the class the classifier is in
    the better lane's picture.
    """
    session = packs.session(packs.first)
    runs = [list(session.run(lane.config)) for lane in settle(session, Ask.of(controls(packs, preset, seed)))]
    finals = [steps[-1].proposal for steps in runs]
    sure = session.recognise(session.decode(np.concatenate(finals)), preset.label)
    revoked = [sum(int(step.count(State.REVOKED)[0]) for step in steps) for steps in runs]
    different = [np.unique(final).size for final in finals]

    def shows(mine: int, other: int) -> bool:
        return {
            "named": bool(sure[mine] > 0.5 > sure[other]),
            "plainer": different[other] < PLAIN * different[mine],
            "revokes": revoked[mine] >= TAKEN_BACK and not revoked[other],
        }[preset.shows]

    mine, other = preset.better, 1 - preset.better
    return shows(mine, other), shows(other, mine), float(sure[mine] - sure[other])


def controls(packs: Packs, preset: Preset, seed: int) -> list[Any]:
    """The page's first values, changed as the preset says, in the order of the controls."""
    session, given = packs.session(packs.first), preset.values
    first = at_first(session)[:2]
    left, right = (session.settings(rule=given.get(f"rule_{i}", one.rule)) for i, one in enumerate(first, 1))
    if preset.alike:
        left = right.replace(rule=left.rule)
    lanes = {
        f"{name}_{i}": value for i, one in enumerate((left, right), 1) for name, value in control_values(one).items()
    }
    own = {name: one.factor * lanes[name] if isinstance(one, Times) else one for name, one in given.items()}
    return Handlers(packs=packs).values({"label": preset.label, "seed": seed, **lanes, **own})


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
