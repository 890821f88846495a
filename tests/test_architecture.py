"""Who may import whom in the engine: data flows one way. For the rest see the files beside this one."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = {"transformer", "generator", "critic", "tokenizer", "classifier"}
CORE = {"", "config", "settings", "schedule", "step", "noise", "rules", "sampler"}
ALLOWED = {
    "schedule": set(),
    "plots": set(),
    "noise": {"noise_triton"},
    "noise_triton": set(),
    "step": {""},
    "settings": set(),
    "rules": {"noise", "schedule", "settings"},
    "sampler": {"", "noise", "rules", "step"},
    "config": {"rules", "schedule", "settings"},
    "transformer": {"config"},
    "tokenizer": {"config"},
    "generator": {"", "config", "transformer"},
    "critic": {"config", "transformer", "generator"},
    "classifier": {"config"},
    "data": {"cli", "config"},
    "pack": {"config", "data"} | MODELS,
    "precision": {"device", "transformer"},
    "session": {"device", "pack", "precision"} | CORE | MODELS,
    "refine": {"", "config", "session", "step"},
    "fakes": {"", "noise", "session"},
    "train": {"cli", "data", "device", "pack", "plots", "evaluate"} | CORE | MODELS,
    "evaluate": {"cli", "data", "device", "pack", "plots", "sample", "session", "train", "classifier"} | CORE,
}


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def test_the_arrows_of_the_house() -> None:
    for file in (ROOT / "engine").rglob("*.py"):
        noun = file.relative_to(ROOT / "engine").parts[0].removesuffix(".py")
        seen = {name.split(".")[1] for name in imports(file) if name.startswith("engine.")}
        known = {
            name for name in seen if (ROOT / "engine" / name).is_dir() or (ROOT / "engine" / f"{name}.py").is_file()
        }
        assert not {name for name in imports(file) if name.split(".")[0] in ("gradio", "app")}, file
        if noun in ALLOWED:
            assert known - {noun} <= ALLOWED[noun], f"{file} imports {known - {noun} - ALLOWED[noun]}"


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
