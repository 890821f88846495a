"""Lists the pictures of tar files in the layout of WebDataset. They are read where they lie, and never unpacked.

000123.jpg has its class in 000123.cls, a number or a word. 000123.left.jpg has it in 000123.left.cls or, as WebDataset
has it, in 000123.cls. Without a .cls the class is the member's folder. The standard library reads it all: the package
webdataset streams shards in their order, while training here draws any picture at any time.
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
from engine.data.listing import (
    IS_LITTER,
    Entry,
    Listing,
    check_beside_splits,
    is_litter,
    parse_split,
    refusal_reason,
)

CLASSES = "classes.txt"  # beside the tar files: the names of classes 0, 1, ..., one a line
NO_CLASS = "of no class: no .cls beside it, in no folder"
MAX_CLASS = 200  # bytes of a .cls
BESIDE = (".json", ".txt")  # what others store with a picture


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
                listing.files.append(Entry(path=path, label=to_printable(word), split=split, source=member))
    listing.files.sort(key=lambda file: file.path)
    check_beside_splits(listing.files, "{}-*.tar")
    return listing


def _list_samples(file: Path, listing: Listing, bar: Any) -> Iterator[tuple[TarMember, str]]:
    """Yield each picture of a tar file with its class, "" if it has none."""
    pictures: dict[str, TarMember] = {}  # by name
    labels: dict[str, str] = {}  # by name without .cls
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                bar.update()
                path, (stem, suffix) = PurePosixPath(file.name, member.name), os.path.splitext(member.name)
                if member.isdir() or suffix in BESIDE:
                    continue
                if why := _refuse_member(member):
                    listing.leave_out(path, why)
                elif suffix == ".cls":
                    content = tar.extractfile(member)
                    labels[stem] = content.read().decode(errors="replace").strip() if content else ""
                else:
                    if member.name in pictures:
                        listing.leave_out(path, "earlier one of the same name")
                    pictures[member.name] = TarMember(file, member.name, member.offset_data, member.size)
    except (tarfile.TarError, EOFError) as error:
        raise ValueError(f"{to_printable(file)} is not a readable tar file: {error}") from error
    for name, picture in pictures.items():
        last = name.rpartition("/")[2]
        key = name.removesuffix(last) + last.partition(".")[0]  # WebDataset's, which several pictures may share
        yield picture, labels.get(os.path.splitext(name)[0]) or labels.get(key) or PurePosixPath(name).parent.name


def _refuse_member(member: tarfile.TarInfo) -> str:
    """Why a member is left out; "" if it is a picture or a .cls."""
    if any(map(is_litter, PurePosixPath(member.name).parts)):
        return IS_LITTER
    if not member.isreg() or member.issparse():
        return "a link, or no plain file"
    if member.name.endswith(".cls"):
        return f"a .cls of more than {MAX_CLASS} bytes" if member.size > MAX_CLASS else ""
    return refusal_reason(member.name)


def _name_class(label: str, classes: list[str]) -> str:
    """The class of a label: by number in the list of names, else the number with zeros in front, or the word."""
    if label.isdecimal():
        return classes[int(label)] if int(label) < len(classes) else f"{int(label):04d}"
    return os.path.basename(label)
