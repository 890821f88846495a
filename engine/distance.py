"""The distance of pictures to the nearest picture of a reference, in pixels."""

from __future__ import annotations

import numpy as np

BATCH = 500  # pictures compared at once


def nearest_distance(images: np.ndarray, reference: np.ndarray | None = None) -> np.ndarray:
    """(M,) root mean square difference, 0..255, of uint8 pictures (M, S, S, 3) to the nearest one of `reference`.

    Without a reference: to the nearest other picture of `images` itself.
    """
    return nearest(images, reference)[0]


def nearest(images: np.ndarray, reference: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The distances (M,) that `nearest_distance` returns, and which one is the nearest (M,)."""
    b = _flatten(images if reference is None else reference)
    squares = (b**2).sum(1)
    smallest, places = [], []
    for i in range(0, len(images), BATCH):
        a = _flatten(images[i : i + BATCH])
        squared = (a**2).sum(1)[:, None] + squares - 2 * a @ b.T
        if reference is None:
            squared[np.arange(len(a)), i + np.arange(len(a))] = np.inf
        smallest.append(squared.min(1))
        places.append(squared.argmin(1))
    return np.sqrt(np.maximum(np.concatenate(smallest), 0) / b.shape[1]), np.concatenate(places)


def _flatten(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32)
