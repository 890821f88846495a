"""Who may import whom in the engine: data flows one way. For the rest see the files beside this one."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = {"transformer", "generator", "critic", "tokenizer", "classifier", "vqgan", "adaln"}
CORE = {"", "config", "settings", "schedule", "step", "noise", "rule", "rules", "sampler"}
MEASURES = {
    "checks",
    "contested",
    "distance",
    "psnr",
}  # what training, evaluation and the page measure with: below all of them
ALLOWED = {
    "": set(),
    "schedule": set(),
    "plots": set(),
    "sheet": set(),
    "psnr": set(),
    "binomial": set(),
    "reports": {"binomial", "rules"},
    "distance": set(),
    "checks": {"data"},
    "noise": {"noise_triton"},
    "noise_triton": set(),
    "step": {""},
    "settings": set(),
    "configs": set(),
    "rule": {"noise", "schedule", "settings"},
    "rules": {"noise", "rule", "schedule"},
    "sampler": {"", "noise", "rule", "step"},
    "config": {"rule", "rules", "schedule", "settings"},
    "fill": {"", "noise"},
    "contested": {"fill", "noise"},
    "packed": set(),
    "transformer": {"config", "packed"},
    "tokenizer": {"config"},
    "generator": {"", "config", "transformer"},
    "critic": {"config", "transformer", "generator"},
    "vqgan": {"settings"},
    "adaln": {"", "settings", "transformer"},
    "classifier": {"config"},
    "cli": set(),
    "device": set(),
    "watch": set(),
    "distributed": {"watch"},
    "flops": {"adaln", "config", "models"},
    "data": {"cli", "config", "device"},
    "weights": set(),
    "models": {"config"} | MODELS,
    "pack": {"cli", "config", "data", "models", "settings", "tokenizer", "weights"},
    "precision": {"device", "transformer"},
    "networks": {"config", "pack", "precision"} | MODELS,
    "session": {"device", "distance", "networks", "pack", "precision"} | CORE | MODELS,
    "refine": {"", "config", "session", "settings", "step"},
    "critic_example": {"fill", "noise", "session"},
    "sample": {"cli", "config", "rule", "rules", "session", "sheet", "step"},
    "convert": {"cli", "config", "models", "pack", "weights"} | MODELS,
    "bench": {"cli", "configs", "device", "models", "precision", "session"} | CORE | MODELS,
    "train": {"cli", "configs", "data", "device", "distributed", "flops", "models", "pack", "plots", "weights"}
    | MEASURES
    | CORE
    | MODELS,
    "evaluate": {
        "cli",
        "data",
        "device",
        "distributed",
        "fill",
        "pack",
        "plots",
        "sample",
        "session",
        "sheet",
        "classifier",
        "weights",
        "binomial",
        "refine",
        "reports",
    }
    | MEASURES
    | CORE,
}
# What app/ may know of the engine. Session is the door: networks, packs and files of weights are behind it.
DOORS = {
    *("session", "refine", "critic_example", "reports"),  # what can be done with a pack, and what was measured of it
    *("", "config", "settings", "rule", "rules", "step"),  # the words that both sides speak
    *(
        "binomial",
        "checks",
        "cli",
        "plots",
        "sheet",
        "data.decode",
    ),  # a sign test, faults of avatars, one line for an error, figures, sheets, a visitor's picture file
}


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
