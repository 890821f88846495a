"""Who may import whom in app/, who knows Gradio, and where its events are."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.test_architecture import ROOT, imports

APP = ROOT / "app"
SHARED = {"assets", "context", "frames", "interleave", "packs", "request", "runs", "text", "turns", "zerogpu"}
ALLOWED: dict[str, set[str]] = {  # module or folder of app/ -> what it may import
    "assets": set(),
    "text": set(),
    "frames": set(),
    "request": {"text"},
    "turns": set(),
    "packs": {"frames", "text", "turns"},
    "runs": {"frames", "request"},
    "context": {"packs", "runs", "text", "zerogpu"},
    "interleave": {"request"},
    "zerogpu": {"interleave", "request", "runs"},
    "features": SHARED,
    "server": {"assets", "context", "features", "frames", "text"},
    "components": {"assets", "packs", "request", "text"},
    "events": {"components", "context", "features", "server", "request"},
    "main": {"assets", "components", "context", "events", "features", "request", "server", "text"},
    "tools": SHARED | {"features", "main", "server"},
}
KNOW_GRADIO = {"main.py", "server/errors.py", "zerogpu.py"}  # and components/
LISTENERS = {"click", "input", "change", "select", "submit", "upload", "load", "expand", "collapse"}
LISTENERS |= {"then", "success", "failure", "on", "tick", "blur", "focus"}


def noun_of(file: Path) -> str:
    """The folder of a module of app/, else its name."""
    return file.relative_to(APP).parts[0].removesuffix(".py")


def test_the_arrows_of_the_app() -> None:
    for file in APP.rglob("*.py"):
        if file.name == "__init__.py":
            assert not imports(file), f"{file}: importing a folder does nothing"
            continue
        noun, found = noun_of(file), imports(file)
        assert noun in ALLOWED, f"{noun}: say here what it may import"
        targets = {name.split(".")[1] for name in found if name.startswith("app.")}
        assert targets - {noun} <= ALLOWED[noun], f"{file} imports {targets - {noun} - ALLOWED[noun]}"
        missing = [name for name in found if name.startswith("app.") and not is_module_or_member(name)]
        assert not missing, f"{file} imports {missing}"


def is_module_or_member(name: str) -> bool:
    """Whether a dotted name is a module or folder of this repository, or a name in one."""
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or any(one.with_suffix(".py").is_file() for one in (path, path.parent))


def test_what_is_allowed_is_what_there_is() -> None:
    assert ALLOWED.keys() == {noun_of(file) for file in APP.rglob("*.py")} - {"__init__"}


def test_there_is_no_circle_of_imports() -> None:
    files = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in APP.rglob("*.py")}
    waiting = {name: imports(file) & set(files) - {name} for name, file in files.items()}
    while ready := {name for name, needed in waiting.items() if not needed & set(waiting)}:
        waiting = {name: needed for name, needed in waiting.items() if name not in ready}
    assert not waiting, f"each imports another one of these: {sorted(waiting)}"


def test_only_components_the_page_and_errors_know_gradio() -> None:
    know = {file for file in APP.rglob("*.py") if "gradio" in {name.split(".")[0] for name in imports(file)}}
    others = {file.relative_to(APP).as_posix() for file in know if noun_of(file) != "components"}
    assert others == KNOW_GRADIO


def test_only_events_has_events() -> None:
    """Of the files that have components only one names a method that registers an event."""
    for file in APP.rglob("*.py"):
        if "gradio" in imports(file) or any(name.startswith("app.components") for name in imports(file)):
            tree = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            used = {node.attr for node in tree if isinstance(node, ast.Attribute)} & LISTENERS
            assert bool(used) == (file == APP / "events.py"), f"{file}: {used}"
