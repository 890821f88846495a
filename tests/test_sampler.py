"""The loop: repeatable, independent of company, and to be taken up anywhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.config import SampleConfig
from engine.refine import entry_step
from engine.rules import RULES, make_rule
from engine.sampler import sample
from engine.step import Step
from tests.fakes import FakeCritic, FakeGenerator

N, T = 64, 7


def draw(name: str, samples: tuple[int, ...], **more: object) -> list[Step]:
    rule = make_rule(name, steps=T, places=N, noise_K=0.5, critic=FakeCritic(), generator=FakeGenerator())
    labels = torch.zeros(len(samples), dtype=torch.long)
    return list(sample(FakeGenerator(), rule, labels=labels, places=N, seed=5, samples=samples, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", RULES)
def test_the_same_run_twice_and_alone(name: str) -> None:
    together, again = draw(name, (0, 1, 2)), draw(name, (0, 1, 2))
    assert [step.digest() for step in together] == [step.digest() for step in again]
    for i in range(3):
        alone = draw(name, (i,))
        assert [step.digest() for step in alone] == [step.only(i).digest() for step in together]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("k", [1, 4])
def test_a_branch_without_changes_is_the_run_itself(name: str, k: int) -> None:
    whole = draw(name, (2,))
    start = torch.from_numpy(whole[k].tokens.astype(np.int64))
    rest = draw(name, (2,), start=start, first_step=k)
    assert [step.digest() for step in rest] == [step.digest() for step in whole[k:]]


def test_temperature_zero_takes_the_likeliest() -> None:
    rule = make_rule("critic", steps=T, places=N, temp_b=0.0, critic=FakeCritic())
    model = FakeGenerator()
    for step in sample(model, rule, labels=torch.zeros(1, dtype=torch.long), places=N, seed=0):
        logits = model(torch.from_numpy(step.tokens.astype(np.int64)), torch.zeros(1, dtype=torch.long))
        likeliest = logits.argmax(-1).numpy()
        assert np.array_equal(step.proposal[step.masked], likeliest[step.masked])


def test_no_global_random_state_is_used() -> None:
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
    for name in RULES:
        draw(name, (0,))
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])  # type: ignore[index]


@pytest.mark.parametrize(("fraction", "steps", "first"), [(0.6, 18, 10), (1.0, 18, 0), (0.01, 18, 17), (0.6, 8, 4)])
def test_a_finished_picture_joins_where_its_mask_fits(fraction: float, steps: int, first: int) -> None:
    """Token-Critic 4.2: the largest t whose R(t) <= f * N; for f = 0.6, T = 18 that is t = 7 with R = 147."""
    config = SampleConfig(rule="critic", steps=steps)
    assert entry_step(config, 256, round(fraction * 256)) == first
