"""What the front end is told of the page, once: its words, its controls, what it opens with."""

from __future__ import annotations

from typing import Any

from app.context import Context
from app.features.exports import EXPORTS, PAPERS, SCALES
from app.features.lesson_schema import read_terms
from app.features.lessons import list_lessons
from app.features.presets import list_presets
from app.features.settings import complete_controls, visible_controls
from app.request import control_names
from app.text.particles import hold_particles
from app.text.words import Words, languages, words
from engine import SAMPLING_VERSION
from engine.rules import all_parameters


def describe_page(context: Context) -> dict[str, Any]:
    """Return plain values in the context's language; assets/js/main.js says what each of them is."""
    controls = complete_controls(context, {})
    presets, first = list_presets(context), context.packs.first
    return {
        "language": context.language,
        "languages": {language: words(language)["labels"]["language"] for language in languages()},
        "words": hold_particles(_list_words(context.words, presets)),
        "lessons": hold_particles(list_lessons(context, context.language)),
        "terms": hold_particles(read_terms(context.language)),
        "names": control_names(),
        "controls": controls,
        "visible": visible_controls(controls),
        "offered": first,
        "version": SAMPLING_VERSION,
        "opens_with": next(iter(presets.get(first, [])), ""),
    }


def _list_words(said: Words, presets: dict[str, list[str]]) -> dict[str, Any]:
    titles, files, gallery = said["presets"]["all"], said["files"], said["gallery"]
    return {
        **said["stage"],
        **{
            name: said[name]
            for name in (
                "labels",
                "names",
                "places",
                "drawer",
                "lessons",
                "gallery",
                "own",
                "game",
                "results",
                "vote",
                "code",
            )
        },
        "explain": {
            **said["explain"],
            "all": {**_explain_others(), **said["explain"]["all"], "measures": said["results"]["measures"]},
        },
        "presets": {
            "label": said["presets"]["label"],
            "help": said["presets"]["help"],
            "titles": {pack: {key: titles[key]["title"] for key in keys} for pack, keys in presets.items()},
        },
        "miniature": {**gallery, **gallery["miniature"]},
        "files": {
            **files,
            "kinds": {kind: files["kinds"][kind] for kind in EXPORTS},
            "papers": {paper: files["papers"][paper] for paper in PAPERS},
            "scales": {scale: files["scales"][scale] for scale in SCALES},
        },
    }


def _explain_others() -> dict[str, dict[str, str]]:
    """Return an explanation for each rule's parameter: for a new one, which has no words yet, the rule's own help."""
    own = {name: spec.metadata for name, spec in all_parameters().items()}
    return {name: {"name": of["symbol"] or name, "formula": "", "text": of["help"]} for name, of in own.items()}
