"""Measures which dtype and which attention this machine trains faster with."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from functools import partial

import torch
from torch import Tensor

from engine.device import best_seconds
from engine.transformer import Trunk, use_attention

DTYPES = ("float32", "bfloat16")
# How wide the products are and how many are timed at once. A GPU does small ones faster than they can be launched.
PRODUCTS, PRODUCTS_OF_DEVICE = (1024, 1), {"cuda": (8192, 8)}
SECONDS = 0.4  # spent on each dtype, and on each attention


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The choice, and the measurements behind it. Stored in every checkpoint."""

    dtype: str  # "float32" or "bfloat16"
    explicit_attention: bool
    gflops: dict[str, float]  # of matrix products, by dtype
    attention_ms: dict[str, float]  # milliseconds of one layer, forward and backward, by kernel

    @property
    def torch_dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.dtype == "bfloat16" else torch.float32

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def _measure_products(device: torch.device) -> dict[str, float]:
    """GFLOP/s of square matrix products in each dtype."""
    width, times = PRODUCTS_OF_DEVICE.get(device.type, PRODUCTS)
    values = torch.linspace(-1, 1, width**2, device=device).view(width, width)  # equal ones would cost less power

    def multiply(a: Tensor) -> None:
        for _ in range(times):
            torch.matmul(a, a)

    work = {name: partial(multiply, values.to(getattr(torch, name))) for name in DTYPES}
    best = best_seconds(work, device, 2 * SECONDS)
    return {name: times * 2 * width**3 / seconds / 1e9 for name, seconds in best.items()}


def measure_machine(device: torch.device, trunk: Trunk | None = None, micro_batch: int = 16) -> Probe:
    """Time matrix products in both dtypes, then a layer of the trunk with both attentions in the faster one."""
    gflops = _measure_products(device)
    fast = max(gflops, key=lambda name: gflops[name])
    attention: dict[str, float] = {}
    if trunk is not None:
        layer = copy.deepcopy(trunk.layers[0]).train()
        x = torch.ones(micro_batch, 257, trunk.position.shape[1], device=device, requires_grad=True)

        def once(explicit: bool) -> None:
            use_attention(layer, explicit)
            with torch.autocast(device.type, torch.bfloat16, enabled=fast == "bfloat16"):
                y = layer(x)
            y.float().sum().backward()

        kernels = {"explicit": partial(once, True), "fused": partial(once, False)}
        attention = {name: 1000 * seconds for name, seconds in best_seconds(kernels, device, 2 * SECONDS).items()}
    explicit = bool(attention) and attention["explicit"] < attention["fused"]
    return Probe(dtype=fast, explicit_attention=explicit, gflops=gflops, attention_ms=attention)
