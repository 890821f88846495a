"""The report of engine.evaluate.exact as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.evaluate.report import say_command, table_header, table_row
from engine.reports import find_side, join_words, row_name, say_unsearched

Figures = Mapping[str, Any]
ANY_CHECK = "any of these"


def format_report(rows: Sequence[Figures], content: Figures) -> str:
    """Findings, shares of faulty samples, the critic compared with maskgit, figures of real pictures, definitions."""
    return (
        "\n".join(
            [
                *(f"{line}\n" for line in content["findings"]),
                *_sample_lines(rows),
                *_comparison_lines(content["compared"]),
                *_real_lines(content),
                *_definition_lines(content),
            ]
        )
        + "\n"
    )


def find(compared: Figures, others: Figures, unsearched: Sequence[str]) -> list[str]:
    """What the comparison says, in sentences. `others` are rules besides maskgit, by name.

    `unsearched`: names of rows whose settings no sweep of the pack found.
    """
    said = []
    if compared and all(checks[ANY_CHECK]["n"] for checks in compared.values()):
        parts = (f"{_both(checks)} at {how.replace('_', ' ')}" for how, checks in compared.items())
        said.append(f"Share of samples with any fault, the critic's and MaskGIT's: {'; '.join(parts)}.")
        checks = {name: one for name, one in list(compared.values())[-1].items() if name != ANY_CHECK}
        signs = {name: find_side(*one["ratio_ci"]) for name, one in checks.items()}
        told = [
            f"{words} in {', '.join(name for name, sign in signs.items() if sign == wanted)}"
            for words, wanted in (("it has fewer faults", -1), ("more", 1), ("the two cannot be told apart", 0))
            if wanted in signs.values()
        ]
        said.append(f"The critic check by check, at {list(compared)[-1].replace('_', ' ')}: {'; '.join(told)}.")
    ratios = [f"{_ratio(one)} of that of {name}" for name, one in others.items() if one["n"]]
    if ratios:
        said.append(f"Over as many samples of each, the critic's share with any fault is {join_words(ratios)}.")
    return [*said, *say_unsearched(unsearched)]


def _both(checks: Figures) -> str:
    one = checks[ANY_CHECK]
    return f"{one['critic'] / one['n']:.1%} and {one['maskgit'] / one['n']:.1%}, ratio {_ratio(one)},"


def _sample_lines(rows: Sequence[Figures]) -> list[str]:
    lines = ["Share of samples with a fault, in brackets 95 % intervals:", ""]
    lines += table_header(["check", *(f"{row_name(row)}, {row['passes']} passes" for row in rows)])
    checks = list(dict.fromkeys(check for row in rows for check in row["checks"]))
    for check in checks:
        lines.append(table_row([check, *(_share(row["checks"].get(check)) for row in rows)]))
        found = [row["checks"].get(check) or {} for row in rows]
        for part in dict.fromkeys(part for one in found for part in one.get("parts", {})):
            if part != "tones" and part != check:
                lines.append(table_row([f"– {part}", *(_part(one, part) for one in found)]))
        for style in dict.fromkeys(style for one in found for style in one.get("styles", {})):
            if len(found[0].get("styles", {})) > 1:
                lines.append(table_row([f"– {style}", *(_share(one.get("styles", {}).get(style)) for one in found)]))
    return lines


def _comparison_lines(compared: Figures) -> list[str]:
    lines: list[str] = []
    for how, checks in compared.items():
        lines += ["", f"Faults of the critic over those of MaskGIT at {how.replace('_', ' ')}:", ""]
        lines += table_header(["check", "samples", "critic", "MaskGIT", "ratio", "p"])
        for check, one in checks.items():
            counts = (f"{one['n']:,}", str(one["critic"]), str(one["maskgit"]))
            lines.append(table_row([check, *counts, _ratio(one), f"{one['p']:.2g}"]))
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
    return ["", *say_command(content), *(f"- **{name}**: {text}" for name, text in content["definitions"].items())]


def _share(one: Figures | None) -> str:
    if not one or not one["n"]:
        return "–"
    low, high = one["share_ci"]
    return f"{one['share']:.2%} ({low:.2%}–{high:.2%}) of {one['n']:,}"


def _part(one: Figures, part: str) -> str:
    return f"{one['parts'][part] / one['n']:.2%}" if one.get("n") else "–"


def _ratio(one: Figures) -> str:
    low, high = one["ratio_ci"]
    return f"{_number(one['ratio'], '–')} ({_number(low, '∞')}–{_number(high, '∞')})"


def _number(value: float | None, other: str) -> str:
    return other if value is None else f"{value:.2f}"
