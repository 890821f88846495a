"""Avatars on disk: shards of 2,000 pictures, drawn by several processes. Training maps them into memory.

    FOLDER/origin.json                    classes, size, and what the pictures were made from
    FOLDER/SPLIT/pictures-00000.npy       uint8 (2000, 64, 64, 3), the last shard of a split may be shorter
    FOLDER/SPLIT/labels-00000.npy         uint8 (2000,), index into classes
    FOLDER/SPLIT/recipes-00000.jsonl      one line per picture: its parts, colours and numbers

Picture g of a split is picture g // C of class g % C. So the first n pictures are balanced for any n.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from engine.data.atomic import write_atomic
from engine.data.avatars.node import HERE, LOCK, SCRIPT, Range, Renderer, install_script
from engine.data.avatars.styles import get_group, read_styles
from engine.data.mapped import map_arrays
from engine.data.pictures import Pictures

SIZE, SHARD = 64, 2000
UPDATE_EVERY = 50  # pictures between updates of the progress bar
SPLITS = ("train", "test")
STORED_IN_PACK = {"train": 4000, "test": 10_000}  # pictures that a pack stores, to look at and to measure with
ORIGIN_FILE = "origin.json"


def render_shards(folder: Path, counts: dict[str, int], workers: int = 0) -> dict[str, float]:
    """Draw the missing shards of `counts` pictures for each split. Returns milliseconds per picture of one worker.

    Complete shards stay. ValueError if the folder holds pictures of other styles or settings.
    """
    script, styles = install_script(), read_styles()
    _write_origin(folder, styles)
    parts = [(split, i, min(i + SHARD, n)) for split, n in counts.items() for i in range(0, n, SHARD)]
    missing = [part for part in parts if not _exists(folder, part)]
    workers = max(1, min(workers or os.cpu_count() or 1, len(missing)))
    specs = [{"package": name, **style} for name, style in styles.items()]
    drawings = [Renderer(script, specs, missing[w::workers], SIZE) for w in range(workers)] if missing else []
    total, missing_count = sum(counts.values()), sum(last - first for _, first, last in missing)
    with (
        tqdm(total=total, initial=total - missing_count, unit="picture", disable=None, file=sys.stderr) as bar,
        ThreadPoolExecutor(workers) as pool,
    ):
        try:
            jobs = [pool.submit(_write_shards, folder, d, missing[w::workers], bar) for w, d in enumerate(drawings)]
            for job in jobs:
                job.result()
        finally:
            for drawing in drawings:
                drawing.close()
    spent = {key: sum(d.spent[key] for d in drawings) for key in ("svg", "render", "pictures")}
    return {key: spent[key] / max(1, spent["pictures"]) for key in ("svg", "render")}


def read_shards(folder: Path) -> Pictures:
    """All stored pictures, mapped into memory. FileNotFoundError if there are none."""
    origin = _read_origin(folder)
    styles, classes = read_styles(), tuple(origin["classes"])
    if list(styles) != origin["styles"] or [style["class"] for style in styles.values()] != list(classes):
        raise ValueError(
            f"{folder} was drawn in other styles than this version knows: draw it again, with another out="
        )
    files: list[Path] = []
    labels, names, groups, splits, recipes = [], [], [], [], []
    for split in SPLITS:
        for file in sorted((folder / split).glob("pictures-*.npy")):
            files.append(file)
            number = file.stem.removeprefix("pictures-")
            labels.append(np.load(file.with_name(f"labels-{number}.npy")).astype(np.int64))
            lines = file.with_name(f"recipes-{number}.jsonl").read_text(encoding="utf-8").splitlines()
            first = int(number) * SHARD
            for g, (label, line) in enumerate(zip(labels[-1].tolist(), lines, strict=True), first):
                style = list(styles)[label]
                names.append(f"{style}-{split}-{g // len(classes):06d}")
                groups.append(get_group(styles[style]["group"], json.loads(line)))
            splits += [split] * len(lines)
            recipes += lines
    if not files:
        raise FileNotFoundError(f"{folder} holds no whole shard yet: python -m engine.data avatars out={folder}")
    kinds, ends, open_shard = np.array(splits), np.cumsum([len(some) for some in labels]), map_arrays()
    return Pictures(
        classes=classes,
        labels=np.concatenate(labels),
        names=tuple(names),
        groups=tuple(groups),
        splits=kinds,
        weights=np.ones(len(names), np.float32),
        size=SIZE,
        read=lambda indices: _read_pictures(files, ends, open_shard, indices),
        recipes=tuple(recipes),
        stored_indices=np.concatenate(
            [np.flatnonzero(kinds == split)[:most] for split, most in STORED_IN_PACK.items()]
        ),
    )


def _read_pictures(
    files: Sequence[Path], ends: np.ndarray, open_shard: Callable[[Path], np.ndarray], indices: np.ndarray
) -> np.ndarray:
    where = np.searchsorted(ends, indices, side="right")
    images = np.empty((len(indices), SIZE, SIZE, 3), np.uint8)
    for number in np.unique(where):
        at, shard = where == number, open_shard(files[number])
        images[at] = shard[np.asarray(indices)[at] - (ends[number] - len(shard))]
    return images


def _write_shards(folder: Path, drawing: Renderer, parts: Sequence[Range], bar: tqdm[Any]) -> None:
    """Write the shards of one process atomically. The pictures come last: with them a shard counts as complete."""
    classes, pictures = len(read_styles()), iter(drawing)
    for split, first, last in parts:
        images, lines = np.empty((last - first, SIZE, SIZE, 3), np.uint8), []
        for i in range(last - first):
            try:
                recipe, images[i] = next(pictures)
            except StopIteration:
                raise OSError("Node drew fewer pictures than it was asked for") from None
            lines.append(json.dumps(recipe) + "\n")
            if i % UPDATE_EVERY == UPDATE_EVERY - 1:
                bar.update(UPDATE_EVERY)
        bar.update((last - first) % UPDATE_EVERY)
        labels = (np.arange(first, last) % classes).astype(np.uint8)
        _shard_file(folder, split, first, "pictures").unlink(
            missing_ok=True
        )  # a shorter shard must not stay beside new labels
        with write_atomic(_shard_file(folder, split, first, "recipes", "jsonl")) as out:
            out.write("".join(lines).encode())
        with write_atomic(_shard_file(folder, split, first, "labels")) as out:
            np.save(out, labels)
        with write_atomic(_shard_file(folder, split, first, "pictures")) as out:
            np.save(out, images)
    for _ in pictures:  # reads the process to its end, which sets `spent`
        raise AssertionError("more pictures than parts")


def _shard_file(folder: Path, split: str, first: int, kind: str, suffix: str = "npy") -> Path:
    (folder / split).mkdir(parents=True, exist_ok=True)
    return folder / split / f"{kind}-{first // SHARD:05d}.{suffix}"


def _exists(folder: Path, part: Range) -> bool:
    """Does the shard exist in full length? The last one of an earlier call may be shorter."""
    split, first, last = part
    file = _shard_file(folder, split, first, "pictures")
    return file.is_file() and len(np.load(file, mmap_mode="r")) >= last - first


def _write_origin(folder: Path, styles: dict[str, dict[str, Any]]) -> None:
    """Write origin.json. ValueError if the folder has another one."""
    made_from = hashlib.sha256()
    for name in (SCRIPT, LOCK):
        made_from.update((HERE / name).read_bytes())
    made_from.update(json.dumps([styles, SIZE, SHARD]).encode())
    classes = [style["class"] for style in styles.values()]
    origin = {"classes": classes, "styles": list(styles), "size": SIZE, "made_from": made_from.hexdigest()}
    if (folder / ORIGIN_FILE).is_file():
        if _read_origin(folder) != origin:
            raise ValueError(f"{folder} holds pictures of other styles or settings: use another out=, or remove it")
        return
    folder.mkdir(parents=True, exist_ok=True)
    with write_atomic(folder / ORIGIN_FILE) as out:
        out.write(json.dumps(origin, indent=1).encode())


def _read_origin(folder: Path) -> dict[str, Any]:
    file = folder / ORIGIN_FILE
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: draw the pictures with python -m engine.data avatars")
    return json.loads(file.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
