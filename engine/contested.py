"""The contested AUC: can a scorer tell a real token from a sampled token AT THE SAME POSITION?

Hidden tokens sit at hard positions. So a plain AUC of "was this token sampled?" also rewards a score
that only knows which positions are hard. Here every position of a picture is hidden in some fillings
and visible in others. Each sampled token that differs from the real one is compared with the real
token's score at the same position.

Training and evaluation both measure with it, so it stands below both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.fill import Predictor, fill_masked, rank_positions
from engine.noise import Noise

GROUPS = 4  # the positions are split at random into four groups; fraction 0.25 / 0.5 / 0.75 hides one / two / three
BOOTSTRAPS = 2000  # resamples of the concepts, for the intervals
TokenScorer = Callable[[Tensor, Tensor], Tensor]  # (tokens (B, N), labels (B,)) -> probability of "real" (B, N)


@dataclass(frozen=True, kw_only=True)
class Contested:
    """Scores of some pictures with one fraction of their tokens hidden. M pairs: a real token and a sampled one."""

    q: float  # share of the sampled tokens that equal the real one
    picture: np.ndarray  # (M,) index of each pair's picture
    position: np.ndarray  # (M,) index of its token in the picture
    real: dict[str, np.ndarray]  # by scorer (M,): mean score of the real token over the fillings that show it
    fake: dict[str, np.ndarray]  # by scorer (M,): score of the sampled token
    filled: np.ndarray  # (M,) the sampled token
    hidden_scores: dict[str, np.ndarray]  # by scorer: scores of all sampled tokens
    shown_scores: dict[str, np.ndarray]  # by scorer: scores of all visible tokens

    def auc(self, scorer: str) -> float:
        """Probability that a real token scores higher than a sampled token, over all M x M pairs."""
        return auc(self.real[scorer], self.fake[scorer])

    def paired(self, scorer: str) -> float:
        """Share of the M pairs in which the real token scores higher. A tie counts half."""
        real, fake = self.real[scorer], self.fake[scorer]
        return float(np.mean((real > fake) + 0.5 * (real == fake)))

    def sampled(self, scorer: str) -> float:
        """Plain AUC of visible against sampled tokens. It cannot exceed about 1 - q/2."""
        return auc(self.shown_scores[scorer], self.hidden_scores[scorer])

    def intervals(
        self, concepts: np.ndarray, resamples: int = BOOTSTRAPS
    ) -> tuple[dict[str, list[float]], list[float]]:
        """95 % bootstrap intervals of each scorer's AUC, and of the first minus the second AUC.

        `concepts` (pictures,) has the same number for pictures that show the same. Whole concepts are resampled:
        five skin tones of one hand are not five independent pictures.
        """
        rng = np.random.Generator(np.random.Philox(0))
        found, cluster = np.unique(concepts[self.picture], return_inverse=True)
        names = list(self.real)
        aucs = [weighted_auc(self.real[name], self.fake[name], cluster) for name in names]
        figures = np.empty((resamples, len(names)))
        for i in range(resamples):
            counts = np.bincount(rng.integers(0, len(found), len(found)), minlength=len(found)).astype(np.float64)
            figures[i] = [one(counts) for one in aucs]
        lead = figures[:, 0] - figures[:, 1] if len(names) > 1 else figures[:, 0]
        return {name: _interval(figures[:, j]) for j, name in enumerate(names)}, _interval(lead)


def auc(high: np.ndarray, low: np.ndarray) -> float:
    """Probability that a value of `high` exceeds a value of `low` (Mann-Whitney). A tie counts half; NaN if empty.

    scipy and sklearn have it, too. Neither is a dependency, and six lines are lighter.
    """
    if not len(high) or not len(low):
        return float("nan")
    ordered = np.sort(low)
    below, upto = np.searchsorted(ordered, high, "left"), np.searchsorted(ordered, high, "right")
    return float((below + upto).mean() / 2 / len(low))


def weighted_auc(high: np.ndarray, low: np.ndarray, cluster: np.ndarray) -> Callable[[np.ndarray], float]:
    """The AUC of M pairs as a function of how often each cluster counts, (C,); `cluster` (M,) is that of each pair.

    The scores are sorted once, here. A call only adds up weights in that order, so many resamples are cheap.
    """
    by_high, by_low = np.argsort(high, kind="stable"), np.argsort(low, kind="stable")
    below, upto = (np.searchsorted(low[by_low], high[by_high], side) for side in ("left", "right"))
    of_high, of_low = cluster[by_high], cluster[by_low]

    def measure(counts: np.ndarray) -> float:
        weights = counts[of_high]
        lower = np.concatenate(([0.0], counts[of_low].cumsum()))  # (M + 1,) weight of the lowest 0, 1, 2, ... scores
        return float(weights @ (lower[below] + lower[upto])) / 2 / float(weights.sum() * lower[-1])

    return measure


@torch.no_grad()
def measure_contested(
    tokens: Tensor,
    labels: Tensor,
    generator: Predictor,
    scorers: Mapping[str, TokenScorer],
    *,
    fraction: float,
    size: int = 16,
) -> Contested:
    """Hide and fill tokens (B, N) of real pictures in four rotations, and score each filling with every scorer.

    Each rotation hides the same fraction, and together they hide every position equally often. `size`
    pictures go through a network together. ValueError where every sampled token equals the real one.
    """
    filled, hidden = _fill_rotations(tokens, labels, generator, fraction, size)
    differs = (hidden & (filled != tokens)).cpu().numpy()
    if not differs.any():
        raise ValueError("every sampled token equals the real one: there is nothing to tell apart")
    rotation, picture, position = np.nonzero(differs)
    real, fake, hidden_scores, shown_scores = {}, {}, {}, {}
    mask = hidden.cpu().numpy()
    for name, scorer in scorers.items():
        # In float64 the mean of equal scores is that score. In float32 rounding would break ties.
        scores = torch.stack([_apply_batched(scorer, f, labels, size).cpu().double() for f in filled]).numpy()
        shown_mean = np.where(mask, 0, scores).sum(0) / np.maximum((~mask).sum(0), 1)
        real[name], fake[name] = shown_mean[picture, position], scores[rotation, picture, position]
        hidden_scores[name], shown_scores[name] = scores[mask], scores[~mask]
    return Contested(
        q=float(1 - differs.sum() / mask.sum()),
        picture=picture,
        position=position,
        real=real,
        fake=fake,
        filled=filled.cpu().numpy()[rotation, picture, position],
        hidden_scores=hidden_scores,
        shown_scores=shown_scores,
    )


def _fill_rotations(
    tokens: Tensor, labels: Tensor, generator: Predictor, fraction: float, size: int
) -> tuple[Tensor, Tensor]:
    """Filled tokens and hidden positions, both (GROUPS, B, N), of real tokens (B, N)."""
    hidden_groups = round(fraction * GROUPS)
    noise = Noise(hidden_groups, tuple(range(len(tokens))))
    rank = rank_positions(noise.uniform(0, "rank", tokens.shape[1:], tokens.device))
    group = rank * GROUPS // tokens.shape[1]  # (B, N) in 0..3, equally large
    hides = [(group - turn) % GROUPS < hidden_groups for turn in range(GROUPS)]

    def predict(hidden: Tensor, classes: Tensor) -> Tensor:
        return _apply_batched(generator, hidden, classes, size)

    fills = [fill_masked(tokens, masked, labels, predict, noise, turn) for turn, masked in enumerate(hides)]
    return torch.stack(fills), torch.stack(hides)


def generator_scorer(generator: Predictor) -> TokenScorer:
    """Scores a filled picture by the generator's own probability of each token, as the rule self-revoking does."""

    def score(tokens: Tensor, labels: Tensor) -> Tensor:
        log_p = generator(tokens, labels).float().log_softmax(-1)
        return log_p.gather(-1, tokens[..., None])[..., 0].cpu().double().exp()  # float32 would tie near 0 and 1

    return score


def critic_scorer(critic: Predictor) -> TokenScorer:
    """Scores a filled picture by the critic's probability that each token is real."""
    return lambda tokens, labels: critic(tokens, labels).cpu().double().sigmoid()


def _apply_batched(model: Callable[[Tensor, Tensor], Tensor], tokens: Tensor, labels: Tensor, size: int) -> Tensor:
    return torch.cat([model(t, c) for t, c in zip(tokens.split(size), labels.split(size), strict=True)])


def _interval(values: np.ndarray) -> list[float]:
    return [float(v) for v in np.quantile(values, (0.025, 0.975))]
