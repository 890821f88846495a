"""A folder of thousands of small files: taken in, encoded, and trained on for a step, with progress from the start.

Every day 2,000 of them and tiny models. TOKEN_CRITIC_FULL=1 (make soak) takes 60,000, as CIFAR-10 has, with models of
the usual size, and holds them to their limit.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.pack import open_pack
from engine.train.first_step import CLASSES, time_first_steps
from tests.full import FULL
from tests.tiny import TRUNK

WHOLE, SOME = 60_000, 2_000  # files
SMALL = ["codes=16", "code_width=4", "encoder_width=16", "decoder_width=16", "batch=4", "micro_batch=4"]
TINY = [*(f"{name}={value}" for name, value in TRUNK.items()), "batch=4", "micro_batch=4"]
LIMIT = 300.0  # seconds for the whole, on two cores that nobody else uses


@pytest.mark.slow
def test_many_small_files_are_soon_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    n = WHOLE if FULL else SOME
    times = time_first_steps(tmp_path, n) if FULL else time_first_steps(tmp_path, n, SMALL, TINY)
    said, pack = capsys.readouterr().err, open_pack(tmp_path / "pack")
    assert said.count(f"{n:,} pictures in {CLASSES} classes") == 2, "both commands say what they understood"
    assert len(re.findall(rf"reading pictures: +0%.* 0/{n} ", said)) == 2, "a bar stands there before the first one"
    assert re.search(r"encoding pictures: +0%", said)
    assert len(pack.classes) == CLASSES and pack.has("tokenizer") and pack.has("generator")
    seconds = times["tokenizer"] + times["generator"]
    print(f"{n:,} files: {times}; {WHOLE:,} at this rate: {seconds * WHOLE / n:.0f} s")  # to read: machines differ
    if FULL:
        assert seconds < LIMIT
