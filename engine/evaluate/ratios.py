"""Compare the rows of a stored report with each other: the ratios that texts quote. Nothing is sampled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.evaluate.report import read_report
from engine.evaluate.table1 import NAME, Row, compare_rows
from engine.reports import shown_rows

COMMON = ("weights_sha256", "pictures_sha256", "definitions")  # what two reports must share


def measure_ratios(folder: Path, against: Path) -> dict[str, dict[str, Any]]:
    """Per row in `folder` and per other row in `against`, often the same folder: how their figures compare.

    FileNotFoundError where there is no report, ValueError where figures of two reports do not mean the same.
    """
    mine, theirs = load_table(folder), load_table(against)
    other = [name for name in COMMON if mine.get(name) != theirs.get(name)]
    if other:
        raise ValueError(f"{folder} and {against} do not compare: {other[0]} differ")
    found = {
        name: {over: compare_rows(row, other) for over, other in rows_by_name(theirs).items() if other != row}
        for name, row in rows_by_name(mine).items()
    }
    return {name: {over: one for over, one in some.items() if one} for name, some in found.items()}


def load_table(folder: Path) -> dict[str, Any]:
    """What table1 wrote into a folder. FileNotFoundError where it wrote nothing."""
    file = folder / f"{NAME}.json"
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: make it with python -m engine.evaluate {NAME}")
    return read_report(file)


def rows_by_name(report: Mapping[str, Any]) -> dict[str, Row]:
    """The rows that the report shows, by rule and steps, as in "maskgit 18 matched"."""
    return {f"{row['rule']} {row['steps']}" + (" matched" if row["matched"] else ""): row for row in shown_rows(report)}
