"""Who may import whom in the front end, and that it has one global."""

from __future__ import annotations

import re
from pathlib import Path

from tests.test_architecture import ROOT

JS = ROOT / "assets" / "js"
ALLOWED: dict[str, set[str]] = {  # module or folder of assets/js -> what it may import
    "lib": set(),
    "draw": set(),
    "playhead": set(),
    "store": set(),
    "transport": set(),
    "batch": {"transport"},
    "plans": {"transport"},
    "runs": {"draw", "lib", "store", "transport"},
    "controls": {"lib", "store"},
    "features": {"batch", "draw", "lib", "playhead", "store", "transport"},
    "stage": {"draw", "features", "lib", "playhead", "store"},
    "main": {"controls", "draw", "features", "lib", "plans", "runs", "stage", "store", "transport"},
}
IMPORT = re.compile(r"""^\s*(?:import|export)\b(?:[^;"'()=]*?\bfrom)?\s*["']([^"']+)["']""", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", re.DOTALL)  # imports of types are in comments


def code_of(file: Path) -> str:
    return COMMENT.sub("", file.read_text(encoding="utf-8"))


def imports_of(file: Path) -> set[Path]:
    """The modules that a module imports, not for types alone."""
    code = code_of(file)
    found = IMPORT.findall(code)
    assert not re.search(r"\bimport\(", code), f"{file} imports something later"
    assert all(name.startswith(".") and name.endswith(".js") for name in found), f"{file}: {found}"
    return {(file.parent / name).resolve() for name in found}


def noun_of(file: Path) -> str:
    """The folder of a module, else its name."""
    return file.relative_to(JS).parts[0].removesuffix(".js")


GRAPH = {file: imports_of(file) for file in JS.rglob("*.js")}


def test_the_arrows_of_the_front_end() -> None:
    for file, imported in GRAPH.items():
        noun = noun_of(file)
        assert imported <= GRAPH.keys(), f"{file} imports {imported - GRAPH.keys()}"
        found = {noun_of(other) for other in imported} - {noun}
        assert noun in ALLOWED, f"{noun}: say here what it may import"
        assert found <= ALLOWED[noun], f"{file} imports {found - ALLOWED[noun]}"


def test_what_is_allowed_is_what_there_is() -> None:
    assert ALLOWED.keys() == {noun_of(file) for file in GRAPH}


def test_there_is_no_circle_of_imports() -> None:
    waiting = dict(GRAPH)
    while ready := {file for file, needed in waiting.items() if not needed & waiting.keys()}:
        waiting = {file: needed for file, needed in waiting.items() if file not in ready}
    assert not waiting, f"each imports another one of these: {sorted(map(str, waiting))}"


def test_every_module_is_reached_from_the_first_one() -> None:
    reached, to_visit = set(), {JS / "main.js"}
    while to_visit:
        reached |= to_visit
        to_visit = set().union(*(GRAPH[file] for file in to_visit)) - reached
    assert reached == GRAPH.keys()


def test_the_page_has_one_global() -> None:
    places = [
        (file.name, line) for file in GRAPH for line in code_of(file).splitlines() if re.search(r"\bwindow\b", line)
    ]
    assert places == [("main.js", "window.tokenCritic = handle;")]
    assert not [file for file in GRAPH if re.search(r"\b(globalThis|self)\.\w+\s*=[^=]", code_of(file))]


def test_the_transport_alone_asks_the_server() -> None:
    """But for the page's description, which comes before there is a page."""
    asking = {file.relative_to(JS).as_posix() for file in GRAPH if re.search(r"\bfetch\(", code_of(file))}
    allowed = {"transport/server.js", "main.js"}
    assert asking == allowed, "call ask() of transport/server.js, and name no method fetch"
    code = "".join(map(code_of, GRAPH))
    assert not re.search(r"\b(XMLHttpRequest|EventSource|WebSocket|sendBeacon)\b", code)
