"""How many iterations a run has is among what it is: can one that was begun be made longer, or shorter?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config import TrainConfig
from engine.train.optim import rate

if TYPE_CHECKING:
    from engine.train.loop import Task


def check_length(run: Path, task: Task, config: TrainConfig, done: int, planned: int) -> None:
    """ValueError where what is done is not what a run of `config.iterations` would have done."""
    before = replace(config, iterations=planned)
    if done > config.iterations or not (_alike(task, before, done) and _alike(task, config, done)):
        raise ValueError(
            f"{run}: iterations={config.iterations}, but {done} of {planned} are done, the last of them as in a run "
            f"of {planned} only. Give iterations={planned}; {more(task, before)}"
        )


def _alike(task: Task, config: TrainConfig, done: int) -> bool:
    """Whether so many iterations are the same however long the run is: the rate does not fall yet, the loss neither."""
    endless = replace(config, decay=0.0)
    return rate(config, done - 1) == rate(endless, done - 1) and done - 1 < task.settled * config.iterations


def more(task: Task, config: TrainConfig) -> str:
    """How a run goes on that is done."""
    if _alike(task, config, config.iterations):
        return "for more give a higher iterations="
    return "for more give init=pack and another runs=FOLDER, a new run from the pack's weights"
