"""What "better" means: every figure of the reports, defined once. DEFINITIONS is printed with them.

FID, KID and the inception score are torchmetrics'; precision and recall (which it lacks) are ours.
All are measured in the features of the pack's own classifier and mean nothing beside figures in
Inception's: compare within a report only.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.classifier import Classifier, look
from engine.data.pictures import Pictures
from engine.plots import settle

K = 3  # nearest neighbours of precision and recall
GROUPS = 20  # of samples, for the intervals
STUDENT = 2.093  # 97.5 % quantile of Student's t with GROUPS - 1 degrees of freedom
FEWEST = 2 * GROUPS  # samples without which there are no intervals
SHARES = ("precision", "recall", "class_accuracy")  # figures that are shares of pictures

DEFINITIONS = {
    "features": "the last mean of the pack's own ResNet (engine/classifier.py), trained on the fine labels of the same "
    "training pictures; not Inception's, so no figure compares with those of papers",
    "reference": "the training pictures as they are, each at most once, those of less weight thinned to their weight "
    "(engine.evaluate.metrics.reference)",
    "labels": "of the samples: each class as often as in training",
    "fid": "Frechet distance of the Gaussians over all n samples and the reference (torchmetrics); it falls with n",
    "fid_first": "the same over the first 2,000 samples (fewer where there are fewer): compares rows of different n",
    "kid": "squared MMD, cubic kernel, unbiased, over as many samples as the reference has pictures; where there are "
    "fewer, over as many pictures of the reference, drawn once (torchmetrics)",
    "is": "inception score over the fine labels, one split (torchmetrics)",
    "precision": "share of samples within the reference's 3-nearest-neighbour balls, as many samples as reference "
    "pictures at most (Kynkäänniemi et al. 2019)",
    "recall": "share of reference pictures within the samples' balls; it rises with n",
    "class_accuracy": "share of samples for which the classifier's likeliest class is the wanted one",
    "nearest": "root mean square difference to the nearest training picture as the tokenizer shows it, 0..255: median",
    "near": "share of samples nearer than 10 to a training picture",
    "ci": "95 %, of what other noise would give with these weights at this n: delete-a-group jackknife over 20 groups "
    "of samples, each with its own noise",
    "passes": "network passes a picture costs",
    "seconds_per_picture": "one picture alone, all threads, median of 3; all rows of a table in turn",
}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the classifier saw in M pictures."""

    features: np.ndarray  # (M, D) float32
    logits: np.ndarray  # (M, L) float32

    def __len__(self) -> int:
        return len(self.features)

    @cached_property
    def radii(self) -> Tensor:
        """(M,) how far the ball of each picture reaches: a reference's are needed again and again."""
        return _radii(_points(self.features))

    def at(self, chosen: slice | np.ndarray) -> Seen:
        return Seen(features=self.features[chosen], logits=self.logits[chosen])


def see(model: Classifier, images: np.ndarray) -> Seen:
    """uint8 pictures (M, S, S, 3) as the classifier sees them."""
    features, logits = look(model, images)
    return Seen(features=features, logits=logits)


def reference(pictures: Pictures) -> np.ndarray:
    """Indices of training pictures, each at most once, so that a picture of weight w is there with probability w.

    Systematic: along the pictures' order the weights are added up, and one is taken at every whole
    number, so each class and each concept keeps its share. Weights above 1 count as 1.
    """
    train = pictures.indices("train")
    total = np.floor(np.cumsum(np.minimum(pictures.weights[train].astype(np.float64), 1)) + 0.5 + 1e-6)
    return train[np.diff(total, prepend=0) > 0]


def measure(real: Seen, fake: Seen, right: np.ndarray, chosen: np.ndarray) -> dict[str, float]:
    """Figures of the `chosen` samples (indices) against a reference; right (M,) bool: is its class the wanted one?"""
    few = fake.at(chosen[chosen < len(real)])  # not the first of the chosen: a group left out must stay out
    precision, recall = precision_recall(real.features, few.features, real.radii)
    return {
        "fid": fid(real.features, fake.at(chosen).features),
        "kid": kid(real.features, few.features),
        "is": inception_score(fake.at(chosen).logits),
        "precision": precision,
        "recall": recall,
        "class_accuracy": float(right[chosen].mean()),
    }


