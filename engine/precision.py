"""Measures which dtype and which attention a machine samples faster with. They can differ a hundredfold."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch

from engine.device import best_seconds
from engine.transformer import Layer, Trunk, default_explicit

DTYPES = ("float32", "bfloat16")
# bf16 has coarser logits. So it, or an attention that is not the default, must be so many times as fast.
MIN_SPEEDUP = 1.2
MEASURE_SECONDS = 0.6  # spent on all layers
MIN_RELATIVE_SPEED = 0.5  # of bf16 products to fp32 products. A slower machine has no bf16 units


@dataclass(frozen=True, kw_only=True)
class Precision:
    """The choice of dtype and attention, and the measured milliseconds of one layer, if it was measured."""

    dtype: str = "float32"
    explicit_attention: bool | None = None  # None: the default of dtype and device (default_explicit)
    milliseconds: dict[str, float] | None = None
    min_speedup: ClassVar[float] = MIN_SPEEDUP

    def apply(self, trunk: Trunk) -> None:
        """Apply the choice to a trunk."""
        if self.dtype == "bfloat16":
            trunk.use_bf16()
        if self.explicit_attention is not None:
            trunk.use_explicit_attention(explicit=self.explicit_attention)


@torch.no_grad()
def measure_precision(trunk: Trunk, batch: int) -> Precision:
    """Time one layer of a trunk on `batch` pictures with each dtype and attention, for less than a second."""
    num_tokens, width = trunk.position.shape
    device = trunk.position.device
    x = torch.zeros(batch, num_tokens, width, device=device)
    dtypes = DTYPES if _has_bf16(device) else DTYPES[:1]
    work = {
        (dtype, explicit): partial(_copy_layer(trunk, dtype, explicit), x)
        for dtype in dtypes
        for explicit in (False, True)
    }
    times = best_seconds(work, device, MEASURE_SECONDS)
    best = {dtype: _choose_attention(times, dtype, default_explicit(getattr(torch, dtype), device)) for dtype in dtypes}
    gain = times["float32", best["float32"]] / times["bfloat16", best["bfloat16"]] if "bfloat16" in best else 0.0
    dtype = "bfloat16" if gain >= MIN_SPEEDUP else "float32"
    names = {True: "explicit", False: "fused"}
    milliseconds = {f"{dtype} {names[e]}": round(1000 * seconds, 3) for (dtype, e), seconds in times.items()}
    return Precision(dtype=dtype, explicit_attention=best[dtype], milliseconds=milliseconds)


def _copy_layer(trunk: Trunk, dtype: str, explicit: bool) -> Layer:
    layer = copy.deepcopy(trunk.layers[0])
    assert isinstance(layer, Layer)
    layer.attention.explicit_sampling = explicit
    if dtype == "bfloat16":
        layer.use_bf16()
    return layer


def _choose_attention(times: Mapping[tuple[str, bool], float], dtype: str, usual: bool) -> bool:
    """The default attention, unless the other is clearly faster. So two starts choose alike even near a tie."""
    return (not usual) if times[dtype, usual] >= MIN_SPEEDUP * times[dtype, not usual] else usual


def _has_bf16(device: torch.device) -> bool:
    """Does the device have bf16 units? Measured with a small product: a whole layer in emulated bf16 takes seconds."""
    operands = {dtype: torch.ones(256, 256, device=device, dtype=getattr(torch, dtype)) for dtype in DTYPES}
    times = best_seconds(
        {dtype: partial(torch.matmul, a, a) for dtype, a in operands.items()}, device, MEASURE_SECONDS / 10
    )
    return times["float32"] / times["bfloat16"] > MIN_RELATIVE_SPEED
