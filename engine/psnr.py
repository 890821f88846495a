"""PSNR of reconstructed pictures. Training and evaluation both measure with it, so it stands below both."""

from __future__ import annotations

import numpy as np


def psnr(images: np.ndarray, decoded: np.ndarray, where: np.ndarray) -> float | None:
    """PSNR in dB of uint8 pictures (M, S, S, 3), from the squared error over the pixels `where` (M, S, S).

    None where it is not a finite number: no pixel is chosen, or no pixel differs.
    """
    error = (images.astype(np.float64) - decoded)[where]
    squared = float(np.mean(error**2)) if error.size else 0.0
    return float(10 * np.log10(255**2 / squared)) if squared else None
