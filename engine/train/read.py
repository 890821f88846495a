"""Draws pictures for training and reads them: cut from files where `crop` says so, augmented, as floats on a device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from engine.config import TrainConfig
from engine.data.augment import ALL, Rows, augment, draw_crops
from engine.data.pictures import Pictures
from engine.tokenizer import to_float


def cumulate(weights: np.ndarray) -> Tensor:
    """The weights (M,) added up, as shares of their sum: what `draw_rows` draws from."""
    sums = torch.from_numpy(weights.astype(np.float64)).cumsum(0)
    return sums / sums[-1]


def draw_rows(cumulated: Tensor, size: int, rng: torch.Generator) -> np.ndarray:
    """Rows (size,) drawn by weight. torch.multinomial draws the same ones, but only from up to 2^24."""
    return torch.searchsorted(cumulated, torch.rand(size, dtype=torch.float64, generator=rng)).numpy()


def read_augmented(
    pictures: Pictures,
    indices: np.ndarray,
    config: TrainConfig,
    rngs: Sequence[torch.Generator],
    device: torch.device,
    size: int | None = None,
    rows: Rows = ALL,
) -> Iterator[Tensor]:
    """Pictures (B, 3, S, S) in [-1, 1] once for each random stream, which changes them in its own way.

    Their files are decoded now, once for all. Each stream's are moved to the device and augmented when they are asked
    for, which is the work of the thread that computes. The random draws are those of a batch of `size` pictures, of
    which `indices` are the `rows`: whoever reads a part of a batch gets the pictures that it would have in the whole.
    """
    b = len(indices) if size is None else size
    if config.crop < 1:
        drawn = np.stack([draw_crops(b, config.crop, rng)[rows] for rng in rngs], 1)  # (B, K, TRIES, 4)
        images = list(pictures.read_crops(indices, drawn).swapaxes(0, 1))
    else:
        images = [pictures.read(indices)] * len(rngs)
    arrays = (torch.from_numpy(np.ascontiguousarray(squares)) for squares in images)
    pairs = zip(arrays, rngs, strict=True)
    return (augment(to_float(array.to(device)), config, rng, size, rows) for array, rng in pairs)
