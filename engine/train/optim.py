"""Optimisers (Muon for matrices, AdamW for the rest), the learning rate schedule, and averaged weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from engine.config import TrainConfig

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan et al., "Muon", 2024


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised by five Newton-Schulz steps (Jordan et al., 2024). Matrices of one shape go together.

    torch.optim.Muon does the same, but always in bf16. CPUs without bf16 units are a hundred times slower in
    it. This class takes the dtype that was measured to be fast.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float, dtype: torch.dtype) -> None:
        super().__init__(params, {"lr": lr, "initial_lr": lr, "weight_decay": weight_decay, "momentum": 0.95})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    by_shape.setdefault(p.shape, []).append(p)
            for shape, some in by_shape.items():
                momenta = [self.state[p].setdefault("momentum", torch.zeros_like(p)) for p in some]
                grads = [p.grad for p in some if p.grad is not None]
                torch._foreach_lerp_(momenta, grads, 1 - group["momentum"])
                update = orthogonalise(
                    torch.stack(grads).lerp_(torch.stack(momenta), group["momentum"]), self.dtype
                ).to(some[0].dtype)
                torch._foreach_mul_(some, 1 - group["lr"] * group["weight_decay"])
                # the usual step size of AdamW
                torch._foreach_add_(some, list(update), alpha=-group["lr"] * 0.2 * max(shape) ** 0.5)


def orthogonalise(matrices: Tensor, dtype: torch.dtype) -> Tensor:
    """Matrices (..., n, m) with the same singular vectors and singular values near 1."""
    a, b, c = NEWTON_SCHULZ
    x = matrices.to(dtype)
    x = x.mT if x.shape[-2] > x.shape[-1] else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if matrices.shape[-2] > matrices.shape[-1] else x


def make_optimisers(model: nn.Module, config: TrainConfig, dtype: torch.dtype) -> list[torch.optim.Optimizer]:
    """AdamW for tables, biases, norms and convolutions, and Muon for the matrices inside layers.

    Each parameter group stores its peak learning rate as "initial_lr", which LambdaLR expects in a resumed run.
    """
    matrices = {n for n, p in model.named_parameters() if config.muon and p.dim() == 2 and ".layers." in n}
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    rest, lr = [p for n, p in named if n not in matrices], config.lr_adamw
    adamw = torch.optim.AdamW(
        [
            {"params": [p for p in rest if p.dim() >= 2], "initial_lr": lr, "weight_decay": config.weight_decay},
            {"params": [p for p in rest if p.dim() < 2], "initial_lr": lr, "weight_decay": 0.0},
        ],
        lr=lr,
        betas=(config.beta1, config.beta2),
        fused=True,
    )
    chosen = [p for n, p in named if n in matrices]
    return [adamw, Muon(chosen, config.lr_muon, config.weight_decay, dtype)] if chosen else [adamw]


def lr_factor(config: TrainConfig, iteration: int) -> float:
    """Learning rate as a share of the peak: linear warm-up, flat, then linear to zero over the last `decay`."""
    up = min(1.0, (iteration + 1) / max(1, config.warmup))
    remaining = (config.iterations - iteration) / config.iterations
    return up * min(1.0, remaining / config.decay if config.decay else 1.0)


@torch.no_grad()
def update_average(averaged: nn.Module, model: nn.Module, decay: float, iteration: int) -> None:
    """Update the exponential moving average of the weights, which is short at first. Buffers are copied.

    torch.optim.swa_utils.AveragedModel copies the weights at the first update instead, which gives other bits.
    """
    weight = 1 - min(decay, (1 + iteration) / (10 + iteration))
    ours: list[Tensor] = list(averaged.parameters())
    theirs: list[Tensor] = list(model.parameters())
    torch._foreach_lerp_(ours, theirs, weight)
    for mine, buffer in zip(averaged.buffers(), model.buffers(), strict=True):
        mine.copy_(buffer)
