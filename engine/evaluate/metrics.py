"""All figures of the reports, defined once. Reports print DEFINITIONS.

Pairs of pictures are looked at tile by tile, so that memory grows with the number of pictures and not with its square.

FID and KID are implemented here because libraries do not support weighted pictures. Tests compare them with
torchmetrics for equal weights, and precision and recall with prdc. All figures use the features of the pack's
own classifier, not of Inception: compare them within one report only.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from engine.classifier import Classifier, extract_features
from engine.data.pictures import Pictures
from engine.device import cores

NEIGHBOURS = 3  # the k of k nearest neighbours, for precision and recall
GROUPS = 20  # groups of samples in the jackknife
T_QUANTILE = 2.093  # 97.5 % quantile of Student's t for GROUPS - 1 degrees of freedom; scipy for one number is heavy
PERFECT_DRAWS = 20  # draws of real pictures that `expected_fid` is the mean of
MIN_SAMPLES = 2 * GROUPS  # fewer samples get no intervals
TILE = 2048  # pictures on each side of a tile: 32 MB in float64, and a few tiles at once
SHARE_FIGURES = ("precision", "recall", "class_accuracy")  # figures that are shares of pictures

DEFINITIONS = {
    "features": "the last mean of the pack's own ResNet (engine/classifier.py), trained on the fine labels of the same "
    "training pictures; not Inception's, so no figure compares with those of papers",
    "reference": "the training pictures that the pack carries, as they are, each by its weight in training",
    "held": "figures with _held: against the pictures that were held out, as they are, weighted so that each class has "
    "its share of the training",
    "labels": "of the samples: each class as often as in training",
    "fid": "Frechet distance of the Gaussians with the weighted moments of samples and reference; it falls with n",
    "fid_first": "the same over the first 2,000 samples (fewer where there are fewer): compares rows of different n",
    "kid": "squared maximum mean discrepancy of all n samples and the reference, cubic kernel, unbiased, by weights",
    "is": "inception score over the fine labels, one split",
    "precision": "share of samples within the reference's 3-nearest-neighbour balls, as many samples as reference "
    "pictures at most (Kynkäänniemi et al. 2019)",
    "recall": "share of reference pictures, by weight, within the samples' balls; it rises with n",
    "class_accuracy": "share of samples for which the classifier's likeliest class is the wanted one",
    "nearest": "root mean square difference to the nearest training picture as the tokenizer shows it, 0..255: median",
    "near": "share of samples nearer than 10 to a training picture",
    "ci": "95 %, of what other noise would give with these weights at this n: delete-a-group jackknife over 20 groups "
    "of samples, each with its own noise",
    "passes": "network passes a picture costs",
    "seconds_per_picture": "one picture alone, all threads, median of 3; all rows of a table in turn",
}


@dataclass(frozen=True, kw_only=True)
class PictureFeatures:
    """The classifier's outputs for M pictures, and a weight for each."""

    features: np.ndarray  # (M, D) float32
    logits: np.ndarray  # (M, L) float32
    weights: np.ndarray  # (M,) float64; they need not sum to 1

    def __len__(self) -> int:
        return len(self.features)

    @cached_property
    def radii(self) -> Tensor:
        """(M,) distance of each picture to its k-th neighbour. Cached: all rows use those of the reference."""
        return _radii(_points(self.features))

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Weighted mean (D,) and covariance (D, D). The covariance is unbiased for reliability weights."""
        share = _shares(self.weights)
        points = _points(self.features)
        mean = share @ points
        apart = points - mean
        return mean, (share[:, None] * apart).T @ apart / (1 - float((share**2).sum()))

    @cached_property
    def mean_kernel(self) -> float:
        """Weighted mean of the kernel over all pairs of different pictures: one side's term of KID."""
        return float(_mean_kernels(_points(self.features), _shares(self.weights[None]))[0])

    def select(self, chosen: slice | np.ndarray) -> PictureFeatures:
        """Some of the pictures."""
        return PictureFeatures(features=self.features[chosen], logits=self.logits[chosen], weights=self.weights[chosen])

    def with_weights(self, weights: np.ndarray) -> PictureFeatures:
        """The same pictures with other weights (M,). Pictures of weight 0 are left out."""
        return dataclasses.replace(self, weights=weights.astype(np.float64)).select(np.flatnonzero(weights > 0))


def compute_features(model: Classifier, images: np.ndarray) -> PictureFeatures:
    """Features of uint8 pictures (M, S, S, 3), all of weight 1."""
    features, logits = extract_features(model, images)
    return PictureFeatures(features=features, logits=logits, weights=np.ones(len(features)))


def held_out_weights(pictures: Pictures) -> np.ndarray:
    """(M,) weights that give each class of the held-out pictures its share of the training; 0 for training pictures.

    Within a class pictures keep the ratio of their own weights. A class without held-out pictures is left out.
    """
    trained = pictures.splits == "train"
    weights = pictures.weights.astype(np.float64)
    classes = len(pictures.classes)
    share = np.bincount(pictures.labels[trained], weights[trained], classes)
    held = np.bincount(pictures.labels[~trained], weights[~trained], classes)
    factor = np.divide(share / max(share.sum(), 1e-12), held, out=np.zeros(classes), where=held > 0)
    return np.where(trained, 0, weights * factor[pictures.labels])


