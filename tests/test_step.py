"""A Step cannot be changed, and its JSON gives it back to the bit."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from engine.rules import make_rule
from engine.sampler import sample
from engine.step import ARRAYS, Step, Trace
from tests.fakes import FakeGenerator


@pytest.fixture
def trace() -> Trace:
    rule = make_rule("maskgit", steps=4, num_tokens=16)
    steps = sample(FakeGenerator(), rule, labels=torch.zeros(2, dtype=torch.long), num_tokens=16, seed=0)
    return Trace(settings={"rule": "maskgit"}, made_by={"pack": "fake"}, labels=("a", "a"), steps=tuple(steps))


def test_a_step_is_immutable(trace: Trace) -> None:
    step = trace.steps[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.s = 3  # type: ignore[misc]
    for name in ARRAYS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(step, name)[0, 0] = 1


def test_json_is_valid_and_exact(trace: Trace) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    text = trace.to_json()
    json.loads(text, parse_constant=refuse)
    back = Trace.from_json(text)
    assert back.digest() == trace.digest()
    for ours, theirs in zip(trace.steps, back.steps, strict=True):
        for name in ARRAYS:
            assert np.array_equal(getattr(ours, name), getattr(theirs, name), equal_nan=name not in INTEGERS)


INTEGERS = {"tokens", "proposal", "top_tokens", "state"}


@pytest.mark.parametrize("name", ["tokens", "proposal", "scores", "state"])
def test_the_digest_sees_every_change(trace: Trace, name: str) -> None:
    step = trace.steps[1]
    array = getattr(step, name).copy()
    array[0, 5] = 1 if array[0, 5] != 1 else 0
    assert step._with({name: array}).digest() != step.digest()


def test_a_changed_trace_is_refused(trace: Trace) -> None:
    plain = json.loads(trace.to_json())
    plain["steps"][1]["proposal"][0][0] += 1
    with pytest.raises(ValueError, match="digest"):
        Trace.from_json(json.dumps(plain))
    plain = json.loads(trace.to_json())
    plain["steps"].pop()
    with pytest.raises(ValueError, match="digest"):
        Trace.from_json(json.dumps(plain))
    for text in ("", "[]", "{}", '{"format": 9}', "null"):
        with pytest.raises(ValueError):
            Trace.from_json(text)


def test_parts_join_to_the_batch(trace: Trace) -> None:
    step = trace.steps[2]
    assert Step.join([step.only(0), step.only(1)]).digest() == step.digest()
