"""A font for the letters of a language: what is drawn on the server needs one that is installed there."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from app.text.words import ENGLISH, Words, flatten, words
from engine.plots import list_fonts, list_letters

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
    return next((path for path in list_fonts() if needed <= list_letters(path)), None)
