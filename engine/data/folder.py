"""Reads a folder of class folders as a set of pictures: your own, CIFAR-10, ImageNet."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np

from engine.cli import to_printable
from engine.data.crop import Place, centre_square
from engine.data.decode import read_cuts
from engine.data.intake import take_in
from engine.data.listing import Entry, list_pictures
from engine.data.pictures import Pictures
from engine.data.tars import has_tars, list_tars
from engine.device import cores

HELD_OUT_SHARE = 0.05
IN_MEMORY = 2**29  # bytes; a set of pictures up to this size is kept in memory and not read for each batch
MAX_NAMED, MAX_CLASSES = 5, 20  # in the summary


@dataclass(frozen=True, kw_only=True)
class Folder:
    """The pictures of a folder, and the names of what was left out, by reason."""

    root: Path
    pictures: Pictures
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def summary(self) -> str:
        """Lines that list the classes with their pictures, and all that was left out."""
        lines = [describe_pictures(to_printable(self.root), self.pictures)]
        for why, names in sorted(self.left_out.items(), key=lambda item: -len(item[1])):
            lines.append(f"  left out, {why}: {shorten(names)}")
        return "\n".join(lines)


def read_folder(root: Path, size: int) -> Pictures:
    """The pictures of `open_folder`."""
    return open_folder(root, size).pictures


def open_folder(root: Path, size: int, skip_bad: bool = False, cache: Path | None = None) -> Folder:
    """Read class folders of pictures, or tar files, cropped to the centre square and resized. Each is read once.

    Random crops (`Pictures.read_crops`) are cut from the files, whether or not the squares fit into memory.

    `train/` and `test/` (or `val/`) in the folder are kept as splits. Without them 5 %, chosen by a hash of
    the file name, are held out. ValueError if there is no picture, if a picture lies beside such splits, or,
    unless `skip_bad`, if a picture cannot be read. The file `cache` remembers a set that is too large for memory.
    """
    listing = list_tars(root) if has_tars(root) else list_pictures(root)
    paths = [file.source for file in listing.files]
    images = np.empty((len(paths), size, size, 3), np.uint8) if len(paths) * size * size * 3 <= IN_MEMORY else None
    found = take_in(paths, size, images, cache)
    bad = [f"{to_printable(file.path)} ({why})" for file, (*_, why) in zip(listing.files, found, strict=True) if why]
    if bad and not skip_bad:
        raise ValueError(
            f"{to_printable(root)}: {len(bad):,} of {len(paths):,} pictures cannot be read: {shorten(bad)}: "
            "mend them, take them away, or leave them out by skip_bad=true"
        )
    left_out = {**listing.left_out, **({"cannot be read": bad} if bad else {})}
    good = np.array([i for i, (*_, why) in enumerate(found) if not why], np.int64)
    if not len(good):
        rest = "; ".join(f"{why}: {shorten(names)}" for why, names in left_out.items())
        raise ValueError(
            f"{to_printable(root)} holds no pictures in class folders: expected {to_printable(root)}/CLASS/PICTURE.png"
            + (f"; left out, {rest}" if rest else "")
        )

    def read(indices: np.ndarray) -> np.ndarray:
        if images is not None:
            return images[good[indices]]
        return cut_files(indices, [[centre_square]] * len(indices))[:, 0]

    # One pool for as long as the set is used: its threads begin with the first pictures, and end with it.
    pool = ThreadPoolExecutor(cores(), "decode")  # pictures are decoded and resampled without Python's lock

    def cut_files(indices: np.ndarray, places: Sequence[Sequence[Place]]) -> np.ndarray:
        return np.stack(list(pool.map(read_cuts, [paths[i] for i in good[indices]], [size] * len(indices), places)))

    pictures = _make_pictures([listing.files[i] for i in good], [found[i][0] for i in good], size, read)
    files = tuple(found[i][1] for i in good)
    return Folder(root=root, pictures=replace(pictures, files=files, cut_files=cut_files), left_out=left_out)


def _make_pictures(
    files: Sequence[Entry], contents: Sequence[str], size: int, read: Callable[[np.ndarray], np.ndarray]
) -> Pictures:
    labels = [file.label for file in files]
    classes = {name: i for i, name in enumerate(sorted(set(labels)))}
    return Pictures(
        classes=tuple(classes),
        labels=np.array([classes[label] for label in labels], np.int64),
        names=tuple(to_printable(file.path) for file in files),
        groups=tuple(labels),
        splits=np.array(_assign_splits(files)),
        weights=np.ones(len(files), np.float32),
        size=size,
        read=read,
        contents=tuple(contents),
    )


def describe_pictures(name: str, pictures: Pictures) -> str:
    """Lines that say how many pictures each class has, and how many of them are held out."""
    held = pictures.splits != "train"
    out = f"{held.sum():,} held out" if held.any() else "none held out"
    lines = [f"{name}: {len(pictures):,} pictures in {len(pictures.classes):,} classes, {out}"]
    counts = np.bincount(pictures.labels, minlength=len(pictures.classes))
    kept = np.bincount(pictures.labels[~held], minlength=len(pictures.classes))
    for i in range(len(counts)) if len(counts) <= MAX_CLASSES else range(MAX_CLASSES - 1):
        note = f", {counts[i] - kept[i]:,} held out" if kept[i] else ", all held out: nothing to learn it from"
        lines.append(f"  {pictures.classes[i]}: {counts[i]:,}{note if counts[i] > kept[i] else ''}")
    if len(counts) > MAX_CLASSES:
        rest = counts[MAX_CLASSES - 1 :]
        lines.append(f"  and {len(rest):,} more classes of {rest.min():,} to {rest.max():,} pictures")
    if len(counts) > MAX_CLASSES and not kept.all():
        none = [pictures.classes[i] for i in np.flatnonzero(kept == 0)]
        lines.append(f"  all held out, nothing to learn these from: {shorten(none)}")
    return "\n".join(lines)


def shorten(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


def _assign_splits(files: Sequence[Entry]) -> list[str]:
    """The split of each file: its own, else by a hash of its path, but never "test" for a whole class."""
    splits = [file.split or ("test" if _hash_to_unit(file.path) < HELD_OUT_SHARE else "train") for file in files]
    trained = {file.label for file, split in zip(files, splits, strict=True) if split == "train"}
    return [
        split if file.label in trained or file.split else "train" for file, split in zip(files, splits, strict=True)
    ]


def _hash_to_unit(file: PurePosixPath) -> float:
    """Hash a path to a number in [0, 1), the same on every machine."""
    return int.from_bytes(hashlib.sha256(os.fsencode(file.as_posix())).digest()[:6]) / 2**48
