"""A set of labelled pictures with its splits, and how a pack stores it on disk."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from PIL import Image

from engine.data.crop import Place, place_crop
from engine.data.decode import cut

MAX_LOADED = 2**33  # bytes of all pictures of a folder
COLUMNS = 32  # of pictures in a stored sheet
EFFORT = 75  # of 100 in compressing a sheet; more, or method 6, takes up to a hundred times as long for little
WEBP_SIDE = 16383  # the longest side of a WebP, in pixels


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """M labelled pictures. `read(indices)` returns their pixels, uint8 (B, size, size, 3)."""

    classes: tuple[str, ...]
    labels: np.ndarray  # (M,) int64, index into classes
    names: tuple[str, ...]
    groups: tuple[str, ...]  # fine label, by default the class
    splits: np.ndarray  # (M,) str: "train" or the name of a held-out split
    weights: np.ndarray  # (M,) float32, how often training draws each picture
    size: int
    read: Callable[[np.ndarray], np.ndarray]
    recipes: tuple[str, ...] = ()  # JSON for each picture: the parts it was made of. Empty if unknown
    stored_indices: np.ndarray | None = None  # the pictures that a pack stores. None: an even choice of all
    contents: tuple[str, ...] = ()  # SHA-256 of each picture's pixels, if already known
    files: tuple[str, ...] = ()  # SHA-256 of each picture's file, if each has one
    cut_files: Callable[[np.ndarray, Sequence[Sequence[Place]]], np.ndarray] | None = None  # reads pieces of them

    def __len__(self) -> int:
        return len(self.labels)

    def indices(self, split: str) -> np.ndarray:
        return np.flatnonzero(self.splits == split)

    def pick_evenly(self, split: str, most: int) -> np.ndarray:
        """Indices of at most `most` pictures, evenly spaced over a split. Pictures are sorted by class."""
        members = self.indices(split)
        return members[np.unique(np.linspace(0, len(members) - 1, min(most, len(members))).astype(int))]

    def read_crops(self, indices: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """K crops of each of B pictures, drawn (B, K, TRIES, 4) by `draw_crops`, as uint8 (B, K, size, size, 3).

        They are cut from the whole picture in its file, even if `read` has the squares in memory. Where there are no
        files (a pack's own pictures, avatars, emoji) the stored square is the whole picture.
        """
        places = [[partial(place_crop, crop) for crop in crops] for crops in drawn]
        if self.cut_files:
            return self.cut_files(indices, places)
        squares = [Image.fromarray(image) for image in self.read(indices)]
        return np.stack([cut(square, self.size, its) for square, its in zip(squares, places, strict=True)])

    @cached_property
    def content_hashes(self) -> tuple[str, ...]:
        """SHA-256 of each picture's pixels. Computed once, if not already known."""
        return self.contents or tuple(
            hash_pixels(image)
            for first in range(0, len(self), 256)
            for image in self.read(np.arange(first, min(first + 256, len(self))))
        )

    def digest(self, with_files: bool = False) -> str:
        """SHA-256 over all that training uses, in order: pixels, labels, splits and weights, but not file names.

        `with_files`: also over the content of the files, which random crops are cut from.
        """
        columns = [self.content_hashes, self.labels.tolist(), self.groups, self.splits.tolist(), self.weights.tolist()]
        if with_files:
            columns.append(self.files or ("",) * len(self))
        rows = zip(*columns, strict=True)
        text = json.dumps([self.classes, self.size, list(rows)])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def fine_labels(self) -> tuple[tuple[str, str], ...]:
        """All pairs (class, group), sorted by class."""
        found = sorted({(label, group) for label, group in zip(self.labels.tolist(), self.groups, strict=True)})
        return tuple((self.classes[label], group) for label, group in found)

    @property
    def fine(self) -> np.ndarray:
        """(M,) int64, the index of each picture's fine label."""
        at = {label: i for i, label in enumerate(self.fine_labels)}
        pairs = zip(self.labels.tolist(), self.groups, strict=True)
        return np.array([at[self.classes[label], group] for label, group in pairs], np.int64)

    @property
    def held_out(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.splits.tolist()) - {"train"}))

    def subset(self, indices: np.ndarray) -> Pictures:
        """The pictures at `indices`, in that order."""
        cut_files = self.cut_files
        return Pictures(
            classes=self.classes,
            labels=self.labels[indices],
            names=tuple(self.names[i] for i in indices),
            groups=tuple(self.groups[i] for i in indices),
            splits=self.splits[indices],
            weights=self.weights[indices],
            size=self.size,
            read=lambda chosen: self.read(indices[chosen]),
            recipes=tuple(self.recipes[i] for i in indices) if self.recipes else (),
            contents=tuple(self.contents[i] for i in indices) if self.contents else (),
            files=tuple(self.files[i] for i in indices) if self.files else (),
            cut_files=(lambda chosen, places: cut_files(indices[chosen], places)) if cut_files else None,
        )

    def by_class(self) -> Pictures:
        """The same pictures sorted by class, the order in which they are stored."""
        return self.subset(np.argsort(self.labels, kind="stable"))


