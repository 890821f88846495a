"""Sampling steps of networks of a given size, in batches: seconds, memory, host waits, share of the matrix products."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from omegaconf import OmegaConf

from engine.bench.memory import peak_memory
from engine.bench.products import head_products, reference_encoder, run_products, trunk_products
from engine.bench.waits import STAND_IN, CountWaits, cuda_waits
from engine.config import CriticConfig, TrunkConfig
from engine.configs import CONFIGS
from engine.critic import Critic
from engine.device import best_seconds, prepare
from engine.generator import Generator
from engine.models import read_sizes
from engine.precision import Precision, measure_precision
from engine.rules import make_rule
from engine.sampler import sample
from engine.step import Step

RULE = "critic"
FULL_BATCH = 64  # pictures that keep any GPU busy


@dataclass(frozen=True, kw_only=True)
class Size:
    """What the networks of a recipe under engine/configs have."""

    generator: TrunkConfig
    critic: CriticConfig
    num_tokens: int
    codes: int

    @classmethod
    def read(cls, name: str) -> Size:
        """The sizes of a recipe by name. FileNotFoundError if there is none."""
        recipe: Any = OmegaConf.to_container(OmegaConf.load(CONFIGS / f"{name}.yaml"))
        tokens = read_sizes("tokenizer", recipe["tokenizer"])
        return cls(
            generator=TrunkConfig(**recipe["generator"]),
            critic=CriticConfig(**recipe["critic"]),
            num_tokens=tokens.grid**2,
            codes=tokens.codes,
        )


@dataclass(frozen=True, kw_only=True)
class Networks:
    """An untrained generator and critic. What they have learned does not matter for their speed."""

    size: Size
    generator: Generator
    critic: Critic

    @classmethod
    def build(cls, size: Size, device: torch.device) -> Networks:
        given = {"num_tokens": size.num_tokens, "codes": size.codes, "classes": 1000}
        with torch.random.fork_rng(), torch.device(device):
            torch.manual_seed(0)
            networks = cls(size=size, generator=Generator(size.generator, **given), critic=Critic(size.critic, **given))
        networks.generator.eval().requires_grad_(False)
        networks.critic.eval().requires_grad_(False)
        return networks

    def use(self, precision: Precision) -> None:
        precision.apply(self.generator.trunk)
        precision.apply(self.critic.trunk)

    def steps(self, batch: int, device: torch.device, steps: int) -> Iterator[Step]:
        """Steps of runs of Token-Critic with `batch` pictures, without end. Each costs both networks a pass."""
        rule = make_rule(
            RULE, num_tokens=self.size.num_tokens, steps=steps, generator=self.generator, critic=self.critic
        )
        labels = torch.tensor(range(batch)).to(device, non_blocking=True)
        while True:
            yield from sample(
                self.generator, rule, labels=labels, num_tokens=self.size.num_tokens, seed=0, score_last=True
            )

    def trunks(self, batch: int, device: torch.device) -> Callable[[], None]:
        """A pass of each trunk alone, without embeddings and heads: what torch's encoder does."""
        vectors = torch.zeros(batch, self.size.num_tokens, self.size.generator.width, device=device)
        labels = torch.zeros(batch, dtype=torch.int64, device=device)

        def run() -> None:
            for model in (self.generator, self.critic):
                model.trunk(vectors, labels)

        return run


def scale_figures(
    name: str, batches: Sequence[int], device_name: str, threads: int, dtype: str, steps: int, seconds: float
) -> dict[str, Any]:
    """Figures of sampling with the networks of a recipe, one entry a batch size. `seconds` of measuring for each.

    It sets torch up itself, for a process that does nothing else.
    """
    device = prepare(device_name, threads)
    networks = Networks.build(Size.read(name), device)
    parameters = {kind: _count(getattr(networks, kind)) for kind in ("generator", "critic")}
    # One dtype for all batches, of the largest: at batch 1 a GPU waits for launches, and float32 looks as fast.
    most = min(max(batches), FULL_BATCH)
    precision = measure_precision(networks.generator.trunk, most) if dtype == "auto" else Precision(dtype=dtype)
    networks.use(precision)
    # first all memory, then all times: the operands of the products take memory, too
    memory = {batch: _memory(networks, batch, device) for batch in sorted(batches)}
    times = {batch: _times(networks, batch, device, precision.dtype, steps, seconds) for batch in batches}
    return {
        "model": name,
        "parameters": parameters,
        "dtype": precision.dtype,
        "layer_milliseconds": precision.milliseconds,
        "batches": [{"batch": batch, "memory_mb": memory[batch], **times[batch]} for batch in batches],
    }


