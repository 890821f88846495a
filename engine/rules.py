"""The selection rules: which tokens of a proposal are kept.

A rule is one class (engine.rule). It declares its parameters and answers four questions: the score of every
token (high = keep), whether accepted tokens may be masked again, how many tokens stay masked after step s,
and the softmax temperature of step s. It also says what noise is added before ranking. A new rule is one
class and one entry in RULES. Settings, commands, page, links, sweep and tables read the class: there is no
second list.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from engine.noise import CPU
from engine.rule import PARAMETER_ORDER, Proposal, Rule, parameter
from engine.schedule import masked_after_halton


@dataclass(frozen=True, kw_only=True)
class MaskGIT(Rule):
    """Greedy: the generator's own confidence, plus Gumbel noise that fades (MaskGIT's code, parallel_decode)."""

    choice_temperature: float = parameter(
        4.5,
        "Gumbel noise on the log-confidence at the start",
        low=0,
        high=50,
        values=(3.0, 6.0, 12.0),
        symbol="τ",
        kind="ranking",
        step=0.5,
    )

    name = "maskgit"
    label = "MaskGIT"

    def scores(self, proposal: Proposal) -> Tensor:
        return proposal.log_p.exp()

    def own_ranked(self, scores: Tensor, proposal: Proposal) -> Tensor:
        gumbel = proposal.noise.gumbel(proposal.s, "rank", scores.shape[1:], scores.device)
        return proposal.log_p + self.choice_temperature * self.t_over_T(proposal.s) * gumbel


@dataclass(frozen=True, kw_only=True)
class Confidence(Rule):
    """MaskGIT without ranking noise: always the most confident first."""

    name = "confidence"
    label = "Confidence"

    def scores(self, proposal: Proposal) -> Tensor:
        return proposal.log_p.exp()


@dataclass(frozen=True, kw_only=True)
class Random(Rule):
    """Scores are uniform noise. The baseline without any judgement."""

    name = "random"
    label = "Random"

    def scores(self, proposal: Proposal) -> Tensor:
        return proposal.noise.uniform(proposal.s, "score", proposal.filled.shape[1:], proposal.log_p.device)


@dataclass(frozen=True, kw_only=True)
class Halton(Rule):
    """A fixed low-discrepancy order over the grid (Besnier et al., ICLR 2025, arXiv 2503.17076, section 3).

    Accepted tokens stay, as in the paper's text. The authors' released sampler differs: at each step it samples
    all tokens shown so far again.
    """

    name = "halton"
    label = "Halton order"
    uses_schedule = False

    def scores(self, proposal: Proposal) -> Tensor:
        order = halton_scores(self.num_tokens, proposal.log_p.device)
        return order.expand(len(proposal.filled), -1)

    def own_count(self, s: int, now: int) -> int:
        return masked_after_halton(s, self.steps, self.num_tokens)


@dataclass(frozen=True, kw_only=True)
class CriticLocked(Rule):
    """Token-Critic's scores without revoking: accepted tokens stay."""

    name = "critic-locked"
    label = "Critic, locked"
    requires = "critic"
    passes_per_step = 2
    algorithm_2 = True

    def scores(self, proposal: Proposal) -> Tensor:
        assert self.critic is not None
        return self.critic(proposal.filled, proposal.labels, proposal.masked, proposal.masked_before).sigmoid()


@dataclass(frozen=True, kw_only=True)
class Critic(CriticLocked):
    """Token-Critic (Algorithm 2): the critic scores all tokens of the filled picture, accepted ones included."""

    name = "critic"
    label = "Token-Critic"

    @property
    def can_revoke(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class SelfRevoking(Rule):
    """The generator scores the filled picture itself (P2, arXiv 2502.03540; ReMDM-conf, arXiv 2503.00307).

    score = p for new tokens, 1 - eta * (1 - p) for tokens accepted earlier, p the generator's probability of the
    token. With eta = 0 accepted tokens stay.
    """

    eta: float = parameter(
        1.0,
        "how freely accepted tokens are judged again",
        low=0,
        high=1,
        values=(0.5, 1.0),
        symbol="η",
        kind="score",
    )

    name = "self-revoking"
    label = "Self-revoking"
    passes_per_step = 2
    algorithm_2 = True

    @property
    def can_revoke(self) -> bool:
        return self.eta > 0

    def scores(self, proposal: Proposal) -> Tensor:
        assert self.generator is not None
        log_p = self.generator(proposal.filled, proposal.labels).log_softmax(-1)
        p = log_p.gather(-1, proposal.filled[..., None])[..., 0].exp()
        return torch.where(proposal.masked, p, 1 - self.eta * (1 - p))


RULES: dict[str, type[Rule]] = {
    rule.name: rule for rule in (MaskGIT, Confidence, Random, Halton, Critic, CriticLocked, SelfRevoking)
}


def make_rule(name: str, **settings: object) -> Rule:
    """The rule of that name. ValueError for an unknown name."""
    if name not in RULES:
        raise ValueError(f"unknown rule {name!r}: one of {', '.join(RULES)}")
    return RULES[name](**settings)  # type: ignore[arg-type]


def all_parameters() -> Mapping[str, dataclasses.Field[Any]]:
    """The parameters of all rules by name, in PARAMETER_ORDER. Two rules may share a name only with one range."""
    found: dict[str, dataclasses.Field[Any]] = {}
    for rule in RULES.values():
        for matched in (False, True):
            for name, spec in rule.parameters(matched).items():
                first = found.setdefault(name, spec).metadata
                same = all(first[key] == spec.metadata[key] for key in ("low", "high", "symbol", "kind"))
                assert same, f"{rule.name}: another rule has a parameter {name!r} of another range, symbol or kind"
    return dict(sorted(found.items(), key=lambda one: PARAMETER_ORDER.index(one[1].metadata["kind"])))


@cache
def halton_scores(num_tokens: int, device: torch.device = CPU) -> Tensor:
    """Scores (N,) in (0, 1], highest for the first position of the order. Cached, because a copy to a GPU waits.

    The order is that of the points i = 1, 2, ... of the Halton sequence with bases 2 (row) and 3 (column) on the
    square grid; a position counts when it is met first. Eight lines; scipy's Halton would be a new dependency.
    """
    side = round(num_tokens**0.5)
    order: dict[int, None] = {}
    i = 1
    while len(order) < num_tokens:
        row, column = int(_radical_inverse(i, 2) * side), int(_radical_inverse(i, 3) * side)
        order.setdefault(row * side + column)
        i += 1
    scores = torch.empty(num_tokens)
    scores[torch.tensor(list(order))] = 1 - torch.arange(num_tokens) / num_tokens
    return scores.to(device)


def _radical_inverse(i: int, base: int) -> float:
    """The digits of i mirrored at the point: 6 = 110 in base 2 gives 0.011 = 3/8."""
    value, weight = 0.0, 1.0
    while i:
        weight /= base
        i, digit = divmod(i, base)
        value += weight * digit
    return value
