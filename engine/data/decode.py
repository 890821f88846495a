"""Reads any picture file as small squares, or says in plain words why it cannot."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from engine.cli import to_printable
from engine.data.crop import Place, centre_square

NOT_READ = {  # formats that Pillow knows but does not read
    "EPS": "EPS and PS would need another program, Ghostscript, to run",
    "PDF": "PDF is no picture of pixels",
    "WMF": "WMF and EMF are no pictures of pixels",
    **dict.fromkeys(("BUFR", "GRIB", "HDF5", "IPTC", "MPEG", "PALM"), "Pillow knows this kind, but cannot read it"),
}
UNREADABLE = (  # what Pillow raises for damaged files, found by fuzzing files of all formats
    *(OSError, SyntaxError, ValueError, RuntimeError, IndexError, KeyError, TypeError, OverflowError, EOFError),
    *(struct.error, zlib.error, Image.DecompressionBombError),
)
DRAFT = 3  # a large JPEG is decoded at 1/8 to 1/2 of its size, what is cut from it at least at so many times its side
UPRIGHT = {  # EXIF orientation -> the transformation that undoes it
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
PNG = b"\x89PNG\r\n\x1a\n"
BESIDE_PIXELS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")  # PNG chunks of text and colour profile, not needed here


@dataclass(frozen=True)
class TarMember:
    """A file inside a tar file. It is opened like a path."""

    file: Path
    name: str
    offset: int
    size: int

    def __str__(self) -> str:
        return f"{self.file}/{self.name}"

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    def open(self, mode: str = "rb") -> BinaryIO:
        with open(self.file, mode) as tar:
            tar.seek(self.offset)
            return io.BytesIO(tar.read(self.size))

    def stat(self) -> os.stat_result:
        return self.file.stat()


@cache
def known_formats() -> dict[str, str]:
    """Pillow's format for each suffix, e.g. ".jpg" -> "JPEG". Includes formats that are not read."""
    return {suffix.lower(): kind for suffix, kind in Image.registered_extensions().items()}


@cache
def allowed_formats(suffix: str) -> tuple[str, ...]:
    """The formats to try for a file: all with a signature, and the suffix's own format even without one."""
    own = known_formats().get(suffix)  # this call also makes Pillow register all formats
    marked = [kind for kind, (_, accept) in Image.OPEN.items() if accept or kind == own]
    return tuple(kind for kind in marked if kind not in NOT_READ)


def read_picture(path: Path | TarMember, size: int) -> np.ndarray:
    """The centre square of a picture as uint8 (size, size, 3). ValueError where it cannot be read."""
    return read_cuts(path, size, [centre_square])[0]  # type: ignore[no-any-return]


