"""Noise as a function of (seed, sample, round, step, purpose). There is no generator with a state.

So a run can be branched at any step, rules are compared under the same noise, and sample i of n equals
sample i alone. Every device gives the same bits. The numbers come from Philox4x64-10, a counter-based
generator of integer arithmetic (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
The logarithm is made of single float32 operations, whose rounding IEEE 754 fixes.
Key = (seed, sample), counter = (block, round, step, purpose).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

PURPOSES = {"token": 0, "rank": 1, "score": 2}
CPU = torch.device("cpu")
Numbers = Any  # Tensor or np.ndarray; both have the operators used below
Counter = tuple[int, int, int]  # round, step, purpose; the block number is the lowest word of the counter
CHUNK = 2**16  # numbers computed at once; with their temporaries they fit a core's cache
CHUNK_DEVICE = 2**22  # the same on an accelerator, where each operation has a fixed cost

ROUNDS = 10
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)  # golden ratio and sqrt(3) - 1; each round adds them to the key
LOW = 0xFFFFFFFF

TWO_THIRDS = 0x3F2AAAAB  # bits of 2/3. The mantissa is in [2/3, 4/3), so that logarithms near 0 stay exact
EXPONENT = -0x800000  # mask of sign and exponent
LN2 = math.log(2) * 2.0**-23  # the exponent stays shifted by 23 bits
# P in log(1 + f) = f + f² P(f), |f| <= 1/3, highest power first: minimax fit, relative error of the sum 2.7e-8
LOG = (0.140205815, -0.153835982, 0.139971346, -0.164170295, 0.200110734, -0.250077486, 0.333332002, -0.499999374)


@dataclass(frozen=True)
class Noise:
    """The noise of some samples of one seed. A second draw for the same step needs another `round`."""

    seed: int
    samples: tuple[int, ...]
    round: int = 0

    def uniform(self, step: int, purpose: str, shape: Sequence[int], device: torch.device = CPU) -> Tensor:
        """Uniform on the odd multiples of 2**-24 in (0, 1), float32 (B, *shape). Never 0 or 1; symmetric around 1/2."""
        return self._draw(step, purpose, shape, device, logs=0)

    def exponential(self, step: int, purpose: str, shape: Sequence[int], device: torch.device = CPU) -> Tensor:
        """Standard exponential noise as float32 (B, *shape): -log(uniform)."""
        return self._draw(step, purpose, shape, device, logs=1)

    def gumbel(self, step: int, purpose: str, shape: Sequence[int], device: torch.device = CPU) -> Tensor:
        """Standard Gumbel noise as float32 (B, *shape): -log(exponential)."""
        return self._draw(step, purpose, shape, device, logs=2)

    def _draw(self, step: int, purpose: str, shape: Sequence[int], device: torch.device, logs: int) -> Tensor:
        counter, n = (self.round, step, PURPOSES[purpose]), math.prod(shape)
        out = torch.empty(len(self.samples), n, device=device)
        by_kernel = load_kernel(out.device) if device.type == "cuda" else None
        if by_kernel is not None:
            by_kernel(out, unsigned_on(self.samples, out.device), self.seed, counter, logs, (LN2, *LOG))
        else:
            fill(out.numpy() if device.type == "cpu" else out, self.seed, self.samples, counter, logs)
        return out.view(len(self.samples), *shape)


def fill(out: Numbers, seed: int, samples: tuple[int, ...], counter: Counter, logs: int) -> None:
    """Fill out (B, n) with the uniform numbers of `samples`, replaced `logs` times by their negative logarithm.

    numpy fills an array: its Philox is in C and starts no threads. torch fills a tensor on the tensor's device.
    """
    n, tensors = out.shape[1], isinstance(out, Tensor)
    at_once = CHUNK_DEVICE if tensors else CHUNK
    rows = max(1, at_once // max(1, n))
    for i in range(0, len(samples), rows):
        given = (seed, samples[i : i + rows], counter, -(-n // 2))
        halves = _bits(tensor_words(*given, out.device) if tensors else numpy_words(*given))[:, :n]  # low half first
        for j in range(0, n, at_once):
            x, half = out[i : i + rows, j : j + at_once], halves[:, j : j + at_once]  # (b, m)
            half >>= 8
            half &= 0xFFFFFF
            half |= 1
            x[...] = half
            x *= 2.0**-24
            for _ in range(logs):
                negative_log_(x)


def negative_log_(x: Numbers) -> None:
    """Replace x, float32 in (0, inf), by -log(x). The same bits everywhere, because no operations are fused."""
    bits = _bits(x)
    exponent = bits - TWO_THIRDS
    exponent &= EXPONENT
    bits -= exponent
    x -= 1  # f, exact
    square, p = x * x, x * LOG[0]
    for coefficient in LOG[1:-1]:
        p += coefficient
        p *= x
    p += LOG[-1]
    p *= square
    x += p
    square[...] = exponent  # as float32
    square *= LN2
    x += square
    x *= -1


def _bits(x: Numbers) -> Numbers:
    """The same memory as int32."""
    return x.view(torch.int32 if isinstance(x, Tensor) else np.int32)


def numpy_words(seed: int, samples: tuple[int, ...], counter: Counter, n: int) -> np.ndarray:
    """(B, n) uint64: the first n words of each sample. numpy increments the counter first, so block 1 is the first."""
    keys, start = np.array([[seed, sample] for sample in samples], np.uint64), np.array([0, *counter], np.uint64)
    raw = [np.random.Philox(counter=start, key=key).random_raw(n) for key in keys]
    return (raw[0] if len(raw) == 1 else np.concatenate(raw)).reshape(-1, n)


def tensor_words(seed: int, samples: tuple[int, ...], counter: Counter, n: int, device: torch.device) -> Tensor:
    """(B, n) int64: the same words computed with tensors, on any device."""
    blocks = -(-n // 4)
    counters = torch.empty(4, len(samples), blocks, dtype=torch.int64, device=device)
    counters[0] = torch.arange(1, blocks + 1, device=device)
    for i, value in enumerate(counter, 1):
        counters[i] = value
    key = torch.stack([torch.full_like(unsigned_on(samples, device), seed), unsigned_on(samples, device)])[
        ..., None
    ]  # (2, B, 1)
    return philox(counters, key).flatten(1)[:, :n]


def philox(counter: Tensor, key: Tensor) -> Tensor:
    """Philox4x64-10 of counters (4, B, n) with keys (2, B, 1): words (B, n, 4), unsigned numbers stored as int64."""
    multiplier, weyl = (unsigned_on(values, counter.device)[:, None, None] for values in (MULTIPLIERS, WEYL))
    even, odd = counter[0::2], counter[1::2]  # (2, B, n)
    for _ in range(ROUNDS):
        high, low = _product(even, multiplier)
        even, odd = high.flip(0) ^ odd ^ key, low.flip(0)
        key = key + weyl
    return torch.stack([even[0], odd[0], even[1], odd[1]], -1)  # (B, n, 4)


def _product(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Upper and lower 64 bits of the product of unsigned numbers, computed from their 32-bit halves."""
    a0, a1, b0, b1 = a & LOW, _upper(a), b & LOW, _upper(b)
    middle = a0 * b1 + _upper(a0 * b0)  # no sum exceeds 2**64
    other = a1 * b0 + (middle & LOW)
    return a1 * b1 + _upper(middle) + _upper(other), a * b


def _upper(x: Tensor) -> Tensor:
    return (x >> 32) & LOW  # the shift of a signed number repeats its sign bit


@lru_cache(maxsize=64)
def unsigned_on(values: tuple[int, ...], device: torch.device) -> Tensor:
    """Unsigned 64-bit numbers as an int64 tensor. Cached, because a copy to an accelerator waits. Read only."""
    return torch.tensor([value - 2**64 if value >= 2**63 else value for value in values], device=device)


@cache
def load_kernel(device: torch.device) -> Callable[..., None] | None:
    """The Triton kernel that does all this in one pass. None if it cannot be built, or gives other bits."""
    try:
        from engine import noise_triton
    except ImportError:
        return None
    samples, counter = (0, 7), (1, 2, 3)
    expected, found = torch.empty(2, 2, 1001, device=device)
    fill(expected, 5, samples, counter, 2)
    try:
        noise_triton.fill(found, unsigned_on(samples, device), 5, counter, 2, (LN2, *LOG))
    except noise_triton.UNBUILT:  # it needs a C compiler and Python's headers
        return None
    return noise_triton.fill if torch.equal(expected, found) else None
