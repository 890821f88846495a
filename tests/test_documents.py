"""The pages beside the code: their links lead somewhere, and their commands are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from engine import __version__

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("*.md", "app/*.md", "engine/**/*.md", "weights/*/card.md", "weights/*/reports/README.md")
PAGES = sorted(page for place in PLACES for page in ROOT.glob(place))
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_are_there(page: Path) -> None:
    names = set(re.findall(r"python -m ((?:engine|app)[\w.]*\w)", page.read_text(encoding="utf-8")))
    paths = {name: ROOT / name.replace(".", "/") for name in names}
    gone = [n for n, path in paths.items() if not ((path / "__main__.py").exists() or path.with_suffix(".py").exists())]
    assert gone == []


def test_the_map_of_the_house_shows_what_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+?`) \|", text.split("## The map of the house")[1].split("\n## ")[0], re.MULTILINE)
    gone = []
    for first, *rest in (re.findall(r"[\w./-]+", row) for row in rows):
        paths = [ROOT / first, *((ROOT / first).parent / one if "/" not in one else ROOT / one for one in rest)]
        gone += [str(path.relative_to(ROOT)) for path in paths if "PACK" not in path.parts and not path.exists()]
    assert rows and gone == []


def test_the_changes_end_with_the_version_of_the_code_and_of_each_pack() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    code, packs = text.split("\n## Packs\n")
    released = re.findall(r"^### (\d+\.\d+\.\d+) ", code, re.MULTILINE)
    assert released[0] == __version__
    for config in ROOT.glob("weights/*/config.yaml"):
        version = yaml.safe_load(config.read_text(encoding="utf-8")).get("version")
        section = packs.split(f"\n### {config.parent.name}\n")[1].split("\n### ")[0]
        named = re.findall(r"^- \*\*([\d.]+)\*\*", section, re.MULTILINE)
        assert named[:1] == ([version] if version else []), config.parent.name
