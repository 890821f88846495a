"""Checkpoints, written atomically: to a temporary folder, flushed to disk, then renamed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

SHARD_BYTES = 15 * 2**20  # a checkpoint can travel as files of under 16 MiB


def save_checkpoint(folder: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write the folder `folder`/`iteration` atomically, then remove all checkpoints but the newest two."""
    target = folder / f"{state['iteration']:08d}"
    partial = folder / f".partial-{os.getpid()}"
    for unfinished in folder.glob(".partial-*"):  # left by a run that was killed
        shutil.rmtree(unfinished)
    partial.mkdir(parents=True)
    shards = _split_shards(tensors)
    for i, shard in enumerate(shards):
        try:
            save_file(shard, partial / f"part-{i:03d}.safetensors")
        except SafetensorError as error:  # a full disk, for example
            raise OSError(f"{partial}: {error}") from error
    (partial / "state.json").write_text(json.dumps({**state, "parts": len(shards)}))
    for file in partial.iterdir():
        _flush(file)
    _flush(partial)
    shutil.rmtree(target, ignore_errors=True)
    os.replace(partial, target)
    _flush(folder)
    for old in _list_complete(folder)[:-2]:
        shutil.rmtree(old)


def load_checkpoint(folder: Path, quiet: bool = False) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The newest readable checkpoint in `folder`, or None if there is none. ValueError if none is readable.

    Unless `quiet`, stderr says which ones could not be read.
    """
    complete = _list_complete(folder)
    for checkpoint in reversed(complete):
        try:
            return _load(checkpoint)
        except (OSError, ValueError, SafetensorError) as error:
            if not quiet:
                print(f"{checkpoint} cannot be read and is left out: {error}", file=sys.stderr)
    if complete:
        raise ValueError(f"{folder}: no checkpoint there can be read, remove it to begin again")
    return None


def _load(checkpoint: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    state = json.loads((checkpoint / "state.json").read_text())
    parts = sorted(checkpoint.glob("part-*.safetensors"))
    count = state.get("parts", max(len(parts), 1))  # older runs do not say how many
    if len(parts) != count:
        raise ValueError(f"{len(parts)} of {count} parts are there")
    tensors: dict[str, Tensor] = {}
    for part in parts:
        tensors.update(load_file(part))
    return tensors, state


def _list_complete(folder: Path) -> list[Path]:
    return sorted(f for f in folder.glob("[0-9]*") if (f / "state.json").is_file()) if folder.is_dir() else []


def _split_shards(tensors: dict[str, Tensor]) -> list[dict[str, Tensor]]:
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
