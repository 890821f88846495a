"""Train one model of a pack. The same command again continues where it stopped.

    python -m engine.train tokenizer|generator|critic|classifier config=emoji [pack=NAME] [data=FOLDER] [key=value ...]

For your own pictures, give data=FOLDER (of class folders, or of avatars) and pack=NAME, and train tokenizer,
generator and critic in this order. Sampling does not need the classifier; train it at any time after the
tokenizer. `pack` is a name under weights/ or a path. All pictures are read before training begins. stderr
says how many there are and what was left out; skip_bad=true leaves out pictures that cannot be read.
Checkpoints, metrics.jsonl and sample pictures go to runs/PACK/MODEL. When the run ends, or its minutes= are
over, the averaged weights are stored in the pack in bf16. Ctrl-C writes a checkpoint only. Any size of the
model (layers, width, ...) and any setting below can be given as key=value. perceptual=FILE is the net of a VQGAN's
perceptual loss (engine/train/README.md).

With several devices: accelerate launch --multi_gpu --num_processes 8 -m engine.train critic ... (pip install -e
'.[scale]'). batch stays the pictures of a step of all devices together, micro_batch those of one pass on one device.
The log has pictures a second (pictures_s) and the share of the devices' peak that is used (mfu): of
peak_tflops=, that of one device, else of the rate of matrix products that was measured.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf
from torch import nn

from engine import cli
from engine.config import TrainConfig
from engine.configs import CONFIGS
from engine.data.pictures import Pictures
from engine.device import prepare
from engine.distributed import Group, join_group, let_first_speak
from engine.flops import pass_flops, training_flops
from engine.models import KINDS, TRAINED_WITH, build_model, config_class, read_sizes
from engine.pack import Pack, open_pack, pack_path, save_model, save_tokens
from engine.train.classifier import ClassifierTask
from engine.train.converted import size_like_generator
from engine.train.critic import CriticTask
from engine.train.generator import GeneratorTask, TokenSource, TokenTask
from engine.train.log import Speed
from engine.train.loop import Task, check_parts, check_shards, train
from engine.train.perceptual import Lpips, choose_lpips
from engine.train.prepare import find_pictures, prepare_pack, stored_recipe
from engine.train.probe import measure_machine
from engine.train.resume import stored_probe
from engine.train.tokenizer import TokenizerTask
from engine.train.vqgan import VqganTask, loss_flops, warn_if_too_short
from engine.transformer import use_attention
from engine.vqgan import Vqgan, VqganConfig

COMMAND_KEYS = {
    **{"config": "emoji", "pack": "", "data": "", "runs": "runs", "skip_bad": False, "perceptual": ""},
    **{"device": "auto", "threads": 0, "tensorboard": False, "peak_tflops": 0.0},
}


def main(argv: list[str]) -> None:
    let_first_speak()
    settings = {field.name: field.default for field in dataclasses.fields(TrainConfig)}
    sizes = {f.name: f.default for kind in (VqganConfig, *KINDS.values()) for f in dataclasses.fields(kind)}
    usage = (
        (__doc__ or "")
        + "\n"
        + "\n".join(f"  {f.name:20}{f.metadata['help']}" for f in dataclasses.fields(TrainConfig))
    )
    kind, options, given = cli.parse(argv, usage, {**COMMAND_KEYS, **settings, **sizes}, tuple(KINDS))
    if "config" not in given:
        options["config"] = stored_recipe(options["pack"]) or options["config"]
    recipe = read_recipe(options["config"])
    own_sizes = {f.name for f in dataclasses.fields(config_class(kind, recipe[kind]))}
    foreign = sorted(set(given) & set(sizes) - own_sizes)
    if foreign:
        raise ValueError(f"{foreign[0]}: not a size of a {kind}, which has {', '.join(sorted(own_sizes))}")
    model_sizes = {**recipe[kind], **{k: v for k, v in given.items() if k in own_sizes}}
    trained = VqganTask.name if config_class(kind, recipe[kind]) is VqganConfig else kind
    if unread := sorted(set(given) & set(settings) - TrainConfig.read_by(trained)):
        whose = ", ".join(TrainConfig.__dataclass_fields__[unread[0]].metadata["models"])
        raise ValueError(f"{unread[0]}: the training of a {trained} does not read it; it is for: {whose}")
    config = TrainConfig(**{**recipe["train"][kind], **{k: v for k, v in given.items() if k in settings}})
    if config.init == "generator" and kind != "critic":
        raise ValueError(f"init=generator: only a critic can start from the generator, this is the {kind}")
    name = options["pack"] or Path(options["config"]).stem
    if config.init == "generator":
        model_sizes = size_like_generator(open_pack(name), model_sizes, given)
    for switch in ("tensorboard", "skip_bad"):
        cli.check_bool(switch, options[switch])
    if type(options["peak_tflops"]) not in (int, float) or options["peak_tflops"] < 0:
        raise ValueError(f"peak_tflops={options['peak_tflops']!r}: expected a number, 0 or more")
    device = prepare(options["device"], options["threads"])
    with join_group(device) as group:
        given_sizes = {k: v for k, v in given.items() if k in own_sizes}
        train_model(kind, name, options, model_sizes, given_sizes, config, device, group)


def train_model(
    kind: str,
    name: str,
    options: Mapping[str, Any],
    model_sizes: dict[str, Any],
    given_sizes: Mapping[str, Any],
    config: TrainConfig,
    device: torch.device,
    group: Group,
) -> None:
    """Train the pack's model of this kind, and store it in the pack."""
    begin_with = read_sizes(kind, model_sizes) if kind == "tokenizer" else None
    perceptual = choose_lpips(options["perceptual"], begin_with, device)
    if isinstance(begin_with, VqganConfig):
        warn_if_too_short(config)
    tokenizer_sizes = begin_with or open_pack(name).tokenizer_config
    runs, size = cli.expand_path(options["runs"]) / pack_path(name).resolve().name, tokenizer_sizes.image_size
    cache = runs / f"pictures-{size}.json"
    pictures = group.first_then_others(lambda: find_pictures(name, options["data"], size, options["skip_bad"], cache))
    pack = group.first_then_others(lambda: prepare_pack(name, pictures, begin_with, options["config"]))
    run = runs / kind
    if config.init == "pack" and pack.has(kind):
        _check_sizes(kind, pack, given_sizes)
    task = make_task(kind, pack, model_sizes, pictures, config, device, perceptual)
    check_parts(config, group)
    check_shards(task, config, group)
    task = task.to(device)
    if config.crops and isinstance(task, TokenTask):
        made_of = [pictures.digest(with_files=config.crop < 1), pack.digest("tokenizer")]
        task.source.encode_all(runs / "tokens", made_of, group)
    trunk = getattr(task.model, "trunk", None)
    measured = stored_probe(run) or measure_machine(device, trunk, config.micro_batch)
    probe = group.gather(measured)[0]
    print(
        f"{probe.dtype}, explicit attention: {probe.explicit_attention}, {probe.gflops}, {probe.attention_ms}",
        file=sys.stderr,
    )
    use_attention(task.model, probe.explicit_attention)
    sources = describe_sources(kind, pack, pictures, task)
    peak = group.size * (1e12 * options["peak_tflops"] or 1e9 * probe.gflops.get(probe.dtype, 0.0))
    speed = Speed(flops=count_flops(kind, pack, task, config), peak=peak)
    tensorboard = options["tensorboard"]
    averaged = train(task, config, run, probe, device, sources, tensorboard, group, speed)
    if group.is_first:
        store_weights(kind, pack, averaged, pictures, device)


