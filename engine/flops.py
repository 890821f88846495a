"""Floating-point operations of the networks, counted from their sizes on torch's meta device, which computes nothing.

A multiplication and an addition are two operations. Only matrix products and convolutions count, as is usual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from engine.adaln import AdaLnConfig
from engine.config import TokenizerSizes, TrainConfig
from engine.models import build_model, read_sizes

FORWARD_AND_BACKWARD = 3  # forward passes' worth: the backward pass is two products for each one of the forward pass


def pass_flops(
    kind: str, sizes: Mapping[str, Any], tokenizer: TokenizerSizes, classes: int = 1, fine_labels: int = 1
) -> float:
    """Operations of one forward pass of one picture; a tokenizer's encodes and decodes it."""
    side = tokenizer.image_size
    # AdaLN's generator switches autocast off, which the meta device does not know: it computes.
    device = "cpu" if isinstance(read_sizes(kind, sizes), AdaLnConfig) else "meta"
    counter = FlopCounterMode(display=False)
    with torch.random.fork_rng(devices=[]), torch.device(device), torch.no_grad(), counter:
        model: Any = build_model(kind, sizes, tokenizer, classes, fine_labels)
        if kind in ("generator", "critic"):
            model(torch.zeros(1, tokenizer.grid**2, dtype=torch.int64), torch.zeros(1, dtype=torch.int64))
        elif kind == "tokenizer":
            model.decode(model.encode(torch.zeros(1, 3, side, side)))
        else:
            model(torch.zeros(1, 3, side, side))
    return float(counter.get_total_flops())


def picture_flops(network: Callable[[Tensor], Any], side: int) -> float:
    """Operations of a network on the meta device, for one picture."""
    counter = FlopCounterMode(display=False)
    with torch.device("meta"), torch.no_grad(), counter:
        network(torch.zeros(1, 3, side, side))
    return float(counter.get_total_flops())


def training_flops(kind: str, passes: Mapping[str, float], config: TrainConfig) -> float:
    """Operations per picture of a training step. `passes` are those of one pass of each model that takes part.

    The critic's step also runs the frozen generator once; the classifier's reconstructs every other picture. Encoding
    pictures is left out: it can be done once for all steps. A VQGAN's step has, for the picture and its reconstruction,
    the discriminator's own and, twice, the gradient of the reconstruction: of the loss, and of its weight in the loss.
    """
    own = FORWARD_AND_BACKWARD * passes[kind]
    if kind == "tokenizer":
        return own + 9 * passes.get("discriminator", 0) + 4 * passes.get("perceptual net", 0)
    if kind == "critic":
        return passes["generator"] + config.fillings * own
    return own + passes["tokenizer"] / 2 if kind == "classifier" else own
