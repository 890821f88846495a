"""Reads every picture of a listing once: can it be read, and what is it? Large sets are remembered on disk."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np
from tqdm import tqdm

from engine.data.atomic import write_atomic
from engine.data.decode import TarMember, explain_error, read_picture
from engine.data.pictures import hash_pixels

Found = list[tuple[str, str, str]]  # hashes of each picture's pixels and file, and why it cannot be read ("" if it can)
BATCH = 32  # pictures of one task
MANY = 50_000  # pictures from which on processes read; to start one takes as long as to read some thousands
MAX_WORKERS = 16


def take_in(
    paths: Sequence[Path | TarMember], size: int, images: np.ndarray | None, cache: Path | None = None
) -> Found:
    """Read all pictures. Fills `images` (M, size, size, 3), if given.

    Without `images` what was found is kept in the file `cache`, and not read again while no file changes.
    """
    stamp = _stamp(paths, size) if cache and images is None else ""
    if cache and stamp and (found := _load(cache, stamp, len(paths))) is not None:
        return found
    found = list(_read_all(paths, size, images))
    if cache and stamp:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with write_atomic(cache) as out:
            out.write(json.dumps({"stamp": stamp, "found": found}).encode())
    return found


def _read_all(
    paths: Sequence[Path | TarMember], size: int, images: np.ndarray | None
) -> Iterator[tuple[str, str, str]]:
    parts = [paths[first : first + BATCH] for first in range(0, len(paths), BATCH)]
    with tqdm(total=len(paths), desc="reading pictures", unit="picture", file=sys.stderr, leave=False) as bar:
        pool, done = _open_pool(len(paths)), 0
        try:
            tasks: list[Future[list[tuple[str, str, str, np.ndarray | None]]]] = [
                pool.submit(read_part, part, size, images is not None) for part in parts
            ]
            for task in tasks:
                part = task.result()
                for i, (content, file, why, image) in enumerate(part, done):
                    if images is not None and image is not None:
                        images[i] = image
                    yield content, file, why
                done += len(part)
                bar.update(len(part))
        except BrokenProcessPool as error:
            raise OSError("a process that read pictures was ended, perhaps for want of memory") from error
        finally:
            pool.shutdown(cancel_futures=True)


def _open_pool(pictures: int) -> Executor:
    """Threads do for few pictures. Python's lock slows them where pictures are small: processes read many."""
    workers = min(MAX_WORKERS, os.cpu_count() or 1)
    if pictures < MANY:
        return ThreadPoolExecutor(workers)
    return ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin_worker)


def _begin_worker() -> None:
    """Leave it to the process that started this one to hear Ctrl-C, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def read_part(
    paths: Sequence[Path | TarMember], size: int, keep: bool
) -> list[tuple[str, str, str, np.ndarray | None]]:
    """Hashes of each picture and of its file, why it cannot be read, and its pixels if they are to be kept."""
    found: list[tuple[str, str, str, np.ndarray | None]] = []
    for path in paths:
        try:
            image = read_picture(path, size)
        except ValueError as error:
            found.append(("", "", explain_error(error.__cause__ or error), None))
            continue
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        found.append((hash_pixels(image), content, "", image if keep else None))
    return found


def _stamp(paths: Sequence[Path | TarMember], size: int) -> str:
    """SHA-256 of names, lengths and times of all files. The time of the last change of a file cannot be set back."""
    stamp = hashlib.sha256(str(size).encode())
    for path in paths:
        status = path.stat()
        stamp.update(os.fsencode(str(path)) + b"\0")
        stamp.update(f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino};".encode())
    return stamp.hexdigest()


def _load(cache: Path, stamp: str, count: int) -> Found | None:
    """What the cache knows of these files; None if it is of others, or cannot be read."""
    try:
        content = json.loads(cache.read_text(encoding="utf-8"))
        found = [(str(picture), str(file), str(why)) for picture, file, why in content["found"]]
        return found if content["stamp"] == stamp and len(found) == count else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
