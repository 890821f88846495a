"""Measures which dtype and which attention this machine trains faster with."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from functools import partial

import torch

from engine.device import best_seconds
from engine.transformer import Trunk, use_attention

DTYPES = ("float32", "bfloat16")
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


def measure_machine(device: torch.device, trunk: Trunk | None = None, micro_batch: int = 16) -> Probe:
    """Time matrix products in both dtypes, then a layer of the trunk with both attentions in the faster one."""
    operands = {name: torch.ones(1024, 1024, device=device, dtype=getattr(torch, name)) for name in DTYPES}
    products = {name: partial(torch.matmul, a, a) for name, a in operands.items()}
    gflops = {
        name: 2 * 1024**3 / seconds / 1e9 for name, seconds in best_seconds(products, device, 2 * SECONDS).items()
    }
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
