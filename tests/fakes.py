"""Models of ten lines: a function of the tokens alone, without any state."""

from __future__ import annotations

import torch
from torch import Tensor

CODES = 32


class FakeGenerator:
    """Logits that depend on the place and on how many tokens are visible; counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, tokens: Tensor, labels: Tensor) -> Tensor:
        self.calls += 1
        shown = (tokens >= 0).float().mean(1)[:, None, None] + labels[:, None, None]
        place = torch.arange(tokens.shape[1])[None, :, None]
        code = torch.arange(CODES)[None, None, :]
        return 3 * torch.sin(place * 0.7 + code * 1.3 + shown * 2.1)


class FakeCritic:
    """Logits that depend on the token, its place and its neighbour, coarse enough to tie now and then."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, tokens: Tensor, labels: Tensor, masked: Tensor, masked_before: Tensor) -> Tensor:
        self.calls += 1
        place = torch.arange(tokens.shape[1])[None]
        return torch.round(4 * torch.sin(tokens * 1.7 + place * 0.3 + tokens.roll(1, 1) * 0.9)) / 4
