"""Noise as a function of (seed, sample, step, purpose): nothing is shared, nothing is used up.

So a run can be branched at any step, rules are compared under the same noise, and sample i of n
is sample i alone. Drawn on the CPU with Philox, a counter-based generator: seed and sample are
its key, step and purpose the upper half of its counter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

PURPOSES = {"token": 0, "rank": 1, "score": 2}
SMALLEST = np.float32(2.0**-24)  # keeps logarithms finite


@dataclass(frozen=True)
class Noise:
    """The noise of some samples of one seed."""

    seed: int
    samples: tuple[int, ...]
    round: int = 0

    def uniform(
        self, step: int, purpose: str, shape: Sequence[int], device: torch.device = torch.device("cpu")
    ) -> Tensor:
        """U[0, 1) as float32 (B, *shape)."""
        draws = [rng.random(shape, dtype=np.float32) for rng in self._streams(step, purpose)]
        return torch.from_numpy(np.stack(draws))

    def exponential(
        self, step: int, purpose: str, shape: Sequence[int], device: torch.device = torch.device("cpu")
    ) -> Tensor:
        draws = [rng.standard_exponential(shape, dtype=np.float32) for rng in self._streams(step, purpose)]
        return torch.from_numpy(np.maximum(np.stack(draws), SMALLEST))

    def gumbel(
        self, step: int, purpose: str, shape: Sequence[int], device: torch.device = torch.device("cpu")
    ) -> Tensor:
        """Standard Gumbel noise as float32 (B, *shape): -log of an exponential draw."""
        draws = [rng.standard_exponential(shape, dtype=np.float32) for rng in self._streams(step, purpose)]
        return torch.from_numpy(-np.log(np.maximum(np.stack(draws), SMALLEST)))

    def _streams(self, step: int, purpose: str) -> list[np.random.Generator]:
        counter = [0, self.round, step, PURPOSES[purpose]]
        return [np.random.Generator(np.random.Philox(counter=counter, key=[self.seed, i])) for i in self.samples]
