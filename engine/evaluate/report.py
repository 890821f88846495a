"""A report: rows that were measured once, in JSON that a killed run takes up again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.pack import write_atomic

FORMAT = 1
MUST_MATCH = ("weights_sha256", "pictures_sha256", "definitions")
IDENTITY = ("rule", "steps", "matched", "n", "dtype", "settings")
TOLERANCE = 0.05  # between what two machines' networks give: logits, of which one in bf16 may have 8 bits


class Report:
    """`file` holds one JSON object: what all rows share, and `rows`. One process at a time."""

    def __init__(self, file: Path, shared: Mapping[str, Any], figure: str = "kid") -> None:
        """ValueError where `file` holds rows that other weights or other code made. Makes its folder.

        `figure` is one that every row has.
        """
        self.file = file
        self.content: dict[str, Any] = {"rows": []}
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_file():
            self.content = read_report(file, figure)
            other = [name for name in MUST_MATCH if self.content.get(name) != json.loads(json.dumps(shared[name]))]
            if other:
                raise ValueError(f"{file} was made with other {other[0]}: move it away, or give another out=")
        self.content = {"format": FORMAT, **shared, **self.content}

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.content["rows"]  # type: ignore[no-any-return]

    def get_or_measure(self, identity: Mapping[str, Any], measured: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The row with this rule, steps, matched, n, dtype and settings: `measured` now unless it is here.

        One that was made of something else (other weights, a rule that did something else) is measured again.
        """
        found = next(
            (row for row in self.rows if all(row[name] == identity[name] for name in IDENTITY)),
            None,
        )
        if found is not None and has_same_sources(found, identity):
            return found
        row = measured()
        self.content["rows"] = [*(one for one in self.rows if one is not found), row]
        self.save()
        return self.rows[-1]

    def save(self) -> None:
        text = json.dumps(self.content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        with write_atomic(self.file) as out:
            out.write(text.encode())


def has_same_sources(row: Mapping[str, Any], identity: Mapping[str, Any]) -> bool:
    """Whether a row's samples were made by the same rule, weights and networks, but for rounding."""
    theirs, ours = row.get("outputs", {}), identity["outputs"]
    return (
        row.get("made_of") == identity["made_of"]
        and theirs.keys() == ours.keys()
        and all(np.allclose(theirs[kind], ours[kind], atol=TOLERANCE) for kind in ours)
    )


def read_report(file: Path, figure: str = "kid") -> dict[str, Any]:
    """A stored report. ValueError where it is none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}")
        for row in content["rows"]:
            {name: row[name] for name in (*IDENTITY, figure)}
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} is no report of format {FORMAT}, or damaged: {error!r}") from None
    return content  # type: ignore[no-any-return]


def format_figure(row: Mapping[str, Any], name: str, digits: int) -> str:
    """A figure with its interval, as in 12.3 (11.8-12.8)."""
    ends = row.get(f"{name}_ci")
    return f"{row[name]:.{digits}f}" + (f" ({ends[0]:.{digits}f}–{ends[1]:.{digits}f})" if ends else "")
