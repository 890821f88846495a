"""Samples of one kind, drawn and measured: a row of a report. And the floors that no sampler can get below."""

from __future__ import annotations

import dataclasses
import hashlib
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

from engine.classifier import Classifier
from engine.config import SampleConfig
from engine.data.pictures import Pictures
from engine.device import prepare
from engine.evaluate.copies import NEAR, nearest
from engine.evaluate.draws import Draws, code_digest
from engine.evaluate.metrics import (
    DEFINITIONS,
    K,
    Seen,
    fid,
    intervals,
    measure,
    named_classes,
    precision_recall,
    reference,
    see,
)
from engine.session import Session

FIRST = 2000  # samples of the figure that compares rows of different n
TIMED = 3  # pictures of which the time is the median


@dataclasses.dataclass(frozen=True)
class Judge:
    """A pack's samples held against its pictures. Opened with one thread on a CPU: see Draws."""

    session: Session
    pictures: Pictures
    classifier: Classifier
    draws: Draws

    @classmethod
    def open(cls, session: Session, store: Path, workers: int = 0) -> Judge:
        """ValueError or FileNotFoundError where the pack lacks what measuring needs."""
        pictures = session.pack.pictures()
        classifier = session.pack.load("classifier").to(session.device)
        if len(reference(pictures)) <= K:
            raise ValueError(f"pack {session.pack.name!r} carries too few pictures that were trained on")
        draws = Draws(session=session, pictures=pictures, store=store, workers=workers)
        return cls(session, pictures, classifier, draws)

    @cached_property
    def real(self) -> Seen:
        return see(self.classifier, self.pictures.read(reference(self.pictures)))

    @cached_property
    def train(self) -> np.ndarray:
        """All training pictures as the tokenizer shows them, uint8 (M, S, S, 3)."""
        tokens = self.session.pack.tokens()[torch.from_numpy(self.pictures.indices("train"))]
        return self.draws.decode(tokens.numpy())

    @cached_property
    def owners(self) -> np.ndarray:
        """(L,) the class of each fine label."""
        return np.array([self.session.classes.index(name) for name, _ in self.session.pack.fine_labels])

    def row(self, config: SampleConfig) -> dict[str, Any]:
        """Draw `config.n` samples and measure them."""
        tokens = self.draws.tokens(config, f"{config.rule} {config.passes} passes")
        images = self.draws.decode(tokens)
        labels = self.draws.labels(config.n)
        fake = see(self.classifier, images)
        named = named_classes(fake.logits, self.owners, len(self.session.classes))

        def figures(chosen: np.ndarray) -> dict[str, float]:
            return measure(self.real, fake.at(chosen), named[chosen], labels[chosen])

        first = fake.at(slice(FIRST))
        distance = nearest(images, self.train)
        row = {
            **identity(config),
            "passes": config.passes,
            **figures(np.arange(config.n)),
            **{f"{name}_ci": ends for name, ends in intervals(figures, config.n).items()},
            "fid_first": fid(self.real.features, first.features),
            **intervals(lambda chosen: {"fid_first_ci": fid(self.real.features, first.features[chosen])}, len(first)),
            "nearest": float(np.median(distance)),
            "near": float((distance < NEAR).mean()),
            "tokens_sha256": hashlib.sha256(tokens.astype("<u2").tobytes()).hexdigest(),
            "numerics": self.numerics,
        }
        said = ", ".join(f"{name} {value}" for name, value in row["settings"].items())
        tqdm.write(f"{config.rule}, {config.steps} steps, {said}: FID {row['fid']:.2f}", file=sys.stderr)
        return row

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
        """What real pictures get: one half against the other, and the reference through the tokenizer."""
        indices = reference(self.pictures)
        tokens = self.session.pack.tokens()[torch.from_numpy(indices)].numpy()
        shown = see(self.classifier, self.draws.decode(tokens))
        halves = self.real.at(slice(0, None, 2)), self.real.at(slice(1, None, 2))
        among = np.sort(_distances(self.train))
        held_out = np.flatnonzero(self.pictures.splits != "train")
        result = {
            "halves": {"n": len(halves[1]), "fid": fid(halves[0].features, halves[1].features)},
            "reconstruction": {
                "n": len(shown),
                "fid": fid(self.real.features, shown.features),
                **dict(zip(("precision", "recall"), precision_recall(self.real.features, shown.features), strict=True)),
            },
            "training_pictures": {"nearest": float(np.median(among)), "near": float((among < NEAR).mean())},
        }
        if len(held_out):
            shown_there = self.draws.decode(self.session.pack.tokens()[torch.from_numpy(held_out)].numpy())
            distance = nearest(shown_there, self.train)
            result["held_out_pictures"] = {
                "nearest": float(np.median(distance)),
                "near": float((distance < NEAR).mean()),
            }
        return result

    def provenance(self) -> dict[str, Any]:
        """What a report says of itself: definitions, hashes, and the last bits of this machine's arithmetic."""
        pack = self.session.pack
        return {
            "made_by": self.session.made_by(),
            "sampling_code_sha256": code_digest(),
            "weights_sha256": dict(pack.config["sha256"]),
            "pictures_sha256": self.pictures.digest(),
            "reference_pictures": len(self.real),
            "definitions": DEFINITIONS,
            "tolerance": "the same command gives the same bits where `numerics` is the same; elsewhere some samples "
            "part, and each figure lies within its interval",
            "floors": self.floors(),
        }

    @cached_property
    @torch.no_grad()
    def numerics(self) -> str:
        """SHA-256 of what the networks give for fixed tokens: equal where two machines agree to the last bit."""
        session = self.session
        tokens = torch.arange(session.places, device=session.device)[None] % session.tokenizer.config.codes
        label = torch.zeros(1, dtype=torch.int64, device=session.device)
        digest = hashlib.sha256()
        for model in (session.generator, session.critic):
            if model is not None:
                digest.update(model(tokens, label).cpu().numpy().tobytes())
        image = session.decode(tokens.cpu().numpy())
        digest.update(see(self.classifier, image).features.tobytes())
        return digest.hexdigest()


def identity(config: SampleConfig) -> dict[str, Any]:
    """What tells a row from every other one of its report."""
    settings = dataclasses.asdict(config)
    own = {name: settings[name] for name in (*config.reads, "schedule", "seed")}
    return {"rule": config.rule, "steps": config.steps, "matched": config.matched, "n": config.n, "settings": own}


def _distances(images: np.ndarray) -> np.ndarray:
    """(M,) distance of each picture to the nearest OTHER one."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    squares = (flat**2).sum(1)
    result = np.empty(len(flat), np.float32)
    for i in range(0, len(flat), 500):
        part = squares[i : i + 500, None] + squares - 2 * flat[i : i + 500] @ flat.T
        part[np.arange(len(part)), np.arange(i, i + len(part))] = np.inf
        result[i : i + 500] = np.sqrt(np.maximum(part.min(1), 0) / flat.shape[1])
    return result
