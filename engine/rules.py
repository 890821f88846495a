"""Selection rules: which tokens of a proposal are kept.

A rule answers four questions: the score of every token (high = keep), whether accepted tokens may
change, how many stay masked after step s, and the softmax temperature of step s. It also says
what noise is added for ranking. A new rule is one class and one entry in RULES; the page, the
commands and the evaluation find it there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import torch
from torch import Tensor

from engine.noise import Noise
from engine.schedule import masked_after, masked_after_greedy, masked_after_halton

Scorer = Callable[..., Tensor]  # (tokens (B, N), labels (B,)) -> logits; a critic is told the new places (B, N), too


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a rule looks at in step s."""

    s: int
    tokens: Tensor  # (B, N) the filled picture x̂_0
    masked: Tensor  # (B, N) bool, hidden when the step began: these tokens are new
    log_p: Tensor  # (B, N) the generator's log-probability of each token, temperature 1
    labels: Tensor  # (B,)
    noise: Noise


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What all rules share. `matched` gives every rule Token-Critic's counts, temperature and ranking noise."""

    steps: int = 18
    places: int = 256
    schedule: str = "cosine"
    matched: bool = False
    noise_K: float = 0.0
    temp_a: float = 0.0
    temp_b: float = 1.0
    choice_temperature: float = 4.5
    eta: float = 1.0
    critic: Scorer | None = field(default=None, repr=False)
    generator: Scorer | None = field(default=None, repr=False)

    label = ""  # as shown to people
    scored_by_pass = False  # its scores cost a second network pass a step
    reads: tuple[str, ...] = ()  # its own parameters when not matched
    needs: str = ""  # a model besides the generator

    @property
    def revisits(self) -> bool:
        """May accepted tokens be masked again?"""
        return False

    def left(self, s: int) -> float:
        """t/T of step s: the share of the run that is still to come."""
        return (self.steps - 1 - s) / self.steps

    def scores(self, proposal: Proposal) -> Tensor:
        """(B, N), high = keep."""
        raise NotImplementedError

    def masked_after(self, s: int, now: int) -> int:
        """How many places are masked after step s, of which `now` were masked before it."""
        if self.matched:
            return masked_after(self.schedule, s, self.steps, self.places)
        return masked_after_greedy(self.schedule, s, self.steps, self.places, now)

    def temperature(self, s: int) -> float:
        """T(t) = a * t/T + b where matched, else 1."""
        return self.temp_a * self.left(s) + self.temp_b if self.matched else 1.0

    def ranked(self, scores: Tensor, proposal: Proposal) -> Tensor:
        """Scores after noise: + K * t/T * u with u ~ U[-0.5, 0.5] where matched."""
        return self._with_uniform_noise(scores, proposal) if self.matched else scores

    def _with_uniform_noise(self, scores: Tensor, proposal: Proposal) -> Tensor:
        u = proposal.noise.uniform(proposal.s, "rank", scores.shape[1:], scores.device) - 0.5
        return scores + self.noise_K * self.left(proposal.s) * u


@dataclass(frozen=True, kw_only=True)
class MaskGIT(Rule):
    """Greedy: the generator's own confidence, plus Gumbel noise that fades (parallel_decode)."""

    label = "MaskGIT"
    reads = ("choice_temperature",)

    def scores(self, proposal: Proposal) -> Tensor:
        return proposal.log_p.exp()

    def ranked(self, scores: Tensor, proposal: Proposal) -> Tensor:
        if self.matched:
            return self._with_uniform_noise(scores, proposal)
        gumbel = proposal.noise.gumbel(proposal.s, "rank", scores.shape[1:], scores.device)
        return proposal.log_p + self.choice_temperature * self.left(proposal.s) * gumbel


@dataclass(frozen=True, kw_only=True)
class Confidence(Rule):
    """MaskGIT without ranking noise: always the most confident first."""

    label = "Confidence"

    def scores(self, proposal: Proposal) -> Tensor:
        return proposal.log_p.exp()


