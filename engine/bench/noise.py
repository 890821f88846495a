"""The cost of noise on a device, and whether it has the CPU's bits."""

from __future__ import annotations

import math
from itertools import product

import torch
from torch import Tensor

from engine import noise
from engine.bench.timing import median_time

ROUNDS = 101


def noise_figures(device: torch.device) -> dict[str, object]:
    """Milliseconds of one picture's exponential noise, and whether this device gives the CPU's bits in many cases."""

    def tensors(given: noise.Noise, step: int, shape: tuple[int, ...], logs: int) -> Tensor:
        out = torch.empty(len(given.samples), math.prod(shape), device=device)
        counter = (given.round, step, noise.PURPOSES["token"])
        noise.fill(out, given.seed, given.samples, counter, logs)
        return out.view(-1, *shape)

    cases = product((0, 1, 2**32 - 1), ((0,), (7, 0, 2)), (0, 3), ((1,), (255,), (64, 33), (256, 1024)), range(3))
    equal, tensors_equal, kinds = True, True, ("uniform", "exponential", "gumbel")
    for seed, samples, rounds, shape, logs in cases:
        given = noise.Noise(seed, samples, rounds)
        expected = getattr(given, kinds[logs])(5, "token", shape)
        equal &= torch.equal(getattr(given, kinds[logs])(5, "token", shape, device).cpu(), expected)
        tensors_equal &= torch.equal(tensors(given, 5, shape, logs).cpu(), expected)
    given, shape = noise.Noise(0, (0,)), (256, 1024)
    return {
        "draw_ms": 1000 * median_time(lambda: given.exponential(0, "token", shape, device), ROUNDS),
        "tensors_ms": 1000 * median_time(lambda: tensors(given, 0, shape, 1), ROUNDS),
        "kernel": device.type == "cuda" and noise.load_kernel(device) is not None,
        "equal": equal,
        "tensors_equal": tensors_equal,
    }
