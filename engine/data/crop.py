"""Where a picture is cut: its centre square, or a random crop.

The random one is RandomResizedCrop, as torchvision's code has it and Inception was trained (Szegedy et al. 2015, "Going
Deeper with Convolutions", section 6): of the whole picture, a share of the area that is uniform in [least, 1], width to
height log-uniform in [3/4, 4/3], anywhere. Where such a crop does not fit, another one is drawn. Here all are drawn
ahead (engine.data.augment), so that what is drawn does not depend on the size of any picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels
Place = Callable[[int, int], Box]  # where to cut a picture of this width and height
TRIES = 10  # random crops of which the first that fits is taken
WIDEST = 4 / 3  # width to height; the narrowest is its inverse


def centre_square(width: int, height: int) -> Box:
    """The largest square in the middle."""
    return _centre(width, height, min(width, height), min(width, height))


def place_crop(drawn: np.ndarray, width: int, height: int) -> Box:
    """The first crop that fits of those in `drawn` (TRIES, 4): share of the area, width to height, x and y in [0, 1].

    If none does, the largest one in the middle that is not wider or narrower than a random one.
    """
    for share, ratio, x, y in drawn.tolist():
        w, h = math.sqrt(share * width * height * ratio), math.sqrt(share * width * height / ratio)
        if w <= width and h <= height:
            left, top = x * (width - w), y * (height - h)
            return left, top, min(left + w, width), min(top + h, height)  # not a rounding error more
    return _centre(width, height, min(width, height * WIDEST), min(height, width * WIDEST))


def _centre(width: int, height: int, w: float, h: float) -> Box:
    left, top = (width - w) * 0.5, (height - h) * 0.5
    return left, top, left + w, top + h
