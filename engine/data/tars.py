"""Lists the pictures of tar files in the layout of WebDataset. They are read where they lie, and never unpacked.

A sample is the members of one name: 000123.jpg and 000123.cls, which holds the class, a number or a word. Without a
.cls the class is the member's folder. The standard library reads it all: the package webdataset streams shards in
their order, while training here draws any picture at any time.
"""

from __future__ import annotations

import os
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from tqdm import tqdm

from engine.cli import to_printable
from engine.data.decode import TarMember
from engine.data.listing import Listing, parse_split, refusal_reason

CLASSES = "classes.txt"  # beside the tar files: the names of classes 0, 1, ..., one a line
NO_CLASS = "of no class: no .cls beside it, in no folder"
MAX_CLASS = 200  # bytes of a .cls


def has_tars(root: Path) -> bool:
    return root.is_dir() and any(root.glob("*.tar"))


def list_tars(root: Path) -> Listing:
    """List train-0000.tar, val-0000.tar, ... of a folder. ValueError for a file that is no tar file."""
    names = root / CLASSES
    classes = names.read_text(encoding="utf-8").splitlines() if names.is_file() else []
    listing = Listing(root=root)
    with tqdm(desc="listing pictures", unit="file", file=sys.stderr, leave=False) as bar:
        for file in sorted(root.glob("*.tar")):
            split = parse_split(re.split(r"[-_.\d]", file.name)[0])
            for member, label in _list_samples(file, listing, bar):
                word = _name_class(label, classes)
                if not word:
                    listing.leave_out(PurePosixPath(file.name, member.name), NO_CLASS)
                    continue
                path = PurePosixPath(*([split] if split else []), word, file.name, member.name.lstrip("/"))
                listing.files.append(path)
                listing.members[path] = member
    listing.files.sort()
    return listing


def _list_samples(file: Path, listing: Listing, bar: Any) -> Iterator[tuple[TarMember, str]]:
    """Yield each picture of a tar file with its class, "" if it has none."""
    pictures: dict[str, TarMember] = {}
    labels: dict[str, str] = {}
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                bar.update()
                key, dot, ending = _split_name(member.name)
                if not member.isreg() or member.issparse():
                    continue
                if dot and ending == "cls" and member.size <= MAX_CLASS:
                    content = tar.extractfile(member)
                    labels[key] = content.read().decode(errors="replace").strip() if content else ""
                elif not (why := refusal_reason(member.name)):
                    pictures[key] = TarMember(file, member.name, member.offset_data, member.size)
                elif ending not in ("json", "txt", "cls"):  # what others store with a picture
                    listing.leave_out(PurePosixPath(file.name, member.name), why)
    except (tarfile.TarError, EOFError) as error:
        raise ValueError(f"{to_printable(file)} is not a readable tar file: {error}") from error
    for key, picture in pictures.items():
        yield picture, labels.get(key) or PurePosixPath(picture.name).parent.name


def _split_name(name: str) -> tuple[str, str, str]:
    """The name up to the first dot after the folder, that dot, and the rest."""
    folder, _, last = name.rpartition("/")
    key, dot, ending = last.partition(".")
    return f"{folder}/{key}", dot, ending


def _name_class(label: str, classes: list[str]) -> str:
    """The class of a label: by number in the list of names, else the number with zeros in front, or the word."""
    if label.isdecimal():
        return classes[int(label)] if int(label) < len(classes) else f"{int(label):04d}"
    return os.path.basename(label)
