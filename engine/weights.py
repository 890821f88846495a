"""Files of weights (safetensors), checked before use. Loading never runs code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

MAX_HEADER = 2**20  # bytes
MAX_TENSORS = 4096
MAX_BYTES_PER_WEIGHT, SPARE = 64, 2**28  # of a lower bound of the weights; small models have up to six times as many
DTYPES = (torch.bfloat16, torch.float16, torch.float32)


def sha256(file: Path) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_size(file: Path, least: int) -> None:
    """FileNotFoundError if there is no file, ValueError if it has not the size of a model of at least `least` weights.

    A file of terabytes would take long to hash.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing")
    size = file.stat().st_size
    if not least <= size <= MAX_BYTES_PER_WEIGHT * least + SPARE:
        how = "small" if size < least else "large"
        raise ValueError(f"{file} does not fit the sizes in config.yaml: it is too {how} for them")


def check_hash(file: Path, digest: str) -> None:
    """ValueError if the SHA-256 of a file is not `digest`."""
    if sha256(file) != digest:
        raise ValueError(f"{file} is damaged or was exchanged: its SHA-256 is not the one in config.yaml")


def read_weights(file: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a file as float32. ValueError unless names, shapes and types are as expected, and all finite."""
    with _open(file) as (opened, names):
        odd = sorted(set(names) ^ set(expected))
        if odd:  # known before a tensor is read: a file may name a great many of them
            raise ValueError(f"{file} does not fit the sizes in config.yaml: {', '.join(odd[:3])}")
        tensors = {name: opened.get_tensor(name) for name in names}
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise ValueError(f"{file}: {name} is {tuple(tensor.shape)}, expected {tuple(expected[name].shape)}")
        if tensor.dtype not in DTYPES:
            kinds = ", ".join(str(kind).removeprefix("torch.") for kind in DTYPES)
            raise ValueError(f"{file}: {name} is {str(tensor.dtype).removeprefix('torch.')}, expected one of {kinds}")
    check_finite(str(file), tensors)
    return {name: tensor.float() for name, tensor in tensors.items()}


def check_finite(what: str, tensors: Mapping[str, Tensor]) -> None:
    """ValueError, which begins with `what`, if a tensor holds NaN or infinity."""
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise ValueError(f"{what}: {name} holds NaN or infinity")


def read_tensors(file: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file. ValueError if it is none, or has more than MAX_TENSORS."""
    with _open(file) as (opened, names):
        return {name: opened.get_tensor(name) for name in names}


def read_metadata(file: Path, key: str) -> str:
    """An entry of a safetensors file's metadata, "" if there is none. The file must be readable."""
    with safe_open(file, "pt") as opened:
        return (opened.metadata() or {}).get(key, "")  # type: ignore[no-any-return]


@contextmanager
def _open(file: Path) -> Iterator[tuple[Any, list[str]]]:
    """A safetensors file and the names of its tensors, none of which is read yet. ValueError as for `read_tensors`."""
    with open(file, "rb") as stream:
        header = int.from_bytes(stream.read(8), "little")
    if header > MAX_HEADER:
        raise ValueError(f"{file} is damaged: its header claims {header} bytes")
    try:
        with safe_open(file, "pt") as opened:
            names = list(opened.keys())
            if len(names) > MAX_TENSORS:
                raise ValueError(f"{file} holds {len(names):,} tensors, more than {MAX_TENSORS:,}")
            yield opened, names
    except SafetensorError as error:
        raise ValueError(f"{file} is not a safetensors file: {error}") from error