def read_cuts(path: Path | TarMember, size: int, places: Sequence[Place]) -> np.ndarray:
    """What is cut from a picture at K places, as uint8 (K, size, size, 3). ValueError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return _decode(file, size, allowed_formats(path.suffix.lower()), places)
    except UNREADABLE as error:
        raise ValueError(f"{to_printable(path)} is not a readable picture: {explain_error(error)}") from error


def decode(
    file: BinaryIO, size: int, formats: Collection[str], check: Callable[[Image.Image], None] = lambda image: None
) -> np.ndarray:
    """The centre square as uint8 (size, size, 3). Raises one of UNREADABLE.

    `check` is called before pixels are decoded.
    """
    return _decode(file, size, formats, [centre_square], check)[0]  # type: ignore[no-any-return]


def _decode(
    file: BinaryIO,
    size: int,
    formats: Collection[str],
    places: Sequence[Place],
    check: Callable[[Image.Image], None] = lambda image: None,
) -> np.ndarray:
    try:
        with Image.open(file, formats=list(formats)) as image:
            check(image)
            return cut(image, size, places)
    except ValueError as error:
        if "MAX_TEXT" not in str(error):
            raise
        file.seek(0)
        return _decode(io.BytesIO(_without_text(file.read())), size, formats, places, check)


def explain_error(error: BaseException) -> str:
    """Why a picture cannot be read, in words for people who do not know Pillow."""
    message = " ".join(str(error).split())
    if isinstance(error, UnidentifiedImageError):
        return "its content is that of no picture"
    if isinstance(error, Image.DecompressionBombError):
        return "it has more than 178 megapixels"
    if isinstance(error, OSError) and error.errno is not None:
        return error.strerror or message
    if isinstance(error, EOFError) or any(word in message.lower() for word in ("truncated", "unexpected end", "eof")):
        return "it is cut short"
    if "floating-point" in message:
        return message
    return f"it is damaged ({message})" if message else "it is damaged"


def cut(image: Image.Image, size: int, places: Sequence[Place]) -> np.ndarray:
    """What is cut from a picture at K places, as uint8 (K, size, size, 3), upright, on white. It is resampled once.

    Centre squares and random crops go through the same filter, so that training sees pictures as sharp as those it is
    measured on. ValueError for floating-point greys.
    """
    _draft(image, size, places)
    image.load()
    picture = _in_8_bits(_upright(image))
    if picture.has_transparency_data:
        picture = _on_white(picture)
    rgb, square = picture.convert("RGB"), (size, size)
    return np.stack([np.asarray(rgb.resize(square, Image.Resampling.LANCZOS, place(*rgb.size))) for place in places])


def _draft(image: Image.Image, size: int, places: Sequence[Place]) -> None:
    """Let a large JPEG be decoded at a part of its size, as far as the smallest cut allows."""
    ways = (image.size, image.size[::-1])  # as it lies in the file, and as its EXIF may turn it
    boxes = [place(*way) for place in places for way in ways]
    shortest = min(min(right - left, bottom - top) for left, top, right, bottom in boxes)
    width, height = (int(DRAFT * size * side / shortest) for side in image.size)
    image.draft(None, (width, height))  # has an effect on JPEG only


def _on_white(image: Image.Image) -> Image.Image:
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")  # convert would copy an RGBA picture
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)


def _upright(image: Image.Image) -> Image.Image:
    """Rotate as EXIF says. Pillow's exif_transpose rewrites all tags and fails on any damaged one."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except (SyntaxError, TypeError, ValueError, struct.error):  # the EXIF is damaged, the picture is not
        return image
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def _in_8_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit greys to 8 bits. Pillow's convert would clip them at 255."""
    if image.mode == "F":
        raise ValueError("its greys are floating-point numbers: store it with 8 or 16 bits")
    if not image.mode.startswith("I"):
        return image
    in_8_bits = ((np.arange(65536) + 128) // 257).astype(np.uint8)  # rounded
    greys = np.asarray(image)
    return Image.fromarray(in_8_bits[greys if greys.dtype == np.uint16 else greys.clip(0, 65535)])


def in_one_scan(content: bytes) -> bool:
    """Is a JPEG baseline with all colours in its first scan? Then it can be decoded row by row."""
    at, colours = 2, 0
    while content[at : at + 1] == b"\xff" and at + 10 <= len(content):
        marker = content[at + 1]
        if marker == 0xDA:
            return 0 < colours == content[at + 4]
        if marker in (0xC0, 0xC1):  # a frame that is not progressive
            colours = content[at + 9]
        elif not (marker in (0xC4, 0xDB, 0xDD, 0xFE) or 0xE0 <= marker <= 0xEF):  # tables, comments, application data
            return False
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return False


def _without_text(content: bytes) -> bytes:
    """A PNG without its text and colour profile. Pillow refuses to decompress large ones."""
    kept, at = [PNG], len(PNG)
    while at + 8 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4])
        if content[at + 4 : at + 8] not in BESIDE_PIXELS:
            kept.append(content[at:end])
        at = end
    return b"".join(kept)
