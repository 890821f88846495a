"""What is folded away below the stage, as plain values: many pictures, files, the game. Knows no component."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from app import frames
from app.exports import EXPORTS, read_trace, step_at
from app.gallery import MOST, drawn, item
from app.handlers import Frame, beginning
from app.lanes import Ask, Lane, by_name, names, of_version_1, settle
from app.packs import Packs
from app.runs import Run, Runs
from app.text import en
from engine import SAMPLING_VERSION
from engine.cli import format_error
from engine.config import SampleConfig
from engine.critic_example import make_critic_example
from engine.data.decode import UNREADABLE, decode, in_one_scan
from engine.session import Session
from engine.step import State, Trace

PICTURES = ("PNG", "JPEG", "WEBP", "GIF")
MOST_SIDE, MOST_PIXELS = 8192, 16_000_000  # of a picture: a small file can unfold to gigabytes
MOST_IN_ONE_SCAN, MOST_IN_SCANS = 50_000_000, 25_000_000  # of a JPEG, which is scaled as it is unfolded
MOST_LETTERS = 22_000_000  # of a data URL: 16 MB of file


class TooLarge(ValueError):
    """A picture of more pixels than are unfolded."""


@dataclass(frozen=True, kw_only=True)
class Folds:
    """Bound to the packs and the runs of one server."""

    packs: Packs
    runs: Runs

    def export(self, run_id: object, kind: object, which: object, at: object) -> tuple[str, bytes]:
        """Name and content of a file made of a finished run, of all its lanes ("all") or of lane "1", "2" or "3".

        `at` is the place of the playhead. ValueError where there is no such run or lane.
        """
        run = self.runs.get(run_id)
        if run is None or not run.steps or not run.complete:
            raise ValueError(en.FILES["none"])
        if not isinstance(kind, str) or kind not in EXPORTS:
            raise ValueError(f"unknown file {kind!r}: one of {', '.join(EXPORTS)}")
        suffix, make = EXPORTS[kind]
        place = at if isinstance(at, int) else 0
        if which != "all":
            run, place = _one_lane(run, which, place)
        content = make(run, self.packs.session(run.pack), place)
        config = run.lanes[0].config
        return f"token-critic-{_plain(config.label or '')}-{config.seed}.{suffix}", content

    def replay(self, content: bytes) -> Iterator[tuple[Frame, str]]:
        """An exported run as if it were run now, and as recorded to the bit. ValueError for what is none."""
        ask, traces = read_trace(content.decode("utf-8", "replace"))
        if ask and _version(traces[0]) == 1:
            ask = of_version_1(ask)
        values = [ask.get(name) for name in names()]
        made_with = traces[0].made_by.get("pack")
        pack = ask.get("pack", made_with if made_with in self.packs.names else self.packs.first)
        session = self.packs.session(pack)
        lanes = settle(session, Ask.of(values)) if ask else tuple(map(_recorded, traces))
        if [lane.steps for lane in lanes] != [len(trace.steps) for trace in traces]:
            raise ValueError("the lanes of this file do not fit what it says was asked for")
        for trace in traces:
            _check(trace, session)
        run = self.runs.start(pack, lanes, ask)
        try:
            yield run.sent(beginning(session, run))
            for lane, trace in enumerate(traces):
                for step in (one.only(0) for one in trace.steps):
                    if run.must_end:
                        break
                    picture = self.packs.worker.submit(session.decode, step.proposal).result()[0]
                    run.note(lane, step, picture)
                    yield run.sent({"kind": "steps", "steps": [{"lane": lane, **frames.pack(step, picture)}]})
            run.ended = run.must_end or "opened"
            told = _made(traces[0], session.pack.fingerprint(), bool(ask))
            yield run.sent({"kind": "end", "why": run.ended, "scores": [], "told": told})
        finally:
            run.ended = run.ended or "stopped"

    def many(self, count: object, *values: Any) -> Iterator[tuple[Frame, str]]:
        """Pictures of the lanes' settings for `count` seeds from the one asked for. Yields (frame, id of the run)."""
        number = int(count) if isinstance(count, str) and count.isdecimal() else count
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST:
            raise ValueError(f"count={str(count)[:40]}: expected 1 to {MOST}")
        ask = Ask.of(values)
        session = self.packs.session(ask.pack)
        lanes = tuple(lane for lane in settle(session, ask) if lane.origin is None)
        label = lanes[0].config.label or ""
        run = self.runs.start(ask.pack, lanes, by_name(values, len(lanes)))
        try:
            yield run.sent({**beginning(session, run), "count": number})
            for lane, i, picture, score in drawn(session, lanes, number, self.packs.worker, lambda: run.must_end):
                run.pictures[lane].append(picture)
                one = item(lane, i, lanes[lane].config.seed, picture, score)
                yield run.sent({"kind": "steps", "steps": [one]})
            run.ended = run.must_end or "done"
            named = [
                self.packs.worker.submit(session.recognise, np.stack(some), label).result().tolist()
                for some in run.pictures
                if some and session.pack.has("classifier")
            ]
            yield run.sent({"kind": "end", "why": run.ended, "scores": named})
        finally:
            run.ended = run.ended or "stopped"

    def nearest(self, run_id: object) -> list[list[float]]:
        """Of each picture of a gallery, lane by lane, the distance to the nearest training picture."""
        run = self.runs.get(run_id)
        if run is None:
            return []
        session = self.packs.session(run.pack)
        return [session.distance_to_training(np.stack(some)).tolist() if some else [] for some in run.pictures]

    def riddle(self, pack: object, seed: object, fraction: object) -> Frame:
        """A round of Spot the fakes, or what is wrong with the wish for one."""
        try:
            session = self.packs.session(pack or self.packs.first)
            config = session.settings(rule="maskgit", seed=seed)
            if not isinstance(fraction, float):
                raise ValueError(f"fraction={str(fraction)[:40]}: expected a share between 0 and 1")
            found = self.packs.worker.submit(make_critic_example, session, config.seed, fraction).result()
            filled, real = self.packs.worker.submit(session.decode, np.stack([found.filled, found.real])).result()
        except (ValueError, FileNotFoundError) as error:
            return {"wrong": format_error(error)}
        return {
            "name": found.name,
            "label": found.label,
            "grid": session.tokenizer_config.grid,
            "hidden": frames.packed(found.hidden, "u1"),
            "scores": frames.packed(found.scores, "<f4"),
            "same": int((found.hidden & (found.real == found.filled)).sum()),
            "filled": frames.data_url(filled),
            "real": frames.data_url(real),
        }

    def own(self, pack: object, label: object, url: object) -> Frame:
        """A picture of the visitor's own, a data URL: its tokens, what they decode to, the critic's scores.

        Or what is wrong with it.
        """
        try:
            session = self.packs.session(pack or self.packs.first)
            config = session.settings(label=label)
            if session.critic is None:
                raise ValueError(en.OWN["no_critic"])
            image = _picture(_content(url), session.tokenizer_config.image_size)
            tokens = self.packs.worker.submit(session.encode, image[None]).result()
            shown = self.packs.worker.submit(session.decode, tokens).result()[0]
            scores = self.packs.worker.submit(session.score, tokens, config.label or "").result()[0]
        except ValueError as error:
            return {"wrong": format_error(error)}
        return {
            "label": config.label,
            "grid": session.tokenizer_config.grid,
            "tokens": tokens[0].tolist(),
            "picture": frames.data_url(image),
            "shown": frames.data_url(shown),
            "scores": frames.packed(scores, "<f4"),
        }


