"""Which dtype and which attention a machine samples faster with: measured, as they differ by a hundred times."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from engine.device import best_seconds
from engine.transformer import Layer, Trunk, default_explicit

DTYPES = ("float32", "bfloat16")
# Below this speedup bf16 is not worth its coarser logits, and an unusual attention not the difference.
MIN_SPEEDUP = 1.2
MEASURE_SECONDS = 0.6  # of measuring layers
MIN_RELATIVE_SPEED = (
    0.5  # of fp32's matrix products, below which a machine has no bf16 units and nothing more is measured
)


@dataclass(frozen=True, kw_only=True)
class Precision:
    """What was picked, and the milliseconds of one layer that it was picked by; none where it was told."""

    dtype: str = "float32"
    explicit_attention: bool | None = None  # None: torch's own choice in fp32, explicit in bf16 on a CPU
    milliseconds: dict[str, float] | None = None
    min_speedup: ClassVar[float] = MIN_SPEEDUP

    def apply(self, trunk: Trunk) -> None:
        """Let a trunk sample so."""
        if self.dtype == "bfloat16":
            trunk.use_bf16()
        if self.explicit_attention is not None:
            trunk.use_explicit_attention(explicit=self.explicit_attention)


@torch.no_grad()
def measure_precision(trunk: Trunk, batch: int) -> Precision:
    """Time one layer of a trunk on `batch` pictures in each dtype with each attention, for less than a second."""
    num_tokens, width = trunk.position.shape
    device = trunk.position.device
    x = torch.zeros(batch, num_tokens, width, device=device)
    dtypes = DTYPES if _has_bf16(device) else DTYPES[:1]
    work = {
        (dtype, explicit): partial(_run_layer, _copy_layer(trunk, dtype, explicit), x, dtype)
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
    """Explicit or not: the usual one, unless the other is plainly faster. Near a tie two starts must pick the same."""
    return (not usual) if times[dtype, usual] >= MIN_SPEEDUP * times[dtype, not usual] else usual


def _run_layer(layer: Layer, x: Tensor, dtype: str) -> Tensor:
    with torch.autocast(x.device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
        return layer(x)  # type: ignore[no-any-return]


def _has_bf16(device: torch.device) -> bool:
    """By a small matrix product: a whole layer would take seconds where bf16 is emulated."""
    operands = {dtype: torch.ones(256, 256, device=device, dtype=getattr(torch, dtype)) for dtype in DTYPES}
    times = best_seconds(
        {dtype: partial(torch.matmul, a, a) for dtype, a in operands.items()}, device, MEASURE_SECONDS / 10
    )
    return times["float32"] / times["bfloat16"] > MIN_RELATIVE_SPEED
