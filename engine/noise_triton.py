"""The noise of engine.noise as one Triton kernel: the same operations in the same order, so the same bits."""
# mypy: ignore-errors
# (a function under triton.jit is Triton's language, not Python's)

from __future__ import annotations

import subprocess

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.errors import TritonError

BLOCKS = 128  # Philox blocks per program; each gives eight numbers
UNBUILT = (TritonError, OSError, RuntimeError, subprocess.SubprocessError)  # raised if a kernel cannot be built


def fill(
    out: Tensor, samples: Tensor, seed: int, counter: tuple[int, int, int], logs: int, log: tuple[float, ...]
) -> None:
    """Fill out (B, n) with the uniform numbers of `samples` (B,), replaced `logs` times by their negative logarithm.

    `log` holds engine.noise.LN2, then the polynomial's coefficients, highest power first.
    """
    B, n = out.shape
    if not out.numel():
        return
    grid = (B, triton.cdiv(n, 8 * BLOCKS))
    with torch.cuda.device(out.device):
        # enable_fp_fusion=False keeps the compiler from fusing a product and a sum, which changes bits
        _numbers[grid](out, samples, seed, *counter, n, logs, log, BLOCKS, enable_fp_fusion=False)


@triton.jit(do_not_specialize=["seed", "round", "step", "purpose", "n"])
def _numbers(
    out,
    samples,
    seed,
    round,
    step,
    purpose,
    n,
    LOGS: tl.constexpr,
    LOG: tl.constexpr,
    BLOCKS: tl.constexpr,
):
    """One program writes the numbers of BLOCKS blocks of one sample."""
    row = tl.program_id(0).to(tl.int64)
    block = (tl.program_id(1) * BLOCKS + tl.arange(0, BLOCKS) + 1).to(tl.uint64)
    zero = tl.zeros_like(block)
    c0, c1, c2, c3 = tl.philox_impl(
        block,
        zero + round.to(tl.uint64),
        zero + step.to(tl.uint64),
        zero + purpose.to(tl.uint64),
        zero + seed.to(tl.uint64),
        zero + tl.load(samples + row).to(tl.uint64),
        10,
    )
    words = tl.interleave(tl.interleave(c0, c2), tl.interleave(c1, c3))  # (4 * BLOCKS,) c0, c1, c2, c3 of each block
    halves = tl.interleave(words.to(tl.uint32), (words >> 32).to(tl.uint32))  # (8 * BLOCKS,) the low half first
    x = ((halves >> 8) | 1).to(tl.int32).to(tl.float32) * (2.0**-24)
    for _ in tl.static_range(LOGS):
        x = _negative_log(x, LOG)
    at = tl.program_id(1) * (8 * BLOCKS) + tl.arange(0, 8 * BLOCKS)
    tl.store(out + row * n + at, x, mask=at < n)


@triton.jit
def _negative_log(x, LOG: tl.constexpr):
    """engine.noise.negative_log_, operation by operation."""
    bits = x.to(tl.int32, bitcast=True)
    exponent = (bits - 0x3F2AAAAB) & -0x800000
    f = (bits - exponent).to(tl.float32, bitcast=True) - 1.0
    last: tl.constexpr = len(LOG) - 1
    p = f * LOG[1]
    for i in tl.static_range(2, last):
        p = (p + LOG[i]) * f
    p = (p + LOG[last]) * (f * f)
    return (
        (f + p) + exponent.to(tl.float32) * LOG[0]
    ) * -1.0  # not -x, which Triton computes as 0 - x: the sign of 0 differs
