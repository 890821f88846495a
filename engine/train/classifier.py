"""The classifier's loss: cross-entropy on fine labels, on stored and on reconstructed pictures.

Samples come out of the tokenizer's decoder. A classifier trained on stored pictures alone would measure
mostly the decoder's blur, which hides the differences between samplers.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.classifier import Classifier, class_probabilities, extract_features, fine_to_class
from engine.config import TrainConfig
from engine.data.augment import ALL, Rows
from engine.train.generator import TokenSource
from engine.train.loop import Batch, Task

MEASURED_PICTURES = 1024  # pictures per split in a measurement
SHOWN = 16  # pictures on a sheet


class ClassifierTask(Task):
    name = "classifier"

    def __init__(self, model: Classifier, source: TokenSource, config: TrainConfig) -> None:
        super().__init__()
        self.model: Classifier = model
        self.source, self.config, self.pictures = source, config, source.pictures
        self.fine = self.pictures.fine
        self.of_class = fine_to_class(self.pictures.fine_labels, self.pictures.classes)

    def read_batch(self, rng: torch.Generator, size: int, rows: Rows = ALL) -> Batch:
        """Pictures (B, 3, S, S), fine labels (B,), and which pictures to reconstruct (B,) bool."""
        pictures, chosen = self.source.read_pictures(rng, size, rows)

        def finish() -> tuple[Tensor, ...]:
            (augmented,) = pictures
            return augmented, torch.from_numpy(self.fine[chosen]), (torch.rand(size, generator=rng) < 0.5)[rows]

        return finish

    def loss(self, iteration: int, rng: torch.Generator, *batch: Tensor) -> tuple[Tensor, dict[str, float]]:
        pictures, target, shown = batch
        pictures = self._reconstruct(pictures, shown)
        target = target.to(pictures.device)
        logits = self.model(pictures.contiguous(memory_format=torch.channels_last)).float()
        loss = F.cross_entropy(logits, target, label_smoothing=self.config.label_smoothing)
        right = (logits.detach().argmax(-1) == target).float().mean()
        return loss, {"loss": float(loss.detach()), "accuracy": float(right)}

    @torch.no_grad()
    def _reconstruct(self, pictures: Tensor, chosen: Tensor) -> Tensor:
        """The pictures on the model's device, the chosen ones encoded and decoded by the tokenizer."""
        tokenizer = self.source.tokenizer
        result = pictures.to(tokenizer.codebook.device)
        if chosen.any():
            with torch.autocast(result.device.type, enabled=False):  # tokens as in sampling, which is in float32
                result[chosen] = tokenizer.decode(tokenizer.encode(result[chosen])).clamp(-1, 1)
        return result

    def measure(self, averaged: nn.Module) -> dict[str, float]:
        """Accuracy of fine labels and of classes on stored pictures, for each split."""
        figures: dict[str, float] = {}
        for split in ("train", *self.pictures.held_out):
            indices = self.pictures.pick_evenly(split, MEASURED_PICTURES)
            logits, predicted = self._predict(averaged, indices)
            figures[f"accuracy_{split}"] = float((logits.argmax(1) == self.fine[indices]).mean())
            figures[f"class_accuracy_{split}"] = float((predicted == self.pictures.labels[indices]).mean())
        return figures

    def make_sheet(self, averaged: nn.Module) -> np.ndarray:
        """Misclassified pictures, from a held-out split if there is one."""
        indices = self.pictures.pick_evenly((*self.pictures.held_out, "train")[0], MEASURED_PICTURES)
        wrong = indices[self._predict(averaged, indices)[1] != self.pictures.labels[indices]][:SHOWN]
        return np.concatenate(list(self.pictures.read(wrong if len(wrong) else indices[:1])), 1)

    def _predict(self, averaged: nn.Module, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits (M, L), and the likeliest class (M,)."""
        _, logits = extract_features(cast(Classifier, averaged), self.pictures.read(indices))
        return logits, class_probabilities(logits, self.of_class, len(self.pictures.classes)).argmax(1)
