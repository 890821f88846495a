"""A run from a file plays to the bit as it ran, and a file that was changed is refused."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from typing import Any

import numpy as np
import pytest

from app.context import Context
from app.features.compare import run_lanes, stop_run
from app.features.exports import export_run
from app.features.replay import BYTES_PER_LIST, MAX_BYTES, read_traces, replay
from app.features.settings import complete_controls
from app.packs import Packs
from engine import SAMPLING_VERSION
from engine.config import MAX_STEPS, SampleConfig
from engine.step import ARRAYS, Step, digest_of
from tests.fakes_app import FakeSession, N, digests, new_context, run

BY_HAND = {"third": {"lane": 1, "step": 3, "masked": [1, 2]}, "rule_3": "critic"}


@pytest.fixture(scope="module")
def made() -> tuple[list[dict[str, Any]], bytes]:
    """The frames of a run with a branch, and its file."""
    context = new_context()
    sent = run(context, **BY_HAND)
    return sent, export_run(context, sent[0]["run"], "json", "all", 0)[1]


def replayed(content: bytes) -> list[dict[str, Any]]:
    return list(replay(new_context(), content))


def one_trace() -> bytes:
    """A trace as python -m engine.sample writes it."""
    config = SampleConfig(rule="critic", steps=6)
    return FakeSession().trace(config, FakeSession().run(config), samples=None).to_json().encode()


def test_a_run_in_json_comes_back_to_the_bit(made: tuple[list[dict[str, Any]], bytes]) -> None:
    sent, content = made
    found = replayed(content)
    for lane in range(3):
        assert digests(found, lane) == digests(sent, lane) != []
    for name in ("ask", "lanes", "label", "grid", "visible"):
        assert found[0][name] == sent[0][name]
    told = found[-1]["told"]
    assert found[-1]["why"] == "opened" and "fake on cpu (AVX2, torch 2.12)" in told and "Press Run" in told
    assert "\n" not in told


def test_the_longest_run_can_be_opened_from_its_file(packs: Packs) -> None:
    context = Context(packs=packs)
    given = {"steps_1": 4, "steps_2": 4, "steps_3": 4, "third": {"lane": 0, "step": 4, "fraction": 0.5}}
    sent = list(run_lanes(context, complete_controls(context, {**given, "pack": "emoji", "rule_3": "critic"})))
    steps = sum(lane["steps"] for lane in sent[0]["lanes"])
    content = export_run(context, sent[0]["run"], "json", "all", 0)[1]
    assert len(content) / steps * 4 * MAX_STEPS < MAX_BYTES, "two lanes, and a third that refines one of them"


def test_other_weights_are_said(made: tuple[list[dict[str, Any]], bytes]) -> None:
    elsewhere = made[1].replace(b'"weights": "abc"', b'"weights": "xyz"')
    assert "others" in replayed(elsewhere)[-1]["told"]


def test_a_run_of_version_1_is_read_as_it_was_meant(made: tuple[list[dict[str, Any]], bytes]) -> None:
    older = made[1].replace(f'"sampling": {SAMPLING_VERSION}, '.encode(), b"")  # as version 1 wrote it, with all that
    older = older.replace(b'"rule": "critic", ', b'"choice_temperature": 4.5, "eta": 1.0, "rule": "critic", ')
    told = replayed(older)[-1]["told"]
    assert "another version of the sampler" in told and "Press Run" not in told and "\n" not in told
    warm = json.loads(older)
    warm["ask"]["temp_b_1"] = 0.3  # which MaskGIT did not read
    begin = replayed(json.dumps(warm).encode())[0]
    assert begin["lanes"][0]["settings"]["temp_b"] == 1.0


def test_what_is_no_run_or_was_changed_is_refused_before_the_first_frame(
    made: tuple[list[dict[str, Any]], bytes],
) -> None:
    text = made[1]
    plain = json.loads(text)
    for wrong in (
        text.replace(b'"proposal": [[', b'"proposal": [[1, ', 1),
        text[:-40],
        json.dumps({**plain, "ask": {}, "lanes": plain["lanes"][:1] * 4}).encode(),
        json.dumps({**plain, "lanes": [{**lane, "settings": []} for lane in plain["lanes"]]}).encode(),
        json.dumps({**plain, "lanes": [{**lane, "made_by": []} for lane in plain["lanes"]]}).encode(),
        json.dumps({**plain, "lanes": plain["lanes"][:2]}).encode(),
        json.dumps({**plain, "ask": {**plain["ask"], "pack": ["fake"]}}).encode(),
        of_another_grid(),
        b"{}",
        b"[]",
        b"",
        b'{"format": 1, "lanes": [], "ask": {}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ):
        with pytest.raises(ValueError) as refused:
            next(replay(new_context(), wrong))
        assert "\n" not in str(refused.value), "before the stage is emptied"


@pytest.mark.parametrize("sampling", [[], {}, None, "x", 2.5])
def test_a_version_that_is_no_number_is_refused(made: tuple[list[dict[str, Any]], bytes], sampling: Any) -> None:
    plain = json.loads(made[1])
    for lane in plain["lanes"]:
        lane["made_by"]["sampling"] = sampling
    with pytest.raises(ValueError, match="sampling"):
        next(replay(new_context(), json.dumps(plain).encode()))


def test_controls_that_the_page_does_not_know_are_left_out(made: tuple[list[dict[str, Any]], bytes]) -> None:
    """Those of a rule that another server has, say: the page could not ask for them."""
    plain = json.loads(made[1])
    plain["ask"]["pull_1"] = 0.5
    assert replayed(json.dumps(plain).encode())[0]["ask"] == made[0][0]["ask"]


def of_another_grid() -> bytes:
    """A trace whose second step has fewer places than this pack."""
    config = SampleConfig(rule="critic", steps=2)
    first, second = FakeSession().run(config)
    arrays = {name: getattr(second, name)[:, : N // 2] for name in ARRAYS}
    steps = (first, dataclasses.replace(second, **arrays))
    return FakeSession().trace(config, steps, samples=None).to_json().encode()


def test_a_single_trace_has_the_class_it_was_made_for_and_no_controls() -> None:
    sent = replayed(one_trace())
    assert (sent[0]["label"], sent[0]["ask"], len(sent[0]["lanes"])) == ("cat", {}, 1)
    assert sent[-1]["why"] == "opened" and "Press Run" not in sent[-1]["told"]
    assert read_traces(one_trace().decode())[0] == {}


def test_a_run_from_a_file_can_be_stopped() -> None:
    context = new_context()
    opening = replay(context, one_trace())
    run_id = next(opening)["run"]
    stop_run(context, run_id)
    assert [frame["kind"] for frame in opening] == ["end"]
    assert context.runs.get(run_id).end_reason == "stopped"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tokens", -7),
        ("tokens", 99_999),
        ("proposal", -1),
        ("state", 9),
        ("confidence", math.inf),
        ("top_probs", 7.0),
        ("scores", math.inf),
        ("temperature", math.nan),
        ("s", 5),
    ],
)
def test_a_trace_with_values_that_no_run_has_is_refused(name: str, value: float) -> None:
    """Their digests are right: who makes such a file can compute them, too."""
    plain = json.loads(one_trace())
    step = plain["steps"][0]
    if name in ("temperature", "s"):
        step[name] = value
    else:
        at = step[name][0]
        at[0] = [value, *at[0][1:]] if isinstance(at[0], list) else value
    arrays = {one: np.array(step[one], dtype=kind) for one, kind in ARRAYS.items()}
    step["digest"] = Step(s=0, steps=step["steps"], temperature=1.0, **arrays).digest()
    plain["digest"] = digest_of(one["digest"] for one in plain["steps"])
    with pytest.raises(ValueError, match="step") as refused:
        next(replay(new_context(), json.dumps(plain).encode()))
    assert "\n" not in str(refused.value)


def test_a_file_of_lists_is_refused_before_it_takes_memory(made: tuple[list[dict[str, Any]], bytes]) -> None:
    assert made[1].count(b"[") < len(made[1]) / BYTES_PER_LIST, "a real one has fewer"
    begun = time.monotonic()
    with pytest.raises(ValueError, match="made of lists"):
        next(replay(new_context(), b"[" + b"[]," * 2_000_000 + b"[]]"))
    assert time.monotonic() - begun < 5