def fid(real: np.ndarray, fake: np.ndarray) -> float:
    """Frechet distance between features (M, D) and (M', D)."""
    settle()  # torchmetrics imports matplotlib
    from torchmetrics.image.fid import FrechetInceptionDistance

    return float(_fed(FrechetInceptionDistance(_passed(real.shape[1])), real, fake).compute())


def kid(real: np.ndarray, fake: np.ndarray) -> float:
    """Squared maximum mean discrepancy, over all of the smaller set and as much of the other."""
    settle()
    from torchmetrics.image.kid import KernelInceptionDistance

    size = min(len(real), len(fake))
    with _own_stream():
        metric = KernelInceptionDistance(_passed(real.shape[1]), subsets=1, subset_size=size)
        return float(_fed(metric, real, fake).compute()[0])


def inception_score(logits: np.ndarray) -> float:
    """exp of the mean KL divergence between each picture's label distribution and that of all, logits (M, L)."""
    settle()
    from torchmetrics.image.inception import InceptionScore

    with _own_stream():
        metric = InceptionScore(_passed(logits.shape[1]), splits=1)
        metric.update(torch.from_numpy(logits).double())
        return float(metric.compute()[0])


def precision_recall(real: np.ndarray, fake: np.ndarray, radii: Tensor | None = None) -> tuple[float, float]:
    """Share of fake inside the manifold of the real, and of real inside that of the fake.

    A manifold is the union of balls around its points that reach to their K-th neighbour
    (Kynkäänniemi et al. 2019, equations 1 and 2), at `radii` where those of the real are known.
    Needs more than K points on both sides.
    """
    a, b = _points(real), _points(fake)
    if min(len(a), len(b)) <= K:
        return float("nan"), float("nan")
    between = torch.cdist(a, b)
    precision = (between < (_radii(a) if radii is None else radii)[:, None]).any(0).double().mean()
    recall = (between < _radii(b)[None]).any(1).double().mean()
    return float(precision), float(recall)


def without_each(measured: Callable[[np.ndarray], Mapping[str, float]], n: int) -> dict[str, list[float]]:
    """Figures over n samples without each of GROUPS groups in turn; none where the samples are too few."""
    if n < FEWEST:
        return {}
    group = np.arange(n) % GROUPS
    parts = [measured(np.flatnonzero(group != g)) for g in range(GROUPS)]
    return {name: [part[name] for part in parts] for name in parts[0]}


def interval(value: float, without: Sequence[float], within: tuple[float, float] | None = None) -> list[float]:
    """95 % interval of a figure from its values without each group: the delete-a-group jackknife.

    Not the bootstrap: samples drawn twice would move all of these figures. Cut off where no figure
    of its kind can be, if it has such bounds.
    """
    left = np.array(without)
    error = float(np.sqrt((len(left) - 1) / len(left) * ((left - left.mean()) ** 2).sum()))
    low, high = within or (-math.inf, math.inf)
    return [max(value - STUDENT * error, low), min(value + STUDENT * error, high)]


def _points(features: np.ndarray) -> Tensor:
    return torch.from_numpy(features).double()


def _radii(points: Tensor) -> Tensor:
    """(M,) distance of each point to its K-th neighbour, itself not counted."""
    return torch.cdist(points, points).kthvalue(K + 1, dim=1).values


@contextmanager
def _own_stream() -> Iterator[None]:
    """For torchmetrics, which shuffles with the global random stream and warns of the memory it takes."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        yield


def _passed(width: int) -> nn.Module:
    """For torchmetrics, which wants a network: features that were already computed pass through."""
    identity = nn.Identity()
    identity.num_features = width  # type: ignore[assignment]
    return identity


def _fed(metric: Any, real: np.ndarray, fake: np.ndarray) -> Any:
    metric.update(_points(real), real=True)
    metric.update(_points(fake), real=False)
    return metric