def compute_metrics(
    real: PictureFeatures, fake: PictureFeatures, right: np.ndarray, chosen: np.ndarray
) -> dict[str, float]:
    """Figures of the `chosen` samples (indices), but for KID. right (M,) bool: has each the requested class?"""
    some = fake.select(chosen)
    few = fake.select(
        chosen[chosen < len(real)]
    )  # not chosen[:len(real)], which would replace left-out samples by later ones
    precision, recall = precision_recall(real, few)
    return {
        "fid": fid(real, some),
        "is": inception_score(some),
        "precision": precision,
        "recall": recall,
        "class_accuracy": float(right[chosen].mean()),
    }


def fid(real: PictureFeatures, fake: PictureFeatures) -> float:
    """Frechet distance of the Gaussians with the moments of both (Heusel et al. 2017)."""
    (mean, covariance), (other_mean, other_covariance) = real.moments, fake.moments
    roots = torch.linalg.eigvals(covariance @ other_covariance).sqrt().real.sum()
    return float((mean - other_mean).square().sum() + covariance.trace() + other_covariance.trace() - 2 * roots)


def kid(real: PictureFeatures, fake: PictureFeatures) -> float:
    """Squared maximum mean discrepancy (Binkowski et al. 2018), unbiased, over all pictures of both sides."""
    return kids([real], fake, [np.arange(len(fake))])[0][0]


def kids(reals: Sequence[PictureFeatures], fake: PictureFeatures, choices: Sequence[np.ndarray]) -> list[list[float]]:
    """`kid` for each of `reals`, of several choices (indices) of the fake pictures: all in one pass over the pairs."""
    weights = np.zeros((len(choices), len(fake)))
    for mine, chosen in zip(weights, choices, strict=True):
        mine[chosen] = fake.weights[chosen]
    some = np.flatnonzero(weights.any(0))
    points, shares = _points(fake.features[some]), _shares(weights[:, some])
    among, found = _mean_kernels(points, shares), []
    for real in reals:
        across = _kernel_sums(_points(real.features), _shares(real.weights[None]), points, shares)
        found.append((real.mean_kernel + among - 2 * across).tolist())
    return found


def expected_fid(real: PictureFeatures, labels: np.ndarray, counts: np.ndarray) -> float:
    """Mean FID of pictures drawn from `real` by weight, `counts` (C,) of each class.

    `labels` (M,) are the classes of `real`. A mean over some draws, each with replacement.
    """
    rng = np.random.Generator(np.random.Philox(0))
    found = []
    for _ in range(PERFECT_DRAWS):
        drawn = []
        for label in np.flatnonzero(counts):
            mine = np.flatnonzero(labels == label)
            drawn.append(rng.choice(mine, counts[label], p=real.weights[mine] / real.weights[mine].sum()))
        chosen = np.concatenate(drawn)
        found.append(fid(real, real.select(chosen).with_weights(np.ones(len(chosen)))))
    return float(np.mean(found))


def expected_kid(real: PictureFeatures, labels: np.ndarray, counts: np.ndarray) -> float:
    """KID that is expected of pictures of the same distribution as `real`, `counts` (C,) of each class.

    `kid` takes pictures for independent. Where the number of each class is fixed, pairs of one class, which are alike,
    are rarer than among independent ones: the expectation is below 0, by the more the fewer pictures there are.
    """
    share = np.zeros((len(counts), len(real)))
    share[labels, np.arange(len(real))] = real.weights
    of_class = torch.from_numpy(share / np.maximum(share.sum(1, keepdims=True), 1e-12))
    alike = torch.zeros(len(counts), len(counts), dtype=torch.float64)  # mean kernel of pictures of two classes
    for rows, columns, kernel in _kernel_tiles(_points(real.features), _points(real.features)):
        alike += of_class[:, rows] @ kernel @ of_class[:, columns].T
    n = torch.from_numpy(counts.astype(np.float64))
    total, pairs = float(n @ alike @ n), float(n.sum())
    return (total - float(n @ alike.diagonal())) / (pairs * (pairs - 1)) - total / pairs**2


def _mean_kernels(points: Tensor, shares: Tensor) -> Tensor:
    """(C,) mean kernel over all pairs of different points (M, D), for each row of weights `shares` (C, M)."""
    with_itself = ((points**2).sum(1) / points.shape[1] + 1) ** 3
    pairs = _kernel_sums(points, shares, points, shares) - shares**2 @ with_itself
    return pairs / (1 - (shares**2).sum(1))


