"""Run two or three lanes side by side, and answer questions about a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from app.context import Context
from app.frames import Frame, encode_array, pack_step
from app.interleave import group, interleave, prefetch
from app.request import Lane, RunRequest, resolve, values_by_name
from app.runs import Run
from engine.rules import RULES
from engine.session import Session


def run_lanes(context: Context, *values: Any) -> Iterator[tuple[Frame, str]]:
    """Sample all lanes. Yields (frame, run id); a frame holds one step of each lane.

    `values` are in the order of `control_names`. Raises ValueError before the first frame where one is wrong.
    """
    request = RunRequest.from_values(values)
    session = context.packs.session(request.pack)
    lanes = resolve(session, request)
    run = context.runs.start(request.pack, lanes, values_by_name(values, len(lanes)))
    try:
        yield run.add_frame(begin_frame(session, run))
        for batch in prefetch(group(interleave(session, run.lanes), len(run.lanes)), context.packs.worker):
            steps = [{"lane": lane, **pack_step(step, picture)} for lane, step, picture in batch]
            for lane, step, picture in batch:
                run.add_step(lane, step, picture)
            yield run.add_frame({"kind": "steps", "steps": steps})
            if run.stop_reason:
                break
        run.end_reason = "done" if run.complete else run.stop_reason
        scores = _mean_scores(context, session, run)
        yield run.add_frame({"kind": "end", "why": run.end_reason, "scores": scores})
    finally:
        run.end_reason = run.end_reason or "stopped"  # the visitor has gone, or an error is raised


def begin_frame(session: Session, run: Run) -> Frame:
    """Return the first frame of a run."""
    return {
        "kind": "begin",
        "pack": run.pack,
        "ask": run.controls,
        "label": run.lanes[0].config.label,
        "grid": session.tokenizer.config.grid,
        "critic": session.critic is not None,
        "lanes": [describe_lane(lane) for lane in run.lanes],
    }


def describe_lane(lane: Lane) -> dict[str, Any]:
    """Return what the page shows of a lane before its first step."""
    return {
        "name": RULES[lane.config.rule].label,
        "steps": lane.steps,
        "continues": lane.continues,
        "passes": lane.passes,
        "passes_per_step": lane.passes_per_step,
        "settings": lane.config.flat(),
        "origin": dataclasses.asdict(lane.branch) if lane.branch else None,
    }


def get_frames_since(context: Context, run_id: object, first: object) -> list[Frame]:
    """Return the frames of a run from number `first` on, for a page that missed them."""
    run = context.runs.get(run_id)
    return run.frames[first:] if run is not None and isinstance(first, int) and first >= 0 else []


def stop_run(context: Context, run_id: object) -> None:
    """Stop a run before its next step."""
    run = context.runs.get(run_id)
    if run is not None:
        run.stop()


def count_active_runs(context: Context) -> int:
    """Return the number of runs under way, of all visitors."""
    return context.runs.active


def get_patches(context: Context, pack: object) -> dict[str, Any]:
    """Return pictures of all tokens of a pack, or {} for an unknown pack."""
    return context.packs.patches(pack) if pack in context.packs.names else {}


def score_tokens(context: Context, run_id: object, lane: object) -> Frame:
    """Score the picture of a finished lane with the critic: one more pass, which sampling does not need.

    Returns {} where the run is not kept, or {"wrong": message}.
    """
    run = context.runs.get(run_id)
    if run is None or not run.complete or lane not in range(len(run.lanes)):
        return {}
    session, index = context.packs.session(run.pack), int(lane)  # type: ignore[call-overload]
    final = run.steps[index][-1][0].proposal  # (1, N)
    label = run.lanes[index].config.label or ""
    try:
        scores = context.packs.worker.submit(session.score, final, label).result()[0]
    except ValueError as error:
        return {"wrong": str(error)}
    return {"scores": encode_array(scores, "<f4"), "mean": float(scores.mean())}


def _mean_scores(context: Context, session: Session, run: Run) -> list[float]:
    """Return the critic's mean score of each lane's picture, one pass for all; [] for an unfinished run."""
    if session.critic is None or not run.complete:
        return []
    finals = np.concatenate([steps[-1][0].proposal for steps in run.steps])  # (lanes, N)
    scores = context.packs.worker.submit(session.score, finals, run.lanes[0].config.label or "").result()
    return [float(score) for score in scores.mean(1)]
