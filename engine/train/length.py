"""The number of iterations is part of a run's identity. Can a run that has begun be made longer or shorter?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.config import TrainConfig
from engine.train.optim import lr_factor


def check_length(run: Path, config: TrainConfig, loss_changes_at: float, done: int, planned: int) -> None:
    """ValueError if the `done` iterations differ from those that a run of `config.iterations` would have done.

    `loss_changes_at` is the share of a run after which the task's loss changes.
    """
    before = replace(config, iterations=planned)
    same = _independent_of_length(before, loss_changes_at, done) and _independent_of_length(
        config, loss_changes_at, done
    )
    if done > config.iterations or not same:
        raise ValueError(
            f"{run}: iterations={config.iterations}, but {done} of {planned} are done, the last of them as in a run "
            f"of {planned} only. Give iterations={planned}; {how_to_continue(before, loss_changes_at)}"
        )


def _independent_of_length(config: TrainConfig, loss_changes_at: float, done: int) -> bool:
    """Whether the first `done` iterations are the same in a run of any length.

    They are as long as the learning rate does not fall yet and the loss has not changed.
    """
    without_decay = replace(config, decay=0.0)
    same_rate = lr_factor(config, done - 1) == lr_factor(without_decay, done - 1)
    return same_rate and done - 1 < loss_changes_at * config.iterations


def how_to_continue(config: TrainConfig, loss_changes_at: float) -> str:
    """How a finished run can go on."""
    if _independent_of_length(config, loss_changes_at, config.iterations):
        return "for more give a higher iterations="
    return "for more give init=pack and another runs=FOLDER, a new run from the pack's weights"
