"""Words of Gradio's own components. The browser puts those of its language in their place (assets/language.js)."""

from __future__ import annotations

import gradio as gr
from gradio.i18n import I18nData

from app.text.words import ENGLISH, flatten, languages, words

PREFIX = "tc."  # Gradio has words of its own beside these
FILES = ("labels", "about")  # whose words such components show


def label(key: str) -> I18nData:
    """Return what stands for the text of a key, as "labels.run". Raises KeyError for an unknown one."""
    if key not in dict(flatten(words(ENGLISH))):
        raise KeyError(key)
    return I18nData(PREFIX + key)


def translations() -> gr.I18n:
    """Return the words of all languages, as Gradio takes them."""
    return gr.I18n(**{language: dict(_list_words(language)) for language in languages()})


def _list_words(language: str) -> list[tuple[str, str]]:
    shown = {name: tree for name, tree in words(language).items() if name in FILES}
    return [(PREFIX + key, text) for key, text in flatten(shown)]
