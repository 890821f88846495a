"""Which dtype and which attention a machine samples faster with: measured, as they differ by a hundred times."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.transformer import Layer, Trunk

DTYPES = ("float32", "bfloat16")
WORTH = (
    1.2  # times as fast: below that bf16 is not worth its coarser logits, nor an attention that is not the usual one
)
SECONDS = 0.15  # of each measurement
HOPELESS = 0.5  # of fp32's matrix products, below which a machine has no bf16 units and nothing more is measured


@dataclass(frozen=True, kw_only=True)
class Precision:
    """What was picked, and the milliseconds of one layer that it was picked by; none where it was told."""

    dtype: str = "float32"
    explicit_attention: bool | None = None  # None: torch's own choice in fp32, explicit in bf16 on a CPU
    milliseconds: dict[str, float] | None = None

    def apply(self, trunk: Trunk) -> None:
        """Let a trunk sample so."""
        if self.dtype == "bfloat16":
            trunk.use_bf16()
        if self.explicit_attention is not None:
            trunk.sample_with(explicit=self.explicit_attention)


@torch.no_grad()
def measure_precision(trunk: Trunk, batch: int) -> Precision:
    """Time one layer of a trunk on `batch` pictures in each dtype with each attention, for less than a second."""
    places, width = trunk.position.shape
    device = trunk.position.device
    x = torch.zeros(batch, places, width, device=device)
    times = {}
    for dtype in DTYPES:
        if dtype == "bfloat16" and not _has_bf16(device):
            break
        for explicit in (False, True):
            layer = copy.deepcopy(trunk.layers[0])
            assert isinstance(layer, Layer)
            layer.attention.explicit_sampling = explicit
            if dtype == "bfloat16":
                layer.use_bf16()
            times[dtype, explicit] = _seconds(lambda one=layer, kind=dtype: _pass(one, x, kind), device)  # type: ignore[misc]
    usual = {"float32": False, "bfloat16": device.type == "cpu"}
    best = {dtype: _attention(times, dtype, usual[dtype]) for dtype, _ in times}
    gain = times["float32", best["float32"]] / times["bfloat16", best["bfloat16"]] if "bfloat16" in best else 0.0
    dtype = "bfloat16" if gain >= WORTH else "float32"
    names = {True: "explicit", False: "fused"}
    milliseconds = {f"{dtype} {names[e]}": round(1000 * seconds, 3) for (dtype, e), seconds in times.items()}
    return Precision(dtype=dtype, explicit_attention=best[dtype], milliseconds=milliseconds)


def _attention(times: Mapping[tuple[str, bool], float], dtype: str, usual: bool) -> bool:
    """Explicit or not: the usual one, unless the other is plainly faster. Near a tie two starts must pick the same."""
    return (not usual) if times[dtype, usual] >= WORTH * times[dtype, not usual] else usual


def _pass(layer: Layer, x: Tensor, dtype: str) -> Tensor:
    with torch.autocast(x.device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
        return layer(x)  # type: ignore[no-any-return]


def _has_bf16(device: torch.device) -> bool:
    """By a small matrix product: a whole layer would take seconds where bf16 is emulated."""
    products = {}
    for dtype in (torch.float32, torch.bfloat16):
        a = torch.ones(256, 256, device=device, dtype=dtype)
        products[dtype] = _seconds(lambda a=a: a @ a, device, SECONDS / 10)  # type: ignore[misc]
    return products[torch.float32] / products[torch.bfloat16] > HOPELESS


def _seconds(work: Callable[[], Tensor], device: torch.device, budget: float = SECONDS) -> float:
    """Best time of one call within `budget` seconds, after one to warm up."""
    best, end = float("inf"), 0.0
    while not end or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        elif device.type == "mps":
            torch.mps.synchronize()
        if end:
            best = min(best, time.perf_counter() - start)
        else:  # the first call loads and allocates: it counts only where the budget allows no other
            first, end = time.perf_counter() - start, time.perf_counter() + budget
    return min(best, first)
