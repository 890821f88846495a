"""What the front end is told of the page, once: its words, its controls, what it opens with."""

from __future__ import annotations

from typing import Any

from app.context import Context
from app.features.exports import EXPORTS, SCALES
from app.features.lesson_schema import read_terms
from app.features.lessons import list_lessons
from app.features.presets import list_presets
from app.features.settings import complete_controls, visible_controls
from app.request import control_names
from app.text import en, explain
from app.text import lessons as lessons_text
from app.text import presets as presets_text
from app.text import results as results_text
from engine import SAMPLING_VERSION


def describe_page(context: Context) -> dict[str, Any]:
    """Return plain values; assets/js/main.js says what each of them is."""
    controls = complete_controls(context, {})
    presets, first = list_presets(context), context.packs.first
    return {
        "words": {
            **en.STAGE,
            "explain": explain.list_explanations(),
            "presets": {
                "label": presets_text.ROW["label"],
                "titles": {
                    pack: {key: presets_text.TITLES_AND_HINTS[key][0] for key in keys} for pack, keys in presets.items()
                },
            },
            "gallery": en.GALLERY,
            "results": results_text.RESULTS,
            "miniature": results_text.MINIATURE,
            "vote": results_text.VOTE,
            "own": en.OWN,
            "game": en.GAME,
            "files": {
                **en.FILES,
                "kinds": {kind: en.FILE_FORMATS[kind] for kind in EXPORTS},
                "which": en.FILES_WHICH,
                "scales": {scale: en.FILE_SCALES[scale] for scale in SCALES},
            },
            "snippets": en.SNIPPETS,
            "lessons": lessons_text.LESSONS,
        },
        "lessons": list_lessons(context, lessons_text.LANGUAGE),
        "terms": read_terms(lessons_text.LANGUAGE),
        "names": control_names(),
        "controls": controls,
        "visible": visible_controls(controls),
        "offered": first,
        "version": SAMPLING_VERSION,
        "opens_with": next(iter(presets.get(first, [])), ""),
    }