@torch.no_grad()
def _times(
    networks: Networks, batch: int, device: torch.device, dtype: str, steps: int, seconds: float
) -> dict[str, Any]:
    size, kind = networks.size, getattr(torch, dtype)
    stream = networks.steps(batch, device, steps)
    configs = (size.generator, size.critic)
    trunk_list = [one for config in configs for one in trunk_products(config, batch, size.num_tokens)]
    head_list = head_products(size.generator, batch, size.num_tokens, size.codes)
    work: dict[str, Callable[[], object]] = {
        "step": lambda: next(stream),
        "trunks": networks.trunks(batch, device),
        "trunk_products": run_products(trunk_list, kind, device),
        "head_products": run_products(head_list, torch.float32, device),  # as the head is
        **{f"encoder_{one}": _encoders(configs, batch, size.num_tokens, one, device) for one in {"float32", dtype}},
    }
    best = best_seconds(work, device, seconds)
    products = best["trunk_products"] + best["head_products"]
    return {
        "step_seconds": best["step"],
        "pictures_per_second": batch / (steps * best["step"]),
        "products_seconds": products,
        "share_of_limit": products / best["step"],
        "trunk_share": best["trunk_products"] / best["trunks"],
        "encoder_share": best["trunk_products"] / best[f"encoder_{dtype}"],
        "encoder_seconds": {one: best[f"encoder_{one}"] for one in sorted({"float32", dtype})},
        "trunks_seconds": best["trunks"],
        "host_waits_per_step": count_waits(stream, device),
    }


def _encoders(
    configs: Sequence[TrunkConfig], batch: int, num_tokens: int, dtype: str, device: torch.device
) -> Callable[[], None]:
    """A pass of torch's own encoder of the size of each trunk."""
    kind = getattr(torch, dtype)
    pairs = [
        (reference_encoder(c, kind, device), torch.zeros(batch, num_tokens + 1, c.width, dtype=kind, device=device))
        for c in configs
    ]

    def run() -> None:
        for encoder, x in pairs:
            encoder(x)

    return run


def count_waits(stream: Iterator[Step], device: torch.device) -> float:
    """How often a step waits for the device. Off CUDA, small networks on a stand-in for a device are asked."""
    if device.type == "cuda":
        return cuda_waits(lambda: next(stream))
    trunk: dict[str, Any] = {"layers": 1, "width": 8, "heads": 1, "mlp": 8}
    size = Size(generator=TrunkConfig(**trunk), critic=CriticConfig(**trunk), num_tokens=4, codes=4)
    small, runs = Networks.build(size, torch.device("cpu")), 3
    small.use(Precision(explicit_attention=True))  # torch's fused kernel is chosen by the device's name
    with CountWaits() as counted:
        for model in (small.generator, small.critic):
            counted.move(model)
        steps = small.steps(1, STAND_IN, runs)
        next(steps)  # constants are copied once
        counted.waits.clear()
        for _ in range(runs):
            next(steps)
    return counted.waits.total() / runs


@torch.no_grad()
def _memory(networks: Networks, batch: int, device: torch.device) -> float | None:
    """Peak MB of a step on CUDA, else of this process until now, with torch in it. None where nobody can say."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    next(networks.steps(batch, device, 2))
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return peak_memory()


def _count(model: torch.nn.Module) -> int:
    return sum(one.numel() for one in model.parameters())
