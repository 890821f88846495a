"""Measures the samples of some settings, and real pictures: the floors that a perfect sampler would come to."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from engine.classifier import Classifier, class_probabilities, fine_to_class
from engine.config import SampleConfig
from engine.data.pictures import Pictures
from engine.device import prepare
from engine.distance import nearest_distance
from engine.distributed import ALONE, Group
from engine.evaluate.copies import NEAR
from engine.evaluate.metrics import (
    DEFINITIONS,
    NEIGHBOURS,
    SHARE_FIGURES,
    PictureFeatures,
    by_name,
    compute_each,
    compute_features,
    compute_metrics,
    expected_fid,
    expected_kid,
    fid,
    held_out_weights,
    inception_score,
    jackknife_interval,
    kid,
    kids,
    precision_recall,
    without_groups,
)
from engine.evaluate.report import Report
from engine.evaluate.samples import SampleStore, digest_sources, digest_tokens
from engine.reports import FIRST_SAMPLES
from engine.session import Session
from engine.weights import sha256

Keep = Callable[[np.ndarray], np.ndarray]  # sorted indices of pictures -> those of them that count
TIMED_RUNS = 3  # the time of a picture is the median of so many runs
# A row stores the jackknife values of these figures. Intervals of ratios between two rows need them.
WITH_GROUPS = ("fid", "fid_first", "kid", "fid_held", "fid_first_held", "kid_held")


def keep_all(some: np.ndarray) -> np.ndarray:
    """The Keep that leaves none out."""
    return some


@dataclasses.dataclass(frozen=True)
class Evaluator:
    """Compares a pack's samples with its pictures."""

    session: Session
    pictures: Pictures
    samples: SampleStore

    @classmethod
    def open(
        cls, session: Session, store: Path, workers: int = 0, classifies: bool = True, group: Group = ALONE
    ) -> Evaluator:
        """On a CPU the session must use one thread. ValueError or FileNotFoundError if the pack lacks something.

        With `classifies` the pack must have a classifier.
        """
        pack, samples = session.pack, SampleStore.open(session, store, workers, group)
        if (pictures := samples.pictures) is None:
            raise FileNotFoundError(
                f"pack {pack.name!r} carries no pictures to compare its samples with: "
                f"python -m engine.evaluate draw pack={pack.cli_name} writes them as files for other tools"
            )
        if len(pictures.indices("train")) <= NEIGHBOURS + 1:  # the jackknife leaves out at least one picture
            raise ValueError(f"pack {pack.name!r} carries too few pictures that were trained on")
        pack.tokens()  # raises now, not after hours of sampling
        if classifies:
            _ = session.classifier
        return cls(session, pictures, samples)

    @property
    def classifier(self) -> Classifier:
        return self.session.classifier

    @cached_property
    def all_features(self) -> PictureFeatures:
        """Features of all pictures of the pack, as stored."""
        return compute_features(self.classifier, self.pictures.read(np.arange(len(self.pictures))))

    @cached_property
    def reference(self) -> PictureFeatures:
        """Features of the training pictures, weighted as in training. Samples are compared with them."""
        return self.all_features.with_weights(self._train_weights)

    @cached_property
    def held_out(self) -> PictureFeatures | None:
        """Features of the held-out pictures, weighted by the classes' shares of training. None if they are too few."""
        return self.all_features.with_weights(self._held_out_weights) if self._has_held_out else None

    @cached_property
    def _train_weights(self) -> np.ndarray:
        """(M,) each picture's weight in training; 0 for held-out pictures."""
        return np.where(self.pictures.splits == "train", self.pictures.weights, 0)

    @cached_property
    def _held_out_weights(self) -> np.ndarray:
        """(M,) each held-out picture's weight; 0 for training pictures."""
        return held_out_weights(self.pictures)

    @property
    def _has_held_out(self) -> bool:
        return int(np.count_nonzero(self._held_out_weights)) > NEIGHBOURS + 1

    def choose_held_out(self, most: int) -> np.ndarray:
        """Indices of at most `most` held-out pictures, spread evenly over all of them."""
        held = np.flatnonzero(self.pictures.splits != "train")
        return held[np.arange(min(most, len(held))) * len(held) // max(1, min(most, len(held)))]

    def identity(self, config: SampleConfig) -> dict[str, Any]:
        """What distinguishes a row from the others of its report, and the hashes of its sources."""
        settings = {**config.parameters, "schedule": config.schedule, "seed": config.seed}
        return {
            "rule": config.rule,
            "steps": config.steps,
            "matched": config.matched,
            "n": config.n,
            "dtype": self.session.dtype,
            "settings": settings,
            "made_of": digest_sources(self.session.pack, config.rule, config.schedule),
            "outputs": self.samples.probe_outputs(config.rule),
        }

    def draw(self, config: SampleConfig) -> np.ndarray:
        """The tokens (n, N) of a row's samples, with progress under the row's name."""
        return self.samples.tokens(config, f"{config.rule} {config.passes} passes")

    def full_row(self, report: Report, config: SampleConfig) -> dict[str, Any]:
        """The report's row of these settings. It is measured now if the report does not have it."""
        return report.get_or_measure(self.identity(config), lambda: self.measure_row(config))

    def kid_row(self, report: Report, config: SampleConfig) -> dict[str, Any]:
        """The report's row of these settings with KID alone. It is measured now if the report does not have it."""
        return report.get_or_measure(self.identity(config), lambda: self._measure_kid(config))

    def _measure_kid(self, config: SampleConfig) -> dict[str, Any]:
        tokens = self.draw(config)
        fake = self._features(tokens)
        value, *without = kids([self.reference], fake, _all_and_without_groups(config.n))[0]
        return {
            **self.identity(config),
            "passes": config.passes,
            "kid": value,
            **({"kid_ci": jackknife_interval(value, without)} if without else {}),
            "tokens_sha256": digest_tokens(tokens),
        }

    def measure_tokens(self, tokens: np.ndarray, labels: np.ndarray, keep: Keep = keep_all) -> dict[str, Any]:
        """FID, KID, IS and share of the right class of pictures given as tokens (M, N), with their classes (M,).

        Each with its 95 % interval; FID and KID against both references. `keep` chooses the pictures that count. Where
        some are left out for the intervals it chooses anew, as it would with other noise.
        """
        fake = self._features(tokens)
        right = self._predict_class(fake) == labels

        def compute(chosen: np.ndarray) -> dict[str, float]:
            some = fake.select(chosen)
            found = {"fid": fid(self.reference, some)}
            if (held_out := self.held_out) is not None:
                found["fid_held"] = fid(held_out, some)
            return {**found, "is": inception_score(some), "class_accuracy": float(right[chosen].mean())}

        figures = self._with_intervals(compute, fake, keep)
        return {**figures, "measured": len(keep(np.arange(len(tokens))))}

    def class_certainty(self, tokens: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """(M,) the classifier's probability that each picture, tokens (M, N), has its class, labels (M,)."""
        all_features = self._features(tokens)
        return self._class_probabilities(all_features)[np.arange(len(labels)), labels]

    def measure_row(self, config: SampleConfig) -> dict[str, Any]:
        """Draw `config.n` samples and compute all figures."""
        tokens = self.draw(config)
        fake = self._features(tokens)
        right = self._predict_class(fake) == self.samples.labels(config.n)
        first = min(FIRST_SAMPLES, config.n)

        def compute(chosen: np.ndarray) -> dict[str, float]:
            of_first, some = fake.select(chosen[chosen < first]), fake.select(chosen)
            found = {**compute_metrics(self.reference, fake, right, chosen), "fid_first": fid(self.reference, of_first)}
            if (held_out := self.held_out) is not None:
                found |= {"fid_held": fid(held_out, some), "fid_first_held": fid(held_out, of_first)}
            return found

        row = {
            **self.identity(config),
            "passes": config.passes,
            **self._with_intervals(compute, fake),
            **_distances(self.samples.distances(tokens)),
            "by_class": self._count_by_class(right),
            "tokens_sha256": digest_tokens(tokens),
            "numerics": self.numerics,
            "made_by": self.session.made_by(),
        }
        shown = ", ".join(f"{name} {value}" for name, value in row["settings"].items())
        tqdm.write(f"{config.rule}, {config.steps} steps, {shown}: FID {row['fid']:.2f}", file=sys.stderr)
        return row

    def time_per_picture(self, configs: Sequence[SampleConfig]) -> list[float]:
        """Seconds for one picture alone with all threads. The configs take turns, so that all meet the same load."""
        threads = torch.get_num_threads()
        prepare(self.session.device.type)
        times: list[list[float]] = [[] for _ in configs]
        for i in range(TIMED_RUNS + 1):
            for config, mine in zip(configs, times, strict=True):
                start = time.perf_counter()
                *_, last = self.session.run(dataclasses.replace(config, n=1), samples=[i])
                self.session.decode(last.proposal)
                mine.append(time.perf_counter() - start)
        prepare(self.session.device.type, threads)
        return [statistics.median(mine[1:]) for mine in times]

    def measure_real(self) -> dict[str, Any]:
        """Figures of real pictures. Each is measured on its own number of pictures n."""
        reference, trained = self.reference, np.flatnonzero(self._train_weights)
        halves = reference.select(slice(0, None, 2)), reference.select(slice(1, None, 2))
        reconstructed, train_reconstructed = self.samples.reconstructed, self.samples.train_reconstructed
        result: dict[str, Any] = {
            "halves": {"n": len(halves[1]), "fid": fid(*halves)},
            "reference": {"n": len(reference), **self._class_figures(reference, trained)},
            "reconstruction": self._measure_reconstruction(trained, self.pictures.weights[trained]),
            "training_pictures": _distances(nearest_distance(train_reconstructed)),
        }
        held_out = np.flatnonzero(self._held_out_weights)
        if len(held_out) > NEIGHBOURS:
            result["held_out_pictures"] = {
                **self._measure_reconstruction(held_out, self._held_out_weights[held_out]),
                **_distances(nearest_distance(reconstructed[held_out], train_reconstructed)),
            }
        return result

    def measure_perfect(self, numbers: Sequence[int], known: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
        """`_measure_perfect` for each number of samples. Those in `known` are not measured again."""
        found = {one["n"]: dict(one) for one in known}
        return [found.get(n) or self._measure_perfect(n) for n in numbers]

    def _measure_perfect(self, n: int) -> dict[str, float]:
        """What n perfect samples would get: as many real pictures, drawn at random with the classes that samples have.

        FID is then above 0, since n pictures do not have the moments of all. KID is then below 0: it takes samples for
        independent, and the fixed number of each class makes pairs of one class rarer.
        """
        counts = np.bincount(self.samples.labels(n), minlength=len(self.session.classes))
        sides = {"": (self.reference, self._train_weights)}
        if (held_out := self.held_out) is not None:
            sides["_held"] = held_out, self._held_out_weights
        found: dict[str, float] = {"n": n}
        for suffix, (real, weights) in sides.items():
            labels = self.pictures.labels[weights > 0]
            if set(np.flatnonzero(counts)) <= set(labels.tolist()):
                found[f"fid{suffix}"] = expected_fid(real, labels, counts)
                found[f"kid{suffix}"] = expected_kid(real, labels, counts)
        return found

    def provenance(self, judged: bool = True) -> dict[str, Any]:
        """The head of a report: definitions, and hashes of all that its rows have in common.

        `judged`: whether its figures are by the classifier.
        """
        pack, models = self.session.pack, ("tokenizer", "classifier") if judged else ("tokenizer",)
        files = sorted(
            path for path in (pack.path / "data").iterdir() if path.suffix in (".csv", ".webp", ".safetensors")
        )
        pictures = hashlib.sha256(b"".join(bytes.fromhex(sha256(file)) for file in files))
        return {
            "pack": pack.name,
            "weights_sha256": {kind: pack.digest(kind) for kind in models},
            "pictures_sha256": pictures.hexdigest(),
            "reference_pictures": int(np.count_nonzero(self._train_weights)),
            "held_out_pictures": int(np.count_nonzero(self._held_out_weights)) if self._has_held_out else 0,
            "definitions": DEFINITIONS,
            "tolerance": "the same command gives the same bits where `numerics` is the same; elsewhere some samples "
            "part, and each figure is expected within its interval",
        }

    @cached_property
    def numerics(self) -> str:
        """SHA-256 of the outputs of all networks for fixed inputs. Equal if two machines agree in every bit."""
        all_features = compute_features(self.classifier, self.pictures.read(np.arange(1)))
        return hashlib.sha256(
            json.dumps(self.samples.numerics).encode() + all_features.features.tobytes() + all_features.logits.tobytes()
        ).hexdigest()

    def _features(self, tokens: np.ndarray) -> PictureFeatures:
        """Features of pictures given as tokens (M, N), all of weight 1."""
        features, logits = self.samples.features(tokens)
        return PictureFeatures(features=features, logits=logits, weights=np.ones(len(tokens)))

    def _with_intervals(
        self, compute: Callable[[np.ndarray], Mapping[str, float]], fake: PictureFeatures, keep: Keep = keep_all
    ) -> dict[str, Any]:
        """KID of samples and what `compute` says of a choice of them, their 95 % intervals NAME_ci, and the values from
        which ratios get theirs. `keep` chooses those that count.
        """
        chosen = [keep(offered) for offered in _all_and_without_groups(len(fake))]
        first = compute(chosen[0])  # alone: what it needs of the reference is computed once, and kept
        parts = [dict(part) for part in (first, *compute_each(compute, chosen[1:]))]
        reals = {"kid": self.reference, **({"kid_held": self.held_out} if self.held_out is not None else {})}
        for name, values_of_name in zip(reals, kids(list(reals.values()), fake, chosen), strict=True):
            for part, value in zip(parts, values_of_name, strict=True):
                part[name] = value
        values, without = parts[0], by_name(parts[1:])
        return {
            **values,
            **{
                f"{name}_ci": jackknife_interval(values[name], left, (0, 1) if name in SHARE_FIGURES else None)
                for name, left in without.items()
            },
            "without_group": {name: without[name] for name in WITH_GROUPS if name in without},
        }

    def _count_by_class(self, right: np.ndarray) -> dict[str, Any]:
        """Class -> its number n of samples and the share `right` (n,) of them. Classes without samples are left out."""
        labels = self.samples.labels(len(right))
        mine = {name: right[labels == i] for i, name in enumerate(self.session.classes)}
        return {name: {"n": len(some), "share": float(some.mean())} for name, some in mine.items() if len(some)}

    def _predict_class(self, all_features: PictureFeatures) -> np.ndarray:
        """(M,) index of the likeliest class."""
        return self._class_probabilities(all_features).argmax(1)

    def _class_probabilities(self, all_features: PictureFeatures) -> np.ndarray:
        """(M, classes) the classifier's probability of each class."""
        classes = self.session.classes
        of_class = fine_to_class(self.session.pack.fine_labels, classes)
        return class_probabilities(all_features.logits, of_class, len(classes))

    def _class_figures(self, all_features: PictureFeatures, indices: np.ndarray) -> dict[str, float]:
        """IS, and the share whose class is named right, by the weights of the pictures with these indices."""
        right = self._predict_class(all_features) == self.pictures.labels[indices]
        accuracy = float(np.average(right, weights=all_features.weights))
        return {"is": inception_score(all_features), "class_accuracy": accuracy}

    def _measure_reconstruction(self, indices: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        """Figures of the pack's own pictures, after encoding and decoding, as if they were samples."""
        reconstructed = compute_features(self.classifier, self.samples.reconstructed[indices]).with_weights(weights)
        most = min(len(reconstructed), len(self.reference))  # as many as of samples
        few = reconstructed.select(np.arange(most) * len(reconstructed) // most)
        precision, recall = precision_recall(self.reference, few)
        return {
            "n": len(reconstructed),
            "fid": fid(self.reference, reconstructed),
            "kid": kid(self.reference, reconstructed),
            **self._class_figures(reconstructed, indices),
            "precision": precision,
            "recall": recall,
        }


def _all_and_without_groups(n: int) -> list[np.ndarray]:
    """The choices from which a figure of n samples and its interval follow: all of them, and all but each group."""
    return [np.arange(n), *without_groups(n)]


def _distances(distance: np.ndarray) -> dict[str, float]:
    return {"nearest": float(np.median(distance)), "near": float((distance < NEAR).mean())}
