"""Can a judge tell a real token from a sampled one AT THE SAME PLACE? The contested AUC.

Hidden tokens sit at hard places, so a score that only knows which places are hard looks good on
"was sampled". Here every place of a picture is hidden in some fillings and visible in others, and
each draw that differs from the real token is held against the real token's own score there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine import MASK
from engine.data.emoji import concept_of
from engine.data.pictures import Pictures
from engine.noise import Noise
from engine.session import Session

GROUPS = 4  # places are split at random into four; fraction 0.25 / 0.5 / 0.75 hides one / two / three
BOOTSTRAPS = 2000  # resamples of the concepts, for the intervals
FRACTIONS = (0.25, 0.5, 0.75)
CHANGES = (0.0, 8.0, 16.0, 32.0, 64.0)  # mean difference of a patch's pixels, of 255, from which a bin begins
Judge = Callable[[Tensor, Tensor], Tensor]  # (tokens (B, N), labels (B,)) -> probability that each is real (B, N)


@dataclass(frozen=True, kw_only=True)
class Contested:
    """What was measured on some pictures at one fraction hidden."""

    q: float  # share of sampled tokens equal to the real one
    picture: np.ndarray  # (M,) the picture of each pair
    place: np.ndarray  # (M,) its place
    real: dict[str, np.ndarray]  # per judge (M,): mean score of the real token over the fillings that show it
    fake: dict[str, np.ndarray]  # per judge (M,): score of the draw that differs from it
    filled: np.ndarray  # (M,) the draw's token
    hidden_scores: dict[str, np.ndarray]  # per judge: scores of all sampled tokens
    shown_scores: dict[str, np.ndarray]  # per judge: scores of all visible ones

    def auc(self, judge: str) -> float:
        return auc(self.real[judge], self.fake[judge])

    def paired(self, judge: str) -> float:
        """Share of pairs in which the real token scores higher; ties count half."""
        real, fake = self.real[judge], self.fake[judge]
        return float(np.mean((real > fake) + 0.5 * (real == fake)))

    def sampled(self, judge: str) -> float:
        """Plain AUC of visible against sampled, whose ceiling is about 1 - q/2."""
        return auc(self.shown_scores[judge], self.hidden_scores[judge])

    def intervals(
        self, concepts: np.ndarray, resamples: int = BOOTSTRAPS
    ) -> tuple[dict[str, list[float]], list[float]]:
        """95 % intervals of each judge's AUC, and of the first judge's lead over the second.

        `concepts` (pictures,) has the same number for pictures that show the same. Whole concepts are resampled: five
        skin tones of one hand are no five independent pictures.
        """
        rng = np.random.Generator(np.random.Philox(0))
        found, cluster = np.unique(concepts[self.picture], return_inverse=True)
        names = list(self.real)
        aucs = [weighted_auc(self.real[name], self.fake[name], cluster) for name in names]
        draws = np.empty((resamples, len(names)))
        for i in range(resamples):
            counts = np.bincount(rng.integers(0, len(found), len(found)), minlength=len(found)).astype(np.float64)
            draws[i] = [one(counts) for one in aucs]
        lead = draws[:, 0] - draws[:, 1] if len(names) > 1 else draws[:, 0]
        return {name: _interval(draws[:, j]) for j, name in enumerate(names)}, _interval(lead)


def auc(high: np.ndarray, low: np.ndarray) -> float:
    """Probability that a draw from `high` exceeds one from `low`, ties half (Mann-Whitney)."""
    if not len(high) or not len(low):
        return float("nan")
    ordered = np.sort(low)
    below, upto = np.searchsorted(ordered, high, "left"), np.searchsorted(ordered, high, "right")
    return float((below + upto).mean() / 2 / len(low))


def weighted_auc(high: np.ndarray, low: np.ndarray, cluster: np.ndarray) -> Callable[[np.ndarray], float]:
    """The AUC of pairs (M,) as a function of how often each cluster (C,) counts; `cluster` (M,) is that of each pair.

    Scores are sorted here, once. A call adds up weights in that order, so many resamples are cheap.
    """
    by_high, by_low = np.argsort(high, kind="stable"), np.argsort(low, kind="stable")
    below, upto = (np.searchsorted(low[by_low], high[by_high], side) for side in ("left", "right"))
    of_high, of_low = cluster[by_high], cluster[by_low]

    def measured(counts: np.ndarray) -> float:
        weights = counts[of_high]
        lower = np.concatenate(([0.0], counts[of_low].cumsum()))  # (M + 1,) weight of the lowest 0, 1, 2, ... scores
        return float(weights @ (lower[below] + lower[upto])) / 2 / float(weights.sum() * lower[-1])

    return measured


@torch.no_grad()
def contested(
    tokens: Tensor, labels: Tensor, generator: Judge, judges: Mapping[str, Judge], *, fraction: float, size: int = 16
) -> Contested:
    """Fill real pictures (B, N) at one fraction hidden, in all four rotations, and let all judges score."""
    hidden_groups = round(fraction * GROUPS)
    noise = Noise(hidden_groups, tuple(range(len(tokens))))
    order = noise.uniform(0, "rank", tokens.shape[1:], tokens.device).argsort(dim=1, stable=True).argsort(dim=1)
    group = order * GROUPS // tokens.shape[1]  # (B, N) in 0..3, equally large
    fills, hides = [], []
    for turn in range(GROUPS):
        masked = (group - turn) % GROUPS < hidden_groups
        logits = _batched(generator, tokens.masked_fill(masked, MASK), labels, size)
        drawn = torch.empty_like(tokens)
        for i in range(len(tokens)):  # the noise of 178 pictures at once would be 180 MB
            gumbel = Noise(hidden_groups, (i,)).gumbel(turn, "token", logits.shape[1:], logits.device)
            drawn[i] = (logits[i].float() + gumbel[0]).argmax(-1)
        fills.append(torch.where(masked, drawn, tokens))
        hides.append(masked)
    filled, hidden = torch.stack(fills), torch.stack(hides)  # (4, B, N)
    differs = (hidden & (filled != tokens)).cpu().numpy()
    if not differs.any():
        raise ValueError("every draw equals the real token: there is nothing to tell apart")
    rotation, picture, place = np.nonzero(differs)
    real, fake, hidden_scores, shown_scores = {}, {}, {}, {}
    mask = hidden.cpu().numpy()
    for name, judge in judges.items():
        # in float64 the mean of equal scores is that score: where a judge ties, rounding must not decide
        scores = torch.stack([_batched(judge, f, labels, size).cpu().double() for f in filled]).numpy()
        shown_mean = np.where(mask, 0, scores).sum(0) / np.maximum((~mask).sum(0), 1)
        real[name], fake[name] = shown_mean[picture, place], scores[rotation, picture, place]
        hidden_scores[name], shown_scores[name] = scores[mask], scores[~mask]
    return Contested(
        q=float(1 - differs.sum() / mask.sum()),
        picture=picture,
        place=place,
        real=real,
        fake=fake,
        filled=filled.cpu().numpy()[rotation, picture, place],
        hidden_scores=hidden_scores,
        shown_scores=shown_scores,
    )


def generator_judge(generator: Judge) -> Judge:
    """The generator's own probability of each token of the filled picture: what self-revoking uses."""

    def judge(tokens: Tensor, labels: Tensor) -> Tensor:
        log_p = generator(tokens, labels).float().log_softmax(-1)
        return log_p.gather(-1, tokens[..., None])[..., 0].cpu().double().exp()  # float32 would tie near 0 and 1

    return judge


