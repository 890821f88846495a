"""The distance of pictures to the nearest picture of a reference, in pixels."""

from __future__ import annotations

import numpy as np

BATCH = 500  # pictures compared at once, or fewer:
MEMORY = 2**28  # bytes that the pixels of one side take at once, in float32


def nearest_distance(images: np.ndarray, reference: np.ndarray | None = None) -> np.ndarray:
    """(M,) root mean square difference, 0..255, of uint8 pictures (M, S, S, 3) to the nearest one of `reference`.

    Without a reference: to the nearest other picture of `images` itself.
    """
    return nearest(images, reference)[0]


def nearest(images: np.ndarray, reference: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The distances (M,) that `nearest_distance` returns, and which one is the nearest (M,)."""
    others = images if reference is None else reference
    pixels = int(np.prod(images.shape[1:]))
    most = max(1, MEMORY // (4 * pixels))
    smallest, places = np.full(len(images), np.inf, np.float32), np.zeros(len(images), np.int64)
    for j in range(0, len(others), most):
        b = _flatten(others[j : j + most])
        squares = (b**2).sum(1)
        for i in range(0, len(images), min(BATCH, most)):
            a = _flatten(images[i : i + min(BATCH, most)])
            squared = (a**2).sum(1)[:, None] + squares - 2 * a @ b.T
            if reference is None:  # a picture is not its own neighbour
                squared[np.arange(i, i + len(a))[:, None] == np.arange(j, j + len(b))] = np.inf
            mine = slice(i, i + len(a))
            nearer = squared.min(1) < smallest[mine]
            places[mine] = np.where(nearer, j + squared.argmin(1), places[mine])
            smallest[mine] = np.where(nearer, squared.min(1), smallest[mine])
    return np.sqrt(np.maximum(smallest, 0) / pixels), places


def _flatten(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32)
