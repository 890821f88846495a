"""A report: a JSON file of rows. Each row is measured once and stored at once, so a killed run can continue."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.atomic import write_atomic

FORMAT = 1
MUST_MATCH = ("weights_sha256", "pictures_sha256", "definitions")
IDENTITY = ("rule", "steps", "matched", "n", "dtype", "settings")
TOLERANCE = 0.1  # largest difference of two machines' logits; in bf16 a CPU and a GPU were 0.06 apart


class Report:
    """One JSON object: what all rows share, and `rows`. Only one process may write it at a time."""

    def __init__(self, file: Path, shared: Mapping[str, Any], figure: str = "kid", command: str = "") -> None:
        """Open or begin a report; makes its folder. ValueError if `file` was made with other weights or definitions.

        `figure` is the name of a figure that every row must have. `command` makes what the report shows.
        """
        self.file, self.command = file, command
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

    def get_or_measure(self, identity: Mapping[str, Any], measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The row with this rule, steps, matched, n, dtype and settings. If there is none, measure and store it.

        A row from other sources (other weights, or a rule that behaved differently) is measured again. Until all are,
        the report shows what it showed.
        """
        for row in self.rows:
            if is_of(row, identity) and has_same_sources(row, identity):
                return row
        self.rows.append(measure())
        self.save()
        return self.rows[-1]

    def show(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Let these of its rows come first, in this order. Those of other settings follow, and are not shown.

        Rows that these replace, of the same settings and other sources, are dropped.
        """
        others = (row for row in self.rows if not any(is_of(row, one) for one in rows))
        self.content["rows"] = [*rows, *others]
        self.content["shown"] = len(rows)
        self.content["command"] = self.command

    def drop_outdated(self, rule: str, made_of: Mapping[str, Any]) -> None:
        """Forget the rows of a rule that were made of other weights, or by another version of it."""
        self.content["rows"] = [row for row in self.rows if row["rule"] != rule or row["made_of"] == made_of]

    def save(self) -> None:
        text = json.dumps(self.content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        with write_atomic(self.file) as out:
            out.write(text.encode())


def is_of(row: Mapping[str, Any], identity: Mapping[str, Any]) -> bool:
    """Whether a row has these settings; so one row replaces another."""
    return all(row[name] == identity[name] for name in IDENTITY)


def has_same_sources(row: Mapping[str, Any], identity: Mapping[str, Any]) -> bool:
    """Whether a row was made by the same rule, weights and networks, up to rounding of the networks' outputs."""
    stored, current = row.get("outputs", {}), identity["outputs"]
    return (
        row.get("made_of") == identity["made_of"]
        and stored.keys() == current.keys()
        and all(np.allclose(stored[kind], current[kind], atol=TOLERANCE) for kind in current)
    )


def read_report(file: Path, figure: str = "kid") -> dict[str, Any]:
    """Read a report. ValueError if the file is not a report of this format."""
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
    """A figure with its interval, e.g. 12.3 (11.8–12.8)."""
    ends = row.get(f"{name}_ci")
    return f"{row[name]:.{digits}f}" + (f" ({ends[0]:.{digits}f}–{ends[1]:.{digits}f})" if ends else "")


def say_command(content: Mapping[str, Any]) -> list[str]:
    """A line on the command that made the report; none where it is not known."""
    return [f"Made by `{content['command']}`.", ""] if content.get("command") else []


def table_header(names: Sequence[str]) -> list[str]:
    """The first two lines of a Markdown table."""
    return [table_row(names), "|" + "---|" * len(names)]


def table_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
