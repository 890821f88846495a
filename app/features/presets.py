"""Presets: settings that show one thing each, and their recorded runs (python -m app.tools.record)."""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from app.assets import ASSETS
from app.context import Context
from app.features.compare import begin_frame
from app.frames import Frame, read_picture, unpack_step
from app.request import Lane, RunRequest, add_unread_parameters, resolve
from app.text.words import Words, fill, name_class
from app.text.wrong import Wrong
from engine import SAMPLING_VERSION
from engine.binomial import mcnemar
from engine.step import Step

FOLDER = ASSETS / "recorded"
FIRST = "first-look"  # the page opens with it
MIN_REVOKED = 30  # tokens that a lane takes back to show "revokes"
LEVEL, LEAST_P = 0.05, 0.001  # above the one, a count may be chance; below the other, p is not written out
PLAIN_RATIO = 0.75  # a picture with fewer than this share of the other's distinct tokens is plainer


@dataclass(frozen=True)
class Times:
    """So many times what the lane begins with: a sweep may change that."""

    factor: float


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Controls of one pack that differ from the page's first ones, and what a seed has to show.

    `differs`: the one control in which the lanes differ. Where that is the rule, each has the pack's own settings,
    unless they are `alike`: then the left lane takes the right one's, and the default of what only its rule reads.
    `better`: the lane that the preset speaks for. A seed shows it where, by `shows`,
    - "named": the pack's classifier, which has no part in sampling, finds the class in that lane's picture only;
    - "whole": a check of the pixels finds a fault in the other lane's picture and none in that one (engine.checks);
    - "plainer": the other lane's picture has fewer than PLAIN_RATIO of its distinct tokens;
    - "revokes": that lane takes back MIN_REVOKED tokens or more, and the other none.
    """

    label: str
    better: int
    differs: str
    pack: str = "emoji"
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
        values={"rule_2": "maskgit", "choice_temperature_1": 0.0},
        shows="plainer",
    ),
    "noise": Preset(label="Hands & body", better=0, differs="noise_K", values={**TWO_CRITICS, "noise_K_2": Times(4)}),
    "no-noise": Preset(
        label="Food", better=0, differs="noise_K", values={**TWO_CRITICS, "noise_K_2": 0.0}, shows="plainer"
    ),
    "hot": Preset(label="Family", better=0, differs="temp_b", values={**TWO_CRITICS, "temp_b_2": 1.5}),
    "passes": Preset(label="Symbols", better=1, differs="rule", values={"equal_passes": True}),
    "people": Preset(pack="avatars", label="Micah", better=1, differs="rule", shows="revokes"),
    "patterns": Preset(pack="avatars", label="Identicon", better=1, differs="rule", shows="whole"),
    "eyes": Preset(
        pack="avatars", label="Pixel Art", better=1, differs="rule", values={"equal_passes": True}, shows="whole"
    ),
    "specks": Preset(
        pack="avatars",
        label="Identicon",
        better=0,
        differs="temp_b",
        values={**TWO_CRITICS, "temp_b_2": 1.2},
        shows="whole",
    ),
}
# Runs that lessons show and that are no presets: controls that differ from the page's first ones.
LESSON_RUNS: dict[str, Mapping[str, Any]] = {
    "refine": {
        "pack": "emoji",
        "label": "Person",
        "seed": 14,
        "rule_3": "critic",
        "third": {"lane": 0, "step": 18, "fraction": 0.6, "round": 2},
    },
}


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A preset's run, for the seed out of `tried` that shows its effect most. Its fields are the keys on disk.

    Or the run of a lesson, for which no seeds were tried.
    """

    key: str
    pack: str
    weights: str  # fingerprint
    shows: int  # number of seeds that show the effect
    against: int  # number of seeds that show the opposite: the lanes the other way round
    tried: int
    frames: Sequence[Frame]  # as a run sends them

    @property
    def controls(self) -> dict[str, Any]:
        """The controls that it was recorded with: name -> value. Parameters of newer rules have their defaults."""
        return add_unread_parameters(self.frames[0]["ask"])

    @property
    def p(self) -> float:
        """p of the exact two-sided sign test: how likely so unequal counts are by chance."""
        return mcnemar(self.shows, self.against)

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
    run.made_by = {"sampling": SAMPLING_VERSION, "pack": recording.pack, "weights": recording.weights}
    yield begin_frame(context, session, run, recorded=recording.key)
    for frame in recording.frames[1:-1]:
        if run.stop_reason:
            run.end_reason = run.stop_reason
            yield run.frame("end", why=run.end_reason, scores=[])
            return
        for step in frame.get("steps", ()):
            sent = run.steps[step["lane"]]
            sent.append(recording.steps[step["lane"]][len(sent)])  # all visitors share it: its bytes are not counted
        yield run.frame(**frame)
    yield run.frame(**{**recording.frames[-1], "why": "recorded", **describe(context.words, recording, lanes)})


def describe(words: Words, recording: Recording, lanes: Sequence[Lane]) -> dict[str, str]:
    """Return how the lanes differ ("told"), and what was counted and whether that may be chance ("counted")."""
    if recording.key in LESSON_RUNS:
        return {"told": "", "counted": ""}
    said, preset = words["presets"], PRESETS[recording.key]
    left, right = ({**lane.config.flat(), "passes": lane.passes} for lane in lanes)
    sides = {"lane": said["sides"][preset.better], "other": said["sides"][1 - preset.better]}
    p = f"p = {recording.p:.2g}" if recording.p >= LEAST_P else f"p < {LEAST_P}"
    look = fill(said["all"][recording.key]["hint"], left=left, right=right)
    sure = "unlikely" if recording.p <= LEVEL else "likely"
    never = preset.shows == "revokes" and not lanes[1 - preset.better].config.make_rule(num_tokens=1).can_revoke
    chance = said["chance"]["ruled" if never else sure]
    counted = fill(
        said["counted"],
        how=fill(said["shows"][preset.shows], **sides, tokens=MIN_REVOKED, plain=PLAIN_RATIO),
        label=name_class(words, preset.label),
        shows=recording.shows,
        against=recording.against,
        tried=recording.tried,
        chance=fill(chance, p=p, **sides),
    )
    return {"told": look, "counted": counted}


def list_presets(context: Context) -> dict[str, list[str]]:
    """Return the presets of each pack that were recorded with its weights."""
    packs = context.packs
    found = {name: list_recorded_with(name, packs.fingerprint(name)) for name in packs.names}
    return {name: keys for name, keys in found.items() if keys}


def load_recording(key: object) -> Recording:
    """Return the recording of a preset or a lesson. Raises ValueError where there is none."""
    if not isinstance(key, str) or key not in {**PRESETS, **LESSON_RUNS} or not _path(key).is_file():
        known = ", ".join([*list_recorded(), *LESSON_RUNS])
        raise Wrong("errors.unknown_preset", name=repr(str(key)[:40]), known=known)
    return _read(key)


@cache
def _read(key: str) -> Recording:
    """Read a recording once, because every visit asks which presets there are."""
    return Recording(**json.loads(gzip.decompress(_path(key).read_bytes())))


def list_recorded() -> Iterator[str]:
    """Yield the presets that have a recording."""
    return (key for key in PRESETS if _path(key).is_file())


def list_recorded_with(pack: str, weights: str) -> list[str]:
    """Return the presets that were recorded with a pack of these weights (a fingerprint)."""
    return [one.key for one in map(load_recording, list_recorded()) if (one.pack, one.weights) == (pack, weights)]


def _path(key: str) -> Path:
    return FOLDER / f"{key}.json.gz"
