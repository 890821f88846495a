"""Lessons: short texts that drive the page. One YAML file each (assets/lessons/README.md), and one per translation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from app.context import Context
from app.features.claims import Evidence, check_claim
from app.features.lesson_file import Listing, Source, parse
from app.features.lesson_schema import (
    FOLDER,
    GLOSSARY,
    TRANSLATION,
    check_symbols,
    find_translation,
    list_texts,
    read_lesson,
    recorded_of,
)
from app.features.presets import Recording, load_recording
from app.text.words import ENGLISH, languages
from app.text.wrong import Wrong
from engine.config import TokenizerSizes


def list_lessons(context: Context, language: str = ENGLISH) -> list[dict[str, Any]]:
    """Return name, title, goal and minutes of each lesson whose recordings were made with the packs of this server."""
    found = []
    for name in list_names():
        lesson = read_shipped(name, language)
        recordings, packs = list_recordings(lesson), context.packs
        if all(one.pack in packs.names and one.weights == packs.fingerprint(one.pack) for one in recordings):
            found.append({"name": name, **{key: lesson[key] for key in ("title", "goal", "minutes")}})
    return found


def open_lesson(context: Context, name: object, text: object = "", language: object = ENGLISH) -> dict[str, Any]:
    """Return the lesson of a file: `text`, and its `name`. Without a text, the shipped lesson of that name.

    Raises Wrong with file and line for what is wrong in it.
    """
    if not isinstance(name, str) or not isinstance(text, str) or not isinstance(language, str):
        raise ValueError("name, text, language: expected texts")
    file = " ".join(name.split())[:60] or "lesson"
    spoken = language if language in languages() else ENGLISH  # each that is asked for is kept
    lesson = read_lesson(text, file) if text else read_shipped(name, spoken)
    for one in list_recordings(lesson):
        if one.pack not in context.packs.names:
            raise Wrong("errors.lesson.no_pack", name=repr(one.key), pack=repr(one.pack))
    return {"lesson": lesson}


def list_recordings(lesson: Mapping[str, Any]) -> list[Recording]:
    """Return the recordings that a lesson shows."""
    return [load_recording(key) for key in sorted({recorded_of(lesson, page) for page in lesson["pages"]})]


def list_names() -> list[str]:
    """Return the names of the shipped lessons, in their order."""
    names = [file.stem for file in FOLDER.glob("*.yaml") if file.stem != GLOSSARY]
    return sorted(names, key=lambda name: (read_shipped(name)["number"], name))


@cache
def read_shipped(name: str, language: str = ENGLISH) -> dict[str, Any]:
    """Return a shipped lesson in a language; what is not translated is English. Wrong for an unknown name."""
    file = FOLDER / f"{name}.yaml"
    if not re.fullmatch(r"[a-z0-9-]{1,60}", name) or name == GLOSSARY or not file.is_file():
        known = sorted(file.stem for file in FOLDER.glob("*.yaml") if file.stem != GLOSSARY)
        raise Wrong("errors.lesson.no_lesson", name=repr(name[:40]), known=", ".join(known))
    lesson = read_lesson(file.read_text(encoding="utf-8"), file.name)
    return merge(lesson, name, language)


def merge(lesson: dict[str, Any], name: str, language: str) -> dict[str, Any]:
    """Return a lesson with the texts of app/text/LANGUAGE/lessons/NAME.yaml, where there is that file."""
    file = find_translation(name, language)
    if file is None:
        return lesson
    source = Source(name=f"{language}/{file.name}")
    texts = TRANSLATION(source, parse(file.read_text(encoding="utf-8"), source))
    if len(texts["pages"]) != len(lesson["pages"]):
        raise source.error(texts.lines["pages"], "pages", count=len(lesson["pages"]))
    return {**_merged(lesson, texts), "pages": list(_pages(lesson, texts, source))}


def _pages(lesson: dict[str, Any], texts: dict[str, Any], source: Source) -> Iterator[dict[str, Any]]:
    for page, translated in zip(lesson["pages"], texts["pages"], strict=True):
        if ("action" in page) != ("action" in translated):
            raise source.error(translated.lines[""], "action")
        asked, answered = page["question"], translated["question"]
        if len(asked["answers"]) != len(answered["answers"]):
            raise source.error(answered.lines["answers"], "answers", count=len(asked["answers"]))
        answers = [_merged(*pair) for pair in zip(asked["answers"], answered["answers"], strict=True)]
        merged = {**_merged(page, translated), "question": {"ask": answered["ask"], "answers": answers}}
        if "action" in page:
            merged["action"] = {**page["action"], "do": translated["action"]["do"]}
        for text, line in list_texts(translated):
            check_symbols(text, line, source)
        yield merged


def _merged(one: Mapping[str, Any], texts: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, **{key: value for key, value in texts.items() if isinstance(value, str)}}


def check_claims(lesson: Mapping[str, Any], name: str, tokenizers: Mapping[str, TokenizerSizes]) -> list[str]:
    """Return a line for each claim of a lesson that does not hold on its recording, or is none.

    `tokenizers` are those of the packs, by name.
    """
    wrong = []
    for page in lesson["pages"]:
        recording = load_recording(recorded_of(lesson, page))
        evidence = Evidence(recording=recording, tokenizer=tokenizers[recording.pack])
        claims = page.get("claims", Listing())
        for claim, line in zip(claims, claims.lines, strict=True):
            try:
                said = check_claim(claim, evidence)
            except ValueError as error:
                said = str(error)
            if said:
                wrong.append(f"{name}, line {line}: {claim!r} does not hold: {said}")
    return wrong
