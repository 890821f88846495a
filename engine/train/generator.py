"""The generator's loss: cross-entropy on the hidden tokens (MaskGIT, section 3.1)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine import MASK
from engine.config import TrainConfig
from engine.data.augment import augment
from engine.data.pictures import Pictures
from engine.generator import Generator
from engine.rules import make_rule
from engine.sampler import sample
from engine.schedule import mask_ratio
from engine.tokenizer import Tokenizer, to_float, to_uint8
from engine.train.loop import Task, make_rng

MEASURED_PICTURES = 192  # pictures per split in a measurement


class TokenSource:
    """Training batches: pictures drawn by weight, augmented, and encoded as tokens."""

    def __init__(self, pictures: Pictures, tokenizer: Tokenizer, config: TrainConfig) -> None:
        self.pictures, self.tokenizer, self.config = pictures, tokenizer, config
        self.indices = pictures.indices("train")
        self.odds = torch.from_numpy(pictures.weights[self.indices].astype(np.float64))

    def draw_pictures(self, rng: torch.Generator, size: int) -> tuple[Tensor, np.ndarray]:
        """`size` training pictures (B, 3, S, S), augmented, and their indices (B,)."""
        chosen = self.indices[torch.multinomial(self.odds, size, replacement=True, generator=rng).numpy()]
        return augment(to_float(torch.from_numpy(self.pictures.read(chosen))), self.config, rng), chosen

    def draw_batch(self, rng: torch.Generator, size: int) -> tuple[Tensor, Tensor]:
        """Tokens (B, N) and labels (B,) of `size` training pictures."""
        pictures, chosen = self.draw_pictures(rng, size)
        return self._encode(pictures, self.pictures.labels[chosen])

    def read_split(self, split: str, most: int = MEASURED_PICTURES) -> tuple[Tensor, Tensor]:
        """Tokens and labels of at most `most` pictures of a split, not augmented."""
        indices = self.pictures.pick_evenly(split, most)
        pictures = to_float(torch.from_numpy(self.pictures.read(indices)))
        return self._encode(pictures, self.pictures.labels[indices])

    @torch.no_grad()
    def _encode(self, pictures: Tensor, labels: np.ndarray) -> tuple[Tensor, Tensor]:
        device = self.tokenizer.codebook.device
        with torch.autocast(device.type, enabled=False):  # tokens as in sampling, which is in float32
            return self.tokenizer.encode(pictures.to(device)), torch.from_numpy(labels).to(device)


def sample_mask(rng: torch.Generator, size: int, num_tokens: int) -> Tensor:
    """(B, N) bool: ceil(N * cos(pi/2 * u)) random tokens hidden in each picture, u ~ U(0, 1)."""
    u = torch.rand(size, generator=rng).tolist()
    hidden = torch.tensor([max(1, math.ceil(num_tokens * mask_ratio("cosine", x))) for x in u])
    order = torch.rand(size, num_tokens, generator=rng).argsort(dim=1, stable=True).argsort(dim=1)
    return order < hidden[:, None]


class GeneratorTask(Task):
    def __init__(self, model: Generator, source: TokenSource, config: TrainConfig) -> None:
        super().__init__()
        self.model: Generator = model
        self.source, self.config = source, config

    def draw_batch(self, rng: torch.Generator, size: int) -> tuple[Tensor, ...]:
        """Tokens (B, N), labels (B,) and masks (B, N)."""
        tokens, labels = self.source.draw_batch(rng, size)
        return tokens, labels, sample_mask(rng, *tokens.shape).to(tokens.device)

    def weights(self, batch: tuple[Tensor, ...]) -> Tensor:
        """The number of hidden tokens (B,): the loss is the mean over all hidden tokens of a batch."""
        return batch[2].sum(1).float().cpu()

    def loss(self, iteration: int, rng: torch.Generator, *batch: Tensor) -> tuple[Tensor, dict[str, float]]:
        tokens, labels, masked = batch
        states = self.model.states(tokens.masked_fill(masked, MASK), labels)
        logits, target = self.model.logits(states[masked]).float(), tokens[masked]
        loss = F.cross_entropy(logits, target, label_smoothing=self.config.label_smoothing)
        right = (logits.detach().argmax(-1) == target).float().mean()
        return loss, {"loss": float(loss.detach()), "accuracy": float(right)}

    @torch.no_grad()
    def measure(self, averaged: nn.Module) -> dict[str, float]:
        """Accuracy and cross-entropy on hidden tokens for each split. A gap between splits means overfitting."""
        figures: dict[str, float] = {}
        for split in ("train", *self.source.pictures.held_out):
            right, nll, count = 0.0, 0.0, 0
            for tokens, labels in split_batches(*self.source.read_split(split)):
                masked = sample_mask(make_rng("measure", split, count), *tokens.shape).to(tokens.device)
                logits = averaged(tokens.masked_fill(masked, MASK), labels)[masked].float()
                right += float((logits.argmax(-1) == tokens[masked]).sum())
                nll += float(F.cross_entropy(logits, tokens[masked], reduction="sum"))
                count += int(masked.sum())
            figures |= {f"accuracy_{split}": right / count, f"nll_{split}": nll / count}
        return figures

    def make_sheet(self, averaged: nn.Module) -> np.ndarray:
        return sample_sheet(cast(Generator, averaged), self.source.tokenizer, len(self.source.pictures.classes))


def split_batches(tokens: Tensor, labels: Tensor, size: int = 16) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(tokens.split(size), labels.split(size), strict=True)


@torch.no_grad()
def sample_sheet(
    generator: Generator, tokenizer: Tokenizer, classes: int, critic: nn.Module | None = None
) -> np.ndarray:
    """Samples of the first 16 classes, a column each, to look at during training. Ranked by `critic` if given."""
    rows, num_tokens = 4, tokenizer.config.grid**2
    labels = torch.arange(min(classes, 16), device=tokenizer.codebook.device).repeat(rows)
    name = "maskgit" if critic is None else "critic"
    rule = make_rule(name, steps=12, num_tokens=num_tokens, critic=critic)
    *_, last = sample(generator, rule, labels=labels, num_tokens=num_tokens, seed=0)
    images = (
        to_uint8(tokenizer.decode(torch.tensor(last.proposal, dtype=torch.int64, device=labels.device))).cpu().numpy()
    )
    return np.concatenate([np.concatenate(list(row), 1) for row in np.split(images, rows)], 0)
