"""The curves of a training run as a picture: python -m engine.train.plot runs/emoji/generator"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from engine import cli
from engine.plots import new_figure


def main(argv: list[str]) -> None:
    if not argv or argv[0] in ("-h", "--help"):
        print(__doc__)
        return
    print(plot(Path(argv[0])))


def plot(run: Path) -> Path:
    """Plot all figures of `run`/metrics.jsonl over the iterations. The splits of one figure share its axes."""
    file = run / "metrics.jsonl"
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: give a folder that engine.train wrote")
    curves: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        for name, value in row.items():
            if name != "iteration":
                curves.setdefault(name.partition("_")[0], {}).setdefault(name, []).append((row["iteration"], value))
    if not curves:
        raise ValueError(f"{file} holds no figures yet")
    columns = min(3, len(curves))
    rows = -(-len(curves) // columns)
    figure = new_figure(figsize=(5 * columns, 3.2 * rows), layout="constrained")
    for i, (title, lines) in enumerate(curves.items()):
        axes = figure.add_subplot(rows, columns, i + 1, title=title, xlabel="iteration")
        for name, points in lines.items():
            axes.plot(*zip(*points, strict=True), label=name)
        axes.legend(fontsize="small")
    figure.savefig(run / "metrics.png")
    return run / "metrics.png"


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
