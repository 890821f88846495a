"""An element of the page that a part of the front end draws in."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.i18n import I18nData

from app.assets import mount_script


class Mounted(gr.HTML):
    """`part` names what is drawn (assets/js/main.js); `given` is what this one is built with, plain values."""

    def __init__(self, part: str, given: Any = None, **props: Any) -> None:
        super().__init__(
            html_template="<div></div>",  # fixed: what is drawn in it survives every update
            js_on_load=mount_script(part, given),
            apply_default_css=False,
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "drawn by the page's own scripts"}


def build_section(title: str | I18nData, part: str, elem_id: str) -> gr.Accordion:
    """A folded section that holds one part."""
    with gr.Accordion(title, open=False, elem_classes="tc-fold", elem_id=elem_id) as section:
        Mounted(part)
    return section
