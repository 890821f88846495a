"""Files that are there whole or as they were, whatever is killed meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def write_atomic(file: Path) -> Iterator[BinaryIO]:
    """Write beside `file`, flush to disk, then rename: whatever is killed meanwhile, it is there whole or as it was."""
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)