def hash_pixels(image: np.ndarray) -> str:
    """SHA-256 of a picture's pixels."""
    return hashlib.sha256(image.tobytes()).hexdigest()


def read_from_memory(images: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A `read` function for uint8 pictures (M, size, size, 3) in memory."""
    return lambda indices: images[indices]


def save_pictures(pictures: Pictures, folder: Path) -> None:
    """Store lossless WebP sheets for each class, and `index.csv` with a row for each picture."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for label, name in enumerate(pictures.classes):
        members = np.flatnonzero(pictures.labels == label)
        per_sheet = _columns(pictures.size) * (WEBP_SIDE // pictures.size)
        for part, first in enumerate(range(0, len(members), per_sheet)):
            on_sheet = members[first : first + per_sheet]
            file = f"{label:04d}-{part}.webp" if part else f"{label:04d}.webp"
            _sheet(pictures.read(on_sheet)).save(folder / file, lossless=True, quality=EFFORT, method=4)
            for tile, i in enumerate(on_sheet.tolist()):
                what = (name, pictures.names[i], pictures.groups[i], pictures.splits[i])
                row = (file, tile, *what, f"{pictures.weights[i]:g}", pictures.size)
                rows.append((*row, pictures.recipes[i]) if pictures.recipes else row)
    with open(folder / "index.csv", "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        columns = ("sheet", "tile", "class", "name", "group", "split", "weight", "size")
        writer.writerow((*columns, "recipe") if pictures.recipes else columns)
        writer.writerows(rows)


def load_pictures(folder: Path) -> Pictures:
    """Read what `save_pictures` wrote. FileNotFoundError if there is no index, ValueError if a file is damaged."""
    index = folder / "index.csv"
    if not index.is_file():
        raise FileNotFoundError(f"{index} is missing: make it with python -m engine.data")
    try:
        return _load(index)
    except (
        *(KeyError, IndexError, TypeError, ValueError, OSError, MemoryError),
        *(csv.Error, Image.DecompressionBombError),
    ) as error:
        raise ValueError(f"{index} or a sheet beside it is damaged: {error!r}") from error


def digest_files(folder: Path) -> str:
    """SHA-256 over the files that `save_pictures` wrote. It does not decode them."""
    index = folder / "index.csv"
    files = [
        index,
        *(index.with_name(name) for name in dict.fromkeys(row.get("sheet") or "index.csv" for row in _rows(index))),
    ]
    return hashlib.sha256("".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files).encode()).hexdigest()


def count_pictures(folder: Path) -> int:
    """Number of pictures in the index. It does not read them."""
    return len(_rows(folder / "index.csv"))


def _load(index: Path) -> Pictures:
    rows = _rows(index)
    classes = tuple(dict.fromkeys(row["class"] for row in rows))
    size = int(rows[0]["size"])
    if not 1 <= size <= WEBP_SIDE:
        raise ValueError(f"size {size}")
    if len(rows) * size * size * 3 > MAX_LOADED:
        raise ValueError(f"{len(rows):,} pictures of {size} pixels a side are more than {MAX_LOADED:,} bytes")
    images = np.empty((len(rows), size, size, 3), np.uint8)
    tiles: dict[str, np.ndarray] = {}
    for i, row in enumerate(rows):
        if row["sheet"] not in tiles:
            tiles[row["sheet"]] = _tiles(index.with_name(row["sheet"]), size)
        if (tile := int(row["tile"])) < 0:
            raise ValueError(f"tile {tile}")
        images[i] = tiles[row["sheet"]][tile]
    return Pictures(
        classes=classes,
        labels=np.array([classes.index(row["class"]) for row in rows], np.int64),
        names=tuple(row["name"] for row in rows),
        groups=tuple(row["group"] for row in rows),
        splits=np.array([row["split"] for row in rows]),
        weights=np.array([float(row["weight"]) for row in rows], np.float32),
        size=size,
        read=read_from_memory(images),
        recipes=tuple(row["recipe"] for row in rows) if "recipe" in rows[0] else (),
    )


def _rows(index: Path) -> list[dict[str, str]]:
    with open(index, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _columns(size: int) -> int:
    return min(COLUMNS, WEBP_SIDE // size)


def _sheet(images: np.ndarray) -> Image.Image:
    count, size = images.shape[:2]
    columns = _columns(size)
    rows = -(-count // columns)
    sheet = np.full((rows * columns, size, size, 3), 255, np.uint8)
    sheet[:count] = images
    sheet = sheet.reshape(rows, columns, size, size, 3).transpose(0, 2, 1, 3, 4)
    return Image.fromarray(sheet.reshape(rows * size, columns * size, 3))


def _tiles(file: Path, size: int) -> np.ndarray:
    with Image.open(file) as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    rows, columns = pixels.shape[0] // size, pixels.shape[1] // size
    pixels = pixels.reshape(rows, size, columns, size, 3).transpose(0, 2, 1, 3, 4)
    return pixels.reshape(rows * columns, size, size, 3)
