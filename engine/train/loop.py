"""The training loop, the same for all models. On a CPU a resumed run has the bits of an uninterrupted one."""

from __future__ import annotations

import copy
import hashlib
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm

from engine.config import TrainConfig
from engine.data.augment import ALL, Rows
from engine.distributed import ALONE, Group
from engine.train.ahead import read_ahead
from engine.train.checkpoint import save_checkpoint
from engine.train.length import how_to_continue
from engine.train.log import Log, Speed
from engine.train.optim import lr_factor, make_optimisers, update_average
from engine.train.probe import Probe
from engine.train.resume import load_moments, named_tensors, resume
from engine.train.stop import catch_stop_signals

LOG_EVERY = 20  # iterations
Batch = Callable[[], tuple[Tensor, ...]]  # read, but not yet on the device, augmented and encoded


class Task(nn.Module):
    """A model with its data, loss and measurements. Subclasses define them for each kind of model."""

    name: str  # of the model, for TrainConfig.read_by
    model: nn.Module
    config: TrainConfig
    loss_changes_at = 1.0  # share of the run after which the loss is defined differently; 1: never
    group = ALONE  # the processes that train together; set by `train`

    @property
    def players(self) -> tuple[nn.Module, ...]:
        """What is trained: the model, and what else plays with or against it. Each has its own optimisers and clipping.

        One backward pass of the loss serves all: who is not to follow a term does not get its gradient.
        """
        return (self.model,)

    @property
    def layers(self) -> Iterable[nn.Module]:
        """Parts of the model that FSDP collects one after the other. Where there are none it is not used."""
        return ()

    def read_batch(self, rng: torch.Generator, size: int, rows: Rows = ALL) -> Batch:
        """Draw and read these rows of a batch of `size` pictures. The call that comes back makes the batch of them.

        What it reads is drawn by `rng` alone, before the batches that are read earlier are made: a thread reads ahead.
        What `rng` draws does not depend on which rows are wanted.
        """
        raise NotImplementedError

    def weights(self, batch: tuple[Tensor, ...]) -> Tensor:
        """(B,) the weight of each picture in the mean loss of a batch."""
        return torch.ones(len(batch[0]))

    def loss(self, iteration: int, rng: torch.Generator, *batch: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Weighted mean loss over some pictures of a batch, and figures to log."""
        raise NotImplementedError

    def forward(self, iteration: int, rng: torch.Generator, *batch: Tensor) -> tuple[Tensor, dict[str, float]]:
        return self.loss(iteration, rng, *batch)  # DDP notices gradients of what is called as a module

    def measure(self, averaged: nn.Module) -> dict[str, float]:
        """Figures of the averaged weights on all splits."""
        raise NotImplementedError

    def make_sheet(self, averaged: nn.Module) -> np.ndarray:
        """Sample pictures, uint8 (rows, columns, 3)."""
        raise NotImplementedError


def make_rng(*key: object) -> torch.Generator:
    """A random generator seeded by its key alone, so that a resumed run draws the same numbers."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:4]))


def check_parts(config: TrainConfig, group: Group) -> None:
    """ValueError unless every process of several gets as many whole parts of a batch."""
    if group.size > 1 and config.batch % (config.micro_batch * group.size):
        raise ValueError(
            f"batch={config.batch}, micro_batch={config.micro_batch}: expected batch to be a multiple of micro_batch "
            f"times {group.size} processes, for example micro_batch={max(1, config.batch // group.size)}"
        )


def check_shards(task: Task, config: TrainConfig, group: Group) -> None:
    """ValueError for what FSDP cannot shard."""
    if not group.shards:
        return
    if not any(True for _ in task.layers):
        raise ValueError(f"FSDP shards generator and critic: train the {task.name} by accelerate launch --multi_gpu")
    if config.muon:
        raise ValueError(
            "muon=true: Muon orthogonalises whole matrices, of which FSDP leaves each process a piece: "
            "give muon=false, or use accelerate launch --multi_gpu"
        )
    if numbers := [name for name, weight in task.model.named_parameters() if not weight.dim()]:
        raise ValueError(f"{numbers[0]} is a single number, which FSDP cannot shard: give head=linear")


def train(
    task: Task,
    config: TrainConfig,
    run: Path,
    probe: Probe,
    device: torch.device,
    sources: Mapping[str, Any],
    tensorboard: bool = False,
    group: Group = ALONE,
    speed: Speed | None = None,
) -> nn.Module:
    """Train to the end, or for `config.minutes`, and return the averaged model. Resumes the run in folder `run`.

    `sources` are the sizes and hashes that the run depends on. ValueError if `run` has other sources or
    settings. Ctrl-C and SIGTERM write a checkpoint, then end the command. All processes of the group call this;
    the one of rank 0 writes the folder.
    """
    task.group, identity, speed = group, {**_identity(config, task.name), **sources}, speed or Speed()
    log = Log(run, tensorboard and group.is_first)
    averaged = copy.deepcopy(task.model).eval()
    start, tensors = resume(run, task, averaged, identity, config, task.loss_changes_at)
    group.wait()  # until all have read what rank 0 is about to change
    _begin(run, start, task, config, log)
    outline = copy.deepcopy(averaged).to("meta") if group.shards else averaged
    group.shard(averaged)
    module = group.wrap(task, task.layers)  # before the optimisers, which are for the pieces of the weights
    optimisers = [opt for player in task.players for opt in make_optimisers(player, config, probe.torch_dtype)]
    load_moments(optimisers, tensors, group)
    del tensors  # those of a whole checkpoint
    schedulers = [LambdaLR(opt, partial(lr_factor, config), last_epoch=start - 1) for opt in optimisers]
    started = saved = time.monotonic()
    bar = tqdm(range(start, config.iterations), initial=start, total=config.iterations, file=sys.stderr, smoothing=0.05)
    batches = read_ahead(partial(_read_batch, task, config), range(start, config.iterations))
    with catch_stop_signals(quiet=not group.is_first) as stop_request, closing(batches):
        for iteration in bar:
            with speed.measure(config.batch):
                figures = _train_step(task, config, optimisers, iteration, probe, device, next(batches), module)
                for scheduler in schedulers:
                    scheduler.step()
                update_average(averaged, task.model, config.ema, iteration)
            done = iteration + 1
            if done % LOG_EVERY == 0:
                figures = dict(zip(figures, group.sum(list(figures.values())), strict=True)) | speed.read()
            now, is_last = time.monotonic(), done == config.iterations
            late = bool(config.minutes and now - started > 60 * config.minutes)
            over, due = stop_request.agree(group, late, now - saved > 60 * config.save_every)
            is_measured = done % config.evaluate_every == 0 or is_last
            measured = _whole_average(averaged, outline, group) if is_measured else None
            if group.is_first:
                _report(task, measured, log, bar, done, figures)
            if due or is_last or over:
                _save(run, task, averaged, optimisers, identity, done, probe)
                saved = time.monotonic()
            if over:
                break
    bar.close()
    group.wait()  # until rank 0 has stored all
    stop_request.end()
    return _whole_average(averaged, outline, group)


def _begin(run: Path, start: int, task: Task, config: TrainConfig, log: Log) -> None:
    """Make the run's folder, and cut its log to what the checkpoint knows of. Says so if nothing is left to train."""
    run.mkdir(parents=True, exist_ok=True)
    if task.group.is_first:
        log.truncate(start)
    if start == config.iterations:
        more = how_to_continue(config, task.loss_changes_at)
        print(f"{run}: nothing to train, all {start} iterations are done; {more}", file=sys.stderr)


def _report(task: Task, averaged: nn.Module | None, log: Log, bar: Any, done: int, figures: dict[str, float]) -> None:
    """Log the figures of the last iteration, and of the averaged model, if given, measurements and samples."""
    if done % LOG_EVERY == 0:
        bar.set_postfix({name: f"{value:.3f}" for name, value in figures.items()})
        log.write({"iteration": done, **figures})
    if averaged is not None:
        log.write({"iteration": done, **task.measure(averaged)})
        Image.fromarray(task.make_sheet(averaged)).save(log.run / f"samples-{done:08d}.png")


def _share_parts(config: TrainConfig, group: Group) -> Sequence[int]:
    """This process's parts of a batch, of `micro_batch` pictures each. Processes take turns with them."""
    return group.share(range(-(-config.batch // config.micro_batch)))


def _read_batch(task: Task, config: TrainConfig, iteration: int) -> Batch:
    """Read this process's parts of a batch."""
    rows = np.arange(config.batch)
    mine = [rows[part * config.micro_batch :][: config.micro_batch] for part in _share_parts(config, task.group)]
    return task.read_batch(
        make_rng(config.seed, iteration), config.batch, ALL if task.group.size == 1 else np.concatenate(mine)
    )


def _train_step(
    task: Task,
    config: TrainConfig,
    optimisers: list[torch.optim.Optimizer],
    iteration: int,
    probe: Probe,
    device: torch.device,
    batch: Batch,
    module: nn.Module | None = None,
) -> dict[str, float]:
    """One optimiser step on the mean loss of a batch of `config.batch` pictures, `config.micro_batch` at a time.

    `module` is the task as `Group.wrap` returned it. Returns this
    process's share of each figure: their sum over all processes is the batch's.
    """
    task.train()
    group, module, totals = task.group, module or task, dict[str, float]()
    parts, tensors = _share_parts(config, group), batch()
    weights = task.weights(tensors)
    total = torch.tensor(group.sum([float(weights.sum())])[0], dtype=weights.dtype)
    shares = (weights / total).split(config.micro_batch)
    for i, some in enumerate(zip(*(rows.split(config.micro_batch) for rows in tensors), strict=True)):
        share = float(shares[i].sum())
        with group.no_sync(module) if i < len(shares) - 1 else nullcontext():
            with (
                _dropout_rng(config, iteration, parts[i]),
                torch.autocast(device.type, torch.bfloat16, enabled=probe.dtype == "bfloat16"),
            ):
                loss, figures = module(iteration, make_rng(config.seed, iteration, i), *some)
            (loss * (share * group.size)).backward()  # DDP and FSDP take the mean over the processes
        for name, value in figures.items():
            totals[name] = totals.get(name, 0.0) + value * share
    norms = [float(group.whole(nn.utils.clip_grad_norm_(player.parameters(), config.clip))) for player in task.players]
    if not all(map(math.isfinite, norms)):  # the same on all
        raise ValueError(
            f"the gradient of iteration {iteration + 1} is not finite: the run has diverged, and its last checkpoint "
            "stays; give a lower learning rate or a longer warmup=, and another runs="
        )
    totals["norm"] = norms[0] / group.size
    for opt in optimisers:
        opt.step()
        opt.zero_grad(set_to_none=True)
    return totals


@contextmanager
def _dropout_rng(config: TrainConfig, iteration: int, part: int) -> Iterator[None]:
    """Seed torch's global generator, the only one that dropout can use, and restore it afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(make_rng(config.seed, iteration, part, "dropout").initial_seed())
        yield


def _save(
    run: Path,
    task: Task,
    averaged: nn.Module,
    optimisers: list[torch.optim.Optimizer],
    identity: Mapping[str, Any],
    done: int,
    probe: Probe,
) -> None:
    """Write a checkpoint on rank 0. All processes call this: each has its piece where they shard."""
    state = {"iteration": done, "config": dict(identity), "probe": probe.as_dict()}
    tensors = ((name, task.group.whole(one)) for name, one in named_tensors(task, averaged, optimisers))
    if task.group.is_first:
        save_checkpoint(run, tensors, state)
    else:
        for _ in tensors:
            pass


def _whole_average(averaged: nn.Module, outline: nn.Module, group: Group) -> nn.Module:
    """The averaged model. Where processes shard, they all call this, and rank 0 gets it: `outline` with the weights."""
    if not group.shards:
        return averaged
    weights = {}
    for name, one in averaged.state_dict().items():
        tensor = group.whole(one)
        if group.is_first:
            weights[name] = tensor
    model = copy.deepcopy(outline)
    if group.is_first:
        model.load_state_dict(weights, assign=True)
    return model


def _identity(config: TrainConfig, model: str) -> dict[str, Any]:
    """The settings that the result of a run depends on: all that it reads, but how often it saves and measures."""
    read = TrainConfig.read_by(model) - {"minutes", "save_every", "evaluate_every"}
    return {name: value for name, value in vars(config).items() if name in read}
