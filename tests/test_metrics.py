"""The figures of the reports, against what is known of them: formulas, another package, made-up samples."""

from __future__ import annotations

import numpy as np
import prdc
import pytest
import torch

from engine.data.pictures import Pictures
from engine.evaluate.metrics import (
    GROUPS,
    Seen,
    fid,
    inception_score,
    interval,
    kid,
    measure,
    precision_recall,
    reference,
    without_each,
)


def normal(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize("shift", [0.0, 0.5, 3.0])
def test_precision_and_recall_are_those_of_prdc(shift: float) -> None:
    real, fake = normal(120, seed=1), 0.8 * normal(90, seed=2) + shift
    theirs = prdc.compute_prdc(real_features=real, fake_features=fake, nearest_k=3)
    assert precision_recall(real, fake) == pytest.approx((theirs["precision"], theirs["recall"]), abs=1e-12)


def test_too_few_pictures_have_no_precision() -> None:
    assert np.isnan(precision_recall(normal(3), normal(50))).all()


def test_fid_is_the_distance_of_two_gaussians() -> None:
    x = normal(400, 4)
    x = (x - x.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T)).T)  # mean 0, covariance 1, exactly
    y = x * np.array([1, 2, 3, 1]) + np.array([0, 0, 0, 5])
    assert fid(x, x) == pytest.approx(0, abs=1e-6)
    assert fid(x, y) == pytest.approx(1 + 4 + 25, rel=1e-4)  # (1 - 2)^2 + (1 - 3)^2 + 5^2


def test_kid_is_the_unbiased_mmd_of_the_cubic_kernel() -> None:
    x, y = normal(40, 6).astype(np.float64), normal(40, 6, seed=1).astype(np.float64) + 0.3

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: np.ndarray) -> float:
        k = kernel(a, a)
        return (k.sum() - np.trace(k)) / (len(a) * (len(a) - 1))

    expected = within(x) + within(y) - 2 * kernel(x, y).mean()
    assert kid(x.astype(np.float32), y.astype(np.float32)) == pytest.approx(expected, rel=1e-3)


def test_the_inception_score_counts_the_labels_that_are_told_apart() -> None:
    logits = np.where(np.eye(5, dtype=bool)[np.arange(100) % 5], 50.0, 0.0).astype(np.float32)
    assert inception_score(logits) == pytest.approx(5, rel=1e-5)
    assert inception_score(np.zeros((20, 5), np.float32)) == pytest.approx(1)


def test_no_metric_touches_the_global_random_state() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    kid(normal(50), normal(50, seed=1)), inception_score(normal(50))
    assert torch.equal(before, torch.get_rng_state())


def test_the_interval_of_a_mean_is_the_one_that_books_give() -> None:
    values = normal(GROUPS * 50, 1)[:, 0]
    left = without_each(lambda chosen: {"mean": float(values[chosen].mean())}, len(values))["mean"]
    low, high = interval(float(values.mean()), left)
    groups = values.reshape(50, GROUPS).mean(0)
    assert (high + low) / 2 == pytest.approx(values.mean(), abs=1e-6)
    assert (high - low) / 2 == pytest.approx(2.093 * groups.std(ddof=1) / GROUPS**0.5, rel=1e-4)
    assert interval(float(values.mean()), left, (values.mean() - 1e-9, 9)) == [pytest.approx(values.mean()), high]
    assert without_each(lambda chosen: {"mean": 0.0}, 2 * GROUPS - 1) == {}


def test_a_group_left_out_is_not_made_up_for_by_later_samples() -> None:
    real = Seen(features=normal(30), logits=normal(30, 5))
    fake = Seen(features=normal(90, seed=1), logits=normal(90, 5, seed=2))
    chosen = np.flatnonzero(np.arange(90) % 3 > 0)
    found = measure(real, fake, np.ones(90, bool), chosen)
    few = chosen[chosen < 30]
    assert found["kid"] == pytest.approx(kid(real.features, fake.features[few]), rel=1e-6)
    assert found["recall"] == pytest.approx(precision_recall(real.features, fake.features[few])[1])
    assert found["fid"] == pytest.approx(fid(real.features, fake.features[chosen]), rel=1e-6)


def test_the_reference_thins_pictures_to_their_weight() -> None:
    n = 200
    weights = np.where(np.arange(n) % 4 == 0, 1.0, 0.25).astype(np.float32)
    splits = np.where(np.arange(n) % 5 == 4, "held", "train")
    pictures = Pictures(
        labels=np.zeros(n, np.int64),
        classes=("a",),
        names=tuple(map(str, range(n))),
        groups=("",) * n,
        splits=splits,
        weights=weights,
        size=4,
        read=lambda indices: np.zeros((len(indices), 4, 4, 3), np.uint8),
    )
    chosen = reference(pictures)
    assert len(set(chosen)) == len(chosen) and set(splits[chosen]) == {"train"}
    assert abs(len(chosen) - weights[splits == "train"].sum()) <= 1
    quarter = chosen[weights[chosen] < 1]
    assert abs(len(quarter) - 0.25 * ((weights < 1) & (splits == "train")).sum()) <= 0.1 * len(chosen)
