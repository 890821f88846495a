"""How to use the page from code, and about it: papers, licences, the cards of its packs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.components.label import label as text
from app.components.mounted import Mounted
from app.packs import Packs
from app.request import initial_configs
from app.text import snippets

# To a file of the pack, which the page does not serve.
RELATIVE_LINK = re.compile(r"\[([^\]]*)\]\((?!https?://|#)[^)]*\)")


class Snippets(Mounted):
    """Texts to copy: (title, text). The script replaces `{origin}` with the page's own address."""

    def __init__(self, pieces: Sequence[tuple[str, str]], **props: Any) -> None:
        super().__init__("snippets", [list(piece) for piece in pieces], **props)


@dataclass(frozen=True, kw_only=True)
class About:
    machine: gr.Markdown  # what the networks run on: filled in when the place is first opened
    ask: Mounted  # its event `input` asks for that


def build(packs: Packs) -> About:
    session = packs.session(packs.first, loaded=False)
    label = session.classes[-1].replace('"', '\\"')
    filled = {
        "{label}": label,
        "{quoted_label}": label.replace("'", "'\\''"),
        "{rule}": initial_configs(session)[1].rule,
    }
    with gr.Column(elem_classes="tc-place", elem_id="tc-use"):
        Mounted("heading-use")
        Snippets([(title, _fill(text, filled)) for title, text in snippets.CODE])
        with gr.Column(elem_id="tc-about"):
            Mounted("heading-about")
            gr.Markdown(text("about"), elem_classes="tc-prose")
            machine = gr.Markdown("", elem_classes="tc-prose", elem_id="tc-machine")
            Snippets(snippets.CITATIONS)
            for name in packs.names:
                if card := packs.card(name):
                    with gr.Accordion(f"{text('labels.card')}: {name}", open=False, elem_classes="tc-card"):
                        gr.Markdown(RELATIVE_LINK.sub(r"\1", card), elem_classes="tc-prose")
    return About(machine=machine, ask=Mounted("about", elem_classes="tc-hidden"))


def _fill(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text