def critic_judge(critic: Judge) -> Judge:
    """The critic's probability that each token is real."""
    return lambda tokens, labels: critic(tokens, labels).cpu().double().sigmoid()


def _batched(judge: Judge, tokens: Tensor, labels: Tensor, size: int) -> Tensor:
    return torch.cat([judge(t, c) for t, c in zip(tokens.split(size), labels.split(size), strict=True)])


def _interval(values: np.ndarray) -> list[float]:
    return [float(v) for v in np.quantile(values, (0.025, 0.975))]


def concepts_of(pictures: Pictures, indices: np.ndarray) -> np.ndarray:
    """(len(indices),) the same number for all skin tones of one emoji; other pictures have one each."""
    number: dict[tuple[int, str], int] = {}
    names = ((int(pictures.labels[i]), concept_of(pictures.names[i])) for i in indices)
    return np.array([number.setdefault(name, len(number)) for name in names], np.int64)


def measure_auc(session: Session, n: int) -> dict[str, Any]:
    """The figures of a pack, per held-out split and fraction hidden, with up to n pictures a split."""
    if session.critic is None:
        raise ValueError(f"pack {session.pack.name!r} has no critic to measure")
    pictures = session.pack.pictures()
    if not pictures.held_out:
        raise ValueError(f"pack {session.pack.name!r} holds no pictures that were not trained on: nothing to measure")
    judges: dict[str, Judge] = {"critic": critic_judge(session.critic), "generator": generator_judge(session.generator)}
    result: dict[str, Any] = {}
    for split in pictures.held_out:
        indices = pictures.spread(split, n)
        real = torch.from_numpy(session.encode(pictures.read(indices))).long()
        labels = torch.from_numpy(pictures.labels[indices]).to(session.device)
        concepts = concepts_of(pictures, indices)
        result[split] = {}
        for fraction in FRACTIONS:
            print(f"{split} {fraction}: {len(indices)} pictures", file=sys.stderr)
            cell = contested(real.to(session.device), labels, session.generator, judges, fraction=fraction)
            result[split][f"{fraction:g}"] = _row(session, cell, real.numpy(), concepts)
    return result


