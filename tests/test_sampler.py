"""The loop: repeatable, independent of company, and to be taken up anywhere."""

from __future__ import annotations

from typing import Any, ClassVar

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


def draw_pictures(name: str, samples: tuple[int, ...], **more: object) -> list[Step]:
    rule = make_rule(name, steps=T, num_tokens=N, noise_K=0.5, critic=FakeCritic(), generator=FakeGenerator())
    labels = torch.zeros(len(samples), dtype=torch.long)
    return list(sample(FakeGenerator(), rule, labels=labels, num_tokens=N, seed=5, samples=samples, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", RULES)
def test_the_same_run_twice_and_alone(name: str) -> None:
    together, again = draw_pictures(name, (0, 1, 2)), draw_pictures(name, (0, 1, 2))
    assert [step.digest() for step in together] == [step.digest() for step in again]
    for i in range(3):
        alone = draw_pictures(name, (i,))
        assert [step.digest() for step in alone] == [step.only(i).digest() for step in together]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("k", [1, 4])
def test_a_branch_without_changes_is_the_run_itself(name: str, k: int) -> None:
    whole = draw_pictures(name, (2,))
    start = torch.from_numpy(whole[k].tokens.astype(np.int64))
    rest = draw_pictures(name, (2,), start=start, first_step=k)
    assert [step.digest() for step in rest] == [step.digest() for step in whole[k:]]


@pytest.mark.parametrize("name", ["critic", "critic-locked", "self-revoking"])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_judge_that_gives_nan_ends_the_run(name: str, eta: float) -> None:
    class Broken(FakeGenerator):
        def __call__(self, tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return super().__call__(tokens, labels) * float("nan")

    more = {"eta": eta} if name == "self-revoking" else {}
    rule = make_rule(
        name,
        steps=T,
        num_tokens=N,
        noise_K=0.5,
        critic=lambda tokens, *_: tokens * float("nan"),
        generator=Broken(),
        **more,
    )
    with pytest.raises(ValueError, match=r"step 1: .*NaN"):
        list(sample(FakeGenerator(), rule, labels=torch.zeros(1, dtype=torch.long), num_tokens=N, seed=5))


def test_temperature_zero_takes_the_likeliest() -> None:
    rule = make_rule("critic", steps=T, num_tokens=N, temp_b=0.0, critic=FakeCritic())
    model = FakeGenerator()
    for step in sample(model, rule, labels=torch.zeros(1, dtype=torch.long), num_tokens=N, seed=0):
        logits = model(torch.from_numpy(step.tokens.astype(np.int64)), torch.zeros(1, dtype=torch.long))
        likeliest = logits.argmax(-1).numpy()
        assert np.array_equal(step.proposal[step.masked], likeliest[step.masked])


def test_no_global_random_state_is_used() -> None:
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
    for name in RULES:
        draw_pictures(name, (0,))
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])  # type: ignore[index]


@pytest.mark.parametrize(("fraction", "steps", "first"), [(0.6, 18, 10), (1.0, 18, 0), (0.01, 18, 17), (0.6, 8, 4)])
def test_a_finished_picture_joins_where_its_mask_fits(fraction: float, steps: int, first: int) -> None:
    """Token-Critic 4.2: the largest t whose R(t) <= f * N; for f = 0.6, T = 18 that is t = 7 with R = 147."""
    config = SampleConfig(rule="critic", steps=steps)
    assert entry_step(config, 256, round(fraction * 256)) == first


WAITS = {"cpu", "numpy", "item", "tolist", "nonzero", "__bool__", "__int__", "__float__", "__index__", "__len__"}


class Counted(torch.Tensor):
    """A tensor that counts what would wait for an accelerator: results of it are Counted, too."""

    waits: ClassVar[list[str]] = []

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.__name__
        places = [*args, *(kwargs or {}).values()]
        bools = [i for one in args[1:2] for i in (one if isinstance(one, tuple) else (one,)) if _is_mask(i)]
        to_host = name == "to" and any(str(place) == "cpu" for place in places)
        if (name in WAITS and name != "__len__") or to_host or (name in ("__getitem__", "__setitem__") and bools):
            cls.waits.append(name)
        return super().__torch_function__(func, types, args, kwargs or {})


def _is_mask(index: Any) -> bool:
    return isinstance(index, torch.Tensor) and index.dtype == torch.bool


@pytest.mark.parametrize("matched", [False, True])
@pytest.mark.parametrize("name", RULES)
def test_a_step_waits_for_the_device_once(name: str, matched: bool) -> None:
    """When it is brought to the host, in one piece. Whatever else waits would keep an accelerator idle."""

    def counted(model: Any) -> Any:
        return lambda *given: model(*(one.as_subclass(torch.Tensor) for one in given)).as_subclass(Counted)

    models = {"critic": counted(FakeCritic()), "generator": counted(FakeGenerator())}
    rule = make_rule(name, steps=T, num_tokens=N, matched=matched, **models)
    labels = torch.zeros(3, dtype=torch.long).as_subclass(Counted)
    steps = sample(models["generator"], rule, labels=labels, num_tokens=N, seed=5, start=None)
    for _ in range(T):
        Counted.waits.clear()
        next(steps)
        assert Counted.waits in (["cpu", "numpy"], ["numpy", "cpu"]), "one transfer, and its view as an array"


def test_what_waits_is_counted() -> None:
    """The test above can fail: each way to wait is seen."""
    tensor = torch.arange(4.0).as_subclass(Counted)
    for way in (
        lambda: tensor.sum().item(),
        lambda: tensor.tolist(),
        lambda: bool((tensor > 1).any()),
        lambda: float(tensor[0]),
        lambda: tensor[tensor > 1],
        lambda: tensor.nonzero(),
        lambda: tensor.to("cpu"),
    ):
        Counted.waits.clear()
        way()
        assert Counted.waits


def test_who_looks_at_no_candidates_gets_none() -> None:
    with_five, without = draw_pictures("critic", (0,)), draw_pictures("critic", (0,), candidates=0)
    assert with_five[0].top_tokens.shape == (1, N, 5) and without[0].top_tokens.shape == (1, N, 0)
    assert [step.digest() for step in with_five] == [step.digest() for step in without]


def test_another_round_is_fresh_noise() -> None:
    first, second = draw_pictures("critic", (0,)), draw_pictures("critic", (0,), round=1)
    assert not np.array_equal(first[0].proposal, second[0].proposal)
    assert [step.digest() for step in draw_pictures("critic", (0,), round=1)] == [step.digest() for step in second]


def test_a_critic_is_told_what_is_hidden_and_what_was_one_step_earlier() -> None:
    told: list[tuple[torch.Tensor, torch.Tensor]] = []

    def critic(tokens: torch.Tensor, _: torch.Tensor, masked: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        told.append((masked, before))
        return tokens.float()

    rule = make_rule("critic", steps=T, num_tokens=N, noise_K=0.5, critic=critic)
    steps = list(sample(FakeGenerator(), rule, labels=torch.zeros(1, dtype=torch.long), num_tokens=N, seed=5))
    assert len(told) == T - 1 and told[0][1].all()
    for (masked, before), (earlier, _), step in zip(told[1:], told, steps[1:], strict=False):
        assert torch.equal(masked, torch.from_numpy(step.masked)) and torch.equal(before, earlier)
        assert step.s == T - 1 or not torch.equal(masked, before)
