"""For each class: in how many of a table's samples does the classifier find the wanted class? Nothing is sampled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.evaluate.ratios import load_table, rows_by_name


def read_classes(folder: Path) -> dict[str, dict[str, Any]]:
    """Class -> row -> its number of samples and the share that the classifier finds, from a report of table1.

    Rows are named as in ratios. FileNotFoundError where there is no report.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, row in rows_by_name(load_table(folder)).items():
        for label, one in row.get("by_class", {}).items():
            found.setdefault(label, {})[name] = one
    return found
