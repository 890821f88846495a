"""Any picture file as a small square, or in plain words why it is none."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from engine.cli import to_printable

NOT_READ = {  # kinds that Pillow knows by name
    "EPS": "EPS and PS would need another program, Ghostscript, to run",
    "PDF": "PDF is no picture of pixels",
    "WMF": "WMF and EMF are no pictures of pixels",
    **dict.fromkeys(("BUFR", "GRIB", "HDF5", "IPTC", "MPEG", "PALM"), "Pillow knows this kind, but cannot read it"),
}
UNREADABLE = (  # what Pillow raises for damaged files, found by changing bytes of files of all kinds
    *(OSError, SyntaxError, ValueError, RuntimeError, IndexError, KeyError, TypeError, OverflowError, EOFError),
    *(struct.error, zlib.error, Image.DecompressionBombError),
)
DRAFT = 3  # a JPEG is decoded at an eighth to a half of its size, but never below so many times the square's side
UPRIGHT = {  # what undoes each orientation that EXIF knows
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
PNG = b"\x89PNG\r\n\x1a\n"
BESIDE_PIXELS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")  # chunks of a PNG that may be compressed, and are not needed


@cache
def known_formats() -> dict[str, str]:
    """Pillow's kind of file by suffix, those that are not read included: ".jpg" -> "JPEG"."""
    return {suffix.lower(): kind for suffix, kind in Image.registered_extensions().items()}


@cache
def allowed_formats(suffix: str) -> tuple[str, ...]:
    """The kinds that a file may be, whatever its suffix says; of those that are known by no mark, only that one."""
    own = known_formats().get(suffix)  # which also has Pillow load all that it can read
    marked = [kind for kind, (_, accept) in Image.OPEN.items() if accept or kind == own]
    return tuple(kind for kind in marked if kind not in NOT_READ)


def read_picture(path: Path, size: int) -> np.ndarray:
    """One picture as uint8 (size, size, 3). ValueError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return decode(file, size, allowed_formats(path.suffix.lower()))
    except UNREADABLE as error:
        raise ValueError(f"{to_printable(path)} is not a readable picture: {explain_error(error)}") from error


def decode(
    file: BinaryIO, size: int, formats: Collection[str], check: Callable[[Image.Image], None] = lambda image: None
) -> np.ndarray:
    """uint8 (size, size, 3) of one of `formats`; `check` sees it before it is unfolded. One of UNREADABLE if not."""
    try:
        with Image.open(file, formats=list(formats)) as image:
            check(image)
            return crop_square(image, size)
    except ValueError as error:
        if "MAX_TEXT" not in str(error):
            raise
        file.seek(0)
        return decode(io.BytesIO(_without_text(file.read())), size, formats, check)


def explain_error(error: BaseException) -> str:
    """Why a picture cannot be read, in words that need no knowledge of Pillow."""
    said = " ".join(str(error).split())
    if isinstance(error, UnidentifiedImageError):
        return "its content is that of no picture"
    if isinstance(error, Image.DecompressionBombError):
        return "it has more than 178 megapixels"
    if isinstance(error, OSError) and error.errno is not None:
        return error.strerror or said
    if isinstance(error, EOFError) or any(word in said.lower() for word in ("truncated", "unexpected end", "eof")):
        return "it is cut short"
    if "floating-point" in said:
        return said
    return f"it is damaged ({said})" if said else "it is damaged"


def crop_square(image: Image.Image, size: int) -> np.ndarray:
    """uint8 (size, size, 3): upright, on white, the centre square. ValueError for greys in floating point."""
    image.draft(None, (DRAFT * size, DRAFT * size))  # only a JPEG can
    image.load()
    whole = _in_8_bits(_upright(image))
    if whole.has_transparency_data:
        whole = _on_white(whole)
    return np.asarray(ImageOps.fit(whole.convert("RGB"), (size, size), Image.Resampling.LANCZOS))


def _on_white(image: Image.Image) -> Image.Image:
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")  # which would copy one that is
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)


def _upright(image: Image.Image) -> Image.Image:
    """As its EXIF says, read tag by tag: Pillow's exif_transpose writes all of it again and fails on any odd tag."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except (SyntaxError, TypeError, ValueError, struct.error):  # what says how it was held is damaged, not the picture
        return image
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def _in_8_bits(image: Image.Image) -> Image.Image:
    """Greys of 16 bits are scaled: Pillow's convert would cut them off at 255."""
    if image.mode == "F":
        raise ValueError("its greys are floating-point numbers: store it with 8 or 16 bits")
    if not image.mode.startswith("I"):
        return image
    in_8_bits = ((np.arange(65536) + 128) // 257).astype(np.uint8)  # rounded
    greys = np.asarray(image)
    return Image.fromarray(in_8_bits[greys if greys.dtype == np.uint16 else greys.clip(0, 65535)])


def in_one_scan(content: bytes) -> bool:
    """Whether a JPEG can be unfolded row by row: all its colours come in its first scan, and it is not progressive."""
    at, colours = 2, 0
    while content[at : at + 1] == b"\xff" and at + 10 <= len(content):
        marker = content[at + 1]
        if marker == 0xDA:
            return 0 < colours == content[at + 4]
        if marker in (0xC0, 0xC1):  # a frame that is not progressive
            colours = content[at + 9]
        elif not (marker in (0xC4, 0xDB, 0xDD, 0xFE) or 0xE0 <= marker <= 0xEF):  # tables, comments, what programs add
            return False
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return False


def _without_text(content: bytes) -> bytes:
    """A PNG without its text and colour profile, which Pillow refuses to unfold where they are large."""
    kept, at = [PNG], len(PNG)
    while at + 8 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4])
        if content[at + 4 : at + 8] not in BESIDE_PIXELS:
            kept.append(content[at:end])
        at = end
    return b"".join(kept)
