"""The page's scripts and styles, read from assets/ and joined: the browser asks no other host, no path shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).resolve().parent.parent / "assets"
STAGE = (
    "dom",
    "decode",
    "colours",
    "draw",
    "player",
    "lane",
    "film",
    "transport",
    "legend",
    "views",
    "explain",
    "patches",
    "grid",
    "cells",
    "token",
    "hand",
    "branches",
    "link",
    "inbox",
    "stream",
    "stage",
)


def drawn(files: Sequence[str], call: str, **constants: Any) -> dict[str, Any]:
    """Arguments of a gr.HTML that a script draws: the files, the constants they use, and the call that mounts it."""
    parts = [script(name) for name in files]
    values = [f"const {name} = {json.dumps(value, ensure_ascii=False)};" for name, value in constants.items()]
    return {
        "html_template": "<div></div>",  # fixed: what is drawn in it survives every update
        "js_on_load": "\n".join([*parts, *values, call]),
        "apply_default_css": False,
    }


def script(name: str) -> str:
    """One of the page's scripts."""
    return (ASSETS / "js" / f"{name}.js").read_text(encoding="utf-8")


def styles() -> str:
    """All style sheets, in the order of their names."""
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted((ASSETS / "css").glob("*.css")))