def count_flops(kind: str, pack: Pack, task: Task, config: TrainConfig) -> float:
    """Operations of a training step for each picture."""
    sizes = {**{name: pack.config[name] for name in TRAINED_WITH[kind]}, kind: dataclasses.asdict(task.model.config)}  # type: ignore[arg-type, call-overload]
    tokenizer = read_sizes("tokenizer", sizes["tokenizer"])
    part = {name: of for name, of in sizes.items() if name != "tokenizer" or kind in ("tokenizer", "classifier")}
    passes = {name: pass_flops(name, of, tokenizer) for name, of in part.items()}
    if isinstance(task, VqganTask):
        passes |= loss_flops(tokenizer.image_size, task.perceptual is not None)
    return training_flops(kind, passes, config)


def read_recipe(name: str) -> dict[str, Any]:
    """A config by name under engine/configs, or by path."""
    file = cli.expand_path(name) if name.endswith((".yaml", ".yml")) else CONFIGS / f"{name}.yaml"
    if not file.is_file():
        raise FileNotFoundError(
            f"no config {name!r}: one of {', '.join(sorted(f.stem for f in CONFIGS.glob('*.yaml')))}, or a path"
        )
    text = file.read_text(encoding="utf-8")
    if "${" in text:
        raise ValueError(f"{file}: interpolation is not allowed, write the values themselves")
    recipe = OmegaConf.to_container(OmegaConf.create(text))
    if not isinstance(recipe, dict) or not {*KINDS, "train"} <= set(recipe):
        raise ValueError(f"{file} is not a recipe: expected the keys {', '.join(KINDS)} and train")
    names = [field.name for field in dataclasses.fields(TrainConfig)]
    try:
        for kind, sizes in KINDS.items():
            (config_class(kind, recipe[kind]) if kind == "tokenizer" else sizes)(**recipe[kind])
            recipe["train"][kind] = {cli.rename_key(k, names): v for k, v in recipe["train"][kind].items()}
            TrainConfig(**recipe["train"][kind])
    except (TypeError, KeyError) as error:
        raise ValueError(f"{file} is not a recipe: {error}") from error
    return {str(key): value for key, value in recipe.items()}


