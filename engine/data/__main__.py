"""Draw the emoji pack's pictures from the font: python -m engine.data emoji [out=FOLDER]"""

from __future__ import annotations

import sys

from engine import cli
from engine.data.emoji import draw_all
from engine.data.pictures import save_pictures


def main(argv: list[str]) -> None:
    what, options = cli.parse(argv, __doc__ or "", {"out": "weights/emoji/data"}, actions=("emoji",))
    assert what == "emoji"
    folder = cli.path(options["out"])
    pictures = draw_all()
    save_pictures(pictures, folder)
    counts = {str(split): int((pictures.splits == split).sum()) for split in ("train", *pictures.held_out)}
    print(f"{len(pictures)} pictures in {len(pictures.classes)} classes -> {folder}: {counts}")


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
