"""What must hold of every rule in the table; a new rule is covered by being in it."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch

from engine import MASK
from engine.noise import Noise
from engine.rule import Rule
from engine.rules import RULES, halton_scores, make_rule
from engine.sampler import sample
from engine.step import State, Step
from tests.fakes import FakeCritic, FakeGenerator

N, T = 64, 9


def run(name: str, *, score_last: bool = False, seed: int = 3, **settings: object) -> list[Step]:
    rule = made(name, critic=FakeCritic(), generator=FakeGenerator(), **settings)
    labels = torch.tensor([0, 1, 0])
    return list(sample(FakeGenerator(), rule, labels=labels, num_tokens=N, seed=seed, score_last=score_last))


def made(name: str, **settings: object) -> Rule:
    """The rule with numbers that are no defaults, where it has such parameters."""
    own = {field.name for field in dataclasses.fields(RULES[name])}
    given = {"noise_K": 0.7, "temp_a": 0.5, "temp_b": 0.8, "choice_temperature": 4.5, **settings}
    return make_rule(name, steps=T, num_tokens=N, **{key: value for key, value in given.items() if key in own})


@pytest.mark.parametrize("matched", [False, True])
@pytest.mark.parametrize("name", RULES)
def test_tokens_flow_from_step_to_step(name: str, matched: bool) -> None:
    steps = run(name, matched=matched)
    assert (steps[0].tokens == MASK).all()
    for before, after in pairwise(steps):
        assert np.array_equal(before.tokens_out, after.tokens)
    for step in steps:
        assert np.array_equal(step.proposal[~step.masked], step.tokens[~step.masked])
        assert ((step.state == State.NEW) | (step.state == State.MASKED)).tolist() == step.masked.tolist()
        assert (step.proposal >= 0).all()
    assert (steps[-1].tokens_out >= 0).all()


@pytest.mark.parametrize("name", RULES)
def test_only_rules_that_may_revisit_revoke(name: str) -> None:
    revoked = sum(int(step.count(State.REVOKED).sum()) for step in run(name))
    rule = make_rule(name, critic=FakeCritic(), generator=FakeGenerator())
    assert (revoked > 0) == rule.can_revoke


@pytest.mark.parametrize("name", RULES)
def test_the_lowest_ranked_are_masked_and_ties_go_by_index(name: str) -> None:
    for step in run(name, noise_K=0.0, choice_temperature=0.0)[:-1]:
        for row in range(len(step.tokens)):
            ranked = np.where(np.isnan(step.ranked[row]), np.inf, step.ranked[row])
            hidden = np.flatnonzero(step.state[row] >= State.MASKED)
            order = sorted(range(N), key=lambda i: (ranked[i], i))
            assert sorted(order[: len(hidden)]) == hidden.tolist()


@pytest.mark.parametrize("name", RULES)
def test_matched_leaves_only_the_scores(name: str) -> None:
    ours, critic = made(name, matched=True), made("critic")
    for s in range(T):
        assert ours.masked_after(s, N) == critic.masked_after(s, N)
        assert ours.temperature(s) == critic.temperature(s) == pytest.approx(0.5 * (T - 1 - s) / T + 0.8)
    for step in run(name, matched=True, score_last=True):
        noise = np.abs(step.ranked - step.scores)
        assert (noise[~np.isnan(noise)] <= 0.7 * (T - 1 - step.s) / T / 2 + 1e-6).all()


@pytest.mark.parametrize("name", ["critic", "critic-locked", "self-revoking"])
def test_noise_is_added_to_the_probability(name: str) -> None:
    for step in run(name, score_last=True):
        scored = ~np.isnan(step.scores)
        assert ((step.scores[scored] >= 0) & (step.scores[scored] <= 1)).all()
        u = Noise(3, (0, 1, 2)).uniform(step.s, "rank", (N,)).numpy()
        ranked = step.scores + 0.7 * (T - 1 - step.s) / T * (u - 0.5)
        assert np.allclose(step.ranked[scored], ranked[scored], atol=1e-6)
    steps = run(name, noise_K=0.0, score_last=True)
    for step in steps:
        assert np.array_equal(step.ranked, step.scores, equal_nan=True)


def test_maskgit_without_choice_temperature_is_confidence() -> None:
    ours = [(step.proposal, step.state) for step in run("maskgit", choice_temperature=0.0)]
    theirs = [(step.proposal, step.state) for step in run("confidence")]
    for (a, b), (c, d) in zip(ours, theirs, strict=True):
        assert np.array_equal(a, c) and np.array_equal(b, d)


def test_self_revoking_with_eta_zero_keeps_what_it_has() -> None:
    assert all(step.count(State.REVOKED).sum() == 0 for step in run("self-revoking", eta=0.0, noise_K=4.0))


def test_locked_and_free_critic_agree_where_nothing_is_kept_yet() -> None:
    free, locked = run("critic")[0], run("critic-locked")[0]
    assert np.array_equal(free.scores, locked.scores) and np.array_equal(free.state, locked.state)


def test_halton_visits_every_place_once() -> None:
    scores = halton_scores(256)
    assert sorted(scores.tolist(), reverse=True) == [float(torch.tensor(1 - i / 256)) for i in range(256)]
    first = (-scores).argsort()[:16]
    assert len({(int(i) // 16 // 4, int(i) % 16 // 4) for i in first}) >= 12  # spread over the 4 x 4 quarters


def test_halton_begins_with_the_sequences_first_point() -> None:
    """Points 1, 2, ... of bases 2 (rows) and 3 (columns), in exact fractions, each place when it is first met."""

    def inverse(i: int, base: int) -> Fraction:
        digits = []
        while i:
            i, digit = divmod(i, base)
            digits.append(digit)
        return sum((Fraction(digit, base ** (k + 1)) for k, digit in enumerate(digits)), Fraction(0))

    wanted: list[int] = []
    for i in itertools.count(1):
        place = int(inverse(i, 2) * 16) * 16 + int(inverse(i, 3) * 16)
        if place not in wanted:
            wanted.append(place)
        if len(wanted) == 32:
            break
    order = halton_scores(256).argsort(descending=True, stable=True)[:32].tolist()
    assert order == wanted and order[:3] == [8 * 16 + 5, 4 * 16 + 10, 12 * 16 + 1]


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_the_proposals_temperature(name: str) -> None:
    """MaskGIT and the others as published draw at 1; a and b change what is drawn under every rule."""
    plain = RULES[name]()
    assert all(plain.temperature(s) == 1.0 for s in range(plain.steps))
    assert made(name).temperature(0) == pytest.approx(0.5 * (T - 1) / T + 0.8)
    cold, hot = (run(name, temp_a=0.0, temp_b=b)[0].proposal for b in (0.2, 3.0))
    assert not np.array_equal(cold, hot)


@pytest.mark.parametrize("score_last", [False, True])
@pytest.mark.parametrize("name", RULES)
def test_passes_are_as_many_as_stated(name: str, score_last: bool) -> None:
    critic, own, generator = FakeCritic(), FakeGenerator(), FakeGenerator()
    rule = make_rule(name, steps=T, num_tokens=N, critic=critic, generator=own)
    list(sample(generator, rule, labels=torch.zeros(1, dtype=torch.long), num_tokens=N, seed=0, score_last=score_last))
    second = (T if score_last else T - 1) if rule.passes_per_step == 2 else 0
    assert generator.calls == T
    assert critic.calls + own.calls == second


def test_an_unknown_rule_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"maskgit.*self-revoking"):
        make_rule("greedy")