def _picture(content: bytes, size: int) -> np.ndarray:
    """A visitor's picture as uint8 (size, size, 3). ValueError for what is none, or too large to unfold."""
    most = MOST_IN_ONE_SCAN if in_one_scan(content) else MOST_IN_SCANS

    def check(image: Image.Image) -> None:
        few = most if isinstance(image, JpegImageFile) else MOST_PIXELS
        if max(image.size) > MOST_SIDE or image.width * image.height > few:
            raise TooLarge(en.OWN["too_large"])

    try:
        return decode(io.BytesIO(content), size, PICTURES, check)
    except TooLarge:
        raise
    except UNREADABLE as error:
        raise ValueError(en.OWN["no_picture"]) from error


def _one_lane(run: Run, which: object, place: int) -> tuple[Run, int]:
    """A lane as a run of its own, and the place of the playhead in it."""
    known = [str(i + 1) for i in range(len(run.lanes))]
    if which not in known:
        raise ValueError(f"lanes={str(which)[:40]!r}: this run has all, {', '.join(known)}")
    lane = known.index(str(which))
    if run.lanes[lane].origin is not None:
        raise ValueError(en.FILES["branch"])
    longest = max(len(steps) for steps in run.steps)
    return run.only(lane), step_at(run, lane, max(0, min(place, longest - 1)), longest)[0].s


def _content(url: object) -> bytes:
    """The bytes of a data URL. ValueError for what is none."""
    if not isinstance(url, str) or not url.startswith("data:") or len(url) > MOST_LETTERS:
        raise ValueError(en.OWN["no_picture"])
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except ValueError as error:
        raise ValueError(en.OWN["no_picture"]) from error


def _version(trace: Trace) -> int:
    """Of the sampler that made it; the first one did not say it."""
    return int(trace.made_by.get("sampling", 1))


def _recorded(trace: Trace) -> Lane:
    given = of_version_1(trace.settings, ("",)) if _version(trace) == 1 else trace.settings
    settings = SampleConfig.readable(given)
    return Lane(config=SampleConfig.of(**{**settings, "label": trace.labels[0] if trace.labels else None}))


def _check(trace: Trace, session: Session) -> None:
    """ValueError for a trace whose steps are not those of a run of this pack."""
    codes = session.tokenizer_config.codes
    for s, step in enumerate(trace.steps):
        fits = step.s == s and step.state.shape[1] == session.num_tokens and step.state.max() <= max(State)
        if not fits or step.proposal.min() < 0 or max(step.proposal.max(), step.top_tokens.max()) >= codes:
            raise ValueError(f"step {s + 1} of this file is none of pack {session.pack.name!r}, or steps are left out")


def _made(trace: Trace, weights: str, asked: bool) -> str:
    """Where a run from a file was made; `asked`: whether the page's controls can ask for the same."""
    said = {name: str(trace.made_by.get(name, "?"))[:40] for name in ("pack", "device", "cpu", "torch")}
    made = en.OPENED["made"].format(**said)
    if _version(trace) != SAMPLING_VERSION:
        return made + en.OPENED["older"]
    if trace.made_by.get("weights") != weights:
        return made + en.OPENED["other"]
    return made + en.OPENED["again"] if asked else made


def _plain(name: str) -> str:
    """A class as part of a file's name."""
    return re.sub(r"\W+", "-", name).strip("-").lower()
