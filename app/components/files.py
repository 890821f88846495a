"""Keep and share: make a file of a run, or open one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from app.components.choices import Choice
from app.text import en


@dataclass(frozen=True, kw_only=True)
class Files:
    kind: Choice
    lanes: Choice
    at: gr.Number  # position of the playhead, filled in by the page
    make: gr.Button
    made: gr.File
    open: gr.UploadButton


def build(kinds: Sequence[str]) -> Files:
    """`kinds` are the suffixes of the files that can be made."""
    title = en.FILES["title"]
    with gr.Accordion(title, open=False, elem_classes="tc-fold", elem_id="tc-files"), gr.Row(elem_classes="tc-files"):
        kind = Choice([(name, en.FILE_FORMATS[name]) for name in kinds], en.FILES["format"], value="gif")
        lanes = Choice(list(en.FILES_WHICH.items()), en.FILES["lanes"], value="all")
        make = gr.Button(en.FILES["make"], elem_id="tc-make", min_width=60)
        made = gr.File(label=en.FILES["made"], interactive=False, visible=False, height=60, elem_id="tc-made")
        at = gr.Number(0, precision=0, visible=False)
        opened = gr.UploadButton(en.FILES["open"], file_types=[".json"], type="binary", elem_id="tc-open", min_width=60)
    return Files(kind=kind, lanes=lanes, at=at, make=make, made=made, open=opened)
