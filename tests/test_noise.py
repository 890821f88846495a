"""Noise: published answers, the same bits by every way of drawing it, and the distributions it claims."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy._core._multiarray_umath import __cpu_dispatch__

from engine.noise import CPU, Noise, fill, negative_log_, numpy_words, philox, tensor_words

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("uniform", "exponential", "gumbel")  # by the number of logarithms taken
KNOWN = """
0000000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000
16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b
ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff
87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0
243f6a8885a308d3 13198a2e03707344 a4093822299f31d0 082efa98ec4e6c89 452821e638d01377 be5466cf34e90c6c
a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6
"""  # Random123, tests/kat_vectors, philox4x64 10: counter, key, and below them the answer
ALL = "4ed52064262b6c16"  # SHA-256 of all Gumbel noise that can be drawn: recorded runs hang on these bits


def every() -> np.ndarray:
    """All 2**23 values of a uniform number."""
    return np.arange(1, 2**24, 2, dtype=np.float32) * np.float32(2.0**-24)


def test_philox_gives_the_published_answers() -> None:
    words = np.array([int(word, 16) for word in KNOWN.split()], np.uint64).view(np.int64).reshape(3, 10)
    counter, key, answer = torch.from_numpy(words).T[..., None].split((4, 2, 4))  # (4, 3, 1), (2, 3, 1), (4, 3, 1)
    assert torch.equal(philox(counter, key).movedim(-1, 0), answer)


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**32 - 1])
@pytest.mark.parametrize("n", [1, 3, 4, 1001])
def test_numpy_and_tensors_draw_the_same_words(seed: int, n: int) -> None:
    samples, counter = (0, 9, 2**31, 2**63 + 1), (3, 17, 2)
    words = numpy_words(seed, samples, counter, n)
    assert words.shape == (4, n)
    assert np.array_equal(words, tensor_words(seed, samples, counter, n, CPU).numpy().view(np.uint64))


@pytest.mark.parametrize("logs", range(3))
@pytest.mark.parametrize("shape", [(1,), (7,), (256,), (64, 33), (300, 1024)])
def test_the_same_numbers_by_either_path_alone_and_in_any_order(logs: int, shape: tuple[int, ...]) -> None:
    samples = (4, 0, 9)
    drawn = getattr(Noise(5, samples, 1), KINDS[logs])(2, "rank", shape)
    assert drawn.shape == (3, *shape) and drawn.dtype == torch.float32
    by_tensors = torch.empty(3, drawn[0].numel())
    fill(by_tensors, 5, samples, (1, 2, 1), logs)
    assert torch.equal(by_tensors.view_as(drawn), drawn)
    turned = getattr(Noise(5, samples[::-1], 1), KINDS[logs])(2, "rank", shape)
    assert torch.equal(turned.flip(0), drawn)
    for i, sample in enumerate(samples):
        assert torch.equal(getattr(Noise(5, (sample,), 1), KINDS[logs])(2, "rank", shape)[0], drawn[i])


def test_a_longer_draw_begins_like_a_shorter_one() -> None:
    noise = Noise(1, (0,))
    assert torch.equal(noise.exponential(0, "token", (5,)), noise.exponential(0, "token", (100_003,))[:, :5])


def test_noise_depends_on_each_part_of_its_key() -> None:
    others = [
        Noise(1, (4,)).gumbel(2, "token", (8, 8)),
        Noise(2, (4,)).gumbel(2, "token", (8, 8)),
        Noise(1, (5,)).gumbel(2, "token", (8, 8)),
        Noise(1, (4,), 1).gumbel(2, "token", (8, 8)),
        Noise(1, (4,)).gumbel(3, "token", (8, 8)),
        Noise(1, (4,)).gumbel(2, "rank", (8, 8)),
        Noise(1, (4,)).gumbel(2, "score", (8, 8)),
    ]
    assert len({value for draw_pictures in others for value in draw_pictures.flatten().tolist()}) == len(others) * 64


def test_the_draws_have_their_moments_and_distributions() -> None:
    noise, n = Noise(0, (0,)), 2**20
    cases = {
        "uniform": (1 / 2, 1 / 12, lambda x: x),
        "exponential": (1, 1, lambda x: -np.expm1(-x)),
        "gumbel": (np.euler_gamma, np.pi**2 / 6, lambda x: np.exp(-np.exp(-x))),
    }
    for kind, (mean, variance, cdf) in cases.items():
        draws = np.sort(getattr(noise, kind)(0, "token", (n,))[0].double().numpy())
        assert abs(draws.mean() - mean) < 4 * np.sqrt(variance / n)
        assert abs(draws.var() - variance) < 0.01 * variance
        steps = np.arange(n + 1) / n
        reached = cdf(draws)
        distance = max((steps[1:] - reached).max(), (reached - steps[:-1]).max())
        assert distance < 1.63 / np.sqrt(n), kind  # Kolmogorov-Smirnov at 1 %


def test_uniform_numbers_are_odd_multiples_and_never_0_or_1() -> None:
    odd = Noise(0, (0, 1)).uniform(0, "token", (2**20,)) * 2**24
    assert bool((odd % 2 == 1).all()) and float(odd.min()) > 0 and float(odd.max()) < 2**24


def test_the_logarithm_is_right_everywhere() -> None:
    x = every()
    for _ in range(2):  # of every uniform number, and of every exponential one
        exact = -np.log(x.astype(np.float64))
        negative_log_(x)
        off = np.abs(x - exact)
        assert (off <= 2e-7 * np.abs(exact)).all()
    assert hashlib.sha256(x.tobytes()).hexdigest().startswith(ALL)


def digests() -> list[str]:
    """SHA-256 of the logarithms of every 31st uniform number, and of a draw, along both paths."""
    arrays = every()[::31].copy(), np.empty((2, 100_001), np.float32)
    tensors = torch.from_numpy(every()[::31].copy()), torch.empty(2, 100_001)
    sums = []
    for numbers, out in (arrays, tensors):
        negative_log_(numbers)
        fill(out, 3, (0, 8), (0, 5, 0), 2)
        sums += [hashlib.sha256(np.asarray(done).tobytes()).hexdigest() for done in (numbers, out)]
    return sums


@pytest.mark.slow
@pytest.mark.parametrize("capability", ["default", "avx2", "avx512"])
def test_the_bits_do_not_depend_on_the_processor(capability: str) -> None:
    known = ["DEFAULT", "AVX2", "AVX512"]
    here = torch.backends.cpu.get_cpu_capability()
    if capability != "default" and (here not in known or known.index(capability.upper()) > known.index(here)):
        pytest.skip(f"this processor is of the kind {here}")
    code = "from tests.test_noise import digests, torch; print(torch.backends.cpu.get_cpu_capability(), *digests())"
    env = {**os.environ, "ATEN_CPU_CAPABILITY": capability}
    if capability == "default":  # of numpy as well
        env["NPY_DISABLE_CPU_FEATURES"] = " ".join(__cpu_dispatch__)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    used, *sums = done.stdout.split()
    assert sums == digests()
    assert used == capability.upper() or here not in known


def test_the_bits_do_not_depend_on_the_threads_nor_on_the_path() -> None:
    threads, sums = torch.get_num_threads(), []
    try:
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            sums.append(digests())
    finally:
        torch.set_num_threads(threads)
    assert sums[0] == sums[1] == sums[2]
    assert sums[0][:2] == sums[0][2:]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_draws_what_the_cpu_draws() -> None:
    from engine.bench.noise import (
        noise_figures,  # not above: it would load the whole engine into each process of the tests here
    )

    figures = noise_figures(torch.device("cuda"))
    assert figures["equal"] and figures["tensors_equal"]
