"""The report of engine.evaluate.exact as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.evaluate.report import table_header, table_row
from engine.rules import RULES

Figures = Mapping[str, Any]


def format_report(rows: Sequence[Figures], content: Figures) -> str:
    """Shares of faulty samples, the critic compared with maskgit, figures of real pictures, and definitions."""
    return (
        "\n".join(
            [
                *_sample_lines(rows),
                *_comparison_lines(content["compared"]),
                *_real_lines(content),
                *_definition_lines(content),
            ]
        )
        + "\n"
    )


def _sample_lines(rows: Sequence[Figures]) -> list[str]:
    lines = ["Share of samples with a fault, in brackets 95 % intervals:", ""]
    lines += table_header(["check", *(f"{RULES[row['rule']].label}, {row['passes']} passes" for row in rows)])
    checks = list(dict.fromkeys(check for row in rows for check in row["checks"]))
    for check in checks:
        lines.append(table_row([check, *(_share(row["checks"].get(check)) for row in rows)]))
        found = [row["checks"].get(check) or {} for row in rows]
        for part in dict.fromkeys(part for one in found for part in one.get("parts", {})):
            if part != "tones" and part != check:
                lines.append(table_row([f"– {part}", *(_part(one, part) for one in found)]))
        for style in dict.fromkeys(style for one in found for style in one.get("styles", {})):
            if sum(style in one.get("styles", {}) for one in found) and len(found[0].get("styles", {})) > 1:
                lines.append(table_row([f"– {style}", *(_share(one.get("styles", {}).get(style)) for one in found)]))
    return lines


def _comparison_lines(compared: Figures) -> list[str]:
    lines: list[str] = []
    for how, checks in compared.items():
        lines += ["", f"Faults of the critic over those of MaskGIT at {how.replace('_', ' ')}:", ""]
        lines += table_header(["check", "samples", "critic", "MaskGIT", "ratio", "p"])
        for check, one in checks.items():
            low, high = one["ratio_ci"]
            ends = f"{_number(low, '∞')}–{_number(high, '∞')}"
            ratio = f"{_number(one['ratio'], '–')} ({ends})"
            lines.append(
                table_row([check, f"{one['n']:,}", str(one["critic"]), str(one["maskgit"]), ratio, f"{one['p']:.2g}"])
            )
    return lines


def _real_lines(content: Figures) -> list[str]:
    lines = ["", "What the checks say of real pictures that were held out:", ""]
    lines += table_header(
        ["check", "style", "false alarms, as they are", "as the tokenizer shows them", "found", "used"]
    )
    for check, styles in content["real"].items():
        for style, one in styles.items():
            shares = [_share(one[name]) for name in ("as_they_are", "as_shown", "found")]
            lines.append(table_row([check, style, *shares, f"no: {one['left_out']}" if one["left_out"] else "yes"]))
    return lines


def _definition_lines(content: Figures) -> list[str]:
    return ["", *(f"- **{name}**: {text}" for name, text in content["definitions"].items())]


def _share(one: Figures | None) -> str:
    if not one or not one["n"]:
        return "–"
    low, high = one["share_ci"]
    return f"{one['share']:.2%} ({low:.2%}–{high:.2%}) of {one['n']:,}"


def _part(one: Figures, part: str) -> str:
    return f"{one['parts'][part] / one['n']:.2%}" if one.get("n") else "–"


def _number(value: float | None, other: str) -> str:
    return other if value is None else f"{value:.2f}"
