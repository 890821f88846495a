"""Make pictures to train on.

    python -m engine.data emoji [out=FOLDER]                            from the font Noto Color Emoji
    python -m engine.data avatars out=FOLDER [n=100000] [held_out=10000] [workers=0]

Avatars are drawn by DiceBear's styles through Node; its packages are fetched on first use. Training reads them with
data=FOLDER. The same command again continues where it stopped. workers=0: one per core.
"""

from __future__ import annotations

import sys
from typing import Any

from engine import cli
from engine.data.avatars.shards import render_shards
from engine.data.emoji import render_all
from engine.data.pictures import save_pictures

DEFAULTS = {"out": "", "n": 100_000, "held_out": 10_000, "workers": 0}
EMOJI_DATA = "weights/emoji/data"


def main(argv: list[str]) -> None:
    action, options, given = cli.parse(argv, __doc__ or "", DEFAULTS, actions=("emoji", "avatars"))
    if action == "emoji":
        if foreign := sorted(set(given) - {"out"}):
            raise ValueError(f"{foreign[0]}: the font has all the emoji there are")
        write_emoji(options["out"] or EMOJI_DATA)
    else:
        write_avatars(options)


def write_emoji(out: str) -> None:
    folder = cli.expand_path(out)
    pictures = render_all()
    save_pictures(pictures, folder)
    counts = {str(split): int((pictures.splits == split).sum()) for split in ("train", *pictures.held_out)}
    print(f"{len(pictures)} pictures in {len(pictures.classes)} classes -> {folder}: {counts}")


def write_avatars(options: dict[str, Any]) -> None:
    if not options["out"]:
        raise ValueError("out=: expected the folder to draw into")
    folder = cli.expand_path(options["out"])
    counts = {
        "train": cli.check_integer("n", options["n"], 1, 10**8),
        "test": cli.check_integer("held_out", options["held_out"], 0, 10**8),
    }
    workers = cli.check_integer("workers", options["workers"], 0, 256)
    spent = render_shards(folder, counts, workers)
    times = ", ".join(f"{key} {value:.2f} ms" for key, value in spent.items())
    print(f"{sum(counts.values())} pictures -> {folder}: {counts}; per picture and worker: {times}")


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
