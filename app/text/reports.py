"""What reports say (engine.reports), in the visitor's language.

The engine writes them in English. Their sentences and phrases are known by their English words, as in gettext, and what
stands in the places of one is looked up in turn. What is not known stays.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from app.text.particles import choose_particles, hold_particles
from app.text.words import ENGLISH, compile_sentence, flatten, places, words

FIGURE = r"(?:[-+]?(?:\d[\d.,]*)?[\d∞]|–)(?: ?%)?(?: \([^()]+\))?"  # with its interval, as in 1.05 (0.89–1.21)
RULE = "(?:(?!; | and |, (?!locked|matched)).)+"  # a name, and no list
WORD = re.compile("[A-Za-z]{2,}")
LISTS = (("; ", "; "), (", (?!locked)| and ", ", "))  # how English parts a list, how another language does
TIMES = re.compile(r" (\([^()]+\))배")  # 0.72 (0.60–0.88)배 is read as 0.72배(0.60–0.88)


@lru_cache(maxsize=10_000)
def say_report(language: str, text: str) -> str:
    """Return a sentence, a phrase or a name of a report in a language."""
    return text if language == ENGLISH else str(hold_particles(choose_particles(_translate(language, text))))


def _translate(language: str, text: str) -> str:
    if not WORD.search(text.replace(" to ", "")):
        return text.replace(" to ", " ~ ").replace(" %", "%")
    if text in (named := _names(language)):
        return named[text]
    said = _said(language)
    for key, pattern in _sentences().items():
        if found := pattern.fullmatch(text):
            values = {name: _translate(language, value) for name, value in found.groupdict().items()}
            return TIMES.sub(r"배\1", said[key].format(**values))
    for parting, joint in LISTS:
        if len(parts := re.split(parting, text)) > 1:
            return joint.join(_translate(language, one) for one in parts)
    return text


@cache
def _said(language: str) -> dict[str, str]:
    return dict(flatten(words(language)["reports"]))


@cache
def _names(language: str) -> dict[str, str]:
    """English text -> that of a language, of all that has no places: rules, classes, columns."""
    kinds = ("rules", "classes")
    pairs = [(words(ENGLISH)["names"][kind], words(language)["names"][kind]) for kind in kinds]
    pairs.append((_said(ENGLISH), _said(language)))
    return {english[key]: own[key] for english, own in pairs for key in english if not places(english[key])}


@cache
def _sentences() -> dict[str, re.Pattern[str]]:
    return {key: compile_sentence(text, _expect) for key, text in _said(ENGLISH).items() if places(text)}


def _expect(place: str) -> str:
    """What may stand in a place of this name."""
    if place.startswith("more"):
        return ".*?"
    if place[-1].isdigit():
        return FIGURE
    return {"rule": RULE, "rows": ".+?"}.get(place, "[^;]+?")
