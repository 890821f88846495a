"""What a run tells: metrics.jsonl, TensorBoard, and how fast it is."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Speed:
    """Pictures per second, and MFU: the share of the devices' peak that goes into the model's own operations.

    Only the time inside `measure` counts: not that of checkpoints, measurements and samples.
    """

    flops: float = 0.0  # per picture (engine.flops)
    peak: float = 0.0  # operations per second of all devices together
    seconds: float = 0.0
    pictures: int = 0

    @contextmanager
    def measure(self, pictures: int) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - start
        self.pictures += pictures

    def read(self) -> dict[str, float]:
        """The figures since they were read last."""
        rate = self.pictures / self.seconds
        self.seconds, self.pictures = 0.0, 0
        return {"pictures_s": rate, **({"mfu": rate * self.flops / self.peak} if self.peak and self.flops else {})}


class Log:
    """The file metrics.jsonl of a run, and TensorBoard if asked for. Each row has an iteration and figures."""

    def __init__(self, run: Path, tensorboard: bool = False) -> None:
        """ValueError if TensorBoard is asked for and not installed."""
        self.run = run
        self.board: Any = _open_tensorboard(run) if tensorboard else None

    def write(self, row: dict[str, Any]) -> None:
        with open(self.run / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        for name, value in row.items() if self.board else ():
            self.board.add_scalar(name, value, row["iteration"])

    def truncate(self, iteration: int) -> None:
        """Remove rows after the checkpoint, and a line cut short. Both will be written again."""
        file = self.run / "metrics.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.is_file() else []
        kept = [line for line in lines if line.endswith("}\n") and _logged_iteration(line) <= iteration]
        if len(kept) < len(lines):
            file.write_text("".join(kept), encoding="utf-8")


def _logged_iteration(line: str) -> float:
    """The iteration of a row of the log. Infinity for a line cut short with another row appended to it."""
    try:
        return float(json.loads(line)["iteration"])
    except json.JSONDecodeError:
        return math.inf


def _open_tensorboard(run: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError("tensorboard=true needs the package tensorboard: pip install tensorboard") from error
    return SummaryWriter(run)
