"""Noise as a function of (seed, sample, round, step, purpose): nothing is shared, nothing is used up.

So a run can be branched at any step, rules are compared under the same noise, and sample i of n
is sample i alone. It is drawn where it is used, and every device gives the same bits: the numbers
come from Philox4x64-10, a counter-based generator of integer arithmetic (Salmon et al., "Parallel
random numbers: as easy as 1, 2, 3", SC 2011), and the logarithm from single float32 operations,
each of which IEEE 754 rounds one way only. Key = (seed, sample), counter = (block, round, step, purpose).
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
Numbers = Any  # Tensor or np.ndarray: the operators below mean the same for both
Counter = tuple[int, int, int]  # round, step, purpose: what stands above the number of the block
CHUNK = 2**16  # numbers of one pass: with what they take along, they fill a core's cache
CHUNK_DEVICE = 2**22  # the same on an accelerator, which waits for each operation

ROUNDS = 10
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)  # golden ratio and sqrt(3) - 1: what each round adds to the key
LOW = 0xFFFFFFFF

TWO_THIRDS = 0x3F2AAAAB  # bits of 2/3: the mantissa is taken from [2/3, 4/3), so that logarithms near 0 stay exact
EXPONENT = -0x800000  # mask of sign and exponent
LN2 = math.log(2) * 2.0**-23  # an exponent is left where its bits are, 23 places up
# P in log(1 + f) = f + f² P(f), |f| <= 1/3, highest power first: minimax fit, relative error of the sum 2.7e-8
LOG = (0.140205815, -0.153835982, 0.139971346, -0.164170295, 0.200110734, -0.250077486, 0.333332002, -0.499999374)


@dataclass(frozen=True)
class Noise:
    """The noise of some samples of one seed. Whoever draws for a second time from one step raises `round`."""

    seed: int
    samples: tuple[int, ...]
    round: int = 0

    def uniform(self, step: int, purpose: str, shape: Sequence[int], device: torch.device = CPU) -> Tensor:
        """Odd multiples of 2**-24 in (0, 1) as float32 (B, *shape): never an end, and u is as likely as 1 - u."""
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
    """Write the numbers of `samples` to out (B, n): uniform, `logs` times replaced by their negative logarithm.

    An array is filled by numpy, whose Philox is C and which starts no threads; a tensor by torch, where it is.
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
    """Replace x, float32 in (0, inf), by -log(x). The same bits everywhere: no operation is fused with another."""
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
    """(B, n) uint64: the first n words of each sample. numpy raises the counter before it draws: block 1 is first."""
    keys, start = np.array([[seed, sample] for sample in samples], np.uint64), np.array([0, *counter], np.uint64)
    raw = [np.random.Philox(counter=start, key=key).random_raw(n) for key in keys]
    return (raw[0] if len(raw) == 1 else np.concatenate(raw)).reshape(-1, n)


def tensor_words(seed: int, samples: tuple[int, ...], counter: Counter, n: int, device: torch.device) -> Tensor:
    """(B, n) int64: the same words by tensors alone, on any device."""
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
    """Philox4x64-10 of counters (4, B, n) under keys (2, B, 1), words (B, n, 4): unsigned numbers, held as int64."""
    multiplier, weyl = (unsigned_on(values, counter.device)[:, None, None] for values in (MULTIPLIERS, WEYL))
    even, odd = counter[0::2], counter[1::2]  # (2, B, n)
    for _ in range(ROUNDS):
        high, low = _product(even, multiplier)
        even, odd = high.flip(0) ^ odd ^ key, low.flip(0)
        key = key + weyl
    return torch.stack([even[0], odd[0], even[1], odd[1]], -1)  # (B, n, 4)


def _product(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Upper and lower 64 bits of the product of unsigned numbers, from the products of their 32-bit halves."""
    a0, a1, b0, b1 = a & LOW, _upper(a), b & LOW, _upper(b)
    middle = a0 * b1 + _upper(a0 * b0)  # no sum here passes 2**64
    other = a1 * b0 + (middle & LOW)
    return a1 * b1 + _upper(middle) + _upper(other), a * b


def _upper(x: Tensor) -> Tensor:
    return (x >> 32) & LOW  # the shift of a signed number drags its sign along


@lru_cache(maxsize=64)
def unsigned_on(values: tuple[int, ...], device: torch.device) -> Tensor:
    """Unsigned 64-bit numbers as int64 on a device. Kept, as every copy to an accelerator waits for it; read only."""
    return torch.tensor([value - 2**64 if value >= 2**63 else value for value in values], device=device)


@cache
def load_kernel(device: torch.device) -> Callable[..., None] | None:
    """The kernel that does all this in one pass, where it can be built and gives the same bits; else None."""
    try:
        from engine import noise_triton
    except ImportError:
        return None
    samples, counter = (0, 7), (1, 2, 3)
    mine, its = torch.empty(2, 2, 1001, device=device)
    fill(mine, 5, samples, counter, 2)
    try:
        noise_triton.fill(its, unsigned_on(samples, device), 5, counter, 2, (LN2, *LOG))
    except noise_triton.UNBUILT:  # it needs a C compiler and Python's headers
        return None
    return noise_triton.fill if torch.equal(mine, its) else None
