"""Finds the pictures to train on, compares them with those that the pack was begun with, and opens the pack."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from pathlib import Path

import numpy as np

from engine import cli
from engine.config import TokenizerSizes
from engine.data.avatars.shards import ORIGIN_FILE, read_shards
from engine.data.folder import describe_pictures, open_folder
from engine.data.pictures import Pictures, load_pictures, save_pictures
from engine.pack import Pack, open_pack, pack_path, write_config
from engine.train.converted import is_converted, match_classes

MAX_STORED = 4096  # a pack stores at most about so many of its pictures


def find_pictures(name: str, data: str, size: int, skip_bad: bool = False, cache: Path | None = None) -> Pictures:
    """Read the folder `data` (of class folders, or of avatars), or the pack's own pictures. stderr gets a summary.

    The file `cache` remembers a large folder.

    ValueError if there is no folder and the pack stores only a part of its pictures.
    """
    own = pack_path(name)
    if data and (cli.expand_path(data) / ORIGIN_FILE).is_file():
        pictures = read_shards(cli.expand_path(data))
        summary = describe_pictures(cli.to_printable(data), pictures)
    elif data:
        folder = open_folder(cli.expand_path(data), size, skip_bad, cache)
        pictures, summary = folder.pictures, folder.summary()
    elif (own / "config.yaml").is_file() and open_pack(name).config.get("pictures_left_out"):
        raise ValueError(f"pack {name!r} carries only a part of its pictures: give data=FOLDER")
    elif not (own / "data" / "index.csv").is_file():
        raise FileNotFoundError(f"pack {name!r} carries no pictures: give data=FOLDER, a folder of class folders")
    else:
        pictures = load_pictures(own / "data")
        summary = describe_pictures(f"pack {cli.to_printable(name)}", pictures)
    if pictures.size != size:
        raise ValueError(f"the pictures of pack {name!r} have {pictures.size} pixels a side, image_size={size}")
    if not len(pictures.indices("train")):
        raise ValueError(f"{data or name}: no pictures to train on, all are held out")
    print(summary, file=sys.stderr)
    return match_classes(open_pack(name), pictures) if (own / "config.yaml").is_file() else pictures


def stored_recipe(pack: str) -> str:
    """The recipe in engine/configs that a pack was begun with. "" where it names none, or is not there yet."""
    if not pack or not (pack_path(pack) / "config.yaml").is_file():
        return ""
    return str(open_pack(pack).config.get("recipe") or "")


def prepare_pack(name: str, pictures: Pictures, tokenizer: TokenizerSizes | None, recipe: str = "") -> Pack:
    """Open the pack, or begin it: store its recipe, classes, the tokenizer's sizes, and pictures for the page to show.

    A recipe in a file of its own is not stored: it has to be given each time.

    ValueError if the pack was begun with other pictures.
    """
    path = pack_path(name)
    begun = (path / "config.yaml").is_file()
    if begun and tokenizer is not None and is_converted(open_pack(path)):
        raise ValueError(f"pack {name!r} has a tokenizer that was converted: train one of your own in another pack=")
    if begun and (classes := open_pack(path).classes) != pictures.classes:
        other = sorted(set(classes) ^ set(pictures.classes)) or ["in another order"]
        raise ValueError(f"pack {name!r} has other classes than these pictures ({other[0]}): use another pack=")
    if not begun and tokenizer is None:
        raise FileNotFoundError(f"no pack {name!r} yet: train its tokenizer first")
    kept = pictures.subset(
        choose_evenly(pictures) if pictures.stored_indices is None else pictures.stored_indices
    ).by_class()
    carries = begun and (path / "data" / "index.csv").is_file()
    begun_with = open_pack(path).config.get("pictures") if begun else None
    if (carries and load_pictures(path / "data").digest() != kept.digest()) or begun_with not in (
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
    if not begun:  # last: without it there is no pack, and the next command stores the pictures anew
        named = {} if recipe.endswith((".yaml", ".yml")) or not recipe else {"recipe": recipe}
        config = {"format": 1, **named, "classes": list(pictures.classes), "tokenizer": dict(vars(tokenizer))}
        left_out = len(pictures) - len(kept)
        write_config(path, {**config, "pictures": _digest_unordered(pictures), "pictures_left_out": left_out})
    return open_pack(path)


def _digest_unordered(pictures: Pictures) -> str:
    """The digest of all pictures, sorted by class."""
    return dataclasses.replace(pictures, contents=pictures.content_hashes).by_class().digest()


def choose_evenly(pictures: Pictures, most: int = MAX_STORED) -> np.ndarray:
    """Indices of about `most` pictures, spread evenly over every class and split."""
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
