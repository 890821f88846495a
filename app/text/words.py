"""Every word that the page shows: one folder of text files for each language, opened and checked here.

`words(language)` is a tree: the file's name, then the keys in it. A Markdown file is one text. English is the model:
another language has the same files, keys and {places}. Who adds a folder has added a language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

from app.text.particles import choose_particles

FOLDER = Path(__file__).parent
ENGLISH = "en"
Words = Mapping[str, Any]


@cache
def languages() -> list[str]:
    """Return the languages that have a folder, English first: the codes of BCP 47, as in "ko"."""
    found = sorted(one.name for one in FOLDER.iterdir() if (one / "labels.yaml").is_file())
    return sorted(found, key=lambda language: language != ENGLISH)


@cache
def words(language: str) -> Words:
    """Return the words of a language. Raises ValueError, with file and key, where they do not fit the English ones."""
    found = {
        file.stem: _read(file) for file in sorted((FOLDER / language).iterdir()) if file.suffix in (".yaml", ".md")
    }
    if language != ENGLISH:
        _check(FOLDER / language, dict(flatten(words(ENGLISH))), dict(flatten(found)))
    return found


@cache
def picture_names(language: str) -> Mapping[str, Mapping[str, str]]:
    """Return pack -> name of a picture in the pack -> its name in a language. One that has none keeps the pack's."""
    return {file.stem: _read(file) for file in sorted((FOLDER / language / "pictures").glob("*.yaml"))}


def choose_language(accepted: str) -> str:
    """Return the first known language of an Accept-Language header, by its weights; English where there is none."""
    asked = []
    for one in accepted.split(","):
        tag, _, weight = one.partition(";q=")
        asked.append((-_number(weight), tag.strip().lower()))
    for _, tag in sorted(asked, key=lambda one: one[0]):
        for language in languages():
            if tag == language.lower() or tag.partition("-")[0] == language.lower():
                return language
    return ENGLISH


def fill(sentence: str, **values: Any) -> str:
    """Fill the {places} of a sentence, as str.format does, and choose the particles after them."""
    return choose_particles(sentence.format(**values))


def name_class(said: Words, label: str | None) -> str:
    """Return a class's name in a language's words. Those of other packs have none there but their own."""
    return str(said["names"]["classes"].get(label, label))


def flatten(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield ("file.key.key", text) of all words in a tree."""
    if isinstance(tree, str):
        yield path, tree
        return
    for key, value in tree.items() if isinstance(tree, Mapping) else enumerate(tree):
        yield from flatten(value, f"{path}.{key}" if path else str(key))


def _read(file: Path) -> Any:
    """Return what is in a file: texts, lists of texts, and mappings of these. ValueError for anything else."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        return text
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{file}: expected keys with their texts")
    _refuse_others(file, found, "")
    return found


def _refuse_others(file: Path, value: Any, key: str) -> None:
    """YAML reads a bare yes, 4 or null as no text."""
    if isinstance(value, dict):
        for name, one in value.items():
            if not isinstance(name, str):
                raise ValueError(f"{file}: {f'{key}.{name}'.lstrip('.')}: put the key in quotes")
            _refuse_others(file, one, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list):
        for i, one in enumerate(value):
            _refuse_others(file, one, f"{key}.{i}")
    elif not isinstance(value, str):
        raise ValueError(f"{file}: {key}: expected a text, not {value!r}: put it in quotes")


def _check(folder: Path, english: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Raise ValueError for the first key that one of both lacks, and for other {places} than the English text has."""
    for key, text in english.items():
        file = folder / _file_of(key)
        name = key.partition(".")[2] or "the text"
        if key not in found:
            raise ValueError(f"{file}: {name} is missing: in English it is {text[:60]!r}")
        if places(found[key]) != places(text):
            wanted, got = (", ".join(sorted(one)) or "none" for one in (places(text), places(found[key])))
            raise ValueError(f"{file}: {name}: expected the places {wanted}, got {got}")
    if unknown := [key for key in found if key not in english]:
        raise ValueError(f"{folder / _file_of(unknown[0])}: {unknown[0].partition('.')[2]} is no key of English")


def _file_of(key: str) -> str:
    name = key.partition(".")[0]
    return f"{name}{'.yaml' if '.' in key else '.md'}"


def places(text: str) -> set[str]:
    """Return the names of the {places} in a text."""
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        return set(re.findall(r"\{[^{}]*\}?", text))


def compile_sentence(sentence: str, expect: Callable[[str], str] = lambda name: ".+?") -> re.Pattern[str]:
    """Return what matches a sentence with anything in its {places}, or with what `expect` gives for their names."""
    parts = (
        re.escape(text) + (f"(?P<{name}>{expect(name)})" if name is not None else "")
        for text, name, _, _ in Formatter().parse(sentence)
    )
    return re.compile("".join(parts), re.DOTALL)


def _number(weight: str) -> float:
    try:
        return float(weight) if weight else 1.0
    except ValueError:
        return 0.0
