"""Selection rules: which tokens of a proposal are kept.

A rule is one class. It declares its parameters and answers four questions: the score of every token
(high = keep), whether accepted tokens may change, how many stay masked after step s, and the softmax
temperature of step s. It also says what noise is added before ranking. A new rule is one class and one
entry in RULES. Settings, commands, page, links, sweep and tables read the class: there is no second list.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor

from engine.noise import CPU, Noise
from engine.schedule import masked_after, masked_after_greedy, masked_after_halton
from engine.settings import setting

Scorer = Callable[..., Tensor]  # (tokens (B, N), labels (B,)) -> logits; a critic is told the new places (B, N), too
Kind = Literal["ranking", "temperature", "score"]
PARAMETER_ORDER: tuple[Kind, ...] = (
    "ranking",
    "temperature",
    "score",
)  # the order in which a rule's parameters are shown


def parameter(
    default: float,
    help: str,
    *,
    low: float,
    high: float,
    values: tuple[float, ...],
    symbol: str,
    kind: Kind,
    step: float = 0.05,
) -> Any:
    """A field of a rule that can be set.

    `values` are those that a sweep tries first, `step` is that of a slider. `kind` says what it acts on: the noise
    added before ranking, the temperature of the proposal, or the score. `matched` replaces the first of them.
    """
    return setting(default, help, low=low, high=high, symbol=symbol, values=values, kind=kind, step=step)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a rule looks at in step s."""

    s: int
    filled: Tensor  # (B, N) the filled picture x̂_0, none masked: Step.proposal
    masked: Tensor  # (B, N) bool, hidden when the step began: these tokens are new
    log_p: Tensor  # (B, N) the generator's log-probability of each token, temperature 1
    labels: Tensor  # (B,)
    noise: Noise


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What all rules share. `matched` gives every rule Token-Critic's counts and ranking noise (Algorithm 2)."""

    steps: int = 18
    num_tokens: int = 256
    schedule: str = "cosine"
    matched: bool = False
    critic: Scorer | None = field(default=None, repr=False)
    generator: Scorer | None = field(default=None, repr=False)

    noise_K: float = parameter(
        0.3,
        "ranking noise at the start: K * t/T * u is added to each score",
        low=0,
        high=16,
        values=(1.0, 2.0, 4.0),
        symbol="K",
        kind="ranking",
    )
    temp_a: float = parameter(
        0.0,
        "extra softmax temperature at the start: T(t) = a * t/T + b",
        low=0,
        high=4,
        values=(0.0, 0.2, 0.4),
        symbol="a",
        kind="temperature",
    )
    temp_b: float = parameter(
        1.0,
        "softmax temperature at the end: T(t) = a * t/T + b; 0 takes the likeliest",
        low=0,
        high=4,
        values=(0.8, 0.9, 1.0),
        symbol="b",
        kind="temperature",
    )

    name = ""  # as commands and links call it
    label = ""  # as shown to people
    requires = ""  # a model besides the generator
    passes_per_step = 1  # network passes: 2 where the scores cost one
    algorithm_2 = False  # counts and ranking noise are Token-Critic's, matched or not: a noise of its own is not read
    uses_schedule = True  # False: its own counts follow no schedule

    @classmethod
    def parameters(cls, matched: bool = False) -> dict[str, dataclasses.Field[Any]]:
        """The fields that change what this rule does, by name, in the order of KINDS."""
        shared = {spec.name for spec in dataclasses.fields(Rule)}
        specs = [spec for spec in dataclasses.fields(cls) if "kind" in spec.metadata]
        read = [
            s for s in specs if s.metadata["kind"] != "ranking" or (s.name in shared) == (matched or cls.algorithm_2)
        ]
        return {spec.name: spec for spec in sorted(read, key=lambda spec: PARAMETER_ORDER.index(spec.metadata["kind"]))}

    @property
    def can_revoke(self) -> bool:
        """May accepted tokens be masked again?"""
        return False

    @property
    def ranking_noise(self) -> float:
        """The strength of the ranking noise at the start; it fades with t/T. 0 where there is none."""
        specs = self.parameters(self.matched)
        return next((float(getattr(self, n)) for n, spec in specs.items() if spec.metadata["kind"] == "ranking"), 0.0)

    def t_over_T(self, s: int) -> float:
        """t/T of step s: the share of the run that is still to come."""
        return (self.steps - 1 - s) / self.steps

    def scores(self, proposal: Proposal) -> Tensor:
        """(B, N), high = keep."""
        raise NotImplementedError

    def masked_after(self, s: int, now: int) -> int:
        """How many places are masked after step s, of which `now` were masked before it."""
        if self.matched or self.algorithm_2:
            return masked_after(self.schedule, s, self.steps, self.num_tokens)
        return self.own_count(s, now)

    def own_count(self, s: int, now: int) -> int:
        """The same where Algorithm 2 does not say it: MaskGIT's count unless a rule has its own."""
        return masked_after_greedy(self.schedule, s, self.steps, self.num_tokens, now)

    def temperature(self, s: int) -> float:
        """T(t) = a * t/T + b (Token-Critic, Algorithm 2). MaskGIT and others as published have a = 0, b = 1."""
        linear = self.temp_a * self.t_over_T(s) + self.temp_b
        return linear if self.matched or self.algorithm_2 else self.own_temperature(s, linear)

    def own_temperature(self, s: int, linear: float) -> float:
        """The same where Algorithm 2 does not say it: it too, unless a rule has its own."""
        return linear

    def ranked(self, scores: Tensor, proposal: Proposal) -> Tensor:
        """Scores after noise (B, N): + K * t/T * u with u ~ U(-0.5, 0.5) in Algorithm 2."""
        if not (self.matched or self.algorithm_2):
            return self.own_ranked(scores, proposal)
        u = proposal.noise.uniform(proposal.s, "rank", scores.shape[1:], scores.device) - 0.5
        return scores + self.noise_K * self.t_over_T(proposal.s) * u

    def own_ranked(self, scores: Tensor, proposal: Proposal) -> Tensor:
        """The same where Algorithm 2 does not say it: no noise unless a rule has its own."""
        return scores


