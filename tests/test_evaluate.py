"""The measurements themselves: scorers of known skill get the figures that they deserve."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.contested import GROUPS, Contested, auc, measure_contested
from engine.distance import nearest_distance
from engine.evaluate.auc import FRACTIONS
from engine.evaluate.tokenizer import entropy
from engine.psnr import psnr
from tests.fakes import CODES, FakeGenerator

N = 64
REAL = torch.randint(CODES, (6, N), generator=torch.Generator().manual_seed(0))


def oracle(tokens: Tensor, labels: Tensor) -> Tensor:
    """Knows the real pictures: compares each token with the picture that fits best."""
    same = tokens[:, None] == REAL  # (B, 6, N)
    return same[torch.arange(len(tokens)), same.sum(2).argmax(1)].float()


def hardness(tokens: Tensor, labels: Tensor) -> Tensor:
    """Knows how hard each place is, and nothing of the token that stands there."""
    return torch.sin(torch.arange(N) * 3.0).expand(len(tokens), -1)


def measured(fraction: float) -> Contested:
    scorers = {"oracle": oracle, "hardness": hardness}
    labels = torch.zeros(len(REAL), dtype=torch.long)
    return measure_contested(REAL, labels, FakeGenerator(), scorers, fraction=fraction, size=4)


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_who_knows_the_picture_gets_1_and_who_knows_only_the_place_gets_one_half(fraction: float) -> None:
    cell = measured(fraction)
    assert cell.auc("oracle") == cell.paired("oracle") == 1.0
    assert cell.auc("hardness") == pytest.approx(0.5, abs=1e-12) and cell.paired("hardness") == 0.5
    assert cell.sampled("oracle") == pytest.approx(1 - cell.q / 2)  # the ceiling: a draw that hits looks real


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_every_place_is_hidden_in_as_many_rotations(fraction: float) -> None:
    cell = measured(fraction)
    hidden = round(fraction * GROUPS) * REAL.numel()
    assert len(cell.hidden_scores["oracle"]) == hidden and len(cell.shown_scores["oracle"]) == 4 * REAL.numel() - hidden
    assert len(cell.picture) == round((1 - cell.q) * hidden)
    pairs = list(zip(cell.picture.tolist(), cell.position.tolist(), strict=True))
    assert max(pairs.count(one) for one in set(pairs)) <= round(fraction * GROUPS)
    assert (cell.filled != REAL.numpy()[cell.picture, cell.position]).all()


def test_intervals_hold_the_figure_and_the_lead() -> None:
    cell = measured(0.5)
    intervals, lead = cell.intervals()
    assert intervals["oracle"] == [1.0, 1.0] and lead == pytest.approx([0.5, 0.5])


def test_auc_counts_every_pair() -> None:
    rng = np.random.default_rng(0)
    high, low = rng.integers(0, 9, 40) + 2.0, rng.integers(0, 9, 30) + 0.0
    wins = [(h > x) + 0.5 * (h == x) for h in high for x in low]
    assert auc(high, low) == pytest.approx(np.mean(wins))
    assert auc(low, high) == pytest.approx(1 - np.mean(wins))


def test_psnr_pools_the_squared_error_of_the_chosen_pixels() -> None:
    images = np.zeros((2, 4, 4, 3), np.uint8)
    decoded = images.copy()
    decoded[0, 0, 0] = 255
    where = np.zeros((2, 4, 4), bool)
    where[0, 0, :2] = True
    assert psnr(images, decoded, where) == pytest.approx(10 * np.log10(2))
    assert psnr(images, decoded, np.ones_like(where)) == pytest.approx(10 * np.log10(32))


def test_entropy_is_in_nats() -> None:
    assert entropy(np.array([7, 7, 7])) == 0
    assert entropy(np.arange(8)) == pytest.approx(np.log(8))


def test_nearest_is_the_distance_to_the_closest_picture() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = (rng.integers(0, 256, (n, 8, 8, 3), np.uint8) for n in (3, 5))
    squared = (ours[:, None].astype(float) - theirs[None].astype(float)) ** 2
    assert nearest_distance(ours, theirs) == pytest.approx(np.sqrt(squared.mean((2, 3, 4))).min(1), rel=1e-4)
    assert nearest_distance(theirs[:2], theirs) == pytest.approx([0, 0], abs=0.2)
