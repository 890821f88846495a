"""Measure the speed and its upper limit: python -m engine.bench [pack=emoji] [steps=18] [threads=0] [noise=false]

Prints one JSON object. Every figure is the median over repetitions, after one run to warm up.
  run_seconds      MaskGIT and the critic (or self-revoking if there is no critic), decoded step by step
  lane_seconds     the same for each of the two
  pass_seconds     one generator pass of one picture
  limit_seconds    only the matrix products of that pass, in the same shapes
  share_of_limit   limit_seconds / pass_seconds; at 1 only matrix products cost time
  encoder_share    the same for torch.nn.TransformerEncoder of the same size in evaluation mode
  decode_seconds   tokens of one picture to pixels
With noise=true it measures only the noise of one picture's tokens, on the device where it is used:
  draw_ms          as used: by numpy on a CPU, by one kernel on CUDA with Triton (`kernel`)
  tensors_ms       by tensors alone; `equal` and `tensors_equal`: does each give the CPU's bits?
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor, nn

from engine import MASK, cli, noise
from engine.config import MAX_STEPS
from engine.device import describe, prepare
from engine.session import Session

ROUNDS = 15
NOISE_ROUNDS = 101


def main(argv: list[str]) -> None:
    defaults = {"pack": "emoji", "steps": 18, "device": "auto", "threads": 0, "dtype": "float32", "noise": False}
    options = cli.parse(argv, __doc__ or "", defaults).options
    cli.check_bool("noise", options["noise"])
    if options["noise"]:
        device = prepare(options["device"], options["threads"])
        return print(json.dumps({**noise_figures(device), **describe(device)}))
    session = Session.open(options["pack"], options["device"], options["threads"], options["dtype"])
    steps = cli.check_integer("steps", options["steps"], 1, MAX_STEPS)
    print(json.dumps({**run_figures(session, steps), **pass_figures(session), **session.made_by()}, indent=1))


def run_figures(session: Session, steps: int) -> dict[str, object]:
    """Seconds of a run with two lanes, sampled and decoded step by step as on the page."""
    lanes = {}
    for rule in ("maskgit", "critic" if session.critic is not None else "self-revoking"):
        config = session.settings(rule=rule, steps=steps)

        def lane(config: object = config) -> None:
            for step in session.run(config):  # type: ignore[arg-type]
                session.decode(step.proposal)

        lanes[rule] = median_time(lane, 5)
    return {"run_seconds": sum(lanes.values()), "lane_seconds": lanes, "steps": steps}


@torch.no_grad()
def pass_figures(session: Session) -> dict[str, float]:
    """Time a generator pass and its matrix products alone. They take turns, so that both meet the same load."""
    model = session.generator
    tokens = torch.full((1, session.num_tokens), MASK, device=session.device)
    labels = torch.zeros(1, dtype=torch.int64, device=session.device)
    products = matrix_products(session)
    encoder = reference_encoder(session)
    x = torch.zeros(1, session.num_tokens + 1, model.config.width, device=session.device)
    code = torch.zeros(1, session.num_tokens, dtype=torch.int64).numpy()
    work: dict[str, Callable[[], object]] = {
        "pass": lambda: model(tokens, labels),
        "limit": lambda: [product() for product in products],
        "encoder": lambda: encoder(x),
        "decode": lambda: session.decode(code),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(ROUNDS + 1):
        for name, call in work.items():
            times[name].append(time_call(call))
    seconds = {name: statistics.median(values[1:]) for name, values in times.items()}
    head = time_products(head_products(session))
    return {
        "pass_seconds": seconds["pass"],
        "limit_seconds": seconds["limit"],
        "share_of_limit": seconds["limit"] / seconds["pass"],
        "encoder_share": (seconds["limit"] - head) / seconds["encoder"],
        "decode_seconds": seconds["decode"],
    }


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
        "draw_ms": 1000 * median_time(lambda: given.exponential(0, "token", shape, device), NOISE_ROUNDS),
        "tensors_ms": 1000 * median_time(lambda: tensors(given, 0, shape, 1), NOISE_ROUNDS),
        "kernel": device.type == "cuda" and noise.load_kernel(device) is not None,
        "equal": equal,
        "tensors_equal": tensors_equal,
    }


def matrix_products(session: Session) -> list[Callable[[], Tensor]]:
    """The matrix products of one pass of trunk and head, on preallocated operands of the same shapes."""
    config, n = session.generator.config, session.num_tokens + 1
    d, dim = config.width, config.width // config.heads
    shapes = [((n, d), (d, 3 * d)), ((config.heads, n, dim), (config.heads, dim, n))]
    shapes += [((config.heads, n, n), (config.heads, n, dim)), ((n, d), (d, d))]
    shapes += [((n, d), (d, config.mlp)), ((n, config.mlp), (config.mlp, d))]
    return [_product(session, a, b) for _ in range(config.layers) for a, b in shapes] + head_products(session)


def head_products(session: Session) -> list[Callable[[], Tensor]]:
    d, n = session.generator.config.width, session.num_tokens
    return [_product(session, (n, d), (d, d)), _product(session, (n, d), (d, session.generator.codes))]


def _product(session: Session, left: tuple[int, ...], right: tuple[int, ...]) -> Callable[[], Tensor]:
    a, b = torch.ones(left, device=session.device), torch.ones(right[:-2] + right[:-3:-1], device=session.device)
    out = torch.empty(*left[:-1], right[-1], device=session.device)
    return lambda: torch.matmul(a, b.transpose(-1, -2), out=out)  # the weight's layout in a Linear


def reference_encoder(session: Session) -> nn.Module:
    """torch's own transformer encoder of this size, which has a fast path."""
    c = session.generator.config
    layer = nn.TransformerEncoderLayer(c.width, c.heads, c.mlp, 0.0, "gelu", batch_first=True, norm_first=False)
    return nn.TransformerEncoder(layer, c.layers).eval().to(session.device)


def time_products(products: list[Callable[[], Tensor]]) -> float:
    return median_time(lambda: [product() for product in products], ROUNDS)


def median_time(work: Callable[[], object], rounds: int) -> float:
    work()
    return statistics.median(time_call(work) for _ in range(rounds))


def time_call(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
