"""Sheets of square pictures, row by row: lossless WebP files, in which a pack stores its pictures."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
from PIL import Image

COLUMNS = 32  # of pictures in a sheet
EFFORT = 75  # of 100 in compressing a sheet; more, or method 6, takes up to a hundred times as long for little
WEBP_SIDE = 16383  # the longest side of a WebP, in pixels
MAX_PIXELS = 2**26  # of a sheet; Pillow warns of more than 89 million, and reads no more than twice as many


def count_columns(size: int) -> int:
    return min(COLUMNS, WEBP_SIDE // size)


def max_pictures(size: int) -> int:
    """How many pictures a sheet has at most."""
    columns = count_columns(size)
    return columns * max(1, min(WEBP_SIDE // size, MAX_PIXELS // (columns * size * size)))


def write_sheet(images: np.ndarray, out: BinaryIO) -> None:
    """Write pictures, uint8 (B, size, size, 3), as one sheet. Places of the last row that are left are white."""
    count, size = images.shape[:2]
    columns = count_columns(size)
    rows = -(-count // columns)
    sheet = np.full((rows * columns, size, size, 3), 255, np.uint8)
    sheet[:count] = images
    sheet = sheet.reshape(rows, columns, size, size, 3).transpose(0, 2, 1, 3, 4)
    image = Image.fromarray(sheet.reshape(rows * size, columns * size, 3))
    image.save(out, "WEBP", lossless=True, quality=EFFORT, method=4)


def read_sheet(file: BinaryIO, size: int, count: int) -> np.ndarray:
    """The places of a sheet of `count` pictures, uint8 (rows x columns, size, size, 3).

    ValueError for a sheet that is larger than `write_sheet` makes it: a file of 34 bytes may have 16 million pixels.
    """
    columns = count_columns(size)
    rows = -(-count // columns)
    with Image.open(file, formats=["WEBP"]) as sheet:  # of all formats Pillow takes EPS, too, and starts Ghostscript
        if sheet.width * sheet.height > rows * columns * size * size:
            raise ValueError(f"{sheet.width} x {sheet.height} pixels are too many for {count:,} of {size} a side")
        pixels = np.asarray(sheet.convert("RGB"))
    rows, columns = pixels.shape[0] // size, pixels.shape[1] // size
    pixels = pixels.reshape(rows, size, columns, size, 3).transpose(0, 2, 1, 3, 4)
    return pixels.reshape(rows * columns, size, size, 3)
