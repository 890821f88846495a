"""Run two or three lanes side by side, and answer questions about a run."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import closing
from typing import Any

import numpy as np

from app.context import Context
from app.features.settings import describe_lane, visible_controls
from app.frames import Frame, encode_array, pack_step
from app.interleave import group, interleave, prefetch
from app.request import RunRequest, check_budget, resolve, used_controls
from app.runs import Run
from app.text.words import name_class
from engine.session import Session
from engine.step import Step


def run_lanes(context: Context, controls: Mapping[str, Any], visitor: str = "") -> Iterator[Frame]:
    """Sample all lanes; a frame holds one step of each lane. `visitor` is who takes turns with others.

    Raises ValueError before the first frame where one of the controls (all, name -> value) is wrong.
    """
    request = RunRequest.from_controls(controls)
    session = context.packs.session(request.pack)
    lanes = resolve(session, request)
    worker = context.packs.worker.seat(visitor, long=check_budget(lanes))
    run = context.runs.start(request.pack, lanes, used_controls(controls, len(lanes)))
    try:
        yield begin_frame(context, session, run)
        with closing(_compute(context, session, run, worker)) as batches:
            for batch in batches:
                steps = [{"lane": lane, **pack_step(step, picture)} for lane, step, picture in batch]
                for lane, step, picture in batch:
                    run.add_step(lane, step, picture)
                yield run.frame("steps", steps=steps)
                if run.stop_reason:
                    break
        run.end_reason = "done" if run.complete else run.stop_reason
        yield run.frame("end", why=run.end_reason, scores=_mean_scores(worker, session, run))
    finally:
        run.end_reason = run.end_reason or "stopped"  # the visitor has gone, or an error is raised


def _compute(
    context: Context, session: Session, run: Run, worker: Executor
) -> Generator[list[tuple[int, Step, np.ndarray]]]:
    """Yield the next step of each lane, from `worker` or from a GPU that is lent."""
    if context.gpu is None:
        yield from prefetch(group(interleave(session, run.lanes), len(run.lanes)), worker)
        return
    with closing(context.gpu.interleave(session, run)) as items:
        yield from group(items, len(run.lanes))


def begin_frame(context: Context, session: Session, run: Run, **more: Any) -> Frame:
    """Return the first frame of a run."""
    return run.frame(
        "begin",
        pack=run.pack,
        ask=run.controls,
        label=name_class(context.words, run.lanes[0].config.label),
        grid=session.tokenizer_config.grid,
        critic=session.pack.has("critic"),  # without loading it
        lanes=[describe_lane(context, lane) for lane in run.lanes],
        visible=visible_controls(run.controls),
        **more,
    )


def stop_run(context: Context, run: object) -> dict[str, Any]:
    """Stop a run before its next step. Says whether there is one of that id."""
    found = context.runs.get(run)
    if found is not None:
        found.stop()
    return {"stopped": found is not None}


def get_patches(context: Context, pack: object) -> dict[str, Any]:
    """Return pictures of all tokens of a pack, or {} for an unknown pack."""
    return context.packs.patches(pack) if pack in context.packs.names else {}


def score_tokens(context: Context, run: object, lane: object) -> dict[str, Any]:
    """Score the picture of a finished lane with the critic: one more pass, which sampling does not need.

    Returns {} where the run is not kept, or {"wrong": message}.
    """
    found = context.runs.get(run)
    if found is None or not found.complete or lane not in range(len(found.lanes)):
        return {}
    session, index = context.packs.session(found.pack), int(lane)  # type: ignore[call-overload]
    final = found.steps[index][-1][0].proposal  # (1, N)
    label = found.lanes[index].config.label or ""
    try:
        scores = context.packs.worker.submit(session.score, final, label).result()[0]
    except ValueError as error:
        return {"wrong": context.say(error)}
    return {"scores": encode_array(scores, "<f4"), "mean": float(scores.mean())}


def _mean_scores(worker: Executor, session: Session, run: Run) -> list[float]:
    """Return the critic's mean score of each lane's picture, one pass for all; [] for an unfinished run."""
    if session.critic is None or not run.complete:
        return []
    finals = np.concatenate([steps[-1][0].proposal for steps in run.steps])  # (lanes, N)
    scores = worker.submit(session.score, finals, run.lanes[0].config.label or "").result()
    return [float(score) for score in scores.mean(1)]
