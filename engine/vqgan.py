"""The VQGAN tokenizers of public checkpoints: MaskGIT's, and those of taming-transformers' layers.

Esser et al., "Taming Transformers for High-Resolution Image Synthesis", CVPR 2021; Chang et al., "MaskGIT", CVPR 2022.
They have the methods of our own tokenizer (engine.tokenizer); engine.train.vqgan trains them. Among themselves they
differ in

    style     halving          attention                      shortcut of a block     beside the codebook    pictures
    maskgit   mean of 2 x 2    none                           of its result (below)   nothing                [0, 1]
    taming    a convolution    coarsest level and the middle  of its input            1x1 to and from codes  [-1, 1]
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.settings import check_fields, setting, short


@dataclass(frozen=True, kw_only=True)
class VqganConfig:
    """A VQGAN of MaskGIT's or of taming-transformers' kind: public checkpoints have it, and recipes for ImageNet."""

    image_size: int = setting(256, "side of a picture in pixels", low=8, high=1024)
    patch: int = setting(16, "side of a token's patch in pixels", low=2, high=32)
    codes: int = setting(1024, "codes in the codebook", low=2, high=65536, symbol="V")
    code_width: int = setting(256, "length of a code's vector", low=2, high=512)
    style: str = setting("maskgit", "whose layers, bit for bit", choices=("maskgit", "taming"))
    filters: int = setting(128, "channels of the finest level, a multiple of 32", low=32, high=512)
    multipliers: str = setting("1 1 2 2 4", "channels of each level in units of `filters`, the finest first")
    blocks: int = setting(2, "residual blocks of a level", low=1, high=8)
    latent: int = setting(256, "taming: channels between encoder and code, code and decoder", low=2, high=1024)

    def __post_init__(self) -> None:
        check_fields(self)
        words = self.multipliers.split()
        if not 2 <= len(words) <= 6 or not all(word.isdecimal() and 1 <= int(word) <= 16 for word in words):
            raise ValueError(f"multipliers={short(self.multipliers)}: expected 2 to 6 whole numbers from 1 to 16")
        if self.patch != 2 ** (len(words) - 1) or self.image_size % self.patch:
            raise ValueError(
                f"patch={self.patch}: expected {2 ** (len(words) - 1)}, from {len(words)} levels that each halve the "
                f"one before, and a divisor of image_size={self.image_size}"
            )
        if self.filters % 32:
            raise ValueError(f"filters={self.filters}: expected a multiple of 32, the groups of its normalisation")

    @property
    def grid(self) -> int:
        return self.image_size // self.patch

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each level, the finest first."""
        return tuple(self.filters * int(word) for word in self.multipliers.split())


class Vqgan(nn.Module):
    """Pictures (B, 3, S, S) in [-1, 1] <-> tokens (B, N)."""

    def __init__(self, config: VqganConfig) -> None:
        super().__init__()
        self.config = config
        taming = config.style == "taming"
        self.encoder = make_encoder(config)
        self.decoder = make_decoder(config)
        self.to_code = nn.Conv2d(config.latent, config.code_width, 1) if taming else nn.Identity()
        self.from_code = nn.Conv2d(config.code_width, config.latent, 1) if taming else nn.Identity()
        self.register_buffer("codebook", torch.zeros(config.codes, config.code_width))
        self.codebook: Tensor
        self.low = -1.0 if taming else 0.0  # black, as the network sees it; white is 1

    def vectors(self, pictures: Tensor) -> Tensor:
        """Vectors before quantisation, (B, N, code_width)."""
        x = (pictures + 1) / 2 * (1 - self.low) + self.low
        return self.to_code(self.encoder(x)).flatten(2).transpose(1, 2)

    def nearest(self, vectors: Tensor) -> Tensor:
        """The nearest code of each vector, (..., code_width) -> (...)."""
        return (vectors @ self.codebook.T - self.codebook.square().sum(1) / 2).argmax(-1)

    def encode(self, pictures: Tensor) -> Tensor:
        """Tokens (B, N) of pictures (B, 3, S, S)."""
        return self.nearest(self.vectors(pictures))

    def decode(self, tokens: Tensor) -> Tensor:
        """Pictures (B, 3, S, S), about [-1, 1], of tokens (B, N)."""
        return self.decode_vectors(self.codebook[tokens])

    def decode_vectors(self, vectors: Tensor) -> Tensor:
        """The picture of vectors (B, n, code_width) on a square grid of any size."""
        grid = math.isqrt(vectors.shape[1])
        x = self.decoder(self.from_code(vectors.transpose(1, 2).unflatten(2, (grid, grid))))
        return (x - self.low) / (1 - self.low) * 2 - 1


