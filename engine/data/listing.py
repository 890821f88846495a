"""Lists the picture files of a folder of class folders, and what is left out and why."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from tqdm import tqdm

from engine.cli import to_printable
from engine.data.decode import NOT_READ, TarMember, known_formats

SPLITS = {
    **{"train": "train", "training": "train"},
    **dict.fromkeys(("test", "testing", "val", "valid", "validation"), "test"),
}
IS_LITTER = "hidden, or of a system or program"
LITTER = {  # files of systems and programs, in small letters; names that begin with a dot are left out, too
    *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"),
    *("$recycle.bin", "system volume information", "lost+found", "@eadir", "__pycache__"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A picture file of a listing. `path` names it there, and orders it."""

    path: PurePosixPath
    label: str
    split: str  # "" if it says none
    source: Path | TarMember


@dataclass(kw_only=True)
class Listing:
    """The picture files below a folder, sorted by path, and what is left out, by reason."""

    root: Path
    bar: Any = None  # counts files while a large folder is listed
    files: list[Entry] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, path: PurePosixPath, reason: str, mark: str = "") -> None:
        self.left_out.setdefault(reason, []).append(to_printable(path) + mark)


def list_pictures(root: Path) -> Listing:
    """List a folder, following links. ValueError if it seems to have another layout."""
    if not root.is_dir():
        raise FileNotFoundError(f"{to_printable(root)} is not a folder: give a folder of class folders")
    status = os.stat(root)
    with tqdm(desc="listing pictures", unit="file", file=sys.stderr, leave=False) as bar:
        listing = Listing(root=root, bar=bar)
        paths = sorted(_list_below(listing, PurePosixPath(), {(status.st_dev, status.st_ino)}))
    for path in paths:
        if len(path.parts) == 1:
            listing.leave_out(path, "in no class folder")
        else:
            split = parse_split(path.parts[0]) if len(path.parts) > 2 else ""  # in SPLIT/CLASS/; else in CLASS/
            label = to_printable(path.parts[1 if split else 0])
            listing.files.append(Entry(path=path, label=label, split=split, source=root / path))
    check_beside_splits(listing.files, "{}/CLASS/")
    _check_layout(root, listing.files)
    return listing


def parse_split(name: str) -> str:
    """The split that a folder or tar file of this name holds; "" if it is none's name."""
    return SPLITS.get(name.lower(), "")


def _list_below(listing: Listing, folder: PurePosixPath, seen: set[tuple[int, int]]) -> list[PurePosixPath]:
    """Pictures below a folder. `seen` holds the ids of its parents and of the folders of its class so far."""
    try:
        entries = sorted(os.scandir(listing.root / folder), key=os.DirEntry.is_symlink)  # links last
    except OSError as error:
        listing.leave_out(folder, f"cannot be opened: {error.strerror}", "/")
        return []
    found: list[PurePosixPath] = []
    for entry in entries:
        listing.bar.update()
        path, is_folder = folder / entry.name, _ask(entry.is_dir)
        if is_litter(entry.name):
            listing.leave_out(path, IS_LITTER, "/" if is_folder else "")
        elif is_folder:
            found += _enter_folder(listing, path, seen)
        elif not _ask(entry.is_file):
            listing.leave_out(path, "leads to nothing" if entry.is_symlink() else "no file")
        elif why := refusal_reason(entry.name):
            listing.leave_out(path, why)
        else:
            found.append(path)
    return found


def _enter_folder(listing: Listing, path: PurePosixPath, seen: set[tuple[int, int]]) -> list[PurePosixPath]:
    """Pictures below a folder. It is entered once per class, because links can form a circle."""
    status = os.stat(listing.root / path)
    where = (status.st_dev, status.st_ino)
    if where in seen:
        listing.leave_out(path, "leads to a folder that is taken already", "/")
        return []
    begins_class = len(path.parts) == 1 or (len(path.parts) == 2 and parse_split(path.parts[0]))
    own = {*seen, where} if begins_class else seen
    own.add(where)
    found = _list_below(listing, path, own)
    if not found and begins_class:
        listing.leave_out(path, "no picture in it", "/")
    return found


def _ask(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:  # a link to itself
        return False


def is_litter(name: str) -> bool:
    return name.startswith(".") or name.lower() in LITTER


def refusal_reason(name: str) -> str:
    """Why a file of this name is not read; "" if it is."""
    kind = known_formats().get(os.path.splitext(name)[1].lower())
    return "no picture by its name" if kind is None else NOT_READ.get(kind, "")


def check_beside_splits(files: Sequence[Entry], place: str) -> None:
    """ValueError if there are pictures of `train` and one of no split. `place` is where those of the split {} lie."""
    other = [file for file in files if not file.split]
    if other and any(file.split == "train" for file in files):
        raise ValueError(
            f"{to_printable(other[0].source)}: beside {place.format('train')} there can only be "
            f"{place.format('test')}, or val, valid, validation in its place: move it away"
        )


def _check_layout(root: Path, files: Sequence[Entry]) -> None:
    """ValueError if the class folders seem to be one level deeper, or if they contain the splits."""
    paths = [file.path for file in files]
    if len({file.label for file in files}) == 1:
        tops = {path.parts[0] for path in paths}
        bases = [_common_prefix([path.parts[:-1] for path in paths if path.parts[0] == top]) for top in sorted(tops)]
        if not any(path.parts[:-1] in bases for path in paths):  # they contain only folders
            where = to_printable(root.joinpath(*bases[0]))
            do = f"give data={shlex.quote(where)}" if len(bases) == 1 else "move them up by one folder in each split"
            raise ValueError(
                f"{where} holds folders of pictures: if they are the classes, {do}; "
                "if they are all of one class, put their pictures into one folder"
            )
    inner = {file.path.parts[:2] for file in files if len(file.path.parts) > 2 and not file.split}
    for name, split in sorted(inner):
        if {"train", "test"} == {parse_split(other) for of, other in inner if of == name} - {""}:
            raise ValueError(
                f"{to_printable(root / name / split)}: the split comes before the class: "
                f"expected {to_printable(root / split / name)}"
            )


def _common_prefix(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The longest common prefix of all paths."""
    first, last = min(paths), max(paths)
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:same]
