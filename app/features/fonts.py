"""A font for the letters of a language: what is drawn on the server needs one that is installed there."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from matplotlib import font_manager, get_data_path
from matplotlib.ft2font import FT2Font

from app.text.words import ENGLISH, Words, flatten, words

SHIPPED = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"  # with matplotlib
DRAWN = ("files", "names")  # whose words stand in files


def choose_words(language: str) -> tuple[Words, Path | None]:
    """Return the words for drawings, and their font; the English ones where no font has the letters of the language."""
    font = find_font(language)
    return (words(language), font) if font else (words(ENGLISH), None)


@cache
def find_font(language: str) -> Path | None:
    """Return the first font with all letters of a language; None: the usual one, or none that is here has them."""
    if language == ENGLISH:
        return None
    said = [text for key, text in flatten(words(language)) if key.partition(".")[0] in DRAWN]
    needed = {ord(letter) for letter in "".join(said) if letter.isprintable()}
    installed = map(Path, sorted(font_manager.findSystemFonts()))
    return next((path for path in (SHIPPED, *installed) if needed <= _letters(path)), None)


def _letters(path: Path) -> set[int]:
    try:
        return set(FT2Font(str(path)).get_charmap())
    except (OSError, RuntimeError):  # a file that is no font, or one without letters
        return set()