def _row(session: Session, cell: Contested, real: np.ndarray, concepts: np.ndarray) -> dict[str, Any]:
    intervals, lead = cell.intervals(concepts)
    row: dict[str, Any] = {
        "q": cell.q,
        "contested_share": 1 - cell.q,
        "pairs": len(cell.picture),
        "pictures": len(real),
        "concepts": len(np.unique(concepts)),
    }
    for name in cell.real:
        row[name] = {
            "contested": cell.auc(name),
            "contested_ci": intervals[name],
            "paired": cell.paired(name),
            "sampled": cell.sampled(name),
        }
    row["difference"] = row["critic"]["contested"] - row["generator"]["contested"]
    row["difference_ci"] = lead
    row["by_change"] = _by_change(cell, _changes(session, cell, real))
    return row


def _changes(session: Session, cell: Contested, real: np.ndarray) -> np.ndarray:
    """(M,) how much the patches of the draw and of the real token differ, each code decoded among its own kind."""
    codes = session.tokenizer.config.codes
    grid, patch = session.tokenizer.config.grid, session.tokenizer.config.patch
    flat = session.decode(np.repeat(np.arange(codes)[:, None], session.places, 1))  # each code among its own kind
    middle = grid // 2 * patch
    patches = flat[:, middle : middle + patch, middle : middle + patch].astype(np.float32)
    return np.abs(patches[cell.filled] - patches[real[cell.picture, cell.place]]).mean((1, 2, 3))


def _by_change(cell: Contested, change: np.ndarray) -> list[dict[str, Any]]:
    bins = []
    for low, high in zip(CHANGES, (*CHANGES[1:], np.inf), strict=True):
        inside = (change >= low) & (change < high)
        if not inside.any():
            continue
        row: dict[str, Any] = {"from": low, "share": float(inside.mean())}
        for name in cell.real:
            row[name] = auc(cell.real[name][inside], cell.fake[name][inside])
        bins.append(row)
    return bins
