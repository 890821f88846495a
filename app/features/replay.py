"""Open a run from a file (JSON), and show it as if it ran now."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

from app.context import Context
from app.features.compare import begin_frame
from app.features.exports import JSON_FORMAT
from app.frames import Frame, pack_step
from app.request import (
    MAX_LANES,
    Lane,
    RunRequest,
    add_unread_parameters,
    control_names,
    resolve,
    upgrade_version_1,
)
from app.text.words import Words, fill
from app.text.wrong import Wrong
from engine import SAMPLING_VERSION
from engine.config import MAX_STEPS, SampleConfig
from engine.session import Session
from engine.step import State, Trace

STEP_BYTES = 40 * 2**10  # of a step of 256 tokens in a file: up to 37 KB were measured
MAX_BYTES = MAX_STEPS * (MAX_LANES + 1) * STEP_BYTES  # of a file: a third lane that refines has another's steps, too
BYTES_PER_LIST, MANY_LISTS = 12, 1000  # a run's file has fewer lists; each takes memory before it can be looked at

READING = threading.Lock()  # one file at a time: until they are arrays its values take many times its size


def replay(context: Context, content: bytes, visitor: str = "") -> Iterator[Frame]:
    """Yield the frames of an exported run, with its steps to the bit. `visitor` takes turns with others.

    Raises ValueError before the first frame where the file is none, or does not fit its pack.
    """
    if content.count(b"[") + content.count(b"{") > len(content) / BYTES_PER_LIST + MANY_LISTS:
        raise Wrong("errors.file_of_lists")
    with READING:
        controls, traces = read_traces(content.decode("utf-8", "replace"))
    if controls and _sampler_version(traces[0]) == 1:
        controls = upgrade_version_1(controls)
    controls = add_unread_parameters(controls)
    controls = {name: controls[name] for name in control_names() if name in controls}  # others the page does not know
    trace_pack = traces[0].made_by.get("pack")
    pack = controls.get("pack", trace_pack if trace_pack in context.packs.names else context.packs.first)
    session = context.packs.session(pack)
    lanes = resolve(session, RunRequest.from_controls(controls)) if controls else tuple(map(_lane_of, traces))
    if [lane.steps for lane in lanes] != [len(trace.steps) for trace in traces]:
        raise Wrong("errors.file_other_lanes")
    for trace in traces:
        _check(trace, session)
    worker = context.packs.worker.seat(visitor)
    run = context.runs.start(pack, lanes, controls)
    run.made_by = traces[0].made_by
    try:
        yield begin_frame(context, session, run)
        for lane, trace in enumerate(traces):
            for step in (batch.only(0) for batch in trace.steps):
                if run.stop_reason:
                    break
                picture = worker.submit(session.decode, step.proposal).result()[0]
                run.add_step(lane, step, picture)
                yield run.frame("steps", steps=[{"lane": lane, **pack_step(step, picture)}])
        run.end_reason = run.stop_reason or "opened"
        message = _describe_origin(context.words, traces[0], session.pack.fingerprint(), bool(controls))
        yield run.frame("end", why=run.end_reason, scores=[], told=message)
    finally:
        run.end_reason = run.end_reason or "stopped"


def read_traces(text: str) -> tuple[dict[str, Any], list[Trace]]:
    """Return the controls and the trace of each lane of an exported JSON. Raises ValueError for another file.

    A trace of python -m engine.sample has one lane and no controls.
    """
    try:
        plain = json.loads(text)
    except json.JSONDecodeError as error:
        raise Wrong("errors.file_no_json", line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise Wrong("errors.file_of_lists") from error
    if not isinstance(plain, dict) or plain.get("format") != JSON_FORMAT:
        raise Wrong("errors.file_no_run")
    if "steps" in plain:
        return {}, [Trace.from_json(text)]
    lanes, controls = plain.get("lanes"), plain.get("ask")
    if not isinstance(lanes, list) or not isinstance(controls, dict) or not 1 <= len(lanes) <= MAX_LANES:
        raise Wrong("errors.file_lanes", most=MAX_LANES)
    return controls, [Trace.from_json(json.dumps(lane)) for lane in lanes]


def _sampler_version(trace: Trace) -> int:
    """Return the version of the sampler that made a trace. Version 1 did not store it."""
    version = trace.made_by.get("sampling", 1)
    if not isinstance(version, int):
        raise ValueError(f"sampling={str(version)[:40]!r}: expected a version of the sampler, a whole number")
    return version


def _lane_of(trace: Trace) -> Lane:
    """Return the lane of a trace that has no controls beside it."""
    given = upgrade_version_1(trace.settings, ("",)) if _sampler_version(trace) == 1 else trace.settings
    settings = SampleConfig.readable(given)
    return Lane(config=SampleConfig.of(**{**settings, "label": trace.labels[0] if trace.labels else None}))


def _check(trace: Trace, session: Session) -> None:
    """Raise ValueError where the steps of a trace cannot be those of a run of this pack."""
    codes = session.tokenizer_config.codes
    for s, step in enumerate(trace.steps):
        fits = step.s == s and step.state.shape[1] == session.num_tokens and step.state.max() <= max(State)
        highest = max(array.max(initial=0) for array in (step.tokens, step.proposal, step.top_tokens))
        if not fits or highest >= codes:
            raise Wrong("errors.file_other_pack", step=s + 1, pack=repr(session.pack.name))


def _describe_origin(words: Words, trace: Trace, weights: str, has_controls: bool) -> str:
    """Say where a run was made, and whether Run gives the same here."""
    facts = {name: str(trace.made_by.get(name, "?"))[:40] for name in ("pack", "device", "cpu", "torch")}
    said = words["files"]["opened"]
    text = fill(said["made"], **facts)
    if _sampler_version(trace) != SAMPLING_VERSION:
        return f"{text} {said['older']}"
    if trace.made_by.get("weights") != weights:
        return f"{text} {said['other']}"
    return f"{text} {said['again']}" if has_controls else text
