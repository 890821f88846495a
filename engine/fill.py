"""Real pictures some of whose tokens are sampled: what the critic is trained on (Token-Critic, Algorithm 1)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine import MASK
from engine.noise import Noise

Predictor = Callable[[Tensor, Tensor], Tensor]  # (tokens (B, N), labels (B,)) -> logits (B, N, V)


def rank_positions(uniform: Tensor) -> Tensor:
    """The rank of each position, 0 .. N-1, by random numbers (B, N). Of equal numbers the first is lower."""
    return uniform.argsort(dim=1, stable=True).argsort(dim=1)


@torch.no_grad()
def fill_masked(
    tokens: Tensor, masked: Tensor, labels: Tensor, generator: Predictor, noise: Noise, step: int = 0
) -> Tensor:
    """Real tokens (B, N) with those where `masked` (B, N) is true hidden, and sampled at temperature 1."""
    logits = generator(tokens.masked_fill(masked, MASK), labels)
    sampled = torch.empty_like(tokens)
    for i, sample in enumerate(noise.samples):  # one at a time: the noise of 178 pictures would take 180 MB
        alone = Noise(noise.seed, (sample,), noise.round)
        gumbel = alone.gumbel(step, "token", logits.shape[1:], logits.device)
        sampled[i] = (logits[i].float() + gumbel[0]).argmax(-1)
    return torch.where(masked, sampled, tokens)
