"""Is the critic's probability one? Its score against the share of tokens that are real, by mask ratio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.contested import auc
from engine.device import cores
from engine.evaluate.auc import number_concepts
from engine.evaluate.experiments.experiment import Experiment, Row, Setup, say
from engine.evaluate.metrics import jackknife_interval, leave_out_groups
from engine.fill import fill_masked, rank_positions
from engine.noise import Noise
from engine.reports import Axis, Column, percent

FRACTIONS = (0.1, 0.25, 0.5, 0.75, 0.9)
BINS = 10


def measure(setup: Setup) -> Iterator[Row]:
    session, pictures = setup.evaluator.session, setup.evaluator.pictures
    chosen = setup.evaluator.choose_held_out(setup.n)
    if not len(chosen):
        raise ValueError(f"pack {session.pack.name!r} holds no pictures that were not trained on: nothing to measure")
    tokens, labels = session.pack.tokens()[chosen].long(), torch.from_numpy(pictures.labels[chosen])
    concepts = number_concepts(pictures, chosen)  # skin tones of one emoji are left out together
    for fraction in FRACTIONS:
        config = session.settings(rule="critic", steps=1, n=len(chosen), seed=setup.seed)

        def figures(fraction: float = fraction) -> dict[str, Any]:
            with ThreadPoolExecutor(setup.evaluator.samples.workers or cores()) as pool:
                each = pool.map(lambda i: _score_filled(setup, i, tokens[i], labels[i], fraction), range(len(tokens)))
                scores, real = (np.stack(part) for part in zip(*each, strict=True))  # both (M, N)
            values = {"ece": expected_error(scores, real)}
            left = leave_out_groups(
                lambda some: {"ece": expected_error(scores[some], real[some])}, len(scores), concepts
            )
            return {
                **values,
                **{f"{name}_ci": jackknife_interval(values[name], one) for name, one in left.items()},
                "fraction": fraction,
                "mean_score": float(scores.mean()),
                "share_real": float(real.mean()),
                "auc": auc(scores[real], scores[~real]),
                "points": bin_scores(scores, real),
                "measured": len(scores),
            }

        series = f"{percent(fraction)} of the tokens sampled"
        yield setup.row(config, {"hidden": fraction}, figures, series=series, point="held-out pictures")


@torch.no_grad()
def _score_filled(
    setup: Setup, i: int, tokens: Tensor, label: Tensor, fraction: float
) -> tuple[np.ndarray, np.ndarray]:
    """The critic's scores (N,) of a picture with a share of its tokens hidden and filled, and which are real (N,)."""
    session = setup.evaluator.session
    device, labels = session.device, label[None].to(session.device)
    noise = Noise(setup.seed, (i,))
    masked = rank_positions(noise.uniform(0, "rank", tokens.shape, device)) < round(fraction * len(tokens))
    filled = fill_masked(tokens[None].to(device), masked, labels, session.in_micro_batches(session.generator), noise)
    assert session.critic is not None
    scores = session.in_micro_batches(session.critic)(filled, labels, masked).sigmoid()
    return scores[0].cpu().numpy(), (~masked)[0].cpu().numpy()


def bin_scores(scores: np.ndarray, real: np.ndarray) -> list[dict[str, float]]:
    """Of each tenth of the scale: the mean score, the share of real tokens, and the number of tokens in it."""
    index = np.minimum((scores * BINS).astype(int), BINS - 1)
    inside = [index == i for i in range(BINS)]
    return [
        {"score": float(scores[some].mean()), "share": float(real[some].mean()), "tokens": int(some.sum())}
        for some in inside
        if some.any()
    ]


def expected_error(scores: np.ndarray, real: np.ndarray) -> float:
    """Expected calibration error: mean distance of score and share in a bin, by tokens (Naeini et al. 2015)."""
    bins: Sequence[Mapping[str, float]] = bin_scores(scores, real)
    return sum(one["tokens"] * abs(one["score"] - one["share"]) for one in bins) / scores.size


def find(rows: Sequence[Row]) -> list[str]:
    worst, best = (choose(rows, key=lambda row: row["ece"]) for choose in (max, min))
    apart = max(abs(row["mean_score"] - row["share_real"]) for row in rows)
    few, many = (choose(rows, key=lambda row: row["fraction"]) for choose in (min, max))
    least = f", and by less elsewhere, down to {say(best, 'ece', 3)}" if best["ece"] < worst["ece"] else ""
    return [
        f"The critic's probability is off by {say(worst, 'ece', 3)} on average where {percent(worst['fraction'])} of "
        f"the tokens are sampled{least} (expected calibration error); its mean score is at most {apart:.3f} off.",
        f"Which tokens are real it tells with an AUC of {few['auc']:.2f} where {percent(few['fraction'])} are sampled "
        f"and {many['auc']:.2f} where {percent(many['fraction'])} are; 1 is out of reach, since a token that the "
        f"generator guessed right looks real.",
    ]


CALIBRATION = Experiment(
    name="calibration",
    title="Calibration",
    method="A share of the tokens of held-out pictures is hidden and filled in one step, and the critic, told how many "
    "are new as in sampling, scores all tokens. Tenths of the scale: mean score against the share that is truly real.",
    measure=measure,
    find=find,
    columns=(
        Column(heading="expected calibration error ↓", figure="ece", digits=3),
        Column(heading="mean score", figure="mean_score", digits=3),
        Column(heading="share real", figure="share_real", digits=3),
        Column(heading="AUC ↑", figure="auc", digits=3),
    ),
    x=Axis(figure="score", label="the critic's score"),
    y=Axis(figure="share", label="share of tokens that are real"),
    diagonal=True,
    definitions={
        "expected calibration error ↓": "the mean distance of score and share in a tenth of the scale, by tokens "
        "(Naeini et al. 2015); its interval is of what other pictures would give: jackknife over 20 groups of "
        "pictures, those of one concept together",
        "AUC ↑": "how often a token that was left scores higher than one that was sampled, over all such pairs",
    },
    searched=False,
    figure="ece",
)
