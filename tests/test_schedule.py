"""Masked counts against a recursion of their own, in 50 digits."""

from __future__ import annotations

import math
from decimal import Decimal, getcontext

import pytest
import torch

from engine.rules import make_rule
from engine.sampler import sample
from engine.schedule import masked_after, masked_after_greedy
from tests.fakes import FakeCritic, FakeGenerator

getcontext().prec = 50
PI = Decimal("3.14159265358979323846264338327950288419716939937510")
NEAR = Decimal("1e-30")  # a cosine that is a whole number to 30 digits is that number


def cosine(x: Decimal) -> Decimal:
    term, total, n = Decimal(1), Decimal(1), 0
    while abs(term) > Decimal("1e-48"):
        n += 2
        term *= -x * x / (n * (n - 1))
        total += term
    return total


def critic_counts(steps: int, num_tokens: int) -> list[int]:
    exact = [cosine(PI / 2 * (s + 1) / steps) * num_tokens for s in range(steps)]
    return [max(0, math.ceil(x - NEAR)) for x in exact]


def greedy_counts(steps: int, num_tokens: int) -> list[int]:
    counts, now = [], num_tokens
    for s in range(steps):
        now = max(1, min(now - 1, math.floor(cosine(PI / 2 * (s + 1) / steps) * num_tokens + NEAR)))
        counts.append(now)
    return counts


@pytest.mark.parametrize("num_tokens", [256, 1024])
def test_counts_equal_an_exact_recursion(num_tokens: int) -> None:
    for steps in range(1, 65):
        assert [masked_after("cosine", s, steps, num_tokens) for s in range(steps)] == critic_counts(steps, num_tokens)
        now, counts = num_tokens, []
        for s in range(steps):
            now = masked_after_greedy("cosine", s, steps, num_tokens, now)
            counts.append(now)
        assert counts == greedy_counts(steps, num_tokens)


def test_rows_of_the_papers() -> None:
    assert critic_counts(8, 256) == [252, 237, 213, 182, 143, 98, 50, 0]
    assert critic_counts(18, 256) == [
        *(256, 253, 248, 241, 233, 222, 210, 197, 182),
        *(165, 147, 128, 109, 88, 67, 45, 23, 0),
    ]
    assert greedy_counts(8, 256) == [251, 236, 212, 181, 142, 97, 49, 1]
    assert greedy_counts(18, 256) == [
        *(255, 252, 247, 240, 232, 221, 209, 196, 181),
        *(164, 146, 128, 108, 87, 66, 44, 22, 1),
    ]
    assert critic_counts(36, 256)[:3] == [256, 256, 254]
    assert critic_counts(64, 256)[:4] == [256, 256, 256, 255]


@pytest.mark.parametrize("steps", [1, 2, 8, 18, 36, 64])
@pytest.mark.parametrize(("name", "expected"), [("maskgit", greedy_counts), ("critic", critic_counts)])
def test_the_sampler_masks_as_many(name: str, expected: object, steps: int) -> None:
    rule = make_rule(name, steps=steps, num_tokens=256, noise_K=0.5, critic=FakeCritic())
    run = list(sample(FakeGenerator(), rule, labels=torch.zeros(2, dtype=torch.long), num_tokens=256, seed=1))
    counts = [int((step.tokens_out < 0).sum(1)[0]) for step in run]
    assert counts == [*expected(steps, 256)[:-1], 0]  # type: ignore[operator]
