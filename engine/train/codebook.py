"""What the trainings of all tokenizers share: pictures, and a codebook that follows the encoder's vectors.

A code is the moving average of the vectors that were nearest to it (van den Oord et al. 2017, appendix A.1). For given
vectors that minimises the codebook term of the VQ-VAE's loss, at every step and without an optimiser of its own. A code
that is hardly used begins anew at a vector that is far from all codes.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from engine.config import TrainConfig
from engine.data.augment import ALL, Rows
from engine.data.pictures import Pictures
from engine.psnr import psnr
from engine.tokenizer import Tokenizer, to_float, to_uint8
from engine.train.loop import Batch, Task
from engine.train.read import cumulate, draw_rows, read_augmented
from engine.vqgan import Vqgan

CODE_DECAY = 0.99
KEEP = 1e-8  # weight of a code's own place in its average: a code that is never used stays where it is
RESTART_EVERY, RESTART_BELOW = 25, 0.02  # iterations; a code with fewer uses per picture is dead
LOSS_CHANGES_AT = 0.8  # share of the run after which codes do not restart any more


class CodebookTask(Task):
    """A tokenizer on its way. Subclasses say what a code is and define the loss."""

    loss_changes_at = LOSS_CHANGES_AT

    def __init__(self, model: Tokenizer | Vqgan, pictures: Pictures, config: TrainConfig) -> None:
        super().__init__()
        self.model: Tokenizer | Vqgan = model
        self.pictures, self.config = pictures, config
        self.train_indices = pictures.indices("train")
        self.cumulated = cumulate(pictures.weights[self.train_indices])
        codes, width = model.codebook.shape
        self.register_buffer("uses", torch.ones(codes))  # uses per picture, moving average
        self.register_buffer("sums", torch.zeros(codes, width))
        self.uses: Tensor
        self.sums: Tensor
        if config.init == "pack":
            self.sums.copy_(model.codebook)

    def place(self, sums: Tensor) -> Tensor:
        """The codes (V, D) of these sums of vectors, of which there were `uses`."""
        raise NotImplementedError

    def closeness(self, vectors: Tensor, codes: Tensor) -> Tensor:
        """How near each vector (..., D) is to its code: higher is nearer."""
        raise NotImplementedError

    def spread(self, vectors: Tensor) -> float:
        """The scale of the vectors, for the noise that tells first codes apart."""
        raise NotImplementedError

    def settle(self) -> None:
        """Called after each assignment late in the run, when codes do not restart any more."""

    def read_batch(self, rng: torch.Generator, size: int, rows: Rows = ALL) -> Batch:
        """Pictures (B, 3, S, S), augmented."""
        indices = self.train_indices[draw_rows(self.cumulated, size, rng)[rows]]
        pictures = read_augmented(self.pictures, indices, self.config, [rng], self.uses.device, size, rows)
        return lambda: tuple(pictures)

    @torch.no_grad()
    def assign_codes(self, iteration: int, rng: torch.Generator, vectors: Tensor) -> Tensor:
        """Tokens (B, N) of vectors (B, N, D), which also move the codes."""
        with torch.autocast(self.uses.device.type, enabled=False):
            seen = self.group.concat(vectors.detach())  # by all processes, so that all have the same codebook
            if iteration == 0 and not self.sums.any():
                self._init_codebook(seen, rng)
            found = self.model.nearest(seen)
            self._update_codebook(seen, found, len(seen))
            if iteration >= LOSS_CHANGES_AT * self.config.iterations:
                self.settle()
            elif iteration % RESTART_EVERY == RESTART_EVERY - 1:
                self._restart_dead_codes(seen, found)
            return found.view(self.group.size, len(vectors), -1)[self.group.rank]

    def count_alive(self) -> float:
        """The share of codes that are in use. Codes that just restarted count as alive."""
        return float((self.uses > RESTART_BELOW).float().mean())

    def _init_codebook(self, vectors: Tensor, rng: torch.Generator) -> None:
        flat = vectors.flatten(0, 1)
        noise = 0.05 * torch.randn(len(self.uses), flat.shape[1], generator=rng).to(flat.device)
        picks = torch.randint(len(flat), (len(self.uses),), generator=rng).to(flat.device)
        self.model.codebook.copy_(self.place(flat[picks] + self.spread(flat) * noise))
        self.sums.copy_(self.model.codebook)

    def _update_codebook(self, vectors: Tensor, tokens: Tensor, size: int) -> None:
        flat, index = vectors.flatten(0, 1), tokens.flatten()
        counts = torch.bincount(index, minlength=len(self.uses)).float() / size
        sums = torch.zeros_like(self.sums).index_add_(0, index, flat) / size
        self.uses.lerp_(counts, 1 - CODE_DECAY)
        self.sums.lerp_(sums, 1 - CODE_DECAY)
        self.model.codebook.copy_(self.place(self.sums + KEEP * self.model.codebook))

    def _restart_dead_codes(self, vectors: Tensor, tokens: Tensor) -> None:
        """Move each dead code to one of the vectors that are furthest from their own codes."""
        flat, index = vectors.flatten(0, 1), tokens.flatten()
        dead = torch.nonzero(self.uses < RESTART_BELOW).flatten()
        near = self.closeness(flat, self.model.codebook[index])
        far = near.argsort(stable=True)[: 8 * len(dead) : 8][: len(dead)]
        dead = dead[: len(far)]
        self.model.codebook[dead] = flat[far]
        self.uses[dead] = 2 * RESTART_BELOW
        self.sums[dead] = 2 * RESTART_BELOW * flat[far]

    @torch.no_grad()
    def measure(self, averaged: nn.Module) -> dict[str, float]:
        figures = {}
        for split in ("train", *self.pictures.held_out):
            images = self.pictures.read(self.pictures.pick_evenly(split, 512))
            decoded, _ = reconstruct(cast(Tokenizer, averaged), images)
            figures[f"psnr_{split}"] = psnr(images, decoded, np.ones(images.shape[:3], bool))
            figures[f"psnr_{split}_nonwhite"] = psnr(images, decoded, ~(images == 255).all(-1))
        return {name: value for name, value in figures.items() if value is not None}

    def make_sheet(self, averaged: nn.Module) -> np.ndarray:
        split = (*self.pictures.held_out, "train")[0]
        images = self.pictures.read(self.pictures.pick_evenly(split, 16))
        decoded, _ = reconstruct(cast(Tokenizer, averaged), images)
        return np.concatenate([np.concatenate(list(images), 1), np.concatenate(list(decoded), 1)], 0)


@torch.no_grad()
def reconstruct(model: Tokenizer | Vqgan, images: np.ndarray, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Encode and decode uint8 pictures (M, S, S, 3). Returns the pictures and the tokens (M, N)."""
    decoded, tokens = [], []
    for i in range(0, len(images), size):
        code = model.encode(to_float(torch.from_numpy(images[i : i + size])).to(model.codebook.device))
        tokens.append(code.cpu().numpy())
        decoded.append(to_uint8(model.decode(code)).cpu().numpy())
    return np.concatenate(decoded), np.concatenate(tokens)
