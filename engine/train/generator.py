"""The generator's loss: cross-entropy on the hidden tokens (MaskGIT, section 3.1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine import MASK
from engine.config import TrainConfig
from engine.critic import Critic
from engine.data.augment import ALL, Rows
from engine.data.pictures import Pictures
from engine.distributed import Group
from engine.generator import Generator
from engine.noise import CPU
from engine.rules import make_rule
from engine.sampler import sample
from engine.schedule import mask_ratio
from engine.tokenizer import Tokenizer, to_float, to_uint8
from engine.train.loop import Batch, Task, make_rng
from engine.train.read import cumulate, draw_rows, read_augmented
from engine.train.tokens import TokenShards, make_shards

MEASURED_PICTURES = 192  # pictures per split in a measurement


class TokenSource:
    """Training batches on the tokenizer's device: pictures drawn by weight, augmented, and encoded as tokens.

    Where no picture is augmented, each is encoded once, when it is drawn first. With `config.crops` all are encoded
    before training begins (`encode_all`).
    """

    shards: TokenShards | None = None

    def __init__(self, pictures: Pictures, tokenizer: Tokenizer, config: TrainConfig) -> None:
        self.pictures, self.tokenizer, self.config = pictures, tokenizer, config
        self.indices = pictures.indices("train")
        self.cumulated = cumulate(pictures.weights[self.indices])
        self.device = tokenizer.codebook.device
        self._is_read = np.zeros(len(pictures), bool)  # to be encoded, where none is augmented
        self._tokens = torch.empty(0, 0)  # (M, N) int32, once the first batch was encoded

    def read_pictures(self, rng: torch.Generator, size: int, rows: Rows = ALL) -> tuple[Iterator[Tensor], np.ndarray]:
        """Pictures (B, 3, S, S), augmented when asked for, and their indices (B,): these rows of a batch of `size`."""
        chosen = self._draw(rng, size)[rows]
        return read_augmented(self.pictures, chosen, self.config, [rng], self.device, size, rows), chosen

    def read_batch(self, rng: torch.Generator, size: int, rows: Rows = ALL) -> Callable[[], tuple[Tensor, Tensor]]:
        """Tokens (B, N) and labels (B,) of training pictures: these rows of a batch of `size`. See Task.read_batch."""
        encode: Callable[[], Tensor]
        if self.config.crops:
            at = draw_rows(self.cumulated, size, rng)[rows]
            crops = torch.randint(self.config.crops, (size,), generator=rng).numpy()[rows]
            assert self.shards is not None, "encode_all comes first"
            chosen = self.indices[at]
            encode = partial(torch.from_numpy(self.shards.read(at, crops)).to, self.device)
        elif self.config.augment or self.config.flip or self.config.crop < 1:
            pictures, chosen = self.read_pictures(rng, size, rows)
            encode = lambda: self._encode(next(pictures))  # noqa: E731
        else:
            chosen = self._draw(rng, size)[rows]
            encode = self._look_up(chosen)
        return lambda: (encode(), torch.from_numpy(self.pictures.labels[chosen]).to(self.device))

    def encode_all(self, store: Path, made_of: list[str], group: Group) -> None:
        """Encode all training pictures, `config.crops` times each, into files below `store` that are made once."""

        def read(rows: np.ndarray, rngs: Sequence[torch.Generator]) -> Iterator[Tensor]:
            return read_augmented(self.pictures, self.indices[rows], self.config, rngs, self.device)

        self.shards = make_shards(store, made_of, read, self._encode, len(self.indices), self.config, group)

    def read_split(self, split: str, most: int = MEASURED_PICTURES) -> tuple[Tensor, Tensor]:
        """Tokens and labels of at most `most` pictures of a split, not augmented."""
        indices = self.pictures.pick_evenly(split, most)
        return self._encode(self._to_device(self.pictures.read(indices))), torch.from_numpy(
            self.pictures.labels[indices]
        ).to(self.device)

    def _draw(self, rng: torch.Generator, size: int) -> np.ndarray:
        return self.indices[draw_rows(self.cumulated, size, rng)]

    def _to_device(self, images: np.ndarray) -> Tensor:
        return to_float(torch.from_numpy(images).to(self.device))

    def _look_up(self, indices: np.ndarray) -> Callable[[], Tensor]:
        """Tokens (B, N) of pictures as they are. Those that no batch before has read are read now."""
        missing = np.unique(indices[~self._is_read[indices]])
        images = self.pictures.read(missing) if len(missing) else None
        self._is_read[missing] = True

        def encode() -> Tensor:
            if images is not None:
                tokens = self._encode(self._to_device(images))
                if not len(self._tokens):
                    shape = (len(self.pictures), tokens.shape[1])
                    self._tokens = torch.empty(shape, dtype=torch.int32, device=self.device)
                self._tokens[torch.from_numpy(missing).to(self.device)] = tokens.int()
            return self._tokens[torch.from_numpy(indices).to(self.device)].long()

        return encode

    @torch.no_grad()
    def _encode(self, pictures: Tensor) -> Tensor:
        with torch.autocast(self.device.type, enabled=False):  # tokens as in sampling, which is in float32
            return self.tokenizer.encode(pictures)


def sample_mask(rng: torch.Generator, size: int, num_tokens: int, device: torch.device = CPU) -> Tensor:
    """(B, N) bool: ceil(N * cos(pi/2 * u)) random tokens hidden in each picture, u ~ U(0, 1)."""
    return sample_masks(rng, size, num_tokens, 0, device)[0]


def sample_masks(
    rng: torch.Generator, size: int, num_tokens: int, earlier: float, device: torch.device = CPU
) -> tuple[Tensor, Tensor]:
    """The same, and the mask of the share `earlier` of a run before it, at u - earlier; it hides these and more."""
    u = torch.rand(size, generator=rng).tolist()
    order = torch.rand(size, num_tokens, generator=rng).to(device).argsort(dim=1, stable=True).argsort(dim=1)
    now, before = (
        torch.tensor([max(1, math.ceil(num_tokens * mask_ratio("cosine", max(x - ago, 0)))) for x in u])
        for ago in (0.0, earlier)
    )
    return order < now[:, None].to(device), order < before[:, None].to(device)


class TokenTask(Task):
    """What generator and critic share: a trunk, and batches of tokens (B, N), labels (B,) and what a task draws."""

    model: Generator | Critic

    def __init__(self, model: Generator | Critic, source: TokenSource, config: TrainConfig) -> None:
        super().__init__()
        self.model, self.source, self.config = model, source, config

    @property
    def layers(self) -> nn.ModuleList:
        return self.model.trunk.layers

    def read_batch(self, rng: torch.Generator, size: int, rows: Rows = ALL) -> Batch:
        encode = self.source.read_batch(rng, size, rows)

        def finish() -> tuple[Tensor, ...]:
            tokens, labels = encode()
            drawn = self.draw(rng, size, tokens.shape[1], tokens.device)
            return tokens, labels, *(one[rows] for one in drawn)

        return finish

    def draw(self, rng: torch.Generator, size: int, num_tokens: int, device: torch.device) -> tuple[Tensor, ...]:
        """What the task draws for a batch of `size` pictures, of which a process may have some."""
        raise NotImplementedError


class GeneratorTask(TokenTask):
    name = "generator"
    model: Generator

    def draw(self, rng: torch.Generator, size: int, num_tokens: int, device: torch.device) -> tuple[Tensor, ...]:
        """Masks (size, N)."""
        return (sample_mask(rng, size, num_tokens, device),)

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
                masked = sample_mask(make_rng("measure", split, count), len(tokens), tokens.shape[1], tokens.device)
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
