"""What the texts quote of the committed reports: `quotes.yaml`, read and filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from engine.evaluate.classes import read_classes
from engine.evaluate.exact_report import ANY_CHECK
from engine.evaluate.ratios import load_table, rows_by_name
from engine.evaluate.report import read_report
from engine.evaluate.table1 import compare_rows
from engine.reports import own_settings, row_name, shown_rows

ROOT = Path(__file__).parent.parent
TABLE = yaml.safe_load((ROOT / "tests" / "quotes.yaml").read_text(encoding="utf-8"))
PLACE = re.compile(r"\{(?P<row>[^{}]*?)\[(?P<figure>[^\]]+)\](?::(?P<digits>[^{}]*))?\}")
FIGURE = re.compile(
    r"\d+\.\d+|\d+(?= (?:(?:and|against) \d+ )?%)"
)  # in a text: a number that has to come from somewhere
NO_FIGURE = re.compile(r"`[^`]*`|\]\([^)]*\)|[Vv]ersion \d\.\d|version \d\.\d's|\(section [^)]*\)")
Row = Mapping[str, Any]


def section(file: str, heading: str) -> str:
    """The text under a heading, up to the next one of its level, on one line; without a heading the whole text."""
    text = (ROOT / file).read_text(encoding="utf-8")
    if not heading:
        return one_line(text)
    level = heading.split()[0]
    assert f"\n{heading}\n" in text, f"{file} has no section {heading!r}"
    rest = text.split(f"\n{heading}\n", 1)[1]
    return one_line(re.split(rf"\n{level} ", rest)[0])


def one_line(text: str) -> str:
    return " ".join(text.split())


def sentences(text: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each sentence and row of a table that a text must have: as it is in quotes.yaml, and with its numbers."""
    for template in text["says"]:
        yield template, filled(template, {})
    for kind, template in text.get("tables", {}).items():
        for row in rows(kind):
            yield template, filled(template, row)


def filled(template: str, row: Row) -> str:
    """A sentence with the numbers of the reports; `row` is meant where no other one is named."""

    def number(place: re.Match[str]) -> str:
        found = by_name(place["row"]) if place["row"] else row
        return said(found, place["figure"], place["digits"] or "")

    return one_line(PLACE.sub(number, template))


def said(row: Row, name: str, digits: str) -> str:
    """A figure of a row as texts write it: "~" adds its interval, "-" gives that alone, "p" is percent."""
    value, mark = row[name], digits[-1:]
    if isinstance(value, str):
        return value
    if mark == "~":
        return f"{said(row, name, digits[:-1])} ({said(row, name, f'-{digits[:-1]}')})"
    if digits.startswith("-"):
        low, high = row[f"{name}_ci"]
        if mark == "p":
            low, high, digits = 100 * low, 100 * high, f"{digits[:-1]}f"
        between = " to " if "+" in digits else "–"
        return f"{low:{digits[1:]}}{between}{high:{digits[1:]}}"
    if mark == "p":
        return f"{100 * value:{digits[:-1] or '.0'}f}"
    return f"{value:{digits or 'g'}}"


def by_name(name: str) -> Row:
    """A row, or by "one / other" how two compare."""
    if " / " in name:
        one, other = map(by_name, name.split(" / "))
        return compare_rows(one, other)
    found = everything()
    assert name in found, f"quotes.yaml: no row {name!r}; there is {', '.join(get_close_matches(name, found))}"
    return found[name]


def rows(kind: str) -> list[Row]:
    """All rows of a table."""
    return [row for name, row in everything().items() if row.get("table") == kind]


