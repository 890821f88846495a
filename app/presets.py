"""Runs worth looking at: their settings, and how they were recorded (python -m app.record)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from app.assets import ASSETS

FOLDER = ASSETS / "recorded"
FIRST = "first-look"  # what the page opens with
TAKEN_BACK = 30  # tokens: from here on a lane counts as one that revokes
PLAIN = 0.75  # of the other picture's different tokens: with fewer a picture counts as plainer


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Controls that differ from the page's first ones, and what a seed has to show.

    `better`: the lane that the preset speaks for. A seed shows it where, by `shows`,
    - "named": the pack's classifier, which has no part in sampling, finds the class in that lane's picture only;
    - "plainer": the other lane's picture has fewer than PLAIN of its different tokens;
    - "revokes": that lane takes back TAKEN_BACK tokens or more, and the other none.
    """

    label: str
    better: int
    values: Mapping[str, Any]
    shows: str = "named"


PRESETS: dict[str, Preset] = {
    FIRST: Preset(label="Person", better=1, values={}, shows="revokes"),
    "early": Preset(label="Hands & body", better=1, values={}),
    "locked": Preset(label="Hands & body", better=1, values={"rule_1": "critic-locked"}),
    "self": Preset(  # both lanes as the critic does best
        label="Animals",
        better=1,
        shows="plainer",
        values={"rule_1": "self-revoking", "noise_K_1": 2.0, "temp_a_1": 0.1, "temp_b_1": 0.9},
    ),
    "sure": Preset(
        label="Objects", better=1, shows="plainer", values={"rule_2": "maskgit", "choice_temperature_1": 4.5}
    ),
    "noise": Preset(label="Hands & body", better=0, values={"rule_1": "critic", "noise_K_2": 4.0}),
    "no-noise": Preset(label="Food", better=0, values={"rule_1": "critic", "noise_K_2": 0.0}, shows="plainer"),
    "hot": Preset(label="Family", better=0, values={"rule_1": "critic", "temp_b_2": 1.5}),
    "passes": Preset(label="Action", better=1, values={"equal_passes": True}),
}


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A preset as it ran, for the seed out of `tried` that shows it most."""

    key: str
    pack: str
    weights: str  # fingerprint
    shows: int  # seeds out of `tried` that show it
    against: int  # that show the opposite: the lanes the other way round
    tried: int
    frames: Sequence[dict[str, Any]]  # as a run sends them

    @property
    def ask(self) -> dict[str, Any]:
        """The controls that it was recorded with."""
        return dict(self.frames[0]["ask"])

    def store(self) -> Path:
        FOLDER.mkdir(parents=True, exist_ok=True)
        file = _file(self.key)
        text = json.dumps(vars(self), allow_nan=False, ensure_ascii=False)
        file.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
        return file


def load(key: object) -> Recording:
    """The recording of a preset. ValueError where there is none."""
    if not isinstance(key, str) or key not in PRESETS or not _file(key).is_file():
        raise ValueError(f"no recorded preset {str(key)[:40]!r}: one of {', '.join(recorded())}")
    return _read(key)


@cache
def _read(key: str) -> Recording:
    """Once: every visit asks which presets there are."""
    return Recording(**json.loads(gzip.decompress(_file(key).read_bytes())))


def recorded() -> Iterator[str]:
    """The presets that there is a recording of."""
    return (key for key in PRESETS if _file(key).is_file())


def made_with(pack: str, weights: str) -> list[str]:
    """The presets that were recorded with these weights."""
    return [one.key for one in map(load, recorded()) if (one.pack, one.weights) == (pack, weights)]


def _file(key: str) -> Path:
    return FOLDER / f"{key}.json.gz"
