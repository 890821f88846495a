"""Making files of a run, and opening one."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.exports import EXPORTS
from app.panels.choices import Choice
from app.text import en


@dataclass(frozen=True, kw_only=True)
class Files:
    kind: Choice
    which: Choice
    at: gr.Number  # the place of the playhead, filled in by the page
    make: gr.Button
    made: gr.File
    open: gr.UploadButton


def build() -> Files:
    title = en.FILES["title"]
    with gr.Accordion(title, open=False, elem_classes="tc-fold", elem_id="tc-files"), gr.Row(elem_classes="tc-files"):
        kind = Choice([(name, en.FILE_FORMATS[name]) for name in EXPORTS], en.FILES["format"], value="gif")
        which = Choice(list(en.FILES_WHICH.items()), en.FILES["lanes"], value="all")
        make = gr.Button(en.FILES["make"], elem_id="tc-make", min_width=60)
        made = gr.File(label=en.FILES["made"], interactive=False, visible=False, height=60, elem_id="tc-made")
        at = gr.Number(0, precision=0, visible=False)
        opened = gr.UploadButton(en.FILES["open"], file_types=[".json"], type="binary", elem_id="tc-open", min_width=60)
    return Files(kind=kind, which=which, at=at, make=make, made=made, open=opened)
