"""Checkpoints that are always whole: written beside, flushed to disk, then renamed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

SHARD_BYTES = 15 * 2**20  # a checkpoint can travel as files of under 16 MiB


def save_checkpoint(folder: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write `folder`/`iteration`/ whole or not at all, then drop all but the newest two."""
    target = folder / f"{state['iteration']:08d}"
    partial = folder / f".partial-{os.getpid()}"
    for unfinished in folder.glob(".partial-*"):  # of a run that was killed
        shutil.rmtree(unfinished)
    partial.mkdir(parents=True)
    for i, shard in enumerate(_shards(tensors)):
        save_file(shard, partial / f"part-{i:03d}.safetensors")
    (partial / "state.json").write_text(json.dumps(state))
    for file in partial.iterdir():
        _flush(file)
    _flush(partial)
    shutil.rmtree(target, ignore_errors=True)
    os.replace(partial, target)
    _flush(folder)
    for old in _complete(folder)[:-2]:
        shutil.rmtree(old)


def load_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The newest whole checkpoint below `folder`, or None."""
    complete = _complete(folder)
    if not complete:
        return None
    tensors: dict[str, Tensor] = {}
    for part in sorted(complete[-1].glob("part-*.safetensors")):
        tensors.update(load_file(part))
    return tensors, json.loads((complete[-1] / "state.json").read_text())


def _complete(folder: Path) -> list[Path]:
    return sorted(f for f in folder.glob("[0-9]*") if (f / "state.json").is_file()) if folder.is_dir() else []


def _shards(tensors: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    shards: list[dict[str, Tensor]] = [{}]
    room = SHARD_BYTES
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        if size > room and shards[-1]:
            shards.append({})
            room = SHARD_BYTES
        shards[-1][name] = tensor.detach().contiguous().clone()  # safetensors refuses shared storage
        room -= size
    return shards


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
