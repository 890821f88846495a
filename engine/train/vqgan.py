"""The VQGAN's loss: reconstruction, perceptual and adversarial, and commitment.

Esser et al. 2021, "Taming Transformers for High-Resolution Image Synthesis", section 3.1, and its released code, whose
reconstruction is the mean absolute error. Chang et al. 2022, "MaskGIT", section 3, takes this stage as it is. Here

    the codebook is a moving average (engine.train.codebook) in place of the codebook term. Codes that die begin anew;
        MaskGIT's code has an entropy term against that
    the discriminator has group norms in place of batch norms (engine.train.discriminator)
    tokenizer and discriminator step at once, on the same reconstructions; in theirs the tokenizer steps first
"""

from __future__ import annotations

import sys
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import TrainConfig
from engine.data.pictures import Pictures
from engine.flops import picture_flops
from engine.train.codebook import KEEP, CodebookTask
from engine.train.discriminator import Discriminator, hinge_loss
from engine.train.perceptual import SHAPES, Lpips
from engine.vqgan import Vqgan

COMMITMENT = 0.25  # beta of equation 4
DELTA, MOST = 1e-4, 1e4  # of the adaptive weight: keeps the quotient finite, and the largest that it may be


class VqganTask(CodebookTask):
    """The tokenizer against a discriminator of its pictures."""

    name = "VQGAN tokenizer"
    model: Vqgan

    def __init__(self, model: Vqgan, pictures: Pictures, config: TrainConfig, perceptual: Lpips | None = None) -> None:
        super().__init__(model, pictures, config)
        self.discriminator, self.perceptual = Discriminator(model.config.image_size), perceptual

    @property
    def players(self) -> tuple[nn.Module, ...]:
        return self.model, self.discriminator

    def loss(self, iteration: int, rng: torch.Generator, *batch: Tensor) -> tuple[Tensor, dict[str, float]]:
        """The sum of both players' losses. The discriminator's weights get a gradient from its own alone."""
        pictures = batch[0].contiguous(memory_format=torch.channels_last)
        vectors = self.model.vectors(pictures).float()
        codes = self.model.codebook[self.assign_codes(iteration, rng, vectors)]
        decoded = self.model.decode_vectors(vectors + (codes - vectors).detach()).float()  # straight through
        terms = {"l1": F.l1_loss(decoded, pictures), "commitment": F.mse_loss(vectors, codes)}
        likeness = terms["l1"]
        if self.perceptual:
            terms["perceptual"] = self.perceptual(decoded, pictures).mean()
            likeness = likeness + self.config.perceptual_weight * terms["perceptual"]
        has_begun, nothing = iteration >= self.config.adversarial_start, torch.zeros_like(likeness)
        parts = self._adversarial(likeness, decoded) if has_begun else (nothing, nothing)
        terms["adversarial"], terms["adaptive"] = parts
        real, made = self.discriminator(torch.cat([pictures, decoded.detach()])).float().chunk(2)
        terms["discriminator"] = hinge_loss(real, made)
        adversarial = self.config.adversarial_weight * terms["adaptive"] * terms["adversarial"]
        # Before it begins the discriminator's gradient is zero, not missing: processes wait for one of each weight.
        loss = likeness + COMMITMENT * terms["commitment"] + adversarial + has_begun * terms["discriminator"]
        figures = {name: float(term.detach()) for name, term in terms.items()}
        figures["told"] = float(torch.cat([real.detach() > 0, made.detach() < 0]).float().mean())
        return loss, {**figures, "codes_alive": self.count_alive()}

    def _adversarial(self, likeness: Tensor, decoded: Tensor) -> tuple[Tensor, Tensor]:
        """The loss that the discriminator's logits are to the tokenizer, and its adaptive weight (equation 7)."""
        loss = -self.discriminator.judge_frozen(decoded).float().mean()
        last = self.model.get_parameter("decoder.conv_out.weight")
        gradients = [torch.autograd.grad(term, last, retain_graph=True)[0] for term in (likeness, loss)]
        # of the pictures of all processes, so that all have the same weight
        ours, theirs = (self.group.concat(gradient[None]).mean(0).norm() for gradient in gradients)
        return loss, (ours / (theirs + DELTA)).clamp(max=MOST)

    def place(self, sums: Tensor) -> Tensor:
        return sums / (self.uses + KEEP)[:, None]

    def closeness(self, vectors: Tensor, codes: Tensor) -> Tensor:
        return -(vectors - codes).square().sum(-1)

    def spread(self, vectors: Tensor) -> float:
        return float(vectors.std())


def warn_if_too_short(config: TrainConfig) -> None:
    """Print a line on stderr if a run ends before its discriminator takes part."""
    if config.adversarial_start >= config.iterations:
        print(
            f"adversarial_start={config.adversarial_start}: the discriminator takes no part in a run of "
            f"iterations={config.iterations}; give an earlier start",
            file=sys.stderr,
        )


def loss_flops(side: int, with_perceptual: bool = True) -> dict[str, float]:
    """Operations of a pass of one picture, `side` pixels wide, through the nets of the loss."""
    with torch.device("meta"):
        nets: dict[str, Any] = {"discriminator": Discriminator(side)}
        if with_perceptual:
            nets["perceptual net"] = Lpips({name: torch.empty(shape) for name, shape in SHAPES.items()}).features
    return {name: picture_flops(net, side) for name, net in nets.items()}
