"""The tokens of all training pictures, made once and read from memory-mapped files: several crops of each picture.

A crop is the picture with another augmentation, with `crop` another random crop of its file, which is decoded once for
all. Training then reads no picture and runs no tokenizer.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from engine.config import TrainConfig
from engine.data.atomic import write_atomic
from engine.data.mapped import map_arrays
from engine.distributed import ALONE, Group

Read = Callable[[np.ndarray, Sequence[torch.Generator]], Iterable[Tensor]]
SHARD = 1024  # pictures in a file
BATCH = 64  # pictures encoded at once
AUGMENTATION = ("shift", "zoom", "hue", "flip", "augment", "crop")
AT_ONCE = 2  # shards: while one is encoded, the pictures of another are read


class TokenShards:
    """Tokens (M, crops, N) of M pictures in files of SHARD pictures each."""

    def __init__(self, folder: Path, count: int) -> None:
        self.files, self.open = [_file(folder, first) for first in _firsts(count)], map_arrays()

    def read(self, rows: np.ndarray, crops: np.ndarray) -> np.ndarray:
        """Tokens (B, N) int64 of crop `crops` (B,) of pictures `rows` (B,)."""
        pairs = zip(rows.tolist(), crops.tolist(), strict=True)
        stored = (self.open(self.files[row // SHARD])[row % SHARD, crop] for row, crop in pairs)
        return np.stack([tokens.astype(np.int64) for tokens in stored])  # copies, which hold no file open


def make_shards(
    store: Path,
    made_of: list[str],
    read: Read,
    encode: Callable[[Tensor], Tensor],
    count: int,
    config: TrainConfig,
    group: Group = ALONE,
) -> TokenShards:
    """Make what is missing below the folder `store`, and open it. The processes of the group share the work.

    `read(rows, rngs)` yields some of the `count` pictures (B, 3, S, S) for each random stream, augmented by it.
    `made_of` are the hashes of all pictures and of the tokenizer.
    """
    what = [*made_of, SHARD, BATCH, config.crops, config.seed, [getattr(config, name) for name in AUGMENTATION]]
    folder = store / hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    group.wait()  # all have seen the same files before any is written
    missing = [first for first in group.share(_firsts(count)) if not _file(folder, first).is_file()]

    def make(first: int) -> None:
        rows = np.arange(first, min(first + SHARD, count))
        parts = [_encode_crops(read, encode, rows[i : i + BATCH], config) for i in range(0, len(rows), BATCH)]
        with write_atomic(_file(folder, first)) as out:
            np.save(out, np.concatenate(parts), allow_pickle=False)

    with (
        tqdm(total=len(missing) * SHARD, desc="encoding pictures", unit="picture", file=sys.stderr, leave=False) as bar,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        for _ in pool.map(make, missing):
            bar.update(SHARD)
    group.wait()
    return TokenShards(folder, count)


def _encode_crops(read: Read, encode: Callable[[Tensor], Tensor], rows: np.ndarray, config: TrainConfig) -> np.ndarray:
    """Tokens (B, crops, N) of some pictures. What is random in them depends on their rows and on the seed."""
    rngs = []
    for crop in range(config.crops):
        seed = hashlib.sha256(f"{config.seed} {crop} {rows[0]}".encode()).digest()
        rngs.append(torch.Generator().manual_seed(int.from_bytes(seed[:4])))
    tokens = np.stack([encode(pictures).cpu().numpy() for pictures in read(rows, rngs)], 1)
    return tokens.astype(np.uint16 if tokens.max() < 2**16 else np.int32)


def _firsts(count: int) -> range:
    return range(0, count, SHARD)


def _file(folder: Path, first: int) -> Path:
    return folder / f"{first:09d}.npy"
