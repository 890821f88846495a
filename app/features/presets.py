"""Presets: settings that show one thing each, and their recorded runs (python -m app.tools.record)."""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from app.assets import ASSETS
from app.context import Context
from app.features.compare import begin_frame
from app.frames import Frame, read_picture, unpack_step
from app.request import RunRequest, resolve
from app.text import presets as text
from engine.step import Step

FOLDER = ASSETS / "recorded"
FIRST = "first-look"  # the page opens with it
MIN_REVOKED = 30  # tokens that a lane takes back to show "revokes"
PLAIN_RATIO = 0.75  # a picture with fewer than this share of the other's distinct tokens is plainer


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Controls that differ from the page's first ones, and the effect that a seed has to show.

    `better` is the lane that the preset speaks for. `shows` names the effect:
    - "named": the pack's classifier, which has no part in sampling, finds the class in that lane's picture only;
    - "plainer": the other lane's picture has fewer than PLAIN_RATIO of its distinct tokens;
    - "revokes": that lane takes back MIN_REVOKED tokens or more, and the other lane none.
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
    """A preset's run, for the seed out of `tried` that shows its effect most. Its fields are the keys on disk."""

    key: str
    pack: str
    weights: str  # fingerprint
    shows: int  # number of seeds that show the effect
    against: int  # number of seeds that show the opposite: the lanes the other way round
    tried: int
    frames: Sequence[Frame]  # as a run sends them

    @property
    def controls(self) -> dict[str, Any]:
        """The controls that it was recorded with: name -> value."""
        return dict(self.frames[0]["ask"])

    @cached_property
    def steps(self) -> list[list[tuple[Step, np.ndarray]]]:
        """The steps of each lane, each with its picture, uint8 (S, S, 3)."""
        lanes: list[list[tuple[Step, np.ndarray]]] = [[] for _ in self.frames[0]["lanes"]]
        for frame in self.frames:
            for step in frame.get("steps", ()):
                lanes[step["lane"]].append((unpack_step(step), read_picture(step)))
        return lanes

    def save(self) -> Path:
        """Write the recording under assets/ and return its path."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = _path(self.key)
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        content = json.dumps(fields, allow_nan=False, ensure_ascii=False)
        path.write_bytes(gzip.compress(content.encode(), 9, mtime=0))
        return path


def play_preset(context: Context, key: object) -> Iterator[Frame]:
    """Yield the frames of a recorded run. It needs no network. Raises ValueError where there is none."""
    recording = load_recording(key)
    session = context.packs.session(recording.pack, loaded=False)
    lanes = resolve(session, RunRequest.from_controls(recording.controls))
    run = context.runs.start(recording.pack, lanes, recording.controls)
    run.end_reason = "recorded"
    run.steps = recording.steps  # all visitors share them, so their bytes are not counted
    yield begin_frame(session, run, recorded=recording.key)
    for frame in recording.frames[1:-1]:
        yield run.frame(**frame)
    yield run.frame(**{**recording.frames[-1], "why": "recorded", "told": describe(recording)})


def describe(recording: Recording) -> str:
    """Return what to look for, and how many seeds show it."""
    preset = PRESETS[recording.key]
    sides = {"lane": text.SIDES[preset.better], "other": text.SIDES[1 - preset.better]}
    how = text.SHOWS[preset.shows].format(**sides, tokens=MIN_REVOKED, plain=PLAIN_RATIO)
    counts = {"tried": recording.tried, "shows": recording.shows, "against": recording.against}
    return text.RECORDED.format(look=text.TITLES_AND_HINTS[recording.key][1], how=how, **counts)


def list_presets(context: Context) -> list[str]:
    """Return the presets that were recorded with the weights of the first pack."""
    pack = context.packs.session(context.packs.first, loaded=False).pack
    return list_recorded_with(pack.name, pack.fingerprint())


def load_recording(key: object) -> Recording:
    """Return the recording of a preset. Raises ValueError where there is none."""
    if not isinstance(key, str) or key not in PRESETS or not _path(key).is_file():
        raise ValueError(f"no recorded preset {str(key)[:40]!r}: one of {', '.join(list_recorded())}")
    return _read(key)


@cache
def _read(key: str) -> Recording:
    """Read a recording once, because every visit asks which presets there are."""
    return Recording(**json.loads(gzip.decompress(_path(key).read_bytes())))


def list_recorded() -> Iterator[str]:
    """Yield the presets that have a recording."""
    return (key for key in PRESETS if _path(key).is_file())


def list_recorded_with(pack: str, weights: str) -> list[str]:
    """Return the presets that were recorded with these weights (a fingerprint)."""
    return [one.key for one in map(load_recording, list_recorded()) if (one.pack, one.weights) == (pack, weights)]


def _path(key: str) -> Path:
    return FOLDER / f"{key}.json.gz"
