"""Who may import whom: data flows one way."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = {"transformer", "generator", "critic", "tokenizer", "classifier"}
CORE = {"", "config", "settings", "schedule", "step", "noise", "rule", "rules", "sampler"}
MEASURES = {"contested", "distance", "psnr"}  # what training, evaluation and the page measure with: below all of them
ALLOWED = {
    "": set(),
    "schedule": set(),
    "plots": set(),
    "sheet": set(),
    "psnr": set(),
    "binomial": set(),
    "distance": set(),
    "noise": {"noise_triton"},
    "noise_triton": set(),
    "step": {""},
    "settings": set(),
    "rule": {"noise", "schedule", "settings"},
    "rules": {"noise", "rule", "schedule"},
    "sampler": {"", "noise", "rule", "step"},
    "config": {"rule", "rules", "schedule", "settings"},
    "contested": {"", "noise"},
    "transformer": {"config"},
    "tokenizer": {"config"},
    "generator": {"", "config", "transformer"},
    "critic": {"config", "transformer", "generator"},
    "classifier": {"config"},
    "cli": set(),
    "device": set(),
    "data": {"cli", "config"},
    "weights": set(),
    "models": {"config"} | MODELS,
    "pack": {"config", "data", "models", "tokenizer", "weights"},
    "precision": {"device", "transformer"},
    "networks": {"config", "pack", "precision"} | MODELS,
    "session": {"device", "distance", "networks", "pack", "precision"} | CORE | MODELS,
    "refine": {"", "config", "session", "step"},
    "critic_example": {"", "noise", "session"},
    "sample": {"cli", "config", "rule", "rules", "session", "sheet", "step"},
    "bench": {"", "cli", "config", "device", "noise", "session"},
    "train": {"cli", "data", "device", "models", "pack", "plots"} | MEASURES | CORE | MODELS,
    "evaluate": {
        "cli",
        "data",
        "device",
        "pack",
        "plots",
        "sample",
        "session",
        "sheet",
        "classifier",
        "weights",
        "binomial",
    }
    | MEASURES
    | CORE,
}
# What app/ may know of the engine. Session is the door: networks, packs and files of weights are behind it.
DOORS = {
    *("session", "refine", "critic_example"),  # what can be done with a pack
    *("", "config", "settings", "rule", "rules", "step"),  # the words that both sides speak
    *(
        "binomial",
        "cli",
        "plots",
        "sheet",
        "data.decode",
    ),  # a sign test, one line for an error, figures, sheets, a visitor's picture file
}
SHARED = {"frames", "packs", "request", "runs", "context", "interleave", "text"}
APP = {  # module or folder of app/ -> what it may import
    "frames": set(),
    "packs": {"frames"},
    "request": set(),
    "runs": {"frames", "request"},
    "context": {"packs", "runs"},
    "interleave": {"request"},
    "text": set(),
    "assets": set(),
    "opening": {"assets"},
    "features": SHARED | {"assets"},
    "server": {"frames"},
    "components": {"assets", "packs", "request", "text"},
    "events": SHARED | {"components", "features", "server"},
    "main": SHARED | {"assets", "opening", "components", "features", "server", "events"},
    "tools": SHARED | {"features", "server", "main"},
}
LISTENERS = {"click", "input", "change", "select", "submit", "upload", "load", "expand", "collapse"}
LISTENERS |= {"then", "success", "failure", "on", "tick", "blur", "focus"}


@cache
def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def engine_modules() -> set[str]:
    return {module_name(one) for one in (ROOT / "engine").rglob("*.py")}


@cache
def module_imports(file: Path) -> set[str]:
    """The modules of the engine that a file imports: names in them, and folders that only lead to them, left out."""
    modules = engine_modules()
    found = imports(file) & modules
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and all(f"{node.module}.{alias.name}" in modules for alias in node.names):
            found -= {node.module or ""}
    return found


def test_the_arrows_of_the_house() -> None:
    for file in (ROOT / "engine").rglob("*.py"):
        noun = file.relative_to(ROOT / "engine").parts[0].removesuffix(".py").removesuffix("__init__")
        known = {name.partition(".")[2].partition(".")[0] for name in module_imports(file)}
        assert not {name for name in imports(file) if name.split(".")[0] in ("gradio", "app")}, file
        assert noun in ALLOWED, f"{noun}: say here what it may import"
        assert known - {noun} <= ALLOWED[noun], f"{file} imports {known - {noun} - ALLOWED[noun]}"


def test_training_and_evaluation_know_nothing_of_each_other() -> None:
    for one, other in (("train", "evaluate"), ("evaluate", "train")):
        for file in (ROOT / "engine" / one).rglob("*.py"):
            assert not {name for name in imports(file) if name.startswith(f"engine.{other}")}, file


def test_there_is_no_circle_of_imports() -> None:
    """Imports inside functions and for types alone are counted, too."""
    graph = {module_name(file): module_imports(file) for file in (ROOT / "engine").rglob("*.py")}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module not in done:
            for other in sorted(graph[module]):
                visit(other, (*path, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


def test_session_is_the_door_of_the_page() -> None:
    for file in [ROOT / "launch.py", *(ROOT / "app").rglob("*.py")]:
        known = {name.partition(".")[2] for name in module_imports(file)}
        assert known <= DOORS, f"{file} imports {known - DOORS}"


def app_noun(file: Path) -> str:
    """The folder of a module of app/, else its name."""
    return file.relative_to(ROOT / "app").parts[0].removesuffix(".py")


def test_the_arrows_of_the_app() -> None:
    for file in (ROOT / "app").rglob("*.py"):
        if file.name == "__init__.py":
            assert not imports(file), f"{file}: importing a folder does nothing"
            continue
        noun, found = app_noun(file), imports(file)
        targets = {name.split(".")[1] for name in found if name.startswith("app.")}
        assert targets - {noun} <= APP[noun], f"{file} imports {targets - {noun} - APP[noun]}"
        missing = [name for name in found if name.startswith("app.") and not is_module_or_member(name)]
        assert not missing, f"{file} imports {missing}"


def is_module_or_member(name: str) -> bool:
    """Whether a dotted name is a module or folder of this repository, or a name in one."""
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or any(one.with_suffix(".py").is_file() for one in (path, path.parent))


def test_there_is_no_circle_of_imports_in_the_app() -> None:
    files = {".".join(f.relative_to(ROOT).with_suffix("").parts): f for f in (ROOT / "app").rglob("*.py")}
    waiting = {name: imports(file) & set(files) - {name} for name, file in files.items()}
    while ready := {name for name, needed in waiting.items() if not needed & set(waiting)}:
        waiting = {name: needed for name, needed in waiting.items() if name not in ready}
    assert not waiting, f"each imports another one of these: {sorted(waiting)}"


def test_only_components_events_and_errors_know_gradio() -> None:
    for file in (ROOT / "app").rglob("*.py"):
        if any(name.split(".")[0] == "gradio" for name in imports(file)):
            name = str(file.relative_to(ROOT / "app"))
            assert app_noun(file) == "components" or name in ("main.py", "events.py", "server/errors.py"), name


def test_only_events_has_events() -> None:
    """Of the files that know Gradio only one names a method that registers an event."""
    for file in (ROOT / "app").rglob("*.py"):
        if "gradio" in imports(file):
            tree = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            used = {node.attr for node in tree if isinstance(node, ast.Attribute)} & LISTENERS
            assert bool(used) == (file == ROOT / "app" / "events.py"), f"{file}: {used}"


def test_the_engine_needs_no_gradio_and_importing_it_does_nothing(tmp_path: Path) -> None:
    modules = [".".join(f.relative_to(ROOT).with_suffix("").parts) for f in (ROOT / "engine").rglob("*.py")]
    code = f"import sys; sys.modules['gradio'] = None; sys.path.insert(0, {str(ROOT)!r})\n"
    code += "\n".join(
        f"import {name.removesuffix('.__init__')}"
        for name in modules
        if "imagenet" not in name and "triton" not in name
    )
    code += "\nassert 'matplotlib' not in sys.modules, 'it is for engine.plots to import'"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stdout and not list(tmp_path.iterdir())
