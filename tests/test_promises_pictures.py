"""What app/RELIABILITY.md promises of visitors' pictures. TOKEN_CRITIC_FULL=1 (make soak) flips more bytes."""

from __future__ import annotations

import io
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.features.refine import read_picture
from app.text.words import ENGLISH, words
from tests.full import FULL

SIDE = 24
FLIPS = 2000 if FULL else 200
SECONDS = 2.0  # until a picture is read or refused
RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
GREYS = RNG.integers(0, 256, (SIDE, SIDE), np.uint8)
ALPHA = RNG.choice(np.array([0, 255], np.uint8), (SIDE, SIDE))
DEEP = RNG.integers(0, 65536, (SIDE, SIDE), np.uint16)
FLIPPED = {1: lambda x: x, 2: np.fliplr, 3: lambda x: np.rot90(x, 2), 4: np.flipud, 5: lambda x: x.transpose(1, 0, 2)}
FLIPPED |= {6: lambda x: np.rot90(x, -1), 7: lambda x: np.rot90(x, 2).transpose(1, 0, 2), 8: lambda x: np.rot90(x)}

SAID = words(ENGLISH)["own"]


def stored(image: Image.Image | np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(out, kind, **options)
    return out.getvalue()


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x112] = orientation
    return stored(COLOURS, exif=exif)


def in_three(greys: np.ndarray) -> np.ndarray:
    return np.repeat(greys[..., None], 3, 2)


def on_white(colours: np.ndarray) -> np.ndarray:
    return np.where(ALPHA[..., None] == 255, colours, 255).astype(np.uint8)


def palette() -> tuple[Image.Image, np.ndarray]:
    """A picture of 16 colours of which the first is transparent, and what it shows on white."""
    indices, colours = RNG.integers(0, 16, (SIDE, SIDE), np.uint8), RNG.integers(0, 256, (256, 3), np.uint8)
    image = Image.fromarray(indices, "P")
    image.putpalette(colours.tobytes())
    return image, np.where(indices[..., None] == 0, 255, colours[indices]).astype(np.uint8)


CLEAR, SHOWN = palette()
CMYK = Image.fromarray(RNG.integers(0, 256, (SIDE, SIDE, 4), np.uint8), "CMYK")
LONG = np.zeros((SIDE, 8000, 3), np.uint8)
LONG[:, 4000 - SIDE // 2 : 4000 + SIDE // 2] = COLOURS
GOOD: dict[str, tuple[bytes, np.ndarray]] = {  # a file, and the pixels that it has to become
    "RGB": (stored(COLOURS), COLOURS),
    "RGBA": (stored(np.dstack([COLOURS, ALPHA])), on_white(COLOURS)),
    "LA": (stored(Image.merge("LA", [Image.fromarray(GREYS), Image.fromarray(ALPHA)])), on_white(in_three(GREYS))),
    "L": (stored(GREYS), in_three(GREYS)),
    "16 bits": (stored(DEEP), in_three(((DEEP.astype(np.int64) + 128) // 257).astype(np.uint8))),
    "1 bit": (stored(Image.fromarray(ALPHA).convert("1")), in_three(ALPHA)),
    "palette with a clear colour": (stored(CLEAR, transparency=0), SHOWN),
    "CMYK": (data := stored(CMYK, "JPEG", quality=95), np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))),
    "WebP": (stored(COLOURS, "WEBP", lossless=True, exact=True), COLOURS),
    "animated WebP": (
        stored(COLOURS, "WEBP", save_all=True, append_images=[Image.new("RGB", (SIDE, SIDE))], lossless=True),
        COLOURS,
    ),
    "animated GIF": (
        stored(GREYS, "GIF", save_all=True, append_images=[Image.new("L", (SIDE, SIDE))]),
        in_three(GREYS),
    ),
    "8000 wide": (stored(LONG), COLOURS),
    "a page behind it": (stored(COLOURS) + b"<script>alert(1)</script>", COLOURS),
    "a program behind it": (stored(GREYS, "GIF") + b"PK\3\4" + bytes(200), in_three(GREYS)),
    **{f"EXIF {i}": (turned(i), np.ascontiguousarray(turn(COLOURS))) for i, turn in FLIPPED.items()},  # type: ignore[no-untyped-call]
}
BAD = {
    "zero bytes": b"",
    "half": stored(COLOURS)[:300],
    "a head alone": stored(COLOURS)[:33],
    "25 megapixels of one colour": stored(Image.new("1", (5000, 5000))),
    "20000 high": stored(Image.new("1", (1, 20_000))),
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "TIFF": stored(COLOURS, "TIFF"),
    "BMP": stored(COLOURS, "BMP"),
    "PSD": b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\0\x18\0\0\0\x18\0\x08\0\3" + bytes(64),
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n",
    "PDF": b"%PDF-1.7\n",
    "text": b"no picture at all",
    "a GIF that is a script": b"GIF89a/*" + b"*/=1;alert(1)//",
    "a program": b"\x7fELF" + bytes(200),
}


@pytest.mark.parametrize("name", list(GOOD))
def test_a_picture_of_any_kind_is_read_to_the_pixel_whatever_its_name_says(name: str) -> None:
    content, expected = GOOD[name]
    np.testing.assert_array_equal(read_picture(content, SIDE), expected)


@pytest.mark.parametrize("name", list(BAD))
def test_what_is_no_picture_is_refused_in_a_line_and_soon(name: str) -> None:
    begun = time.process_time()
    with pytest.raises(ValueError) as refused:
        read_picture(BAD[name], SIDE)
    assert str(refused.value) in (SAID["no_picture"], SAID["too_large"]) and "\n" not in str(refused.value)
    assert time.process_time() - begun < SECONDS


def test_a_picture_with_a_flipped_byte_gets_its_pixels_or_a_line() -> None:
    dice, read = np.random.default_rng(0), 0
    for kind in ("PNG", "JPEG", "WEBP", "GIF"):
        content = stored(COLOURS, kind)
        for _ in range(FLIPS // 4):
            flipped = bytearray(content)
            flipped[dice.integers(len(flipped))] ^= 1 << int(dice.integers(8))
            begun = time.process_time()
            try:
                read += read_picture(bytes(flipped), SIDE).shape == (SIDE, SIDE, 3)
            except ValueError as error:
                assert str(error) in (SAID["no_picture"], SAID["too_large"])
            assert time.process_time() - begun < SECONDS
    print(f"{FLIPS} pictures with a flipped byte: {read} read, {FLIPS - read} refused")
    assert 0 < read < FLIPS
