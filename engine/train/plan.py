"""What a recipe costs: python -m engine.train.plan [config=imagenet256] [mfu=0.4] [peak_tflops=989] [gpus=8] [crops=10]

Prints tables as Markdown, computed from the recipe alone. `mfu` is the share of `peak_tflops` that is expected to go
into the models' own operations; the log of a training has what it is in truth.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from engine import cli
from engine.config import SampleConfig, TokenizerSizes, TrainConfig
from engine.flops import pass_flops, training_flops
from engine.models import KINDS, build_model, read_sizes
from engine.train.__main__ import read_recipe
from engine.train.vqgan import loss_flops
from engine.vqgan import VqganConfig

PICTURES, CLASSES = 1_281_167, 1000  # of ImageNet's training set
SAMPLES = 50_000
STATE = 20  # bytes of a weight in training: itself, its gradient, two moments and its average, in float32
STORED = 16  # bytes of a weight in a checkpoint, without the gradient
KEPT = 2  # checkpoints
ACTIVATIONS = 34  # bytes per token, layer and width of what the backward pass needs (Korthikanti et al. 2022, eq. 1)
HOUR, GB = 3600, 1e9
DEFAULTS = {"config": "imagenet256", "mfu": 0.4, "peak_tflops": 989.0, "gpus": 8, "crops": 10}


def main(argv: list[str]) -> None:
    options = cli.parse(argv, __doc__ or "", DEFAULTS).options
    for name in ("mfu", "peak_tflops"):
        if isinstance(options[name], bool) or not isinstance(options[name], int | float) or options[name] <= 0:
            raise ValueError(f"{name}={options[name]!r}: expected a number above 0")
    for name in ("gpus", "crops"):
        cli.check_integer(name, options[name], 1, 10_000)
    print(make_plan(read_recipe(options["config"]), options))


def make_plan(recipe: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """The tables for a recipe, as Markdown."""
    tokenizer = read_sizes("tokenizer", recipe["tokenizer"])
    passes = {kind: pass_flops(kind, recipe[kind], tokenizer, CLASSES, CLASSES) for kind in KINDS}
    extra = loss_flops(tokenizer.image_size) if isinstance(tokenizer, VqganConfig) else {}
    weights = {kind: _count(recipe, tokenizer, kind) for kind in KINDS}
    rate = options["mfu"] * options["peak_tflops"] * 1e12 * HOUR
    rows = [["model", "weights", "GFLOP a pass", "GFLOP a picture and step", "pictures", "FLOP in all", "GPU hours"]]
    hours = 0.0
    for kind in KINDS:
        config = TrainConfig(**recipe["train"][kind])
        each, pictures = training_flops(kind, {**passes, **extra}, config), config.iterations * config.batch
        hours += each * pictures / rate
        cells = [f"{passes[kind] / 1e9:.1f}", f"{each / 1e9:.1f}", f"{pictures / 1e6:,.0f} M"]
        cells += [f"{each * pictures:.2e}", f"{each * pictures / rate:,.1f}"]
        rows.append([kind, f"{weights[kind] / 1e6:.1f} M", *cells])
        if kind == "tokenizer":
            rows += [[f"its {name}", "", f"{flops / 1e9:.1f}", "", "", "", ""] for name, flops in extra.items()]
    encoded = PICTURES * options["crops"] * passes["tokenizer"] / 2  # once, for generator and critic
    what = f"encoding {PICTURES:,} pictures, crops={options['crops']}"
    rows.append([what, "", "", "", "", f"{encoded:.2e}", f"{encoded / rate:,.1f}"])
    run = SampleConfig(rule="critic")
    critics = run.passes - run.steps  # passes of the critic; every step has one of the generator
    drawn = SAMPLES * (run.steps * passes["generator"] + critics * passes["critic"] + passes["tokenizer"] / 2)
    sampling = f"{SAMPLES:,} samples, critic, {run.steps} steps"
    rows.append([sampling, "", "", "", "", f"{drawn:.2e}", f"{drawn / rate:,.1f}"])
    hours += (encoded + drawn) / rate
    total = f"In all {hours:,.1f} GPU hours, {hours / options['gpus']:,.1f} hours on {options['gpus']} GPUs"
    said = f"{total}, at {options['mfu']:.0%} of {options['peak_tflops']:g} TFLOP/s."
    return "\n".join([*_table(rows), "", said, "", *_table(_list_sizes(recipe, tokenizer, weights, options))])


def _list_sizes(
    recipe: Mapping[str, Any], tokenizer: TokenizerSizes, weights: Mapping[str, int], options: Mapping[str, Any]
) -> list[list[str]]:
    """Memory of a GPU, and storage."""
    rows = [["what", "GB"]]
    for kind in ("generator", "critic"):
        sizes, train = recipe[kind], TrainConfig(**recipe["train"][kind])
        micro = max(1, min(train.micro_batch, train.batch // options["gpus"]))
        positions = micro * (train.fillings if kind == "critic" else 1) * (tokenizer.grid**2 + 1)
        held = ACTIVATIONS * positions * sizes["layers"] * sizes["width"]
        frozen = 4 * weights["generator"] if kind == "critic" else 0
        state = STATE * weights[kind] + frozen
        rows.append([f"memory, {kind}: weights and what belongs to them", f"{state / GB:.1f}"])
        rows.append([f"memory, {kind}: activations, micro_batch={micro}", f"{held / GB:.1f}"])
    stored = KEPT * STORED * sum(weights.values())
    tokens = 2 * PICTURES * options["crops"] * tokenizer.grid**2
    rows.append([f"storage: {KEPT} checkpoints of each model", f"{stored / GB:.1f}"])
    rows.append([f"storage: tokens of {PICTURES:,} pictures, crops={options['crops']}", f"{tokens / GB:.1f}"])
    rows.append([f"storage: tokens of {SAMPLES:,} samples", f"{2 * SAMPLES * tokenizer.grid**2 / GB:.2f}"])
    return rows


def _count(recipe: Mapping[str, Any], tokenizer: TokenizerSizes, kind: str) -> int:
    """Weights of a model."""
    with torch.device("meta"):
        model = build_model(kind, recipe[kind], tokenizer, CLASSES, CLASSES)
    return sum(math.prod(p.shape) for p in model.state_dict().values())


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