@dataclass(frozen=True, kw_only=True)
class Random(Rule):
    """Scores are noise: what is left when nothing judges."""

    label = "Random"

    def scores(self, proposal: Proposal) -> Tensor:
        return proposal.noise.uniform(proposal.s, "score", proposal.tokens.shape[1:], proposal.log_p.device)


@dataclass(frozen=True, kw_only=True)
class Halton(Rule):
    """A fixed low-discrepancy order over the grid (Besnier et al., ICLR 2025, arXiv 2503.17076)."""

    label = "Halton order"

    def scores(self, proposal: Proposal) -> Tensor:
        order = halton_scores(self.places).to(proposal.log_p.device)
        return order.expand(len(proposal.tokens), -1)

    def masked_after(self, s: int, now: int) -> int:
        if self.matched:
            return masked_after(self.schedule, s, self.steps, self.places)
        return masked_after_halton(s, self.steps, self.places)


@dataclass(frozen=True, kw_only=True)
class CriticLocked(Rule):
    """Token-Critic's scores, but accepted tokens stay: a learned score without the right to revoke."""

    label = "Critic, locked"
    scored_by_pass = True
    reads = ("noise_K", "temp_a", "temp_b")
    needs = "critic"

    def scores(self, proposal: Proposal) -> Tensor:
        assert self.critic is not None
        return self.critic(proposal.tokens, proposal.labels, proposal.masked).sigmoid()

    def masked_after(self, s: int, now: int) -> int:
        return masked_after(self.schedule, s, self.steps, self.places)

    def temperature(self, s: int) -> float:
        return self.temp_a * self.left(s) + self.temp_b

    def ranked(self, scores: Tensor, proposal: Proposal) -> Tensor:
        return self._with_uniform_noise(scores, proposal)


@dataclass(frozen=True, kw_only=True)
class Critic(CriticLocked):
    """Token-Critic (Algorithm 2): every token is judged with the whole picture, earlier ones included."""

    label = "Token-Critic"

    @property
    def revisits(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class SelfRevoking(Critic):
    """The generator judges the filled picture itself (P2, arXiv 2502.03540; ReMDM-conf, arXiv 2503.00307).

    score = 1 - eta * (1 - p) at tokens accepted earlier, p at new ones; eta = 0 lets them stay.
    """

    label = "Self-revoking"
    reads = ("noise_K", "temp_a", "temp_b", "eta")
    needs = ""

    @property
    def revisits(self) -> bool:
        return self.eta > 0

    def scores(self, proposal: Proposal) -> Tensor:
        assert self.generator is not None
        log_p = self.generator(proposal.tokens, proposal.labels).log_softmax(-1)
        p = log_p.gather(-1, proposal.tokens[..., None])[..., 0].exp()
        return torch.where(proposal.masked, p, 1 - self.eta * (1 - p))


RULES: dict[str, type[Rule]] = {
    "maskgit": MaskGIT,
    "confidence": Confidence,
    "random": Random,
    "halton": Halton,
    "critic": Critic,
    "critic-locked": CriticLocked,
    "self-revoking": SelfRevoking,
}


def make_rule(name: str, **settings: object) -> Rule:
    """The rule of that name. ValueError lists the names for an unknown one."""
    if name not in RULES:
        raise ValueError(f"unknown rule {name!r}: one of {', '.join(RULES)}")
    return RULES[name](**settings)  # type: ignore[arg-type]


@cache
def halton_scores(places: int) -> Tensor:
    """(N,) in (0, 1]: first in the order scores highest. Bases 2 and 3, first visits of a square grid."""
    side = round(places**0.5)
    order: dict[int, None] = {}
    i = 0
    while len(order) < places:
        row, column = int(_radical_inverse(i, 2) * side), int(_radical_inverse(i, 3) * side)
        order.setdefault(row * side + column)
        i += 1
    scores = torch.empty(places)
    scores[torch.tensor(list(order))] = 1 - torch.arange(places) / places
    return scores


def _radical_inverse(i: int, base: int) -> float:
    value, weight = 0.0, 1.0
    while i:
        weight /= base
        i, digit = divmod(i, base)
        value += weight * digit
    return value
