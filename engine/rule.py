"""What a selection rule is: its input, its parameters, and what all rules share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from engine.noise import Noise
from engine.schedule import masked_after, masked_after_greedy
from engine.settings import setting

# (tokens (B, N), labels (B,)) -> logits. A critic also gets `masked` and `masked_before` (B, N) of its Proposal.
Scorer = Callable[..., Tensor]
Kind = Literal["ranking", "temperature", "score"]
PARAMETER_ORDER: tuple[Kind, ...] = ("ranking", "temperature", "score")  # in which a rule's parameters are shown


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
    """A field of a rule that users can set.

    A sweep tries `values` first; `step` is the step of a slider. `kind` says what the parameter acts on: the noise
    added before ranking, the temperature of the proposal, or the score. With `matched`, Token-Critic's ranking
    noise replaces the rule's own.
    """
    return setting(float(default), help, low=low, high=high, symbol=symbol, values=values, kind=kind, step=step)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The input of a rule in step s."""

    s: int
    filled: Tensor  # (B, N) the filled picture x̂_0, none masked: Step.proposal
    masked: Tensor  # (B, N) bool, True where the token was hidden when the step began, so is new
    masked_before: Tensor  # (B, N) bool, the same of the step before; in the first step of a run all True
    log_p: Tensor  # (B, N) the generator's log-probability of each token, temperature 1
    labels: Tensor  # (B,)
    noise: Noise


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Base of all rules. `matched` gives every rule Token-Critic's counts, temperature and noise (Algorithm 2)."""

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

    name = ""  # in commands and links
    label = ""  # on the page
    requires = ""  # kind of a model that the rule needs besides the generator, e.g. critic
    passes_per_step = 1  # network passes; 2 if the scores cost one
    algorithm_2 = False  # True: counts, temperature and noise are Token-Critic's even when not `matched`
    uses_schedule = True  # False: the rule's own counts follow no schedule

    @classmethod
    def parameters(cls, matched: bool = False) -> dict[str, dataclasses.Field[Any]]:
        """The parameters that this rule reads, by name, in PARAMETER_ORDER."""
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
        """Strength of the ranking noise at the start; it fades with t/T. 0 if the rule has none."""
        specs = self.parameters(self.matched)
        return next((float(getattr(self, n)) for n, spec in specs.items() if spec.metadata["kind"] == "ranking"), 0.0)

    def t_over_T(self, s: int) -> float:
        """t/T of step s: the share of the run that remains after it."""
        return (self.steps - 1 - s) / self.steps

    def scores(self, proposal: Proposal) -> Tensor:
        """Scores (B, N), high = keep. Subclasses define them."""
        raise NotImplementedError

    def masked_after(self, s: int, now: int) -> int:
        """Number of masked tokens after step s; `now` is their number before it."""
        if self.matched or self.algorithm_2:
            return masked_after(self.schedule, s, self.steps, self.num_tokens)
        return self.own_count(s, now)

    def own_count(self, s: int, now: int) -> int:
        """Number of masked tokens outside Algorithm 2. Default: MaskGIT's count."""
        return masked_after_greedy(self.schedule, s, self.steps, self.num_tokens, now)

    def temperature(self, s: int) -> float:
        """Softmax temperature T(t) = a * t/T + b (Token-Critic, Algorithm 2). a = 0, b = 1 is plain sampling."""
        linear = self.temp_a * self.t_over_T(s) + self.temp_b
        return linear if self.matched or self.algorithm_2 else self.own_temperature(s, linear)

    def own_temperature(self, s: int, linear: float) -> float:
        """Temperature outside Algorithm 2. Default: `linear`, the value of Algorithm 2."""
        return linear

    def ranked(self, scores: Tensor, proposal: Proposal) -> Tensor:
        """Scores after noise (B, N). Algorithm 2 adds K * t/T * u with u ~ U(-0.5, 0.5)."""
        if not (self.matched or self.algorithm_2):
            return self.own_ranked(scores, proposal)
        u = proposal.noise.uniform(proposal.s, "rank", scores.shape[1:], scores.device) - 0.5
        return scores + self.noise_K * self.t_over_T(proposal.s) * u

    def own_ranked(self, scores: Tensor, proposal: Proposal) -> Tensor:
        """Scores after noise (B, N) outside Algorithm 2. Default: no noise."""
        return scores
