"""Runs worth looking at: their settings, and how they were recorded (python -m app.record)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from app.assets import ASSETS
from app.lanes import Lane
from app.text import en
from engine.evaluate.shares import mcnemar

FOLDER = ASSETS / "recorded"
FIRST = "first-look"  # what the page opens with
TAKEN_BACK = 30  # tokens: from here on a lane counts as one that revokes
PLAIN = 0.75  # of the other picture's different tokens: with fewer a picture counts as plainer
LEVEL, LEAST_P = 0.05, 0.001  # above the one, a count may be chance; below the other, p is not written out


@dataclass(frozen=True)
class Times:
    """So many times what the lane begins with: a sweep may change that."""

    factor: float


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Controls that differ from the page's first ones, and what a seed has to show.

    `differs`: the one control in which the lanes differ. Where that is the rule, each has the pack's own settings,
    unless they are `alike`: then the left lane takes the right one's, and the default of what only its rule reads.
    `better`: the lane that the preset speaks for. A seed shows it where, by `shows`,
    - "named": the pack's classifier, which has no part in sampling, finds the class in that lane's picture only;
    - "plainer": the other lane's picture has fewer than PLAIN of its different tokens;
    - "revokes": that lane takes back TAKEN_BACK tokens or more, and the other none.
    """

    label: str
    better: int
    differs: str
    alike: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    shows: str = "named"


TWO_CRITICS = {"rule_1": "critic"}
PRESETS: dict[str, Preset] = {
    FIRST: Preset(label="Person", better=1, differs="rule", shows="revokes"),
    "early": Preset(label="Hands & body", better=1, differs="rule"),
    "locked": Preset(label="Hands & body", better=1, differs="rule", alike=True, values={"rule_1": "critic-locked"}),
    "self": Preset(
        label="Animals", better=1, differs="rule", alike=True, values={"rule_1": "self-revoking"}, shows="plainer"
    ),
    "sure": Preset(
        label="Objects",
        better=1,
        differs="choice_temperature",
        values={"rule_2": "maskgit", "choice_temperature_1": 4.5},
        shows="plainer",
    ),
    "noise": Preset(label="Hands & body", better=0, differs="noise_K", values={**TWO_CRITICS, "noise_K_2": Times(4)}),
    "no-noise": Preset(
        label="Food", better=0, differs="noise_K", values={**TWO_CRITICS, "noise_K_2": 0.0}, shows="plainer"
    ),
    "hot": Preset(label="Family", better=0, differs="temp_b", values={**TWO_CRITICS, "temp_b_2": 1.5}),
    "passes": Preset(label="Action", better=1, differs="rule", values={"equal_passes": True}),
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

    @property
    def p(self) -> float:
        """Of the exact two-sided sign test: could the seeds that show it and the opposite be as many?"""
        return mcnemar(self.shows, self.against)

    def told(self, lanes: Sequence[Lane]) -> str:
        """What the page says of it: how the lanes differ, what was counted, and whether that may be chance."""
        preset = PRESETS[self.key]
        left, right = ({**lane.config.flat(), "passes": lane.passes} for lane in lanes)
        sides = {"lane": en.SIDES[preset.better], "other": en.SIDES[1 - preset.better]}
        p = f"p = {self.p:.2g}" if self.p >= LEAST_P else f"p < {LEAST_P}"
        return en.RECORDED.format(
            look=en.PRESETS[self.key][1].format(left=left, right=right),
            how=en.SHOWS[preset.shows].format(**sides, tokens=TAKEN_BACK, plain=PLAIN),
            label=preset.label,
            shows=self.shows,
            against=self.against,
            tried=self.tried,
            chance=en.CHANCE[self.p > LEVEL].format(p=p),
        )

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
