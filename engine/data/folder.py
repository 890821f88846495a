"""A folder of class folders as a set of pictures: own pictures, CIFAR-10, ImageNet."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from engine.data.pictures import Pictures

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"}
SPLITS = {"train": "train", "test": "test", "val": "test", "valid": "test", "validation": "test"}
HELD_OUT_SHARE = 0.05
UPRIGHT = {  # what undoes each orientation that EXIF knows
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_folder(root: Path, size: int) -> Pictures:
    """Class folders of pictures, read on demand, cropped to the centre square and resized.

    A folder that holds `train/` and `test/` (or `val/`) keeps these splits; otherwise 5 %,
    fixed by a hash of the file's name, are held out. ValueError where no picture is found,
    or one beside such splits.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root} is not a folder: give a folder of class folders")
    files = sorted(f for f in root.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file())
    _refuse_beside_splits(root, [f.relative_to(root) for f in files])
    entries = [(f, *_class_and_split(f.relative_to(root))) for f in files]
    entries = [entry for entry in entries if entry[1]]
    if not entries:
        raise ValueError(f"{root} holds no pictures in class folders: expected {root}/CLASS/PICTURE.png")
    classes = tuple(sorted({label for _, label, _ in entries}))
    paths = [entry[0] for entry in entries]
    return Pictures(
        classes=classes,
        labels=np.array([classes.index(label) for _, label, _ in entries], np.int64),
        names=tuple(str(path.relative_to(root)) for path in paths),
        groups=tuple(label for _, label, _ in entries),
        splits=np.array([split for _, _, split in entries]),
        weights=np.ones(len(entries), np.float32),
        size=size,
        read=lambda indices: np.stack([read_picture(paths[i], size) for i in indices]),
    )


def read_picture(path: Path, size: int) -> np.ndarray:
    """One picture as uint8 (size, size, 3). ValueError where it cannot be read."""
    try:
        with Image.open(path) as image:
            return squared(image, size)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} is not a readable picture: {error}") from error


def squared(image: Image.Image, size: int) -> np.ndarray:
    """uint8 (size, size, 3): upright, on white, the centre square. ValueError for greys in floating point."""
    image.load()
    rgba = _in_8_bits(_upright(image)).convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    square = ImageOps.fit(Image.alpha_composite(white, rgba).convert("RGB"), (size, size), Image.Resampling.LANCZOS)
    return np.asarray(square)


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
    return Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8))


def _refuse_beside_splits(root: Path, paths: Sequence[Path]) -> None:
    """ValueError where there is `train/CLASS/` and a picture in another folder: its folder would count as a class."""
    fit = {path for path in paths if path.parts[0] in SPLITS and len(path.parts) > 2}
    other = [path for path in paths if path not in fit and len(path.parts) > 1]
    others = ", ".join(f"{name}/CLASS/" for name in SPLITS if name != "train")
    if other and any(path.parts[0] == "train" for path in fit):
        raise ValueError(f"{root / other[0]}: beside train/CLASS/ there can only be {others}: move it away")


def _class_and_split(path: Path) -> tuple[str, str]:
    """Class ("" where there is none) and split of a file, from its path below the root."""
    parts = path.parts[:-1]
    if len(parts) >= 2 and parts[0] in SPLITS:
        return parts[1], SPLITS[parts[0]]
    digest = int.from_bytes(hashlib.sha256(path.as_posix().encode()).digest()[:6]) / 2**48
    return (parts[0] if parts else ""), ("test" if digest < HELD_OUT_SHARE else "train")
