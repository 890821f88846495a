"""The VQ tokenizer: a picture as a grid of codes. Each code depends on little more than its own patch.

Locality matters. If a code depends on far-away pixels, that dependence is noise to the generator, and no
critic can tell a real code from a sampled one. So the encoder sees a window two patches wide, and normalises
each position alone. Only the decoder mixes neighbours. If two codes fit almost equally well, the more frequent
one is taken (entropy-constrained quantisation, Chou, Lookabaugh and Gray 1989): which one was slightly nearer
is noise, too.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import TokenizerConfig


class Tokenizer(nn.Module):
    """Pictures (B, 3, S, S) in [-1, 1] <-> tokens (B, N)."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.config = config
        wide = config.encoder_width
        self.window = nn.Conv2d(3, wide, 2 * config.patch, config.patch, config.patch // 2)
        self.encoder = nn.Sequential(*(PointBlock(wide) for _ in range(config.encoder_blocks)))
        self.to_code = nn.Linear(wide, config.code_width)
        self.register_buffer("codebook", F.normalize(torch.zeros(config.codes, config.code_width) + 1e-3, dim=-1))
        self.register_buffer("cost", torch.zeros(config.codes))  # cost of each code, in units of the dot product
        self.decoder = Decoder(config)
        self.codebook: Tensor
        self.cost: Tensor

    def vectors(self, pictures: Tensor) -> Tensor:
        """Unit-length vectors before quantisation, (B, N, code_width)."""
        x = self.window(pictures).flatten(2).transpose(1, 2)  # (B, N, wide)
        return F.normalize(self.to_code(self.encoder(x)), dim=-1)

    def nearest(self, vectors: Tensor) -> Tensor:
        """The code of each unit vector, (..., code_width) -> (...): the largest dot product minus the code's cost.

        All vectors and codes have length 1. So with equal costs this is the nearest code.
        """
        return (vectors @ self.codebook.T - self.cost).argmax(-1)

    def encode(self, pictures: Tensor) -> Tensor:
        """Tokens (B, N) of pictures (B, 3, S, S)."""
        return self.nearest(self.vectors(pictures))

    def decode(self, tokens: Tensor) -> Tensor:
        """Pictures (B, 3, S, S), about [-1, 1], of tokens (B, N)."""
        return self.decode_vectors(self.codebook[tokens])

    def decode_vectors(self, vectors: Tensor) -> Tensor:
        """The picture of vectors (B, n, code_width) on a square grid of any size."""
        grid = math.isqrt(vectors.shape[1])
        return self.decoder(vectors.transpose(1, 2).unflatten(2, (grid, grid)))


class PointBlock(nn.Module):
    """A residual MLP on each position alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(F.gelu(self.up(self.norm(x))))


class ConvBlock(nn.Module):
    """Two 3x3 convolutions with a residual connection, without normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        assert self.second.bias is not None
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.gelu(self.first(F.gelu(x))))


class Decoder(nn.Module):
    """Codes -> pixels: blocks at token resolution, then repeated upsampling by two."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        width = config.decoder_width
        layers: list[nn.Module] = [nn.Conv2d(config.code_width, width, 3, padding=1)]
        layers += [ConvBlock(width) for _ in range(config.decoder_blocks)]
        for _ in range(config.patch.bit_length() - 2):
            half = max(width // 2, 32)
            layers += [nn.Conv2d(width, 4 * half, 1), nn.PixelShuffle(2), ConvBlock(half)]
            width = half
        layers += [nn.Conv2d(width, 12, 3, padding=1), nn.PixelShuffle(2)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def to_float(images: Tensor) -> Tensor:
    """uint8 (B, S, S, 3) -> (B, 3, S, S) in [-1, 1]."""
    return images.permute(0, 3, 1, 2).float() / 127.5 - 1


def to_uint8(pictures: Tensor) -> Tensor:
    """(B, 3, S, S) in [-1, 1] -> uint8 (B, S, S, 3), clipped."""
    return ((pictures.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)