@cache
def everything() -> dict[str, Row]:
    found: dict[str, Row] = {}
    for prefix, folder in TABLE["reports"].items():
        report, table = load_table(ROOT / folder), "" if prefix else "table1"
        named_rows = {name: _row(row, table) for name, row in rows_by_name(report).items()}
        named_rows |= {f"floors {name}": row for name, row in report["floors"].items()}
        named_rows |= {f"perfect {row['n']}": row for row in report["perfect"]}
        found |= {f"{prefix} {name}".strip(): row for name, row in named_rows.items()}
        if (swept := ROOT / folder / "sweep.json").is_file():
            found |= {f"{prefix} {name}".strip(): row for name, row in _swept(read_report(swept)).items()}
    for pack, name in (("", "refine"), ("", "steps"), ("avatars", "refine")):
        report = read_report(ROOT / TABLE["reports"][pack] / f"{name}.json")
        found |= {f"{pack} {name} {row['series']} {row['point']}".strip(): row for row in report["rows"]}
    for name, table in (("auc", "auc"), ("avatars_auc", ""), ("avatars_paper_auc", "")):
        for split, cells in _json(name)["splits"].items():
            for hidden, cell in cells.items():
                row = {**_flat(cell), "split": split, "hidden": hidden, "table": table}
                found[f"{name.replace('_', ' ')} {split} {hidden}"] = row
    for name, cells in read_classes(ROOT / TABLE["reports"][""]).items():
        shares = {rule: cell["share"] for rule, cell in cells.items()}
        found[f"classes {name}"] = {**shares, "n": cells["critic 18"]["n"], "class": name, "table": "classes"}
    found |= _exact(read_report(ROOT / TABLE["exact"], "checks"))
    papers = _exact(read_report(ROOT / TABLE["paper_exact"], "checks"))
    found |= {f"paper {name}": row for name, row in papers.items()}
    tradeoff = read_report(ROOT / TABLE["tradeoff"], "faults")
    found |= _tradeoff(tradeoff["rows"])
    found |= {f"tradeoff perfect {row['n']}": row for row in tradeoff["perfect"]}
    found["tokenizer"] = _flat(_json("tokenizer"))
    return found


def _row(row: Row, table: str) -> Row:
    """With its settings beside its figures, and with what the tables call it."""
    return {**row, **row["settings"], "label": row_name(row), "own": own_settings(row), "table": table}


def _swept(report: Mapping[str, Any]) -> dict[str, Row]:
    """Of each rule the best of the sweep and the second, over the pictures of its last round."""
    last = max(row["n"] for row in report["rows"])
    found = {}
    for best in report["best"]:
        for name, settings in (("", best["settings"]), (" second", best["second"][0])):
            row = next(
                row
                for row in report["rows"]
                if (row["rule"], row["steps"], row["n"]) == (best["rule"], best["steps"], last)
                and settings.items() <= row["settings"].items()
            )
            found[f"sweep {best['rule']} {best['steps']}{name}"] = {**_row(row, ""), "pictures": best["pictures"]}
    return found


def _exact(report: Mapping[str, Any]) -> dict[str, Row]:
    """Of each check the comparison of both rules, and what it says of real pictures of its one style.

    Of each rule the share of samples with any fault, and with each fault of a check; and the critic compared with it.
    """
    found: dict[str, Row] = {f"exact against {name}": one for name, one in report["others"].items()}
    for row in shown_rows(report):
        name = f"{row['rule']} {row['steps']}" + (" matched" if row["matched"] else "")
        found[f"exact {name}"] = row["checks"][ANY_CHECK]
        for check, one in row["checks"].items():
            found[f"exact {check} {name}"] = {part: count / one["n"] for part, count in one.get("parts", {}).items()}
    for how, checks in report["compared"].items():
        for check, one in checks.items():
            shares = {f"{rule}_share": one[rule] / one["n"] for rule in ("critic", "maskgit")}
            found[f"exact {how} {check}"] = {**one, **shares}
    for check, styles in report["real"].items():
        if len(styles) == 1:
            found[f"exact real {check}"] = next(iter(styles.values()))["as_shown"]
    return found


def _tradeoff(rows: Sequence[Row]) -> dict[str, Row]:
    """Of each series, over the most pictures that any has: the least and the most faults, and those at the best KID."""
    last = max(row["n"] for row in rows)
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["n"] == last:
            found.setdefault(row["series"], []).append(row)
    return {
        f"tradeoff {name}": {
            "least": min(row["faults"] for row in some),
            "most": max(row["faults"] for row in some),
            "best": min(some, key=lambda row: row["kid"])["faults"],
        }
        for name, some in found.items()
    }


def _json(name: str) -> dict[str, Any]:
    return json.loads((ROOT / TABLE[name]).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _flat(tree: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested figures by dotted names."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        found |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return found
