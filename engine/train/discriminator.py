"""The discriminator of the VQGAN's training: is a patch of a picture real, or decoded from tokens?"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FILTERS = 64  # channels of the first layer
MAX_HALVINGS = 3  # so that a patch is 70 pixels wide
SLOPE = 0.2  # of leaky ReLU
GROUPS = 32


class Discriminator(nn.Module):
    """PatchGAN (Isola et al. 2017), as in VQGAN: pictures (B, 3, S, S) in [-1, 1] -> logits (B, 1, h, w), real > 0.

    It has group norms where theirs has batch norms: what is said of a picture then depends on no other picture, so that
    a batch may be cut into parts and shared out among processes. Pictures of under 32 pixels are halved less often.
    """

    def __init__(self, image_size: int) -> None:
        super().__init__()
        halvings = min(MAX_HALVINGS, image_size.bit_length() - 3)
        widths = [FILTERS * 2**i for i in range(halvings + 1)]
        layers: list[nn.Module] = [nn.Conv2d(3, FILTERS, 4, 2, 1), nn.LeakyReLU(SLOPE)]
        for before, width in pairwise(widths):
            stride = 2 if width < widths[-1] else 1
            layers += [
                nn.Conv2d(before, width, 4, stride, 1, bias=False),
                nn.GroupNorm(GROUPS, width),
                nn.LeakyReLU(SLOPE),
            ]
        layers.append(nn.Conv2d(widths[-1], 1, 4, 1, 1))
        self.layers = nn.Sequential(*layers)
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, 0.0, 0.02)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.layers(pictures)

    def judge_frozen(self, pictures: Tensor) -> Tensor:
        """The same logits, whose gradient reaches the pictures and not the weights."""
        weights = {name: weight.detach() for name, weight in self.named_parameters()}
        logits: Tensor = torch.func.functional_call(self, weights, (pictures,))
        return logits


def hinge_loss(real: Tensor, decoded: Tensor) -> Tensor:
    """The discriminator's loss on its logits of real and of decoded pictures (Lim and Ye 2017, as in VQGAN)."""
    return (F.relu(1 - real).mean() + F.relu(1 + decoded).mean()) / 2
