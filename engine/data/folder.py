"""A folder of class folders as a set of pictures: own pictures, CIFAR-10, ImageNet."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from tqdm import tqdm

from engine.cli import printable
from engine.data.decode import read_picture, reason
from engine.data.listing import class_of, list_pictures, split_of
from engine.data.pictures import Pictures, content

HELD_OUT_SHARE = 0.05
IN_MEMORY = 2**29  # bytes of small pictures that are kept, and not read again for each batch
AT_ONCE = 32  # pictures that a thread reads before it reports
MOST_NAMED, MOST_CLASSES = 5, 20  # in what is told


@dataclass(frozen=True, kw_only=True)
class Folder:
    """What a folder was understood to hold; left_out: names by reason."""

    root: Path
    pictures: Pictures
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def told(self) -> str:
        """One block: the classes with their pictures, and all that was left out."""
        lines = [describe(printable(self.root), self.pictures)]
        for why, names in sorted(self.left_out.items(), key=lambda item: -len(item[1])):
            lines.append(f"  left out, {why}: {shortened(names)}")
        return "\n".join(lines)


def read_folder(root: Path, size: int) -> Pictures:
    """The pictures of `open_folder`."""
    return open_folder(root, size).pictures


def open_folder(root: Path, size: int, skip_bad: bool = False) -> Folder:
    """Class folders of pictures, cropped to the centre square and resized; each is read once, to know that it can be.

    A folder that holds `train/` and `test/` (or `val/`) keeps these splits; otherwise 5 %,
    fixed by a hash of the file's name, are held out. ValueError where no picture is found, or one
    beside such splits, or, unless `skip_bad`, some cannot be read.
    """
    listing = list_pictures(root)
    paths = [root / file for file in listing.files]
    images = np.empty((len(paths), size, size, 3), np.uint8) if len(paths) * size * size * 3 <= IN_MEMORY else None
    found = list(_read_all(paths, size, images))
    bad = [f"{printable(file)} ({why})" for file, (_, why) in zip(listing.files, found, strict=True) if why]
    if bad and not skip_bad:
        raise ValueError(
            f"{printable(root)}: {len(bad):,} of {len(paths):,} pictures cannot be read: {shortened(bad)}: "
            "mend them, take them away, or leave them out by skip_bad=true"
        )
    left_out = {**listing.left_out, **({"cannot be read": bad} if bad else {})}
    good = np.array([i for i, (_, why) in enumerate(found) if not why], np.int64)
    if not len(good):
        rest = "; ".join(f"{why}: {shortened(names)}" for why, names in left_out.items())
        raise ValueError(
            f"{printable(root)} holds no pictures in class folders: expected {printable(root)}/CLASS/PICTURE.png"
            + (f"; left out, {rest}" if rest else "")
        )

    def read(indices: np.ndarray) -> np.ndarray:
        if images is not None:
            return images[good[indices]]
        return np.stack([read_picture(paths[i], size) for i in good[indices]])

    pictures = _labelled([listing.files[i] for i in good], [found[i][0] for i in good], size, read)
    return Folder(root=root, pictures=pictures, left_out=left_out)


def _labelled(
    files: Sequence[PurePosixPath], contents: Sequence[str], size: int, read: Callable[[np.ndarray], np.ndarray]
) -> Pictures:
    labels = [class_of(file) for file in files]
    classes = {name: i for i, name in enumerate(sorted(set(labels)))}
    return Pictures(
        classes=tuple(classes),
        labels=np.array([classes[label] for label in labels], np.int64),
        names=tuple(printable(file) for file in files),
        groups=tuple(labels),
        splits=np.array(_splits(files, labels)),
        weights=np.ones(len(files), np.float32),
        size=size,
        read=read,
        contents=tuple(contents),
    )


def describe(name: str, pictures: Pictures) -> str:
    """How many pictures of each class there are, and how many are held out."""
    held = pictures.splits != "train"
    out = f"{held.sum():,} held out" if held.any() else "none held out"
    lines = [f"{name}: {len(pictures):,} pictures in {len(pictures.classes):,} classes, {out}"]
    counts = np.bincount(pictures.labels, minlength=len(pictures.classes))
    kept = np.bincount(pictures.labels[~held], minlength=len(pictures.classes))
    for i in range(len(counts)) if len(counts) <= MOST_CLASSES else range(MOST_CLASSES - 1):
        note = f", {counts[i] - kept[i]:,} held out" if kept[i] else ", all held out: nothing to learn it from"
        lines.append(f"  {pictures.classes[i]}: {counts[i]:,}{note if counts[i] > kept[i] else ''}")
    if len(counts) > MOST_CLASSES:
        rest = counts[MOST_CLASSES - 1 :]
        lines.append(f"  and {len(rest):,} more classes of {rest.min():,} to {rest.max():,} pictures")
    if len(counts) > MOST_CLASSES and not kept.all():
        none = [pictures.classes[i] for i in np.flatnonzero(kept == 0)]
        lines.append(f"  all held out, nothing to learn these from: {shortened(none)}")
    return "\n".join(lines)


def shortened(names: Sequence[str]) -> str:
    """The first few of many, and how many more."""
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _read_all(paths: Sequence[Path], size: int, images: np.ndarray | None) -> Iterator[tuple[str, str]]:
    """What each picture is by content, and why it cannot be read ("" where it can); fills `images` (M, size, size, 3).

    On all cores: most of the time is spent in Pillow, which leaves Python's lock to the others meanwhile.
    """

    def read(first: int) -> list[tuple[str, str]]:
        found = []
        for i in range(first, min(first + AT_ONCE, len(paths))):
            try:
                image = read_picture(paths[i], size)
            except ValueError as error:
                found.append(("", reason(error.__cause__ or error)))
                continue
            if images is not None:
                images[i] = image
            found.append((content(image), ""))
        return found

    pool = ThreadPoolExecutor(min(16, os.cpu_count() or 1))
    try:
        tasks = [pool.submit(read, first) for first in range(0, len(paths), AT_ONCE)]
        with tqdm(total=len(paths), desc="reading pictures", file=sys.stderr, delay=1, leave=False) as bar:
            for task in tasks:
                yield from task.result()
                bar.update(len(task.result()))
    finally:
        pool.shutdown(cancel_futures=True)


def _splits(files: Sequence[PurePosixPath], labels: Sequence[str]) -> list[str]:
    """Of each file by its folder; where no folder says it, by a hash of its name, but never all of a class."""
    splits = [split_of(file) or ("test" if _hash(file) < HELD_OUT_SHARE else "train") for file in files]
    trained = {label for label, split in zip(labels, splits, strict=True) if split == "train"}
    return [
        split if label in trained or split_of(file) else "train"
        for file, label, split in zip(files, labels, splits, strict=True)
    ]


def _hash(file: PurePosixPath) -> float:
    """A fixed number in [0, 1) for a path in a folder."""
    return int.from_bytes(hashlib.sha256(os.fsencode(file.as_posix())).digest()[:6]) / 2**48
