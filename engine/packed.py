"""Linear maps for sampling in bf16. On a CPU their matrices lie in the order in which oneDNN multiplies them."""

from __future__ import annotations

import platform
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

X86 = ("x86_64", "AMD64")


@cache
def can_pack() -> bool:
    """Does oneDNN multiply bf16 on this CPU? Other CPUs than x86 were not tried."""
    return platform.machine() in X86 and torch.backends.mkldnn.is_available() and _is_supported()


def _is_supported() -> bool:
    """These are torch's internal operators, which its compiler generates calls of: they may go without notice."""
    ops = torch.ops.mkldnn
    wanted = ("_is_mkldnn_bf16_supported", "_reorder_linear_weight", "_linear_pointwise")
    return all(hasattr(ops, name) for name in wanted) and bool(ops._is_mkldnn_bf16_supported())


class Bf16Linear(nn.Module):
    """x (..., D) -> x W^T + b in bf16, and its gelu if `gelu` ("none" or "tanh": nn.GELU's approximation) is given.

    A packed matrix is multiplied a tenth faster, and gelu costs no pass through memory. It has no gradient.
    """

    def __init__(self, linear: nn.Linear, gelu: str | None = None) -> None:
        super().__init__()
        assert linear.bias is not None
        self.gelu = gelu
        self.bias = linear.bias.detach().to(torch.bfloat16)
        self.weight = linear.weight.detach().to(torch.bfloat16)
        self.packed = self.weight.device.type == "cpu" and can_pack()
        if self.packed:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(torch.bfloat16)
        if self.packed:
            after = "none" if self.gelu is None else "gelu"
            return torch.ops.mkldnn._linear_pointwise(  # type: ignore[no-any-return]
                x, self.weight, self.bias, after, [], self.gelu or ""
            )
        x = F.linear(x, self.weight, self.bias)
        return x if self.gelu is None else F.gelu(x, approximate=self.gelu)
