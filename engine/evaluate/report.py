"""A report: rows that were measured once, in JSON that a killed run takes up again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FORMAT = 1
SAME = ("weights_sha256", "sampling_code_sha256", "pictures_sha256", "definitions")  # else rows cannot stand together
IDENTITY = ("rule", "steps", "matched", "n", "settings")


class Report:
    """`file` holds one JSON object: what all rows share, and `rows`. Stored after every change."""

    def __init__(self, file: Path, shared: Mapping[str, Any]) -> None:
        """ValueError where `file` holds rows that other weights or other code made."""
        self.file = file
        self.content: dict[str, Any] = {"format": FORMAT, **shared, "rows": []}
        if file.is_file():
            stored = read(file)
            other = [name for name in SAME if stored.get(name) != json.loads(json.dumps(shared[name]))]
            if other:
                raise ValueError(f"{file} was made with other {other[0]}: move it away, or give another out=")
            self.content["rows"] = stored["rows"]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.content["rows"]  # type: ignore[no-any-return]

    def find(self, identity: Mapping[str, Any]) -> dict[str, Any] | None:
        """The row with this rule, steps, matched, n and settings."""
        wanted = {name: identity[name] for name in IDENTITY}
        return next((row for row in self.rows if {name: row[name] for name in IDENTITY} == wanted), None)

    def store(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_suffix(".partial")
        partial.write_text(json.dumps(self.content, indent=1, allow_nan=False, ensure_ascii=False) + "\n", "utf-8")
        os.replace(partial, self.file)


def read(file: Path) -> dict[str, Any]:
    """A stored report. ValueError where it is none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} is no report: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("rows"), list):
        raise ValueError(f"{file} is no report of format {FORMAT}")
    return content


def between(row: Mapping[str, Any], name: str, digits: int) -> str:
    """A figure with its interval, as in 12.3 (11.8-12.8)."""
    ends = row.get(f"{name}_ci")
    return f"{row[name]:.{digits}f}" + (f" ({ends[0]:.{digits}f}–{ends[1]:.{digits}f})" if ends else "")
