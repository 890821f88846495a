"""What reports say (engine.reports), in the visitor's language.

The engine writes them in English. Their sentences and phrases are known by their English words, as in gettext, and what
stands in the places of one is looked up in turn. What is not known stays.
"""

from __future__ import annotations

import re
from functools import cache

from app.text.particles import choose_particles, hold_particles
from app.text.words import ENGLISH, compile_sentence, flatten, name_class, places, words

FIGURE = r"(?:[-+]?(?:\d[\d.,]*)?[\d∞]|–)(?: ?%)?(?: \([^()]+\))?"  # with its interval, as in 1.05 (0.89–1.21)
OF_NAMES = r"(?:locked|matched)\b"  # "Critic, locked" is one name
RULE = rf"(?:(?!; | and |, (?!{OF_NAMES})).)+"
EXPECTED = {"rule": RULE, "rows": ".+?", "settings": rf"(?!{OF_NAMES})[^;]+?"}
WORD = re.compile("[A-Za-z]{2,}")
NONE = "none"  # an empty list of classes
LONGEST = 2000  # characters; no sentence of the engine is as long, and what is longer would take long to know
LISTS = (("; ", "; "), (rf", (?!{OF_NAMES})| and ", ", "))  # how English parts a list, how another language does
TIMES = re.compile(r" (\([^()]+\))배")  # 0.72 (0.60–0.88)배 is read as 0.72배(0.60–0.88)


def say_report(language: str, text: str) -> str:
    """Return a sentence, a phrase or a name of a report in a language. TypeError where it is no text."""
    if not isinstance(text, str):
        raise TypeError(f"a report says {text!r}")
    if language == ENGLISH or len(text) > LONGEST:
        return text
    return str(hold_particles(choose_particles(_translate(language, text))))


def _translate(language: str, text: str) -> str:
    if not WORD.search(text):
        return text.replace(" %", "%")
    if text in (named := _names(language)):
        return named[text]
    said = _said(language)
    for key, pattern in _sentences().items():
        if found := pattern.fullmatch(text):
            values = {name: _say_value(language, name, value) for name, value in found.groupdict().items()}
            return TIMES.sub(r"배\1", said[key].format(**values))
    for parting, joint in LISTS:
        if len(parts := re.split(parting, text)) > 1:
            return joint.join(_translate(language, one) for one in parts)
    return text


def _say_value(language: str, place: str, value: str) -> str:
    if place.startswith("classes") and value != NONE:
        return "; ".join(name_class(words(language), one) for one in value.split("; "))
    if place.startswith("class_"):  # which may be called by any words
        return name_class(words(language), value)
    return _translate(language, value)


@cache
def _said(language: str) -> dict[str, str]:
    return dict(flatten(words(language)["reports"]))


@cache
def _names(language: str) -> dict[str, str]:
    """English text -> that of a language, of all that has no places: rules, columns, checks."""
    rules = (words(ENGLISH)["names"]["rules"], words(language)["names"]["rules"])
    pairs = (rules, (_said(ENGLISH), _said(language)))
    return {english[key]: own[key] for english, own in pairs for key in english if not places(english[key])}


@cache
def _sentences() -> dict[str, re.Pattern[str]]:
    return {key: compile_sentence(text, _expect) for key, text in _said(ENGLISH).items() if places(text)}


def _expect(place: str) -> str:
    """What may stand in a place of this name."""
    if place.startswith("more"):
        return ".*?"
    if place.startswith("classes"):
        return ".+?"
    if place[-1].isdigit():
        return FIGURE
    return EXPECTED.get(place, "[^;]+?")
