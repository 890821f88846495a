"""The matrix products of a network pass alone, and torch's own encoder of the same size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.config import TrunkConfig

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Product:
    """left @ right. The right operand is a weight, stored as nn.Linear stores it, or a result of the pass."""

    left: Shape
    right: Shape
    weight: bool


def trunk_products(config: TrunkConfig, batch: int, num_tokens: int) -> list[Product]:
    """The products of all layers for `batch` pictures; a class token stands before the tokens."""
    n, d, heads = num_tokens + 1, config.width, config.heads
    rows, matrices, dim = batch * n, batch * heads, d // heads
    layer = [
        Product(left=(rows, d), right=(d, 3 * d), weight=True),
        Product(left=(matrices, n, dim), right=(matrices, dim, n), weight=False),
        Product(left=(matrices, n, n), right=(matrices, n, dim), weight=False),
        Product(left=(rows, d), right=(d, d), weight=True),
        Product(left=(rows, d), right=(d, config.mlp), weight=True),
        Product(left=(rows, config.mlp), right=(config.mlp, d), weight=True),
    ]
    return layer * config.layers


def head_products(config: TrunkConfig, batch: int, num_tokens: int, codes: int) -> list[Product]:
    """The products of the head that gives logits over the codebook."""
    rows, d = batch * num_tokens, config.width
    return [Product(left=(rows, d), right=(d, right), weight=True) for right in (d, codes)]


def run_products(products: list[Product], dtype: torch.dtype, device: torch.device) -> Callable[[], None]:
    """A call that computes them all on operands made before. Each weight is its own; other operands are used again."""
    shared: dict[tuple[Shape, str], Tensor] = {}

    def make(shape: Shape, role: str) -> Tensor:
        if role != "weight" and (shape, role) in shared:
            return shared[shape, role]
        values = torch.linspace(-1, 1, math.prod(shape), device=device)
        made = values.to(dtype).view(shape)
        return made if role == "weight" else shared.setdefault((shape, role), made)

    def operands() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for one in products:
            stored = one.right[:-2] + one.right[:-3:-1]
            right = make(stored, "weight" if one.weight else "right").transpose(-1, -2)
            yield make(one.left, "left"), right, make((*one.left[:-1], one.right[-1]), "out")

    ready = list(operands())

    def run() -> None:
        for left, right, out in ready:
            torch.matmul(left, right, out=out)

    return run


def reference_encoder(config: TrunkConfig, dtype: torch.dtype, device: torch.device) -> nn.Module:
    """torch's own transformer encoder of this size, in evaluation mode. Without gradients it takes its fast path."""
    layer = nn.TransformerEncoderLayer(config.width, config.heads, config.mlp, 0.0, "gelu", batch_first=True)
    return nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False).eval().to(device, dtype)
