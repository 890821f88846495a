"""Record the presets of the page: python -m app.record [--pack emoji] [--seeds 40] [PRESET ...]

Tries a preset for so many seeds, counts how often the lane that should be better is, by the critic's
mean score of the finished picture, and records the seed in which it is most ahead. Prints a line each.
To be run again when the weights change: a recording says which it was made with.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from typing import Any

import numpy as np
from tqdm import tqdm

from app.handlers import Handlers
from app.lanes import FIELDS, Ask, at_first, names, settle
from app.packs import Packs
from app.presets import MARGIN, PRESETS, Preset, Recording


def main(argv: list[str]) -> int:
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
    try:
        packs = Packs(given.pack)
        for key in given.presets or PRESETS:
            made = record(packs, key, given.seeds)
            said = {"preset": key, "seed": made.ask["seed"], "shows": made.shows, "tried": made.tried}
            print(json.dumps({**said, "file": str(made.store())}), flush=True)
    except (ValueError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def record(packs: Packs, key: str, seeds: int) -> Recording:
    """Try seeds 0, 1, ... and run the one that shows most."""
    preset, handlers = PRESETS[key], Handlers(packs=packs)
    session = packs.session(packs.first)
    leads = [lead(packs, preset, seed) for seed in tqdm(range(seeds), desc=key, disable=None, file=sys.stderr)]
    seed = int(np.argmax(leads))
    frames = [frame for frame, _ in handlers.run(*controls(packs, preset, seed))]
    own = ("run", "n", "at")
    return Recording(
        key=key,
        pack=packs.first,
        weights=session.pack.fingerprint(),
        shows=sum(one >= MARGIN for one in leads),
        tried=seeds,
        frames=[{name: value for name, value in frame.items() if name not in own} for frame in frames],
    )


def lead(packs: Packs, preset: Preset, seed: int) -> float:
    """By how much the critic's mean score of the better lane's picture is above that of the other lane's."""
    session = packs.session(packs.first)
    lanes = settle(session, Ask.of(controls(packs, preset, seed)))
    scores = []
    for lane in lanes:
        *_, last = session.run(lane.config)
        scores.append(float(session.score(last.proposal, preset.label).mean()))
    return scores[preset.better] - scores[1 - preset.better]


def controls(packs: Packs, preset: Preset, seed: int) -> list[Any]:
    """The page's first values, changed as the preset says, in the order of the controls."""
    session = packs.session(packs.first)
    lanes = list(at_first(session))
    for i in (0, 1):
        rule = preset.values.get(f"rule_{i + 1}", lanes[i].rule)
        lanes[i] = session.settings(rule=rule)
    values: dict[str, Any] = {"pack": packs.first, "label": preset.label, "seed": seed}
    values |= {"equal_passes": False, "matched": False, "third": None}
    for i, config in enumerate(lanes, 1):
        values |= {f"{name}_{i}": value for name, value in dataclasses.asdict(config).items() if name in FIELDS}
    values |= preset.values
    return [values[name] for name in names()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
