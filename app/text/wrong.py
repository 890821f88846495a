"""What is wrong with what a visitor asked for: raised with the key of its words, said in the visitor's language."""

from __future__ import annotations

from functools import reduce
from typing import Any

from app.text.words import ENGLISH, fill, words


class Wrong(ValueError):
    """`key` names a text, as "files.none"; its {places} are given by name. As a string it is the English text."""

    def __init__(self, key: str, **values: Any) -> None:
        self.key, self.values = key, values
        super().__init__(self.say(ENGLISH))

    def say(self, language: str) -> str:
        return fill(text_of(language, self.key), **self.values)


def text_of(language: str, key: str) -> str:
    """Return the text of a key, as "files.none"."""
    found: Any = reduce(lambda tree, name: tree[name], key.split("."), words(language))
    assert isinstance(found, str), key
    return found


def say(error: Exception, language: str) -> str:
    """Return the error in a language; one that has no words of its own stays as it was raised."""
    return error.say(language) if isinstance(error, Wrong) else str(error)