def _kernel_sums(a: Tensor, of_a: Tensor, b: Tensor, of_b: Tensor) -> Tensor:
    """(C,) sum of the kernel over all pairs of points (M, D) and (M', D), weighted by each row of (C, M), (C, M').

    Weights of one row count for all rows of the others.
    """
    total = torch.zeros(len(of_b), dtype=torch.float64)
    for rows, columns, kernel in _kernel_tiles(a, b):
        total += (of_a[:, rows] @ kernel * of_b[:, columns]).sum(1)
    return total


def _kernel_tiles(a: Tensor, b: Tensor) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield the cubic kernel of points (M, D) and (M', D), (a b / D + 1)^3, tile by tile."""
    for rows in _tile_slices(len(a)):
        for columns in _tile_slices(len(b)):
            yield rows, columns, (a[rows] @ b[columns].T / a.shape[1] + 1) ** 3


def _tile_slices(n: int) -> list[slice]:
    return [slice(first, first + TILE) for first in range(0, n, TILE)]


def inception_score(pictures: PictureFeatures) -> float:
    """exp of the mean KL divergence between each picture's label distribution and the mean one, by weights."""
    share = _shares(pictures.weights)
    mean, information = torch.zeros(pictures.logits.shape[1], dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for some in _tile_slices(len(pictures)):
        log_p = torch.from_numpy(pictures.logits[some]).double().log_softmax(1)
        mean += share[some] @ log_p.exp()
        information += share[some] @ (log_p.exp() * log_p).sum(1)
    return float((information - mean.xlogy(mean).sum()).exp())


def precision_recall(real: PictureFeatures, fake: PictureFeatures) -> tuple[float, float]:
    """Share of the fake inside the manifold of the real, and share of the real inside that of the fake, by weights.

    A manifold is the union of balls around its points; each reaches to the point's k-th neighbour (Kynkäänniemi et
    al. 2019, equations 1 and 2). NaN with k points or fewer on either side.
    """
    if min(len(real), len(fake)) <= NEIGHBOURS:
        return float("nan"), float("nan")
    ours, theirs = _points(real.features), _points(fake.features)
    within_real, within_fake = (torch.zeros(len(side), dtype=torch.bool) for side in (fake, real))
    for rows in _tile_slices(len(real)):
        for columns in _tile_slices(len(fake)):
            between = torch.cdist(ours[rows], theirs[columns])
            within_real[columns] |= (between < real.radii[rows, None]).any(0)
            within_fake[rows] |= (between < fake.radii[None, columns]).any(1)
    return float(within_real.double() @ _shares(fake.weights)), float(within_fake.double() @ _shares(real.weights))


def without_groups(n: int, clusters: np.ndarray | None = None) -> list[np.ndarray]:
    """Indices of n samples with one of GROUPS groups left out, for each group. Empty if the samples are too few.

    `clusters` (n,) numbers samples that are not independent; they are left out together and count as one.
    """
    clusters = np.arange(n) if clusters is None else clusters
    if len(np.unique(clusters)) < MIN_SAMPLES:
        return []
    return [np.flatnonzero(clusters % GROUPS != group) for group in range(GROUPS)]


def compute_each(
    compute: Callable[[np.ndarray], Mapping[str, float]], choices: Sequence[np.ndarray]
) -> list[Mapping[str, float]]:
    """Figures of several choices (indices) of samples. Each may cost much, so that they are computed on all cores."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(compute, choices))


def leave_out_groups(
    compute: Callable[[np.ndarray], Mapping[str, float]], n: int, clusters: np.ndarray | None = None
) -> dict[str, list[float]]:
    """Figures of n samples without each of the groups of `without_groups`. Empty if the samples are too few."""
    return by_name(compute_each(compute, without_groups(n, clusters)))


def by_name(parts: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """The values of each figure, one of each part."""
    return {name: [part[name] for part in parts] for name in parts[0]} if parts else {}


def jackknife_interval(
    value: float, without: Sequence[float], within: tuple[float, float] | None = None
) -> list[float]:
    """95 % interval of a figure from its values without each group: the delete-a-group jackknife.

    The bootstrap does not fit: repeated samples bias all of these figures. The interval is clipped to the
    bounds `within`, if given.
    """
    left = np.array(without)
    error = float(np.sqrt((len(left) - 1) / len(left) * ((left - left.mean()) ** 2).sum()))
    low, high = within or (-math.inf, math.inf)
    return [max(value - T_QUANTILE * error, low), min(value + T_QUANTILE * error, high)]


def _points(features: np.ndarray) -> Tensor:
    return torch.from_numpy(features).double()


def _shares(weights: np.ndarray) -> Tensor:
    """Weights (..., M), of which each row sums to 1."""
    return torch.from_numpy(weights / weights.sum(-1, keepdims=True))


def _radii(points: Tensor) -> Tensor:
    """(M,) distance of each point to its k-th neighbour. The point itself does not count."""
    return torch.cat(
        [torch.cdist(points[rows], points).kthvalue(NEIGHBOURS + 1, dim=1).values for rows in _tile_slices(len(points))]
    )