@dataclass(frozen=True, kw_only=True)
class MaskGIT(Rule):
    """Greedy: the generator's own confidence, plus Gumbel noise that fades (parallel_decode)."""

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
    """Scores are noise: what is left when nothing judges."""

    name = "random"
    label = "Random"

    def scores(self, proposal: Proposal) -> Tensor:
        return proposal.noise.uniform(proposal.s, "score", proposal.filled.shape[1:], proposal.log_p.device)


@dataclass(frozen=True, kw_only=True)
class Halton(Rule):
    """A fixed low-discrepancy order over the grid (Besnier et al., ICLR 2025, arXiv 2503.17076, section 3).

    As in the paper's text, a token that is shown stays. The authors' released sampler differs: at each step it draws
    again all tokens shown so far.
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
    """Token-Critic's scores, but accepted tokens stay: a learned score without the right to revoke."""

    name = "critic-locked"
    label = "Critic, locked"
    requires = "critic"
    passes_per_step = 2
    algorithm_2 = True

    def scores(self, proposal: Proposal) -> Tensor:
        assert self.critic is not None
        return self.critic(proposal.filled, proposal.labels, proposal.masked).sigmoid()


@dataclass(frozen=True, kw_only=True)
class Critic(CriticLocked):
    """Token-Critic (Algorithm 2): every token is judged with the whole picture, earlier ones included."""

    name = "critic"
    label = "Token-Critic"

    @property
    def can_revoke(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class SelfRevoking(Rule):
    """The generator judges the filled picture itself (P2, arXiv 2502.03540; ReMDM-conf, arXiv 2503.00307).

    score = 1 - eta * (1 - p) at tokens accepted earlier, p at new ones; eta = 0 lets them stay.
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
    """The rule of that name. ValueError lists the names for an unknown one."""
    if name not in RULES:
        raise ValueError(f"unknown rule {name!r}: one of {', '.join(RULES)}")
    return RULES[name](**settings)  # type: ignore[arg-type]


def all_parameters() -> Mapping[str, dataclasses.Field[Any]]:
    """Every parameter that any rule has, by name, in the order of KINDS. Rules that share a name share its range."""
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
    """(N,) in (0, 1]: first in the order scores highest. Kept on the device, as every copy to it waits.

    Points i = 1, 2, ... of the Halton sequence with bases 2 (row) and 3 (column); each place of the square grid
    counts when it is met first.
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
    value, weight = 0.0, 1.0
    while i:
        weight /= base
        i, digit = divmod(i, base)
        value += weight * digit
    return value
