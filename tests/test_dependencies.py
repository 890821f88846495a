"""What is installed: one list of ranges, and a lock file that keeps to it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def lines(name: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_requirements_txt_says_what_the_project_says() -> None:
    assert lines("requirements.txt") == project()["dependencies"]


def test_the_lock_file_pins_a_version_in_range_for_each_dependency() -> None:
    pins: dict[str, list[Requirement]] = {}
    for pin in map(Requirement, lines("requirements.lock")):
        pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    for wanted in map(Requirement, [*project()["dependencies"], *project()["optional-dependencies"]["dev"]]):
        found = pins[canonicalize_name(wanted.name)]
        versions = [str(pin.specifier).removeprefix("==") for pin in found]
        assert all(wanted.specifier.contains(version) for version in versions), f"{wanted}: run make lock"


def test_the_lock_files_name_no_registry_and_no_build_of_one_machine() -> None:
    for line in lines("requirements.lock"):
        assert not any(mark in line for mark in ("://", "--hash", "+", "@")), line
    for file in (ROOT / "package-lock.json", ROOT / "engine/data/avatars/package-lock.json"):
        packages = json.loads(file.read_text(encoding="utf-8"))["packages"]
        assert not [name for name, one in packages.items() if "resolved" in one], file
