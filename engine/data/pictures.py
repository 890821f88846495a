"""A set of labelled pictures with its splits, and how a pack stores it on disk."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from engine.data.atomic import write_atomic
from engine.data.crop import Place, place_crop
from engine.data.decode import UNREADABLE, cut, explain_error
from engine.data.sheets import WEBP_SIDE, max_pictures, read_sheet, write_sheet

MAX_LOADED = 2**33  # bytes of all pictures of a folder
MAX_INDEX, MAX_SHEET = 2**24, 2**28  # bytes of a file; an index of 14,000 pictures and their recipes has 4 million
INDEX = ("sheet", "tile", "class", "name", "group", "split", "weight", "size")  # the columns of index.csv
MAX_SPLIT = 32  # letters of a split's name: each picture takes as many
SHEET = re.compile(r"[A-Za-z0-9_-]+\.webp")  # the name of a sheet


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


class Row(NamedTuple):
    """A row of `index.csv`: where a picture is, and what it is."""

    sheet: str
    tile: str
    label: str  # the class
    name: str
    group: str
    split: str
    weight: str
    size: str
    recipe: str = ""


def save_pictures(pictures: Pictures, folder: Path) -> None:
    """Store lossless WebP sheets for each class, and last `index.csv` with a row for each picture."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    per_sheet = max_pictures(pictures.size)
    for label, name in enumerate(pictures.classes):
        members = np.flatnonzero(pictures.labels == label)
        for part, first in enumerate(range(0, len(members), per_sheet)):
            on_sheet = members[first : first + per_sheet]
            file = f"{label:04d}-{part}.webp" if part else f"{label:04d}.webp"
            with write_atomic(folder / file) as out:
                write_sheet(pictures.read(on_sheet), out)
            for tile, i in enumerate(on_sheet.tolist()):
                what = (name, pictures.names[i], pictures.groups[i], pictures.splits[i])
                row = (file, tile, *what, f"{pictures.weights[i]:g}", pictures.size)
                rows.append((*row, pictures.recipes[i]) if pictures.recipes else row)
    text = io.StringIO(newline="")
    csv.writer(text).writerows([(*INDEX, "recipe") if pictures.recipes else INDEX, *rows])
    index = text.getvalue().encode()
    if len(index) > MAX_INDEX:
        raise ValueError(f"{folder} would have an index of {len(index):,} bytes, the most is {MAX_INDEX:,}: store less")
    with write_atomic(folder / "index.csv") as out:
        out.write(index)


def load_pictures(folder: Path) -> Pictures:
    """Read what `save_pictures` wrote. FileNotFoundError if there is no index, ValueError if a file is damaged."""
    index = folder / "index.csv"
    if not index.is_file():
        raise FileNotFoundError(f"{index} is missing: make it with python -m engine.data")
    with _naming(index):
        rows = list(_rows(index))
        size = int(rows[0].size)
        if not 1 <= size <= WEBP_SIDE:
            raise ValueError(f"size {size}")
        if len(rows) * size * size * 3 > MAX_LOADED:
            raise ValueError(f"{len(rows):,} pictures of {size} pixels a side are more than {MAX_LOADED:,} bytes")
        images = np.empty((len(rows), size, size, 3), np.uint8)
        found = _describe(rows, images)
        tiles = np.array([int(row.tile) for row in rows], np.uint64)
    on_sheet: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        on_sheet.setdefault(row.sheet, []).append(i)
    for sheet, members in on_sheet.items():  # one after the other, so that one is in memory
        with _naming(folder / sheet), _open(folder / sheet, MAX_SHEET) as file:
            images[members] = read_sheet(file, size, len(members))[tiles[members]]
    return found


def digest_files(folder: Path) -> str:
    """SHA-256 over the files that `save_pictures` wrote. It does not decode them. ValueError if one is damaged."""
    index, digests = folder / "index.csv", []
    with _naming(index):
        sheets = dict.fromkeys(row.sheet for row in _rows(index))
    for file in (index, *(folder / sheet for sheet in sheets)):
        with _naming(file), _open(file, MAX_SHEET) as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def count_pictures(folder: Path) -> int:
    """Number of pictures in the index. It does not read them. ValueError if the index is damaged."""
    with _naming(folder / "index.csv"):
        return sum(1 for _ in _rows(folder / "index.csv"))


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Errors in reading a file as a ValueError of one line that names it."""
    try:
        yield
    except (*UNREADABLE, MemoryError, csv.Error) as error:
        raise ValueError(f"{file}: {explain_error(error)[:200]}") from error


def _open(file: Path, most: int) -> io.BufferedReader:
    """Open a file of at most so many bytes."""
    if file.stat().st_size > most or not file.is_file():
        raise ValueError(f"expected a file of at most {most:,} bytes")
    return open(file, "rb")


def _rows(index: Path) -> Iterator[Row]:
    """Yield the rows of an index, each of them whole."""
    with io.TextIOWrapper(_open(index, MAX_INDEX), encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = tuple(next(reader, ()))
        if header not in (INDEX, (*INDEX, "recipe")):
            raise ValueError(f"expected the columns {', '.join(INDEX)}")
        for values in reader:
            if len(values) != len(header) or not SHEET.fullmatch(values[0]) or len(values[5]) > MAX_SPLIT:
                raise ValueError(f"line {reader.line_num} is no row of it")
            yield Row(*values)


def _describe(rows: Sequence[Row], images: np.ndarray) -> Pictures:
    """The pictures of these rows, whose pixels are in `images`."""
    classes = {name: i for i, name in enumerate(dict.fromkeys(row.label for row in rows))}
    return Pictures(
        classes=tuple(classes),
        labels=np.array([classes[row.label] for row in rows], np.int64),
        names=tuple(row.name for row in rows),
        groups=tuple(row.group for row in rows),
        splits=np.array([row.split for row in rows]),
        weights=np.array([float(row.weight) for row in rows], np.float32),
        size=images.shape[1],
        read=read_from_memory(images),
        recipes=tuple(row.recipe for row in rows) if rows[0].recipe else (),
        stored_indices=np.arange(len(rows)),
    )
