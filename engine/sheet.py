"""Many pictures as one: rows and columns with white between them."""

from __future__ import annotations

import numpy as np


def make_sheet(images: np.ndarray, columns: int = 0, gap: int = 2) -> np.ndarray:
    """Pictures uint8 (M, S, S, 3) in rows, as one picture; `gap` in pixels. columns=0: 8, or M if that is less."""
    columns = columns or min(len(images), 8)
    rows = -(-len(images) // columns)
    cell = images.shape[1] + gap
    canvas = np.full((rows * cell - gap, columns * cell - gap, 3), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * cell, i % columns * cell
        canvas[top : top + cell - gap, left : left + cell - gap] = image
    return canvas
