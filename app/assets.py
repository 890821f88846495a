"""The page's static files, read from assets/: JavaScript modules, style sheets."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

ASSETS = Path(__file__).resolve().parent.parent / "assets"


@cache
def modules() -> dict[str, bytes]:
    """The front end's modules: path below assets/js -> content."""
    folder = ASSETS / "js"
    files = sorted(folder.rglob("*.js"))
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@cache
def modules_path() -> str:
    """Where the modules are served, relative to the page. It holds a hash of all of them, so they can be cached."""
    content = json.dumps([[path, hashlib.sha256(text).hexdigest()] for path, text in modules().items()])
    return f"modules/{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def mount_script(part: str, given: Any = None) -> str:
    """The script of a Gradio component that a part of the front end draws (assets/js/main.js: mount)."""
    # In one string: Gradio takes each quoted word of a script for an event, and so for a property of the component.
    encoded = f'JSON.parse(decodeURIComponent("{quote(json.dumps(given))}"))'
    arguments = f"{json.dumps(part)}, {{ element, props, trigger, watch }}, {encoded}"
    return f"{import_script()}.then(({{ mount }}) => mount({arguments}));"


def import_script() -> str:
    """JavaScript that imports the front end, wherever the page is: also below a path of a proxy."""
    return f'import(location.pathname.replace(/\\/?$/, "/") + "{modules_path()}/main.js")'


@cache
def colours() -> dict[str, str]:
    """The page's colours in light mode, without "--tc-": name -> "#rrggbb". assets/css/page.css alone says them."""
    root = (ASSETS / "css" / "page.css").read_text(encoding="utf-8").partition(":root {")[2].partition("}")[0]
    return dict(re.findall(r"--tc-([a-z-]+): (#[0-9a-f]{6});", root))


def opening_script() -> str:
    """A script that runs before Gradio's own."""
    return (ASSETS / "opening.js").read_text(encoding="utf-8")


def language_script() -> str:
    """A script that chooses the language of the page. It runs before Gradio's own, too."""
    return (ASSETS / "language.js").read_text(encoding="utf-8")


def styles() -> str:
    """All style sheets, in the order of their names."""
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted((ASSETS / "css").glob("*.css")))
