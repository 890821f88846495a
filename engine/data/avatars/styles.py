"""Reads styles.yaml: classes, authors, licences and fine labels of the styles that avatars are drawn in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parent / "styles.yaml"


def read_styles() -> dict[str, dict[str, Any]]:
    """DiceBear's name of each style -> its entry in styles.yaml, in the order of the classes."""
    return _shard_file()["styles"]  # type: ignore[no-any-return]


def make_credits() -> str:
    """A Markdown table of authors and licences, for the model card and the page."""
    rows = [
        f"| {s['class']} | [{s['title']}]({s['source']}) | [{s['creator']}]({s['homepage']}) "
        f"| [{s['licence']}]({s['licence_url']}) |"
        for s in read_styles().values()
    ]
    head = ["| class | style | by | licence |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, "", f"Changes: {_shard_file()['changed']}."])


def get_group(rule: Mapping[str, str], recipe: Mapping[str, Any]) -> str:
    """The fine label of a recipe by a style's `group`, e.g. "short #ac6511". "none" if it has no such part."""
    matches = [re.match(pattern, recipe[part]) for part, pattern in rule.items() if part in recipe]
    return " ".join(match.group() for match in matches if match) or "none"


def _shard_file() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
