"""Words of Gradio's own components. The browser puts those of its language in their place (assets/language.js)."""

from __future__ import annotations

import gradio as gr
from gradio.i18n import I18nData

from app.text.particles import hold_particles
from app.text.words import ENGLISH, flatten, languages, words

_shown: set[str] = set()  # keys that the page's components have asked for
PREFIX = "tc."  # Gradio has words of its own beside these


def label(key: str) -> I18nData:
    """Return what stands for the text of a key, as "labels.run". Raises KeyError for an unknown one."""
    if key not in dict(flatten(words(ENGLISH))):
        raise KeyError(key)
    _shown.add(key)
    return I18nData(PREFIX + key)


def translations() -> gr.I18n:
    """Return the words in all languages that components of the page show, as Gradio takes them."""
    return gr.I18n(
        **{
            language: {PREFIX + key: hold_particles(text) for key, text in flatten(words(language)) if key in _shown}
            for language in languages()
        }
    )
