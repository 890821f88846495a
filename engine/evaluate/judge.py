"""Samples of one kind, drawn and measured: a row of a report. And the floors that no sampler can get below."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Sequence
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
from engine.evaluate.copies import NEAR
from engine.evaluate.draws import Draws, made_of
from engine.evaluate.metrics import (
    DEFINITIONS,
    SHARES,
    K,
    Seen,
    fid,
    held_weights,
    inception_score,
    interval,
    kid,
    measure,
    precision_recall,
    see,
    without_each,
)
from engine.evaluate.report import Report
from engine.pack import sha256
from engine.session import Session

FIRST = 2000  # samples of the figure that compares rows of different n
TIMED = 3  # pictures of which the time is the median
LEFT_OUT = (
    "fid",
    "fid_first",
    "kid",
    "fid_held",
    "fid_first_held",
    "kid_held",
)  # figures whose values without each group are kept, for ratios between rows


@dataclasses.dataclass(frozen=True)
class Judge:
    """A pack's samples held against its pictures."""

    session: Session
    pictures: Pictures
    draws: Draws

    @classmethod
    def open(cls, session: Session, store: Path, workers: int = 0, classifies: bool = True) -> Judge:
        """For a session with one thread on a CPU. ValueError or FileNotFoundError where the pack lacks something.

        It needs the pack's classifier only where it `classifies`.
        """
        pack = session.pack
        pictures = pack.pictures()
        if pictures.classes != session.classes:
            raise ValueError(f"pack {pack.name!r}: its pictures have other classes than its config")
        if len(pictures.indices("train")) <= K + 1:  # intervals leave out at least one sample of as many
            raise ValueError(f"pack {pack.name!r} carries too few pictures that were trained on")
        pack.tokens()  # refused now, not after hours of drawing
        draws = Draws(session=session, pictures=pictures, store=store, workers=workers)
        if classifies:
            _ = session.classifier
        return cls(session, pictures, draws)

    @property
    def classifier(self) -> Classifier:
        return self.session.classifier

    @cached_property
    def seen(self) -> Seen:
        """All the pack's pictures, as they are."""
        return see(self.classifier, self.pictures.read(np.arange(len(self.pictures))))

    @cached_property
    def real(self) -> Seen:
        """The pictures that were trained on, by their weights in training: what samples are held against."""
        return self.seen.weighted(self._trained)

    @cached_property
    def held(self) -> Seen | None:
        """The pictures that were held out, by the classes' shares of training; None where they are too few."""
        return self.seen.weighted(self._held) if self._has_held else None

    @cached_property
    def _trained(self) -> np.ndarray:
        """(M,) what each picture counts as one that was trained on."""
        return np.where(self.pictures.splits == "train", self.pictures.weights, 0)

    @cached_property
    def _held(self) -> np.ndarray:
        """(M,) what each picture counts as one that was held out."""
        return held_weights(self.pictures)

    @property
    def _has_held(self) -> bool:
        return int(np.count_nonzero(self._held)) > K + 1

    @cached_property
    def shown(self) -> np.ndarray:
        """All the pack's pictures as its tokenizer shows them, uint8 (M, S, S, 3)."""
        return self.draws.decode(self.session.pack.tokens().numpy())

    @cached_property
    def train(self) -> np.ndarray:
        """Those that were trained on."""
        return self.shown[self.pictures.indices("train")]

    def identity(self, config: SampleConfig) -> dict[str, Any]:
        """What tells a row from every other one of its report, and what it was made of."""
        settings = {**config.parameters, "schedule": config.schedule, "seed": config.seed}
        return {
            "rule": config.rule,
            "steps": config.steps,
            "matched": config.matched,
            "n": config.n,
            "dtype": self.session.dtype,
            "settings": settings,
            "made_of": made_of(self.session.pack, config.rule, config.schedule),
            "outputs": self.draws.outputs(config.rule),
        }

    def row_in(self, report: Report, config: SampleConfig) -> dict[str, Any]:
        """The report's row of these settings, measured now unless it has it."""
        return report.row(self.identity(config), lambda: self.row(config))

    def kid_in(self, report: Report, config: SampleConfig) -> dict[str, Any]:
        """The report's row of these settings with KID alone, measured now unless it has it."""
        return report.row(self.identity(config), lambda: self._kid_row(config))

    def _kid_row(self, config: SampleConfig) -> dict[str, Any]:
        tokens, _, fake, _ = self._drawn(config)
        value = kid(self.real, fake)
        without = without_each(lambda some: {"kid": kid(self.real, fake.at(some))}, config.n)
        return {
            **self.identity(config),
            "passes": config.passes,
            "kid": value,
            **{f"{name}_ci": interval(value, left) for name, left in without.items()},
            "tokens_sha256": hashlib.sha256(tokens.astype("<u2").tobytes()).hexdigest(),
        }

    def row(self, config: SampleConfig) -> dict[str, Any]:
        """Draw `config.n` samples and measure them."""
        tokens, images, fake, right = self._drawn(config)
        first = min(FIRST, config.n)

        def figures(chosen: np.ndarray) -> dict[str, float]:
            of_first, some = fake.at(chosen[chosen < first]), fake.at(chosen)
            found = {**measure(self.real, fake, right, chosen), "fid_first": fid(self.real, of_first)}
            if (held := self.held) is not None:
                found |= {"fid_held": fid(held, some), "fid_first_held": fid(held, of_first)}
                found["kid_held"] = kid(held, some)
            return found

        values, without = figures(np.arange(config.n)), without_each(figures, config.n)
        row = {
            **self.identity(config),
            "passes": config.passes,
            **values,
            **{
                f"{name}_ci": interval(values[name], left, (0, 1) if name in SHARES else None)
                for name, left in without.items()
            },
            "without_group": {name: without[name] for name in LEFT_OUT if name in without},
            **_distances(nearest_distance(images, self.train)),
            "tokens_sha256": hashlib.sha256(tokens.astype("<u2").tobytes()).hexdigest(),
            "numerics": self.numerics,
            "made_by": self.session.made_by(),
        }
        said = ", ".join(f"{name} {value}" for name, value in row["settings"].items())
        tqdm.write(f"{config.rule}, {config.steps} steps, {said}: FID {row['fid']:.2f}", file=sys.stderr)
        return row

    def named_right(self, config: SampleConfig) -> np.ndarray:
        """(n,) bool: of which samples of these settings the likeliest class is the wanted one."""
        return self._drawn(config)[-1]

    def seconds(self, configs: Sequence[SampleConfig]) -> list[float]:
        """Seconds for one picture alone with all threads, each kind in turn so that all meet the same machine."""
        threads = torch.get_num_threads()
        prepare(self.session.device.type)
        times: list[list[float]] = [[] for _ in configs]
        for i in range(TIMED + 1):
            for config, mine in zip(configs, times, strict=True):
                start = time.perf_counter()
                *_, last = self.session.run(dataclasses.replace(config, n=1), samples=[i])
                self.session.decode(last.proposal)
                mine.append(time.perf_counter() - start)
        prepare(self.session.device.type, threads)
        return [statistics.median(mine[1:]) for mine in times]

    def floors(self) -> dict[str, Any]:
        """What real pictures get; every figure at its own n."""
        real, trained = self.real, np.flatnonzero(self._trained)
        halves = real.at(slice(0, None, 2)), real.at(slice(1, None, 2))
        result: dict[str, Any] = {
            "halves": {"n": len(halves[1]), "fid": fid(*halves)},
            "reference": {"n": len(real), **self._labelled(real, trained)},
            "reconstruction": self._held_against(trained, self.pictures.weights[trained]),
            "training_pictures": _distances(nearest_distance(self.train)),
        }
        held_out = np.flatnonzero(self._held)
        if len(held_out) > K:
            result["held_out_pictures"] = {
                **self._held_against(held_out, self._held[held_out]),
                **_distances(nearest_distance(self.shown[held_out], self.train)),
            }
        return result

    def provenance(self) -> dict[str, Any]:
        """What a report says of itself: definitions, and hashes of all that its rows have in common."""
        pack = self.session.pack
        files = sorted(
            path for path in (pack.path / "data").iterdir() if path.suffix in (".csv", ".webp", ".safetensors")
        )
        pictures = hashlib.sha256(b"".join(bytes.fromhex(sha256(file)) for file in files))
        return {
            "pack": pack.name,
            "weights_sha256": {kind: pack.digest(kind) for kind in ("tokenizer", "classifier")},
            "pictures_sha256": pictures.hexdigest(),
            "reference_pictures": int(np.count_nonzero(self._trained)),
            "held_out_pictures": int(np.count_nonzero(self._held)) if self._has_held else 0,
            "definitions": DEFINITIONS,
            "tolerance": "the same command gives the same bits where `numerics` is the same; elsewhere some samples "
            "part, and each figure is expected within its interval",
        }

    @cached_property
    def numerics(self) -> str:
        """SHA-256 of what all networks give for fixed inputs: equal where two machines agree to the last bit."""
        seen = see(self.classifier, self.pictures.read(np.arange(1)))
        return hashlib.sha256(
            json.dumps(self.draws.numerics).encode() + seen.features.tobytes() + seen.logits.tobytes()
        ).hexdigest()

    def _drawn(self, config: SampleConfig) -> tuple[np.ndarray, np.ndarray, Seen, np.ndarray]:
        """Tokens, pictures, what the classifier sees in them, and where that is the wanted class."""
        tokens = self.draws.tokens(config, f"{config.rule} {config.passes} passes")
        images = self.draws.decode(tokens)
        seen = see(self.classifier, images)
        return tokens, images, seen, self._named(seen) == self.draws.labels(config.n)

    def _named(self, seen: Seen) -> np.ndarray:
        """(M,) the likeliest class."""
        classes = self.session.classes
        return class_probabilities(
            seen.logits, fine_to_class(self.session.pack.fine_labels, classes), len(classes)
        ).argmax(1)

    def _labelled(self, seen: Seen, indices: np.ndarray) -> dict[str, float]:
        right = self._named(seen) == self.pictures.labels[indices]
        return {"is": inception_score(seen.logits), "class_accuracy": float(right.mean())}

    def _held_against(self, indices: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        """Pictures of the pack by their weights, through its tokenizer, as if they were samples."""
        shown = see(self.classifier, self.shown[indices]).weighted(weights)
        precision, recall = precision_recall(self.real, shown)
        return {
            "n": len(shown),
            "fid": fid(self.real, shown),
            "kid": kid(self.real, shown),
            **self._labelled(shown, indices),
            "precision": precision,
            "recall": recall,
        }


def _distances(distance: np.ndarray) -> dict[str, float]:
    return {"nearest": float(np.median(distance)), "near": float((distance < NEAR).mean())}
