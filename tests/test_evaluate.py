"""The measurements themselves: scorers of known skill get the figures that they deserve."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from torch import Tensor

from engine import distance
from engine.contested import GROUPS, Contested, auc, measure_contested, weighted_auc
from engine.distance import nearest_distance
from engine.evaluate.auc import FRACTIONS, number_concepts
from engine.evaluate.tokenizer import entropy
from engine.psnr import psnr
from engine.session import Session
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
    intervals, lead = cell.intervals(np.arange(len(REAL)))
    assert intervals["oracle"] == [1.0, 1.0] and lead == pytest.approx([0.5, 0.5])


def test_auc_counts_every_pair() -> None:
    rng = np.random.default_rng(0)
    high, low = rng.integers(0, 9, 40) + 2.0, rng.integers(0, 9, 30) + 0.0
    wins = [(h > x) + 0.5 * (h == x) for h in high for x in low]
    assert auc(high, low) == pytest.approx(np.mean(wins))
    assert auc(low, high) == pytest.approx(1 - np.mean(wins))


def test_a_weighted_auc_is_that_of_clusters_written_out_so_often() -> None:
    rng = np.random.default_rng(0)
    high, low, cluster = rng.integers(0, 9, 60) + 1.0, rng.integers(0, 9, 60) + 0.0, rng.integers(0, 4, 60)
    counts = np.array([0, 1, 3, 2])
    chosen = np.repeat(np.arange(60), counts[cluster])
    assert weighted_auc(high, low, cluster)(counts.astype(float)) == pytest.approx(auc(high[chosen], low[chosen]))
    assert weighted_auc(high, low, cluster)(np.ones(4)) == pytest.approx(auc(high, low))


def test_where_pictures_are_copies_only_the_interval_over_concepts_holds_the_truth() -> None:
    """By simulation: 80 concepts, of each three copies, whose pairs are shifted alike. The truth is the mean of all."""
    rng, trials = np.random.default_rng(0), 300
    concepts, pictures = np.repeat(np.arange(80), 3), np.arange(240)
    values, found = [], []
    for _ in range(trials):
        shift, noise = rng.normal(0.5, 1, (80, 1)), rng.normal(size=(2, 80, 4))
        real, fake = (np.repeat(scores, 3, axis=0).ravel() for scores in (noise[0] + shift, noise[1]))
        cell = pairs_of({"judge": real}, {"judge": fake}, picture=np.repeat(pictures, 4))
        values.append(cell.auc("judge"))
        found.append([cell.intervals(by, resamples=200)[0]["judge"] for by in (pictures, concepts)])
    low, high = np.moveaxis(np.array(found), -1, 0)  # each (trials, 2)
    by_pictures, by_concepts = ((low <= np.mean(values)) & (np.mean(values) <= high)).mean(0)
    assert by_pictures < 0.85 and 0.90 <= by_concepts <= 0.99, (by_pictures, by_concepts)


def pairs_of(real: dict[str, np.ndarray], fake: dict[str, np.ndarray], picture: np.ndarray) -> Contested:
    """Pairs of which only scores and pictures matter."""
    nothing = np.zeros(len(picture), np.int64)
    scores = {"hidden_scores": {}, "shown_scores": {}}
    return Contested(q=0, picture=picture, position=nothing, real=real, fake=fake, filled=nothing, **scores)


def test_all_skin_tones_of_an_emoji_are_one_concept(session: Session) -> None:
    pictures = session.pack.pictures()
    tones = ("", "light skin tone, ", "medium-light skin tone, ", "dark skin tone, ")
    names = [f"{who}: {tone}{hair}" for who in ("man", "woman") for hair in ("bald", "red hair") for tone in tones]
    found = number_concepts(pictures, np.array([pictures.names.index(name) for name in names]))
    assert found.tolist() == [i // len(tones) for i in range(len(names))]
    plain = np.array([i for i, name in enumerate(pictures.names) if "skin tone" not in name])
    assert len(set(number_concepts(pictures, plain))) == len(plain), "without skin tones each is its own"


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


def test_the_nearest_picture_is_found_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    ours, theirs = (rng.integers(0, 256, (n, 8, 8, 3), np.uint8) for n in (30, 500))
    whole, among = distance.nearest(ours, theirs), distance.nearest(theirs)
    monkeypatch.setattr(distance, "MEMORY", 7 * 4 * 8 * 8 * 3)  # 7 pictures in float32
    tracemalloc.start()
    parts = distance.nearest(ours, theirs)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    for found, expected in ((parts, whole), (distance.nearest(theirs), among)):
        assert found[0] == pytest.approx(expected[0], rel=1e-4) and np.array_equal(found[1], expected[1])
    assert most < theirs.nbytes, "all of them in float32 are four times as much"