def make_task(
    kind: str,
    pack: Pack,
    sizes: dict[str, Any],
    pictures: Pictures,
    config: TrainConfig,
    device: torch.device,
    perceptual: Lpips | None = None,
) -> Task:
    """The task of a new model, which starts as `config.init` and the seed say. `perceptual` is for a VQGAN."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model: Any
        if config.init == "pack":
            model = pack.load(kind).requires_grad_(True)
        else:
            fine = len(pictures.fine_labels)
            model = build_model(kind, sizes, pack.tokenizer_config, len(pack.classes), fine)
        if isinstance(model, Vqgan):  # here, since its discriminator is drawn, too
            task: Any = VqganTask(model, pictures, config, perceptual)
            return task.to(memory_format=torch.channels_last)  # type: ignore[no-any-return]
    if kind == "tokenizer":
        return TokenizerTask(model.to(memory_format=torch.channels_last), pictures, config)
    source = TokenSource(pictures, pack.load("tokenizer").to(device), config)
    if kind == "generator":
        return GeneratorTask(model, source, config)
    if kind == "classifier":
        return ClassifierTask(model.to(memory_format=torch.channels_last), source, config)
    generator = pack.load("generator").to(device)
    if config.init == "generator":
        model.start_from(generator)
    return CriticTask(model, generator, source, config)


def describe_sources(kind: str, pack: Pack, pictures: Pictures, task: Task) -> dict[str, Any]:
    """The sizes and hashes that a run depends on besides its settings. A run with others cannot be resumed."""
    sizes = dataclasses.asdict(task.model.config)  # type: ignore[arg-type, call-overload]
    nets = {name: pack.digest(name) for name in TRAINED_WITH[kind]}
    if isinstance(task, VqganTask):
        nets["perceptual"] = task.perceptual.digest if task.perceptual else ""
    return {"sizes": sizes, "pictures": pictures.digest(with_files=task.config.crop < 1), **nets}


def _check_sizes(kind: str, pack: Pack, sizes: Mapping[str, Any]) -> None:
    """ValueError for a given size that differs from the pack's model, which init=pack continues."""
    stored = pack.config[kind]
    for name, value in sizes.items():
        if stored.get(name) != value:
            raise ValueError(f"{name}: with init=pack the {kind} keeps the pack's size, {stored.get(name)}")


def store_weights(kind: str, pack: Pack, averaged: nn.Module, pictures: Pictures, device: torch.device) -> None:
    """Store the averaged weights in the pack. For a tokenizer, also encode and store the pack's pictures."""
    extra: dict[str, Any] = {}
    if kind == "classifier":
        of_class = {name: [group for one, group in pictures.fine_labels if one == name] for name in pictures.classes}
        extra["fine_labels"] = of_class
    saved = save_model(pack.path, kind, averaged, **extra)
    if kind == "tokenizer":
        stored = saved.pictures()
        save_tokens(saved, stored.read(np.arange(len(stored))), device)
    print(cli.to_printable(f"{kind} -> {saved.path}"))
    if kind == "generator" and saved.has("critic") and saved.digest(kind) != pack.digest(kind):
        command = saved.train_command("critic")
        print(f"The critic was trained with the generator before: train it again with {command}", file=sys.stderr)


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
