"""Checkpoints, written atomically: to a temporary folder, flushed to disk, then renamed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

SHARD_BYTES = 15 * 2**20  # a checkpoint can travel as files of under 16 MiB


def save_checkpoint(folder: Path, tensors: Iterable[tuple[str, Tensor]], state: dict[str, Any]) -> None:
    """Write the folder `folder`/`iteration` atomically, then remove all checkpoints but the newest two.

    Tensors are asked for, and moved to the CPU, a file's worth at a time: a device has no room for a second copy.
    """
    target = folder / f"{state['iteration']:08d}"
    partial = folder / f".partial-{os.getpid()}"
    for unfinished in folder.glob(".partial-*"):  # left by a run that was killed
        shutil.rmtree(unfinished)
    partial.mkdir(parents=True)
    parts = 0
    for shard in _split_shards(tensors):
        try:
            save_file(shard, partial / f"part-{parts:03d}.safetensors")
        except SafetensorError as error:  # a full disk, for example
            raise OSError(f"{partial}: {error}") from error
        parts += 1
    (partial / "state.json").write_text(json.dumps({**state, "parts": parts}))
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


def _split_shards(tensors: Iterable[tuple[str, Tensor]]) -> Iterator[dict[str, Tensor]]:
    """Copies on the CPU, in the same order, so many at a time as fit into a file, or one that is larger."""
    shard: dict[str, Tensor] = {}
    room = SHARD_BYTES
    for name, tensor in tensors:
        size = tensor.numel() * tensor.element_size()
        if size > room and shard:
            yield shard
            shard, room = {}, SHARD_BYTES
        # a copy also of what is on the CPU: safetensors refuses shared storage
        shard[name] = tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        room -= size
    yield shard


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
