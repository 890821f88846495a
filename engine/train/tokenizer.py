"""The tokenizer's loss: reconstruction and commitment. The codebook is a moving average of its vectors (VQ-VAE)."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import TrainConfig
from engine.data.augment import ALL, Rows, augment
from engine.data.pictures import Pictures
from engine.psnr import psnr
from engine.tokenizer import Tokenizer, to_float, to_uint8
from engine.train.loop import Task

COMMITMENT = 0.25
CODE_DECAY = 0.99
RESTART_EVERY, RESTART_BELOW = 25, 0.02  # iterations; a code with fewer uses per picture is dead
LOSS_CHANGES_AT = 0.8  # share of the run after which codes stop to restart, and rare codes cost more


class TokenizerTask(Task):
    """Follows van den Oord et al. 2017 (appendix A.1), on unit-length codes (Yu et al. 2022)."""

    loss_changes_at = LOSS_CHANGES_AT

    def __init__(self, model: Tokenizer, pictures: Pictures, config: TrainConfig) -> None:
        super().__init__()
        self.model: Tokenizer = model
        self.pictures, self.config = pictures, config
        self.train_indices = pictures.indices("train")
        self.odds = torch.from_numpy(pictures.weights[self.train_indices].astype(np.float64))
        codes, width = model.codebook.shape
        self.register_buffer("uses", torch.ones(codes))  # uses per picture, moving average
        self.register_buffer("sums", torch.zeros(codes, width))
        self.uses: Tensor
        self.sums: Tensor
        model.cost.zero_()  # set again after LOSS_CHANGES_AT
        if config.init == "pack":
            self.sums.copy_(model.codebook)

    def draw_batch(self, rng: torch.Generator, size: int, rows: Rows = ALL) -> tuple[Tensor, ...]:
        """Pictures (B, 3, S, S), augmented."""
        chosen = torch.multinomial(self.odds, size, replacement=True, generator=rng).numpy()[rows]
        pictures = torch.from_numpy(self.pictures.read(self.train_indices[chosen])).to(self.uses.device)
        return (augment(to_float(pictures), self.config, rng, size, rows),)

    def loss(self, iteration: int, rng: torch.Generator, *batch: Tensor) -> tuple[Tensor, dict[str, float]]:
        pictures = batch[0].contiguous(memory_format=torch.channels_last)
        vectors = self.model.vectors(pictures).float()
        with torch.no_grad(), torch.autocast(self.uses.device.type, enabled=False):
            seen = self.group.concat(vectors.detach())  # by all processes, so that all have the same codebook
            if iteration == 0 and not self.sums.any():
                self._init_codebook(seen, rng)
            found = self.model.nearest(seen)
            self._update_codebook(seen, found, len(seen))
            if iteration >= LOSS_CHANGES_AT * self.config.iterations:
                self._update_costs()
            elif iteration % RESTART_EVERY == RESTART_EVERY - 1:
                self._restart_dead_codes(seen, found)
            tokens = found.view(self.group.size, len(vectors), -1)[self.group.rank]
        codes = self.model.codebook[tokens]
        decoded = self.model.decode_vectors(vectors + (codes - vectors).detach())  # straight through
        reconstruction = F.mse_loss(decoded.float(), pictures)
        commitment = (vectors - codes).pow(2).sum(-1).mean()
        figures = {"mse": float(reconstruction.detach()), "commitment": float(commitment.detach())}
        figures["codes_alive"] = float(
            (self.uses > RESTART_BELOW).float().mean()
        )  # codes that just restarted count as alive
        return reconstruction + 0.1 * COMMITMENT * commitment, figures

    def _init_codebook(self, vectors: Tensor, rng: torch.Generator) -> None:
        flat = vectors.flatten(0, 1)
        noise = 0.05 * torch.randn(len(self.uses), flat.shape[1], generator=rng).to(flat.device)
        picks = torch.randint(len(flat), (len(self.uses),), generator=rng).to(flat.device)
        self.model.codebook.copy_(F.normalize(flat[picks] + noise, dim=-1))
        self.sums.copy_(self.model.codebook)

    def _update_codebook(self, vectors: Tensor, tokens: Tensor, size: int) -> None:
        flat, index = vectors.flatten(0, 1), tokens.flatten()
        counts = torch.bincount(index, minlength=len(self.uses)).float() / size
        sums = torch.zeros_like(self.sums).index_add_(0, index, flat) / size
        self.uses.lerp_(counts, 1 - CODE_DECAY)
        self.sums.lerp_(sums, 1 - CODE_DECAY)
        self.model.codebook.copy_(F.normalize(self.sums + 1e-8 * self.model.codebook, dim=-1))

    def _restart_dead_codes(self, vectors: Tensor, tokens: Tensor) -> None:
        """Move each dead code to one of the vectors that are furthest from their own codes."""
        flat, index = vectors.flatten(0, 1), tokens.flatten()
        dead = torch.nonzero(self.uses < RESTART_BELOW).flatten()
        far = (flat * self.model.codebook[index]).sum(-1).argsort(stable=True)[: 8 * len(dead) : 8][: len(dead)]
        dead = dead[: len(far)]
        self.model.codebook[dead] = flat[far]
        self.uses[dead] = 2 * RESTART_BELOW
        self.sums[dead] = 2 * RESTART_BELOW * flat[far]

    def _update_costs(self) -> None:
        """Set each code's cost to code_cost * -log(its share of all uses).

        Only late in the run: earlier, the cost would starve codes whose use still grows.
        """
        share = self.uses / self.uses.sum()
        self.model.cost.copy_(-self.config.code_cost * share.clamp_min(1e-8).log())

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
def reconstruct(model: Tokenizer, images: np.ndarray, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Encode and decode uint8 pictures (M, S, S, 3). Returns the pictures and the tokens (M, N)."""
    decoded, tokens = [], []
    for i in range(0, len(images), size):
        code = model.encode(to_float(torch.from_numpy(images[i : i + size])).to(model.codebook.device))
        tokens.append(code.cpu().numpy())
        decoded.append(to_uint8(model.decode(code)).cpu().numpy())
    return np.concatenate(decoded), np.concatenate(tokens)
