"""The behaviour of a rule as a hash. Stored samples stay valid as long as it does not change.

The hash is over the samples that the rule draws with two small models made here. So comments, names and new rules
do not change it, and what changes these samples does. It sees no temperature of 0, and no refinement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine import MASK
from engine.config import SampleConfig
from engine.rules import RULES
from engine.sampler import sample

NUM_TOKENS, CODES, STEPS = 36, 16, 6
SAMPLES = (0, 3)
VALUES = (0.75, 0.25, 2.5)  # of all parameters, clamped to their ranges


@cache
def rule_digest(name: str, schedule: str) -> str:
    """SHA-256 over the tokens and states of small runs of this rule, matched and not, with each parameter changed."""
    digest = hashlib.sha256()
    generator, critic = _make_model(1, CODES), _make_model(2, 1)
    for config in _list_configs(name, schedule):
        rule = config.make_rule(
            num_tokens=NUM_TOKENS,
            generator=generator,
            critic=lambda tokens, labels, masked, _: critic(tokens, labels)[..., 0] + masked.float() / 8,
        )
        labels = torch.zeros(len(SAMPLES), dtype=torch.int64)
        how = {
            "labels": labels,
            "num_tokens": NUM_TOKENS,
            "seed": config.seed,
            "samples": SAMPLES,
            "round": config.round,
        }
        for step in sample(generator, rule, candidates=0, **how):  # type: ignore[arg-type]
            digest.update(step.proposal.astype("<i4").tobytes() + step.state.tobytes())
    return digest.hexdigest()


def _list_configs(name: str, schedule: str) -> Iterator[SampleConfig]:
    """Yield settings: all parameters at one value, each parameter at two others, and another seed and round.

    The values are fixed, so a new default or other values of a sweep do not change the hash.
    """
    for matched in (False, True):
        specs = RULES[name].parameters(matched)
        plain = SampleConfig(
            rule=name,
            steps=STEPS,
            schedule=schedule,
            matched=matched,
            parameters={parameter: _clamp(spec, VALUES[0]) for parameter, spec in specs.items()},
        )
        yield plain
        for parameter, spec in specs.items():
            for value in VALUES[1:]:
                yield plain.replace(**{parameter: _clamp(spec, value)})
        yield plain.replace(seed=5, round=1)


def _clamp(spec: Any, value: float) -> float:
    return min(max(value, spec.metadata["low"]), spec.metadata["high"])


def _make_model(seed: int, width: int):  # type: ignore[no-untyped-def]
    """A function of tokens (B, N) -> (B, N, width): table_1[position] + table_2[the token before it].

    All entries are multiples of 2^-10, so sums are exact on every machine.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    by_place = torch.from_numpy(rng.integers(-2048, 2048, (NUM_TOKENS, width)).astype(np.float32) / 1024)
    by_token = torch.from_numpy(rng.integers(-2048, 2048, (CODES + 1, width)).astype(np.float32) / 1024)

    def predict(tokens: Tensor, labels: Tensor) -> Tensor:
        before = tokens.roll(1, 1)
        return by_place + by_token[before.where(before != MASK, CODES)]

    return predict
