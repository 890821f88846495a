"""The pictures that a pack is trained on: found, compared with those it was begun with, carried along."""

from __future__ import annotations

import dataclasses
import shlex
import sys

import numpy as np

from engine import cli
from engine.config import TokenizerConfig
from engine.data.avatars.shards import ORIGIN_FILE, read_shards
from engine.data.folder import describe_pictures, open_folder
from engine.data.pictures import Pictures, load_pictures, save_pictures
from engine.pack import Pack, open_pack, pack_path, write_config

MAX_STORED = 4096  # a pack carries at most so many of the pictures it was trained on


def find_pictures(name: str, data: str, size: int, skip_bad: bool = False) -> Pictures:
    """The folder given (of class folders, or of avatars), or what the pack carries, told on stderr.

    ValueError where the pack carries only a part.
    """
    own = pack_path(name)
    if data and (cli.expand_path(data) / ORIGIN_FILE).is_file():
        pictures = read_shards(cli.expand_path(data))
        told = describe_pictures(cli.to_printable(data), pictures)
    elif data:
        folder = open_folder(cli.expand_path(data), size, skip_bad)
        pictures, told = folder.pictures, folder.summary()
    elif (own / "config.yaml").is_file() and open_pack(name).config.get("pictures_left_out"):
        raise ValueError(f"pack {name!r} carries only a part of its pictures: give data=FOLDER")
    elif not (own / "data" / "index.csv").is_file():
        raise FileNotFoundError(f"pack {name!r} carries no pictures: give data=FOLDER, a folder of class folders")
    else:
        pictures = load_pictures(own / "data")
        told = describe_pictures(f"pack {cli.to_printable(name)}", pictures)
    if pictures.size != size:
        raise ValueError(f"the pictures of pack {name!r} have {pictures.size} pixels a side, image_size={size}")
    if not len(pictures.indices("train")):
        raise ValueError(f"{data or name}: no pictures to train on, all are held out")
    print(told, file=sys.stderr)
    return pictures


def prepare_pack(name: str, pictures: Pictures, tokenizer: TokenizerConfig | None) -> Pack:
    """Open the pack, or begin it: classes, the tokenizer's sizes, and the pictures the page shows.

    ValueError where it was begun with other pictures: its models, and what it carries, are of those.
    """
    path = pack_path(name)
    begun = (path / "config.yaml").is_file()
    if begun and (classes := open_pack(path).classes) != pictures.classes:
        other = sorted(set(classes) ^ set(pictures.classes)) or ["in another order"]
        raise ValueError(f"pack {name!r} has other classes than these pictures ({other[0]}): use another pack=")
    if not begun and tokenizer is None:
        raise FileNotFoundError(f"no pack {name!r} yet: train its tokenizer first")
    kept = pictures.subset(
        choose_evenly(pictures) if pictures.stored_indices is None else pictures.stored_indices
    ).by_class()
    carries = (path / "data" / "index.csv").is_file()
    told = open_pack(path).config.get("pictures") if begun else None
    if (carries and load_pictures(path / "data").digest() != kept.digest()) or told not in (
        None,
        _digest_unordered(pictures),
    ):
        raise ValueError(
            f"pack {name!r} was begun with other pictures, or of another size, than these "
            f"{len(pictures):,} of {pictures.size} pixels a side: use another pack=, "
            f"or remove {shlex.quote(cli.to_printable(path))} to begin it anew"
        )
    if tokenizer is not None and not carries:
        save_pictures(kept, path / "data")
    if not begun:  # only now: what is killed meanwhile begins no pack
        config = {"format": 1, "classes": list(pictures.classes), "tokenizer": dataclasses.asdict(tokenizer)}  # type: ignore[arg-type]
        left_out = len(pictures) - len(kept)
        write_config(path, {**config, "pictures": _digest_unordered(pictures), "pictures_left_out": left_out})
    return open_pack(path)


def _digest_unordered(pictures: Pictures) -> str:
    """Of all pictures of a pack, in whichever order they come."""
    return dataclasses.replace(pictures, contents=pictures.content_hashes).by_class().digest()


def choose_evenly(pictures: Pictures, most: int = MAX_STORED) -> np.ndarray:
    """Indices of at most about `most` of them, evenly from every class and split."""
    if len(pictures) <= most:
        return np.arange(len(pictures))
    parts = [
        np.flatnonzero((pictures.labels == label) & (pictures.splits == split))
        for label in range(len(pictures.classes))
        for split in ("train", *pictures.held_out)
    ]
    counts = [min(len(part), max(1, most * len(part) // len(pictures))) for part in parts]
    kept = [part[np.arange(count) * len(part) // count] for part, count in zip(parts, counts, strict=True) if count]
    return np.sort(np.concatenate(kept))
