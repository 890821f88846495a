"""Reads a flax checkpoint (msgpack) without flax, and without trusting it.

flax packs an array as ExtType 1, whose bytes are msgpack again: [shape, name of the dtype, values in C order].
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgpack
import torch
from torch import Tensor

ARRAY = 1  # flax's ExtType of an array; 2 and 3 are single numbers
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
MAX_BYTES = 4 * 2**30
MAX_DEPTH = 8  # of names in names
MAX_ARRAYS = 4096


def read_msgpack(file: Path) -> dict[str, Tensor]:
    """The arrays under "params" by path, as "Embed_0/word_embeddings/embedding". ValueError for anything else."""
    if (size := file.stat().st_size) > MAX_BYTES:
        raise ValueError(f"{file} has {size:,} bytes: a checkpoint has {MAX_BYTES:,} at most")
    try:
        tree = msgpack.unpackb(file.read_bytes(), ext_hook=_read_array, strict_map_key=True)
    except (
        ValueError,
        msgpack.UnpackException,
    ) as error:  # the errors of msgpack that are not the latter are the former
        raise ValueError(f"{file} is not a flax checkpoint: {error or type(error).__name__}") from error
    if not isinstance(tree, dict) or set(tree) != {"params"}:
        found = ", ".join(sorted(map(str, tree))[:5]) if isinstance(tree, dict) else type(tree).__name__
        raise ValueError(f"{file} is not a flax checkpoint of weights: expected params alone, found {found[:200]}")
    arrays: dict[str, Tensor] = {}
    _flatten(file, tree["params"], (), arrays)
    return arrays


def _read_array(code: int, data: bytes) -> Tensor:
    """msgpack's hook for what is not plain. ValueError unless the bytes are exactly an array of an allowed dtype."""
    if code != ARRAY:
        raise ValueError(f"it holds an object of kind {code}, expected arrays only")
    parts = msgpack.unpackb(data, strict_map_key=True)
    if not isinstance(parts, list) or len(parts) != 3:
        raise ValueError("an array is not of the form shape, dtype, values")
    shape, dtype, values = parts
    if not isinstance(shape, list) or not all(type(n) is int and n > 0 for n in shape) or len(shape) > 8:
        raise ValueError(f"an array has the shape {str(shape)[:80]}")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"an array has the dtype {str(dtype)[:40]!r}, expected one of {', '.join(DTYPES)}")
    kind = DTYPES[dtype]
    if not isinstance(values, bytes) or len(values) != math.prod(shape) * kind.itemsize:
        raise ValueError(f"an array of shape {tuple(shape)} and {dtype} has too many or too few bytes")
    return torch.frombuffer(bytearray(values), dtype=kind).view(shape)


def _flatten(file: Path, tree: Any, path: tuple[str, ...], arrays: dict[str, Tensor]) -> None:
    if isinstance(tree, Tensor):
        arrays["/".join(path)] = tree
    elif isinstance(tree, dict) and len(path) < MAX_DEPTH and all(isinstance(key, str) for key in tree):
        for key, value in tree.items():
            _flatten(file, value, (*path, key), arrays)
    else:
        raise ValueError(f"{file}: {'/'.join(path)[:200]} is no array")
    if len(arrays) > MAX_ARRAYS:
        raise ValueError(f"{file} holds more than {MAX_ARRAYS} arrays")
