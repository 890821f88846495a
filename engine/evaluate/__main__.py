"""Measure a pack; one JSON object on stdout, progress on stderr.

    python -m engine.evaluate tokenizer pack=emoji    PSNR per split and class, codes used, white patches
    python -m engine.evaluate auc pack=emoji          contested AUC of the critic and of the generator itself
    python -m engine.evaluate sheets pack=emoji       classes x seeds for maskgit and critic, as PNG in out=DIR
    python -m engine.evaluate blind pack=emoji        critic pictures in unknown order, and the key in another file
    python -m engine.evaluate copies pack=emoji       how near samples come to training pictures

n is pictures per split (auc), per class (sheets) or in all (blind, copies).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from engine import cli
from engine.evaluate.auc import measure_auc
from engine.evaluate.copies import measure_copies
from engine.evaluate.sheets import draw_blind, draw_sheets
from engine.evaluate.tokenizer import measure_tokenizer
from engine.session import Session

ACTIONS: Mapping[str, Callable[[Session, Mapping[str, Any]], Mapping[str, Any]]] = {
    "tokenizer": lambda session, options: measure_tokenizer(session),
    "auc": lambda session, options: measure_auc(session, options["n"]),
    "sheets": lambda session, options: draw_sheets(session, options["n"], options["steps"], options["out"]),
    "blind": lambda session, options: draw_blind(session, options["n"], options["steps"], options["out"]),
    "copies": lambda session, options: measure_copies(session, options["n"], options["steps"]),
}
COUNTS = {"tokenizer": 0, "auc": 100_000, "sheets": 8, "blind": 50, "copies": 130}


def main(argv: list[str]) -> None:
    defaults = {"pack": "emoji", "n": None, "steps": 18, "out": "out", "device": "auto", "threads": 0}
    action, options = cli.parse(argv, __doc__ or "", defaults, tuple(ACTIONS))
    options["n"] = COUNTS[action] if options["n"] is None else cli.whole("n", options["n"], 1, 1_000_000)
    cli.whole("steps", options["steps"], 1, 256)
    options["out"] = cli.path(options["out"])
    session = Session.open(options["pack"], options["device"], options["threads"])
    print(json.dumps(ACTIONS[action](session, options), indent=1, allow_nan=False))


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
