"""Measure the machine before training on it: the fast dtype and the fast attention differ by machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import torch

from engine.config import TrunkConfig
from engine.transformer import Layer, use_attention


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What was chosen, with the figures it was chosen by. Stored in every checkpoint."""

    dtype: str  # "float32" or "bfloat16"
    explicit_attention: bool
    gflops: dict[str, float]  # matrix products, per dtype
    attention_ms: dict[str, float]  # one layer forward and backward, per kernel

    @property
    def torch_dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.dtype == "bfloat16" else torch.float32

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def measure(device: torch.device, trunk: TrunkConfig | None = None, micro: int = 16) -> Probe:
    """Time matrix products in both dtypes, then a layer with both attentions in the faster one."""
    gflops = {}
    for dtype in (torch.float32, torch.bfloat16):
        product = partial(torch.matmul, *[torch.ones(1024, 1024, device=device, dtype=dtype)] * 2)
        gflops[str(dtype).removeprefix("torch.")] = 2 * 1024**3 / _seconds(product, device) / 1e9
    fast = max(gflops, key=lambda name: gflops[name])
    attention = {}
    if trunk is not None:
        layer = Layer(trunk).to(device)
        x = torch.ones(micro, 257, trunk.width, device=device, requires_grad=True)

        def once() -> None:
            with torch.autocast(device.type, torch.bfloat16, enabled=fast == "bfloat16"):
                y = layer(x)
            y.float().sum().backward()

        for name in ("explicit", "fused"):
            use_attention(layer, name == "explicit")
            attention[name] = 1000 * _seconds(once, device)
    explicit = bool(attention) and attention["explicit"] < attention["fused"]
    return Probe(dtype=fast, explicit_attention=explicit, gflops=gflops, attention_ms=attention)


def _seconds(work: Callable[[], object], device: torch.device, budget: float = 0.4) -> float:
    """Best time of one call within `budget` seconds, after one to warm up."""
    best = float("inf")
    end = time.perf_counter() + budget
    while True:
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        now = time.perf_counter()
        best = min(best, now - start)
        if now > end:
            return best
