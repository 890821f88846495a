"""Typed endpoints for programs: Gradio's clients, its own page of the API, and, with --mcp, tools of language models.

Each is a plain function of JSON values; its name, types and text are what is shown of it. ValueError for what is
wrong. The page itself uses none.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from app.context import Context
from app.features.compare import run_lanes
from app.features.exports import export_run
from app.features.gallery import draw_gallery
from app.features.refine import read_data_url, read_picture
from app.features.settings import complete_controls
from app.features.swap import decode_tokens, read_tokens
from app.frames import to_data_url
from app.interleave import last_step
from engine.refine import refine
from engine.session import Session
from engine.settings import short

NAMES = ("run", "gallery", "refine", "score", "encode", "decode", "export")


def make_functions(context: Context) -> list[Callable[..., Any]]:
    """The endpoints in the order of NAMES."""
    worker = context.packs.worker

    def open_pack(pack: str) -> Session:
        return context.packs.session(pack or context.packs.first)

    def controls_of(pack: str, label: str, seed: int, steps: int, left: str, right: str) -> dict[str, Any]:
        session = open_pack(pack)
        given: dict[str, Any] = {"pack": session.pack.name, "label": label or session.classes[0], "seed": seed}
        for suffix, rule in (("_1", left), ("_2", right)):
            own = session.settings(rule=rule)
            given |= {f"rule{suffix}": rule, f"steps{suffix}": steps}
            given |= {f"{name}{suffix}": value for name, value in own.parameters.items()}
        return complete_controls(context, given)

    def run(
        label: str = "", seed: int = 0, steps: int = 18, left: str = "maskgit", right: str = "critic", pack: str = ""
    ) -> Iterator[dict]:  # type: ignore[type-arg]
        """Draw one picture with two selection rules from the same noise, and stream every step.

        The first frame has the kind "begin", then one of the kind "steps" for each step of both lanes, then "end".
        Arrays are base64 of little-endian bytes, pictures data URLs. `label` is a class of the pack.
        """
        yield from run_lanes(context, controls_of(pack, label, seed, steps, left, right), "api")

    def gallery(
        label: str = "",
        seed: int = 0,
        count: int = 4,
        steps: int = 18,
        left: str = "maskgit",
        right: str = "critic",
        pack: str = "",
    ) -> list[dict]:  # type: ignore[type-arg]
        """Draw `count` pictures (1 to 64) with each of two rules, for one seed after another.

        Returns for each its lane (0 or 1), seed, picture (data URL) and the critic's mean score.
        """
        frames = draw_gallery(context, count, controls_of(pack, label, seed, steps, left, right), "api")
        return [step for frame in frames for step in frame.get("steps", [])]

    def refine_picture(
        tokens: list[int], label: str = "", fraction: float = 0.6, seed: int = 0, pack: str = ""
    ) -> dict:  # type: ignore[type-arg]
        """Mask the share `fraction` of a finished picture that the critic finds least real, and draw it anew.

        Returns its tokens, its picture (data URL), and the critic's mean score before and after.
        """
        session, label, codes = checked(pack, label, tokens)
        config = session.settings(rule="critic", label=label, seed=seed)
        seat, run = worker.seat("api"), context.runs.start(session.pack.name, (), {})
        try:
            steps = seat.submit(refine, session, config, codes, fraction).result()
            last = last_step(steps, seat, lambda: bool(run.stop_reason))
            if last is None:
                raise ValueError(f"the refinement has ended early: {run.stop_reason}")
        finally:
            run.end_reason = run.stop_reason or "done"
        after = last.proposal
        scores = [float(seat.submit(session.score, one, label).result().mean()) for one in (codes, after)]
        picture = to_data_url(seat.submit(session.decode, after).result()[0])
        return {
            "tokens": after[0].tolist(),
            "picture": picture,
            "score_before": scores[0],
            "score_after": scores[1],
        }

    def score(tokens: list[int], label: str = "", pack: str = "") -> list[float]:
        """The critic's probability that each token of a picture is real, not told how many are new."""
        session, label, codes = checked(pack, label, tokens)
        return [float(x) for x in worker.submit(session.score, codes, label).result()[0]]

    def encode(picture: str, pack: str = "") -> list[int]:
        """The tokens of a picture: a data URL of a PNG, JPEG, WebP or GIF, whose centre square is taken."""
        session = open_pack(pack)
        image = read_picture(read_data_url(picture), session.tokenizer_config.image_size)
        return [int(x) for x in worker.submit(session.encode, image[None]).result()[0]]

    def decode(tokens: list[int], pack: str = "") -> str:
        """The picture of tokens, as a data URL (PNG)."""
        return str(decode_tokens(context, pack or context.packs.first, tokens)["picture"])

    def export(run: str, kind: str = "json", lanes: str = "all", at: int = 0) -> dict:  # type: ignore[type-arg]
        """A file of a finished run, by the id in its frames: gif, webp, png, pdf, svg or json.

        Returns its name and its content as base64.
        """
        name, content = export_run(context, run, kind, lanes, at)
        return {"name": name, "content": base64.b64encode(content).decode()}

    def checked(pack: str, label: str, tokens: list[int]) -> tuple[Session, str, np.ndarray]:
        session = open_pack(pack)
        label = label or session.classes[0]
        if not isinstance(label, str):
            raise ValueError(f"label={short(label)}: expected a class")
        return session, label, read_tokens(session, tokens)

    refine_picture.__name__ = "refine"
    return [run, gallery, refine_picture, score, encode, decode, export]
