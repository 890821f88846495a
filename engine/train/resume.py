"""What a checkpoint has of a run, and how a run goes on from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.cli import rename_key
from engine.config import TrainConfig
from engine.distributed import Group
from engine.train.checkpoint import load_checkpoint
from engine.train.length import check_length
from engine.train.probe import Probe


def named_tensors(
    task: nn.Module, averaged: nn.Module, optimisers: Iterable[torch.optim.Optimizer]
) -> Iterator[tuple[str, Tensor]]:
    """All tensors of a checkpoint."""
    yield from ((f"task.{name}", tensor) for name, tensor in task.state_dict().items())
    yield from ((f"averaged.{name}", tensor) for name, tensor in averaged.state_dict().items())
    for o, opt in enumerate(optimisers):
        for p, state in opt.state_dict()["state"].items():
            yield from ((f"optimiser.{o}.{p}.{name}", value) for name, value in state.items())


def resume(
    run: Path,
    task: nn.Module,
    averaged: nn.Module,
    identity: Mapping[str, Any],
    config: TrainConfig,
    loss_changes_at: float,
) -> tuple[int, dict[str, Tensor]]:
    """Load the weights of the newest checkpoint of a run. Returns its iteration, and its tensors for `load_moments`.

    ValueError if the run has other sources or settings than `identity`.
    """
    found = load_checkpoint(run)
    if found is None:
        return 0, {}
    tensors, state = found
    renamed = {rename_key(name, identity, quiet=True): value for name, value in state["config"].items()}
    stored = {**_defaults(config), **renamed}  # a setting that is newer than the run had its default
    if "sizes" in stored:
        stored["sizes"] = {**_defaults(averaged.config), **stored["sizes"]}
    changed = [name for name, value in identity.items() if stored.get(name) != value]
    if changed == ["iterations"]:
        check_length(run, config, loss_changes_at, int(state["iteration"]), int(stored["iterations"]))
    elif changed:
        problem = f"{run} was started with other settings, or made from other pictures or models ({', '.join(changed)})"
        raise ValueError(f"{problem}: give those, or another runs=, or remove {run}")
    task.load_state_dict(_part(tensors, "task."))
    averaged.load_state_dict(_part(tensors, "averaged."))
    return int(state["iteration"]), tensors


def load_moments(optimisers: Iterable[torch.optim.Optimizer], tensors: Mapping[str, Tensor], group: Group) -> None:
    """Load what the optimisers remember from the tensors of a checkpoint; nothing where there was none."""
    for o, opt in enumerate(optimisers if tensors else ()):
        states: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, f"optimiser.{o}.").items():
            p, _, key = name.partition(".")
            states.setdefault(int(p), {})[key] = tensor
        opt.load_state_dict({"state": states, "param_groups": opt.state_dict()["param_groups"]})
        for weight, moments in opt.state.items():  # the fused AdamW needs each moment as its weight lies in memory
            for name, moment in moments.items():
                if moment.shape == weight.shape:
                    moments[name] = group.lay_out(moment, weight)


def stored_probe(run: Path) -> Probe | None:
    """The dtype and attention of the run to resume. A resumed run must not change them."""
    found = load_checkpoint(run, quiet=True)  # `resume` prints which ones cannot be read
    return Probe(**found[1]["probe"]) if found else None


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}


def _defaults(config: Any) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(config)}
