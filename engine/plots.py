"""What is drawn with matplotlib, which wants a folder of its own before it is imported."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure


def new_figure(**how: Any) -> Figure:
    """An empty figure, of no window."""
    settle()
    from matplotlib.figure import Figure

    return Figure(**how)


def colour_map(name: str) -> Colormap:
    """The colour map of that name."""
    settle()
    from matplotlib import colormaps

    return colormaps[name]


def settle() -> None:
    """Before matplotlib is imported: give it a folder where the user has no home to write to; else it warns, twice."""
    if os.environ.get("MPLCONFIGDIR") or _home():
        return
    folder = os.environ["MPLCONFIGDIR"] = tempfile.mkdtemp(prefix="matplotlib-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _home() -> bool:
    """Can this user's home be written?"""
    try:
        return Path.home().is_dir() and os.access(Path.home(), os.W_OK)
    except RuntimeError:
        return False
