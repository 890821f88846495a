"""How long it takes from files of pictures to the first training step: python -m engine.train.first_step [n=60000]

Writes n pictures of 32 pixels a side as PNG files in 10 class folders, in a temporary folder, then runs the commands
that train a tokenizer and a generator (crops=1), for one step each. Prints one JSON object, in seconds:
  written     the files were made; not a part of the rest
  tokenizer   until the tokenizer's first step was done: all pictures read, and its tokens of 4,096 stored in a pack
  generator   until the generator's was: all pictures read again, and each encoded
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from engine import cli
from engine.train import __main__ as train_command

CLASSES, SIDE = 10, 32


def main(argv: list[str]) -> None:
    options = cli.parse(argv, __doc__ or "", {"n": 60_000}).options
    n = cli.check_integer("n", options["n"], 10 * CLASSES, 10**7)
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps({"pictures": n, **time_first_steps(Path(name), n)}))


def time_first_steps(
    folder: Path, n: int, tokenizer: Sequence[str] = (), generator: Sequence[str] = ()
) -> dict[str, float]:
    """Seconds of each part, made in this folder, with more settings of either training."""
    start = time.perf_counter()
    write_pictures(folder / "pictures", n)
    times = {"written": time.perf_counter() - start}
    common = [f"data={folder / 'pictures'}", f"pack={folder / 'pack'}", f"runs={folder / 'runs'}", "iterations=1"]
    for words in (["tokenizer", f"image_size={SIDE}", *tokenizer], ["generator", "crops=1", *generator]):
        start = time.perf_counter()
        train_command.main([*words, *common])
        times[words[0]] = time.perf_counter() - start
    return {name: round(seconds, 1) for name, seconds in times.items()}


def write_pictures(folder: Path, n: int) -> None:
    """Coloured squares with some noise, which compress about as far as photographs of this size."""
    rng = np.random.Generator(np.random.Philox(0))
    for label in range(CLASSES):
        of_class = folder / f"class{label}"
        of_class.mkdir(parents=True)
        for i in range(label, n, CLASSES):
            squares = np.kron(rng.integers(0, 240, (4, 4, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
            noisy = squares + rng.integers(0, 16, squares.shape, np.uint8)
            Image.fromarray(noisy).save(of_class / f"{i:07d}.png", compress_level=1)


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
