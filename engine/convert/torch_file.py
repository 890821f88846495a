"""Reads a PyTorch checkpoint without running what is in it, and checks what came out."""

from __future__ import annotations

import pickle
import re
import struct
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.weights import DTYPES

MAX_BYTES = 16 * 2**30
MAX_TENSORS = 20_000
WEIGHTS = ("state_dict", "model_state_dict", "model")  # where taming-transformers, Halton-MaskGIT, LlamaGen have them
PREFIXES = ("module.", "_orig_mod.")  # of DistributedDataParallel and torch.compile
UNREADABLE = (  # what torch.load raises for damaged files, found by fuzzing them
    *(pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, TypeError, AttributeError),
    *(IndexError, AssertionError, OverflowError, struct.error),
)


class LightningClass:
    """Stands for a class that old PyTorch Lightning stores as a key. Nothing of it is called."""


LIGHTNING: list[Any] = [(LightningClass, "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint")]


def read_torch(file: Path) -> dict[str, Tensor]:
    """The weights in a file of torch.save. ValueError for anything that is not plain tensors of floats."""
    if (size := file.stat().st_size) > MAX_BYTES:
        raise ValueError(f"{file} has {size:,} bytes: a checkpoint has {MAX_BYTES:,} at most")
    try:
        with torch.serialization.safe_globals(LIGHTNING):
            stored = torch.load(file, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))  # torch's own advice is to load it and run what is in it
        reason = f"it holds {named[1]}, which is not run here" if named else "it is damaged, or something else"
        raise ValueError(f"{file} is not a PyTorch checkpoint of plain weights: {reason}") from error
    found: Any = stored
    if isinstance(stored, dict):
        found = next((stored[key] for key in WEIGHTS if isinstance(stored.get(key), dict)), stored)
    if not isinstance(found, dict) or not 0 < len(found) <= MAX_TENSORS:
        raise ValueError(f"{file} holds no weights by name, or too many")
    weights = {str(name): value for name, value in found.items()}
    _check(file, weights, size)
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in weights):
            weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights


def _check(file: Path, weights: dict[str, Any], size: int) -> None:
    """ValueError unless all values are tensors of floats in memory, no larger than the file.

    torch.load lets a tensor of a few bytes claim 10^12 elements, as one element seen again and again.
    """
    total = 0
    for name, value in weights.items():
        is_plain = isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized
        if not is_plain or value.device.type != "cpu":  # one of the device "meta" has a shape and no values
            raise ValueError(f"{file}: {name[:200]} is not a plain tensor")
        if value.dtype not in DTYPES:
            continue  # a counter, say; the table of names knows nothing of it, and says so
        total += value.numel() * value.element_size()
        if total > 2 * size or not value.is_contiguous():  # twice: tied weights are stored once and named twice
            raise ValueError(f"{file}: {name[:200]} claims more values than the file holds")
