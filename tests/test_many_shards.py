"""Sets in more files than a process may open, and of more pictures than torch.multinomial draws from."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.data import mapped
from engine.data.avatars import shards
from engine.data.avatars.styles import read_styles
from engine.train import tokens
from engine.train.loop import make_rng
from engine.train.read import cumulate, draw_rows

COUNT = 40


@contextmanager
def few_descriptors(spare: int) -> Iterator[None]:
    """Let this process open at most so many more files."""
    held = [os.dup(0) for _ in range(spare)]  # the next free ones: other files may be open between them
    for one in held:
        os.close(one)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(held) + 1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_tokens_lie_in_more_files_than_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "SHARD", 1)
    monkeypatch.setattr(mapped, "MAX_OPEN", 4)
    stored = np.random.default_rng(0).integers(0, 9, (COUNT, 2, 3)).astype(np.uint16)
    for i in range(COUNT):
        np.save(tmp_path / f"{i:09d}.npy", stored[i : i + 1])
    rows, crops = np.arange(COUNT)[::-1], np.arange(COUNT) % 2
    with few_descriptors(COUNT // 2):
        read = tokens.TokenShards(tmp_path, COUNT).read(rows, crops)
    assert np.array_equal(read, stored[rows, crops])


def test_avatars_lie_in_more_files_than_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD", 1)
    monkeypatch.setattr(mapped, "MAX_OPEN", 4)
    shards._write_origin(tmp_path, read_styles())
    (tmp_path / "train").mkdir()
    for i in range(COUNT):
        np.save(tmp_path / f"train/pictures-{i:05d}.npy", np.full((1, 64, 64, 3), i, np.uint8))
        np.save(tmp_path / f"train/labels-{i:05d}.npy", np.array([i % len(read_styles())], np.uint8))
        (tmp_path / f"train/recipes-{i:05d}.jsonl").write_text("{}\n")
    chosen = np.arange(COUNT)[::-1]
    with few_descriptors(COUNT // 2):
        pictures = shards.read_shards(tmp_path)
        assert pictures.read(chosen)[:, 0, 0, 0].tolist() == chosen.tolist()


def test_pictures_are_drawn_as_torch_does_but_from_any_number() -> None:
    weights = np.random.default_rng(0).random(5000, np.float32) * (np.arange(5000) % 3 > 0)
    ours, theirs = make_rng(0), make_rng(0)
    expected = torch.multinomial(torch.from_numpy(weights).double(), 999, replacement=True, generator=theirs)
    assert np.array_equal(draw_rows(cumulate(weights), 999, ours), expected)
    assert torch.equal(ours.get_state(), theirs.get_state()), "what is drawn next is the same, too"
    many = draw_rows(cumulate(np.ones(2**24 + 1, np.float32)), 999, make_rng(0))
    assert many.min() < 2**17 and 2**24 - 2**17 < many.max() <= 2**24
