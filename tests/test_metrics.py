"""The figures of the reports, against what is known of them: formulas, another package, made-up samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import prdc
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from engine.data.pictures import Pictures
from engine.evaluate import metrics
from engine.evaluate.metrics import (
    GROUPS,
    PictureFeatures,
    compute_metrics,
    expected_fid,
    expected_kid,
    fid,
    held_out_weights,
    inception_score,
    jackknife_interval,
    kid,
    kids,
    leave_out_groups,
    precision_recall,
    without_groups,
)
from engine.evaluate.samples import GOLDEN
from engine.evaluate.table1 import compare_rows


def normal(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def labelled(logits: np.ndarray) -> PictureFeatures:
    """Pictures with these logits, all of weight 1."""
    return PictureFeatures(features=normal(len(logits)), logits=logits, weights=np.ones(len(logits)))


def seen(features: np.ndarray, weights: np.ndarray | None = None) -> PictureFeatures:
    """Pictures with these features."""
    logits = normal(len(features), 5, seed=2)
    return PictureFeatures(
        features=features, logits=logits, weights=np.ones(len(features)) if weights is None else weights
    )


@pytest.mark.parametrize("shift", [0.0, 0.5, 3.0])
def test_precision_and_recall_are_those_of_prdc(shift: float) -> None:
    real, fake = normal(120, seed=1), 0.8 * normal(90, seed=2) + shift
    theirs = prdc.compute_prdc(real_features=real, fake_features=fake, nearest_k=3)
    assert precision_recall(seen(real), seen(fake)) == pytest.approx((theirs["precision"], theirs["recall"]), abs=1e-12)


def test_too_few_pictures_have_no_precision() -> None:
    assert np.isnan(precision_recall(seen(normal(3)), seen(normal(50)))).all()


def test_fid_is_the_distance_of_two_gaussians() -> None:
    x = normal(400, 4)
    x = (x - x.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T)).T)  # mean 0, covariance 1, exactly
    y = x * np.array([1, 2, 3, 1]) + np.array([0, 0, 0, 5])
    assert fid(seen(x), seen(x)) == pytest.approx(0, abs=1e-6)
    assert fid(seen(x), seen(y)) == pytest.approx(1 + 4 + 25, rel=1e-4)  # (1 - 2)^2 + (1 - 3)^2 + 5^2


def test_kid_is_the_unbiased_mmd_of_the_cubic_kernel() -> None:
    x, y = normal(40, 6).astype(np.float64), normal(40, 6, seed=1).astype(np.float64) + 0.3

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: np.ndarray) -> float:
        k = kernel(a, a)
        return (k.sum() - np.trace(k)) / (len(a) * (len(a) - 1))

    expected = within(x) + within(y) - 2 * kernel(x, y).mean()
    assert kid(seen(x.astype(np.float32)), seen(y.astype(np.float32))) == pytest.approx(expected, rel=1e-3)


def kid_of_formula(real: PictureFeatures, fake: PictureFeatures) -> float:
    """By the whole matrix of pairs, as Binkowski et al. define it, with weights."""
    (a, of_a), (b, of_b) = ((one.features.astype(float), one.weights / one.weights.sum()) for one in (real, fake))

    def mean(x: np.ndarray, of_x: np.ndarray, y: np.ndarray, of_y: np.ndarray, among: bool) -> float:
        pairs = np.outer(of_x, of_y) * ((1 - np.eye(len(x))) if among else 1)
        return float((pairs * (x @ y.T / x.shape[1] + 1) ** 3).sum() / pairs.sum())

    return mean(a, of_a, a, of_a, True) + mean(b, of_b, b, of_b, True) - 2 * mean(a, of_a, b, of_b, False)


@pytest.mark.parametrize("tile", [7, 30, 2048])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_kids_without_each_group_come_from_one_pass_over_the_pairs(
    tile: int, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "TILE", tile)
    rng = np.random.default_rng(3)
    weights = (rng.uniform(0.2, 3, 67), rng.uniform(0.2, 3, 95)) if weighted else (None, None)
    real, fake = seen(normal(67, 6), weights[0]), seen(normal(95, 6, seed=1) + 0.3, weights[1])
    choices = [np.arange(95), *without_groups(95), np.array([4, 90, 13, 50])]  # groups of 5 and of 4, and a few
    expected = [kid_of_formula(real, fake.select(chosen)) for chosen in choices]
    other = seen(normal(40, 6, seed=5))
    assert kids([other, real], fake, choices)[1] == pytest.approx(expected, rel=1e-10)
    assert [kid(real, fake.select(chosen)) for chosen in choices] == pytest.approx(expected, rel=1e-10)


class LargestTensor(TorchDispatchMode):
    """Notes the largest tensor that is made, in bytes."""

    most = 0

    def __torch_dispatch__(self, call: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = call(*args, **(kwargs or {}))
        for one in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(one, torch.Tensor):
                self.most = max(self.most, one.nbytes)
        return made


def test_figures_are_those_of_small_tiles_and_no_tensor_has_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """An array of all pairs of the 50,000 pictures that papers draw would have 20 GB."""
    n, labels = 1500, np.arange(1500) % 3

    def figures() -> list[float]:
        real, fake = seen(normal(n, 8)), seen(normal(n, 8, seed=1) + 0.3)
        (found,) = kids([real], fake, [np.arange(n), *without_groups(n)])
        expected = expected_kid(real, labels, np.array([5, 6, 7]))
        return [*found, *precision_recall(real, fake), inception_score(fake), expected]

    whole = figures()
    monkeypatch.setattr(metrics, "TILE", 100)
    with LargestTensor() as made:
        assert figures() == pytest.approx(whole, rel=1e-9)
    assert made.most <= 8 * 100 * n < 8 * n * n / 10


def test_the_inception_score_counts_the_labels_that_are_told_apart() -> None:
    logits = np.where(np.eye(5, dtype=bool)[np.arange(100) % 5], 50.0, 0.0).astype(np.float32)
    assert inception_score(labelled(logits)) == pytest.approx(5, rel=1e-5)
    assert inception_score(labelled(np.zeros((20, 5), np.float32))) == pytest.approx(1)


def test_what_perfect_samples_would_get_is_what_they_get() -> None:
    centres, counts = 3 * normal(3, 4, seed=1), np.array([14, 10, 6])

    def draw(each: np.ndarray, seed: int) -> np.ndarray:
        return centres.repeat(each, 0) + 0.5 * normal(int(each.sum()), 4, seed)

    whole = seen(draw(counts * 60, 2))
    labels = np.arange(3).repeat(counts * 60)
    drawn = [seen(draw(counts, seed)) for seed in range(100, 340)]
    for expected, measure in ((expected_kid, kid), (expected_fid, fid)):
        found = np.array([measure(whole, one) for one in drawn])
        error = found.std() / len(found) ** 0.5
        share = 0.1 if measure is fid else 0  # it is a mean over few draws itself
        wanted = expected(whole, labels, counts)
        assert abs(wanted - found.mean()) < 4 * error + share * found.mean()
        assert abs(found.mean()) > 8 * error, "not 0"
    assert expected_kid(whole, labels, counts) < 0 < expected_fid(whole, labels, counts)


def test_real_pictures_count_by_their_weights() -> None:
    logits, features = 3 * normal(40, 6), normal(40, 4)
    often = np.arange(40) % 3 + 1
    once = PictureFeatures(features=features, logits=logits, weights=often / 7)
    many = labelled(logits.repeat(often, 0))
    assert inception_score(once) == pytest.approx(inception_score(many), rel=1e-9)
    some = seen(normal(60, 4, seed=1))
    within = [precision_recall(some, once.select(np.array([i] * 4)))[0] for i in range(40)]
    assert precision_recall(some, once)[0] == pytest.approx(np.average(within, weights=often))


def test_no_metric_touches_the_global_random_state() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    kid(seen(normal(50)), seen(normal(50, seed=1))), inception_score(seen(normal(50)))
    assert torch.equal(before, torch.get_rng_state())


def test_the_interval_of_a_mean_is_the_one_that_books_give() -> None:
    values = normal(GROUPS * 50, 1)[:, 0]
    left = leave_out_groups(lambda chosen: {"mean": float(values[chosen].mean())}, len(values))["mean"]
    low, high = jackknife_interval(float(values.mean()), left)
    groups = values.reshape(50, GROUPS).mean(0)
    assert (high + low) / 2 == pytest.approx(values.mean(), abs=1e-6)
    assert (high - low) / 2 == pytest.approx(2.093 * groups.std(ddof=1) / GROUPS**0.5, rel=1e-4)
    assert jackknife_interval(float(values.mean()), left, (values.mean() - 1e-9, 9)) == [
        pytest.approx(values.mean()),
        high,
    ]
    assert leave_out_groups(lambda chosen: {"mean": 0.0}, 2 * GROUPS - 1) == {}


def test_a_group_left_out_is_not_made_up_for_by_later_samples() -> None:
    real, fake = seen(normal(30)), seen(normal(90, seed=1))
    chosen = np.flatnonzero(np.arange(90) % 3 > 0)
    found = compute_metrics(real, fake, np.ones(90, bool), chosen)
    few = fake.select(chosen[chosen < 30])
    assert found["recall"] == pytest.approx(precision_recall(real, few)[1])
    assert found["fid"] == pytest.approx(fid(real, fake.select(chosen)), rel=1e-6)


@pytest.mark.parametrize("n", [60, 90])
def test_fid_and_kid_are_those_of_torchmetrics_where_weights_are_equal(n: int) -> None:
    real, fake = normal(60, 8), 0.9 * normal(n, 8, seed=1) + 0.2
    theirs = FrechetInceptionDistance(passed(8))
    others = KernelInceptionDistance(passed(8), subsets=1, subset_size=60)
    for metric in (theirs, others) if n == 60 else (theirs,):
        metric.update(torch.from_numpy(real).double(), real=True)
        metric.update(torch.from_numpy(fake).double(), real=False)
    assert fid(seen(real, np.full(60, 0.3)), seen(fake)) == pytest.approx(float(theirs.compute()), rel=1e-5)
    if n == 60:
        assert kid(seen(real), seen(fake, np.full(60, 7.0))) == pytest.approx(float(others.compute()[0]), rel=1e-5)


def test_the_inception_score_is_that_of_torchmetrics() -> None:
    logits = 3 * normal(70, 6)
    theirs = InceptionScore(passed(6), splits=1)
    theirs.update(torch.from_numpy(logits).double())
    assert inception_score(labelled(logits)) == pytest.approx(float(theirs.compute()[0]), rel=1e-5)


def passed(width: int) -> torch.nn.Module:
    """For torchmetrics, which wants a network: features pass through."""
    identity = torch.nn.Identity()
    identity.num_features = width  # type: ignore[assignment]
    return identity


def test_a_picture_of_weight_2_is_two_pictures_but_for_what_makes_the_figures_unbiased() -> None:
    x, y = normal(300, 4), normal(200, 4, seed=1) + 0.5
    twice = np.concatenate([x, x[:100]])
    weights = np.where(np.arange(300) < 100, 2.0, 1.0)
    assert fid(seen(x, weights), seen(y)) == pytest.approx(fid(seen(twice), seen(y)), rel=0.03)
    assert kid(seen(x, weights), seen(y)) == pytest.approx(kid(seen(twice), seen(y)), rel=0.15)
    assert len(seen(x).with_weights(np.where(np.arange(300) < 100, 0, 1))) == 200


@pytest.mark.slow
def test_the_interval_holds_the_true_value_19_times_of_20() -> None:
    """By simulation: KID and FID of 200 samples against a fixed reference, the truth being the mean of all trials."""
    rng = np.random.default_rng(0)
    real, trials, held = seen(normal(300, 4)), 200, {"kid": 0, "fid": 0}
    found = []
    for _ in range(trials):
        fake = seen((rng.normal(size=(200, 4)) * 1.2 + 0.3).astype(np.float32))
        values = {"kid": kid(real, fake), "fid": fid(real, fake)}
        left = leave_out_groups(
            lambda some, fake=fake: {"kid": kid(real, fake.select(some)), "fid": fid(real, fake.select(some))}, 200
        )
        found.append((values, {name: jackknife_interval(values[name], left[name]) for name in values}))
    for name in held:
        truth = np.mean([values[name] for values, _ in found])
        held[name] = sum(ends[name][0] <= truth <= ends[name][1] for _, ends in found)
        assert 0.90 <= held[name] / trials <= 0.97, (name, held[name])


@pytest.mark.slow
def test_the_interval_of_a_comparison_holds_the_true_value_19_times_of_20() -> None:
    """By simulation: two rules' samples share classes and a part of their noise, index by index."""
    rng, centres = np.random.default_rng(1), 2 * normal(4, 4)
    labels = (np.arange(200) * GOLDEN % 1 * 4).astype(int)
    real, trials = seen(centres[np.arange(300) % 4] + normal(300, 4, seed=2)), 200

    def row(shared: np.ndarray, width: float, shift: float) -> dict[str, Any]:
        noise = 0.7 * shared + 0.7 * rng.normal(size=shared.shape)
        fake = seen((centres[labels] + width * noise + shift).astype(np.float32))

        def compute(some: np.ndarray) -> dict[str, float]:
            return {"kid": kid(real, fake.select(some)), "fid": fid(real, fake.select(some))}

        return {"n": 200, **compute(np.arange(200)), "without_group": leave_out_groups(compute, 200)}

    found = []
    for _ in range(trials):
        shared = rng.normal(size=(200, 4))
        found.append(compare_rows(row(shared, 1.3, 0.3), row(shared, 1.1, 0.2)))
    for name in ("fid_ratio", "kid_difference"):
        mean = np.mean([np.log(one[name]) if name == "fid_ratio" else one[name] for one in found])
        truth = np.exp(mean) if name == "fid_ratio" else mean
        held = sum(one[f"{name}_ci"][0] <= truth <= one[f"{name}_ci"][1] for one in found)
        assert 0.90 <= held / trials <= 0.99, (name, held)


def test_held_out_pictures_count_as_their_classes_do_in_training() -> None:
    labels = np.array([0] * 6 + [1] * 6)
    splits = np.array(["train"] * 4 + ["test"] * 2 + ["train"] * 2 + ["test"] * 3 + ["other"])
    weights = np.array([1, 1, 0.5, 0.5, 1, 0.5, 1, 1, 1, 1, 1, 1], np.float32)
    pictures = Pictures(
        labels=labels,
        classes=("a", "b"),
        names=tuple(map(str, range(12))),
        groups=("",) * 12,
        splits=splits,
        weights=weights,
        size=4,
        read=lambda indices: np.zeros((len(indices), 4, 4, 3), np.uint8),
    )
    found = held_out_weights(pictures)
    assert not found[splits == "train"].any()
    assert found[4:6] == pytest.approx([0.4, 0.2]) and found[8:] == pytest.approx([0.1] * 4)
