"""What is wrong with what a visitor asked for: raised with the key of its words, said in the visitor's language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, reduce
from typing import Any

from app.text.words import ENGLISH, compile_sentence, fill, words


class Wrong(ValueError):
    """`key` names a text, as "files.none"; its {places} are given by name, some as a Wrong. str() is in English."""

    def __init__(self, key: str, /, **values: Any) -> None:
        self.key, self.values = key, values
        super().__init__(self.say(ENGLISH))

    def say(self, language: str) -> str:
        return _fill(language, self.key, self.values)


def text_of(language: str, key: str) -> str:
    """Return the text of a key, as "files.none"."""
    found: Any = reduce(lambda tree, name: tree[name], key.split("."), words(language))
    assert isinstance(found, str), key
    return found


def say(error: Exception, language: str) -> str:
    """Return the error in a language.

    The engine speaks English alone: of its sentences those that a visitor can meet are known by their English words,
    as in gettext. One that is not known is quoted.
    """
    if isinstance(error, Wrong):
        return error.say(language)
    said = str(error)
    if language == ENGLISH:
        return said
    for key, pattern in _engine_sentences().items():
        if found := pattern.fullmatch(said):
            return _fill(language, f"errors.engine.{key}", found.groupdict())
    return fill(text_of(language, "errors.other"), message=said)


def _fill(language: str, key: str, values: Mapping[str, Any]) -> str:
    said = {name: value.say(language) if isinstance(value, Wrong) else value for name, value in values.items()}
    if "setting" in said:
        said["setting"] = _name_setting(language, said["setting"])
    return fill(text_of(language, key), **said)


def _name_setting(language: str, setting: str) -> str:
    """Return a setting as its control is called: steps_1=300 is "왼쪽 레인 단계 T=300". In English it stays."""
    found = re.fullmatch(r"(\w+?)(?:_([1-9]))?(=.*)?", setting, re.DOTALL)
    names, lanes = words(language)["labels"]["controls"], words(language)["stage"]["lanes"]
    if language == ENGLISH or found is None or found[1] not in names:
        return setting
    lane = f"{lanes[int(found[2]) - 1]} " if found[2] and int(found[2]) <= len(lanes) else ""
    return f"{lane}{names[found[1]]}{found[3] or ''}"


@cache
def _engine_sentences() -> dict[str, re.Pattern[str]]:
    return {key: compile_sentence(text) for key, text in words(ENGLISH)["errors"]["engine"].items()}