class Block(nn.Module):
    """Two 3x3 convolutions with a residual connection.

    Where the width changes, a 1x1 convolution goes along the connection. MaskGIT's code applies it to what the two
    convolutions return, not to the block's input: the weights were trained so, and need it so.
    """

    def __init__(self, before: int, width: int, *, taming: bool) -> None:
        super().__init__()
        self.taming = taming
        self.norm1 = _make_norm(before)
        self.conv1 = nn.Conv2d(before, width, 3, padding=1, bias=taming)
        self.norm2 = _make_norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=taming)
        self.shortcut = nn.Conv2d(before if taming else width, width, 1, bias=taming) if before != width else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.silu(self.norm1(x)))
        y = self.conv2(F.silu(self.norm2(y)))
        if self.shortcut is None:
            return x + y
        return y + self.shortcut(x if self.taming else y)


class SpatialAttention(nn.Module):
    """Attention with one head over all places of a feature map, with a residual connection (taming)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = _make_norm(width)
        self.q, self.k, self.v, self.out = (nn.Conv2d(width, width, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        q, k, v = (layer(y).flatten(2).transpose(1, 2) for layer in (self.q, self.k, self.v))  # (B, h w, width)
        attended = F.scaled_dot_product_attention(q, k, v)
        return x + self.out(attended.transpose(1, 2).unflatten(2, x.shape[2:]))


class Halve(nn.Module):
    """Half the resolution by a convolution, padded at the right and the bottom only (taming)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Double(nn.Module):
    """Twice the resolution: each pixel four times, then a convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0))


class Coder(nn.Module):
    """Encoder or decoder: layers in the order in which they were added, between two convolutions.

    Blocks, attentions and changes of resolution are each counted through, as MaskGIT's checkpoints do.
    """

    def __init__(self, config: VqganConfig) -> None:
        super().__init__()
        self.taming = config.style == "taming"
        self.blocks, self.attentions, self.resample = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.order: list[str] = []  # the list above that each layer is the next one of

    def add(self, kind: str, layer: nn.Module) -> None:
        getattr(self, kind).append(layer)
        self.order.append(kind)

    def add_level(self, before: int, width: int, count: int, *, attends: bool = False) -> None:
        """`count` blocks; with `attends` an attention after each, where the style has attention."""
        for i in range(count):
            self.add("blocks", Block(width if i else before, width, taming=self.taming))
            if attends and self.taming:
                self.add("attentions", SpatialAttention(width))

    def add_middle(self, width: int, count: int) -> None:
        """`count` blocks, or taming's two with an attention between them."""
        if self.taming:
            self.add_level(width, width, 1, attends=True)
            count = 1
        self.add_level(width, width, count)

    def ends(self, first: nn.Module, width: int, last: nn.Module) -> None:
        self.conv_in, self.norm_out, self.conv_out = first, _make_norm(width), last

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        layers = {kind: iter(getattr(self, kind)) for kind in set(self.order)}
        for kind in self.order:
            x = next(layers[kind])(x)
        return self.conv_out(F.silu(self.norm_out(x)))


def make_encoder(config: VqganConfig) -> Coder:
    """Pixels (B, 3, S, S) -> (B, latent or code_width, H, W)."""
    coder, widths, before = Coder(config), config.widths, config.filters
    for width in widths[:-1]:
        coder.add_level(before, width, config.blocks)
        coder.add("resample", Halve(width) if coder.taming else nn.AvgPool2d(2))
        before = width
    coder.add_level(before, widths[-1], config.blocks, attends=True)
    coder.add_middle(widths[-1], config.blocks)
    last = nn.Conv2d(widths[-1], config.latent, 3, padding=1)
    if not coder.taming:
        last = nn.Conv2d(widths[-1], config.code_width, 1)
    coder.ends(nn.Conv2d(3, config.filters, 3, padding=1, bias=coder.taming), widths[-1], last)
    return coder


def make_decoder(config: VqganConfig) -> Coder:
    """(B, latent or code_width, H, W) -> pixels. taming has a block more in each level than its encoder."""
    coder, widths = Coder(config), config.widths[::-1]
    before = widths[0]
    coder.add_middle(before, config.blocks)
    for level, width in enumerate(widths):
        coder.add_level(before, width, config.blocks + coder.taming, attends=level == 0)
        if level < len(widths) - 1:
            coder.add("resample", Double(width))
        before = width
    first = nn.Conv2d(config.latent if coder.taming else config.code_width, widths[0], 3, padding=1)
    coder.ends(first, before, nn.Conv2d(before, 3, 3, padding=1))
    return coder


def _make_norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, width, eps=1e-6)
