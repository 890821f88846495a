"""Figures with matplotlib, which needs a writable config folder before it is imported."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

WIDE = 10  # a logarithmic axis that spans less shows its smaller ticks' numbers, too

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure


def new_figure(**how: Any) -> Figure:
    """An empty figure without a window."""
    _set_config_folder()
    from matplotlib.figure import Figure

    return Figure(**how)


def use_log_scale(axes: Axes, which: str) -> None:
    """A logarithmic axis, "x" or "y", with plain numbers; with more of them where it spans little. After plotting."""
    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    low, high = getattr(axes, f"get_{which}lim")()
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("{x:g}" if high < WIDE * low else "")


class Interval(NamedTuple):
    """A figure with its 95 % interval, and how it is drawn."""

    name: str
    value: float
    ends: Sequence[float]
    colour: str


def plot_intervals(points: Sequence[Interval], label: str, floor: float | None, floor_name: str) -> Figure:
    """A line for each point, one below the other, on a logarithmic axis, and a dotted one at `floor`."""
    figure = new_figure(figsize=(8, 0.9 + 0.36 * len(points)), layout="constrained")
    axes = figure.add_subplot(xlabel=label)
    for y, (_, value, (low, high), colour) in enumerate(points):
        axes.errorbar(value, y, xerr=[[value - low], [high - value]], fmt="o", capsize=3, color=colour)
    axes.set_yticks(range(len(points)), [one.name for one in points])
    axes.invert_yaxis()
    if floor is not None:
        axes.axvline(floor, color="grey", linestyle="dotted", label=floor_name)
        axes.legend(fontsize=8)
    use_log_scale(axes, "x")
    axes.grid(axis="x", which="both", alpha=0.3)
    return figure


def open_pdf(out: BinaryIO) -> PdfPages:
    """A PDF of several pages, to be used with `with`; `savefig` adds one."""
    _set_config_folder()
    from matplotlib.backends.backend_pdf import PdfPages

    return PdfPages(out)


def colour_map(name: str) -> Colormap:
    """The colour map of that name."""
    _set_config_folder()
    from matplotlib import colormaps

    return colormaps[name]


def list_fonts() -> list[Path]:
    """Files of fonts: the one that comes with matplotlib, then those that are installed."""
    _set_config_folder()
    from matplotlib import font_manager, get_data_path

    shipped = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return [shipped, *map(Path, sorted(font_manager.findSystemFonts()))]


def list_letters(font: Path) -> set[int]:
    """Code points of the letters of a font; none of a file that is no font."""
    _set_config_folder()
    from matplotlib.ft2font import FT2Font

    try:
        return set(FT2Font(str(font)).get_charmap())
    except (OSError, RuntimeError):
        return set()


def _set_config_folder() -> None:
    """Give matplotlib a temporary config folder if the user's home is not writable. Otherwise it warns twice."""
    if os.environ.get("MPLCONFIGDIR") or _home_is_writable():
        return
    folder = os.environ["MPLCONFIGDIR"] = tempfile.mkdtemp(prefix="matplotlib-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _home_is_writable() -> bool:
    """Can this process write to the user's home?"""
    try:
        return Path.home().is_dir() and os.access(Path.home(), os.W_OK)
    except RuntimeError:
        return False
