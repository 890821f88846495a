"""What a lesson's file may say, and whether what it names is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from app.assets import ASSETS
from app.features.claims import LANES
from app.features.lesson_file import Record, Source, flag, list_of, map_of, one_of, parse, plain, record, whole, words
from app.features.presets import load_recording
from app.request import control_names
from app.text.words import ENGLISH
from app.text.words import FOLDER as TEXT
from app.text.wrong import Wrong

FOLDER = ASSETS / "lessons"
GLOSSARY = "glossary"
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")
SYMBOL = re.compile(r"\$([^$\s]+)\$")
TITLE, SHORT, LONG = 80, 300, 1200  # characters

VIEW = record(
    {},
    {
        "proposal": one_of("picture", "masked", "heat", "tokens"),
        "layout": one_of("loop", "chain"),
        "asOrder": flag,
        "compares": flag,
    },
)
SHOW = record(
    {},
    {
        "recorded": words(TITLE),
        "step": whole(1, 1000),
        "lane": one_of(*LANES),
        "panel": one_of("input", "proposal", "scores", "decision"),
        "pinned": list_of(whole(1, 256), 2, 2),
        "view": VIEW,
        "place": one_of("gallery", "refine", "fakes", "results"),
        "play": flag,
    },
)
DONE = record(
    {},
    {
        "ran": flag,
        "third": flag,
        "played": flag,
        "pinned": flag,
        "step": whole(1, 1000),
        "marked": whole(1, 4096),
        "swapped": whole(1, 4096),
        "controls": map_of(plain, 8),
        "view": VIEW,
    },
)
ANSWER = {"text": words(SHORT), "why": words(SHORT)}
QUESTION = record(
    {"ask": words(SHORT), "answers": list_of(record(ANSWER, {"right": flag}), 2, 5)},
)
PAGE = record(
    {"title": words(TITLE), "text": words(LONG), "question": QUESTION},
    {
        "show": SHOW,
        "action": record({"do": words(SHORT)}, {"done": DONE}),
        "formulas": list_of(words(TITLE), 1, 3),
        "claims": list_of(words(SHORT), 1, 40),
    },
)
LESSON = record(
    {
        "number": whole(1, 1000),
        "title": words(TITLE),
        "goal": words(SHORT),
        "minutes": whole(1, 60),
        "recorded": words(TITLE),
        "pages": list_of(PAGE, 1, 12),
    }
)
TRANSLATION = record(
    {
        "title": words(TITLE),
        "goal": words(SHORT),
        "pages": list_of(
            record(
                {
                    "title": words(TITLE),
                    "text": words(LONG),
                    "question": record({"ask": words(SHORT), "answers": list_of(record(ANSWER), 2, 5)}),
                },
                {"action": record({"do": words(SHORT)})},
            ),
            1,
            12,
        ),
    }
)
MEANING = {"name": words(TITLE), "meaning": words(SHORT)}
TERMS = record(
    {
        "symbols": map_of(record({"math": words(SHORT), **MEANING}), 40),
        "formulas": map_of(record({"math": words(4000), **MEANING}), 40),
    }
)
TRANSLATED_TERMS = record({"symbols": map_of(record(MEANING), 40), "formulas": map_of(record(MEANING), 40)})


def read_lesson(text: str, name: str) -> dict[str, Any]:
    """Parse a lesson and check all but its claims. Raises Wrong with file and line for what is wrong."""
    source = Source(name=name)
    lesson = LESSON(source, parse(text, source))
    _check_recording(lesson["recorded"], source, lesson.lines["recorded"])
    for page in lesson["pages"]:
        _check_show(page, lesson, source)
        _check_action(page, source)
        rights = sum(answer.get("right", False) for answer in page["question"]["answers"])
        if rights != 1:
            raise source.error(page["question"].lines["answers"], "rights", count=rights)
        for formula in page.get("formulas", ()):
            if formula not in read_terms()["formulas"]:
                known = ", ".join(read_terms()["formulas"])
                raise source.error(page.lines["formulas"], "no_formula", name=repr(formula), known=known)
        for words_of_page, line in list_texts(page):
            check_symbols(words_of_page, line, source)
    return lesson  # type: ignore[no-any-return]


def list_texts(page: Record) -> Iterator[tuple[str, int]]:
    """The texts of a page, each with its line."""
    yield page["text"], page.lines["text"]
    question = page["question"]
    yield question["ask"], question.lines["ask"]
    for answer in question["answers"]:
        yield answer["text"], answer.lines["text"]
        yield answer["why"], answer.lines["why"]
    if "action" in page:
        yield page["action"]["do"], page["action"].lines["do"]


def check_symbols(text: str, line: int, source: Source) -> None:
    """Raise Wrong where a text names a symbol that the glossary does not have."""
    known = read_terms()["symbols"]
    for symbol in SYMBOL.findall(text):
        if symbol not in known:
            raise source.error(line, "no_symbol", name=f"${symbol}$", known=", ".join(known))


def _check_recording(key: str, source: Source, line: int) -> dict[str, Any]:
    try:
        return load_recording(key).frames[0]
    except Wrong as error:
        raise source.error_of(line, error) from error


def _check_show(page: Record, lesson: Record, source: Source) -> None:
    """Recording, lane, step and place exist."""
    show = page.get("show", Record())
    key = recorded_of(lesson, page)
    begin = _check_recording(key, source, show.lines["recorded"] if "recorded" in show else 0)
    lane, lanes = LANES.index(show.get("lane", LANES[0])), begin["lanes"]
    if lane >= len(lanes):
        raise source.error(show.lines["lane"], "lanes", name=repr(key), count=len(lanes))
    if show.get("step", 1) > lanes[lane]["steps"]:
        raise source.error(show.lines["step"], "step", step=show["step"], steps=lanes[lane]["steps"])
    if max(show.get("pinned", [1])) > begin["grid"]:
        raise source.error(show.lines["pinned"], "grid", grid=begin["grid"])


def _check_action(page: Record, source: Source) -> None:
    controls = page.get("action", {}).get("done", {}).get("controls", Record())
    known = control_names()
    for name in controls:
        if name not in known:
            raise source.error(controls.lines[name], "control", name=repr(name), known=", ".join(known))


def recorded_of(lesson: Mapping[str, Any], page: Mapping[str, Any]) -> str:
    """The recording that a page shows."""
    return str(page.get("show", {}).get("recorded", lesson["recorded"]))


def find_translation(name: str, language: str) -> Path | None:
    """The file with the texts of a lesson, or of the glossary, in a language, where there is one."""
    if language == ENGLISH or not LANGUAGE.fullmatch(language):
        return None
    file = TEXT / language / "lessons" / f"{name}.yaml"
    return file if file.is_file() else None


@cache
def read_terms(language: str = ENGLISH) -> dict[str, Any]:
    """Return the symbols and formulas that lessons can name, with what they mean in a language."""
    source = Source(name=f"{GLOSSARY}.yaml")
    terms = TERMS(source, parse((FOLDER / source.name).read_text(encoding="utf-8"), source))
    file = find_translation(GLOSSARY, language)
    if file is None:
        return terms  # type: ignore[no-any-return]
    source = Source(name=f"{language}/{file.name}")
    texts = TRANSLATED_TERMS(source, parse(file.read_text(encoding="utf-8"), source))
    return {kind: {key: {**one, **texts[kind].get(key, {})} for key, one in terms[kind].items()} for kind in terms}
