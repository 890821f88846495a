"""The paper's table 1 for a pack: all selection rules, compared with the pack's pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.evaluate.evaluator import Evaluator
from engine.evaluate.metrics import jackknife_interval
from engine.evaluate.report import Report, format_figure, say_command, table_header, table_row
from engine.evaluate.sweep import check_seed, list_rows
from engine.plots import Interval, plot_intervals
from engine.reports import FIRST_SAMPLES, REAL, find_floor, name_with_passes, own_settings, row_name, say_perfect
from engine.rules import RULES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "table1"
Row = Mapping[str, Any]


def table1(
    evaluator: Evaluator, rules: Sequence[str], n: int | None, steps: int, seed: int, folder: Path, command: str = ""
) -> dict[str, Any]:
    """Fill `folder`/table1.json, .md and .png. Returns the comparison of critic and maskgit."""
    check_seed(seed)
    configs = list(list_rows(evaluator.session, rules, n, steps, seed, matched="maskgit"))
    report = Report(folder / f"{NAME}.json", evaluator.provenance(), command=command)
    if "floors" not in report.content:
        report.content["floors"] = evaluator.measure_real()
    rows = [evaluator.full_row(report, config) for config in configs]
    if not all("seconds_per_picture" in row for row in rows):
        for row, seconds in zip(rows, evaluator.time_per_picture(configs), strict=True):
            row["seconds_per_picture"] = seconds
    numbers = sorted({number for row in rows for number in (row["n"], min(FIRST_SAMPLES, row["n"]))})
    report.content["perfect"] = evaluator.measure_perfect(numbers, report.content.get("perfect", ()))
    report.content["claim"] = compare_rules(rows)
    report.content["findings"] = find(report.content["claim"], rows)
    report.show(rows)
    report.save()
    (folder / f"{NAME}.md").write_text(format_table(rows, report.content), encoding="utf-8")
    plot_fid(rows, report.content["perfect"]).savefig(folder / f"{NAME}.png", dpi=150)
    return {"claim": report.content["claim"], "report": str(report.file)}


def compare_rules(rows: Sequence[Row]) -> dict[str, Any]:
    """Compare the critic with maskgit at equal steps and at equal passes, with paired 95 % intervals.

    Sample by sample both have the same class and noise. So the jackknife leaves a group out of both at once.
    """
    mine = next((row for row in rows if row["rule"] == "critic"), None)
    result = {}
    for name in ("steps", "passes"):
        fair = [row for row in rows if row["rule"] == "maskgit" and not row["matched"]]
        other = next((row for row in fair if mine is not None and row[name] == mine[name]), None)
        if mine is not None and other is not None:
            result[f"equal_{name}"] = compare_rows(mine, other)
    return result


def find(claim: Mapping[str, Any], rows: Sequence[Row]) -> list[str]:
    """What follows, in two sentences."""
    found = []
    if {"equal_passes", "equal_steps"} <= claim.keys() and all(claim.values()):
        pair = [claim[f"equal_{name}"] for name in ("passes", "steps")]
        passes, steps = (format_figure(one, "fid_ratio", 2) for one in pair)
        said = f"Token-Critic's FID is {passes} of MaskGIT's at equal passes and {steps} at equal steps"
        if all("fid_ratio_held" in one for one in pair):
            passes, steps = (format_figure(one, "fid_ratio_held", 2) for one in pair)
            said += f"; against held-out pictures {passes} and {steps}"
        found.append(f"{said}.")
    best = sorted(rows, key=lambda row: row["fid_first"])[:2]
    first = [f"{name_with_passes(row)}, {format_figure(row, 'fid_first', 2)}" for row in best]
    return [*found, f"Over the same number of pictures FID is lowest for {', then for '.join(first)}."]


def compare_rows(mine: Row, other: Row) -> dict[str, Any]:
    """The ratio of two rows' FID over the same number n of samples, and the difference of their KID over all.

    Empty if that is not possible. FID falls with the number of samples. KID nearly does not.
    """
    figure, n = ("fid", mine["n"]) if mine["n"] == other["n"] else ("fid_first", FIRST_SAMPLES)
    if min(mine["n"], other["n"]) < n:
        return {}
    result: dict[str, Any] = {"n": n}
    for reference in ("", "_held"):
        result |= _compare_against(mine, other, f"{figure}{reference}", f"kid{reference}", reference)
    return result


def _compare_against(mine: Row, other: Row, fid: str, kid: str, reference: str) -> dict[str, Any]:
    """The same against one reference: training ("") or held-out ("_held") pictures. Empty if a row lacks it."""
    if fid not in mine or fid not in other:
        return {}
    ratio, apart = mine[fid] / other[fid], mine[kid] - other[kid]
    result: dict[str, Any] = {f"fid_ratio{reference}": ratio, f"kid_difference{reference}": apart}
    ours, theirs = mine["without_group"], other["without_group"]
    if ours and theirs:
        logs = [math.log(a / b) for a, b in zip(ours[fid], theirs[fid], strict=True)]
        result[f"fid_ratio{reference}_ci"] = [math.exp(x) for x in jackknife_interval(math.log(ratio), logs)]
        kids = [a - b for a, b in zip(ours[kid], theirs[kid], strict=True)]
        result[f"kid_difference{reference}_ci"] = jackknife_interval(apart, kids)
    return result


COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("FID ↓", "fid", 2),
    ("FID, first 2,000 ↓", "fid_first", 2),
    ("KID ↓", "kid", 4),
    ("FID, held out ↓", "fid_held", 2),
    ("KID, held out ↓", "kid_held", 4),
    ("IS ↑", "is", 2),
    ("precision ↑", "precision", 3),
    ("recall ↑", "recall", 3),
)


def format_table(rows: Sequence[Row], content: Mapping[str, Any]) -> str:
    """The table, the figures of real pictures, and the definitions, as Markdown."""
    head = ["rule", "settings", "steps", "passes", "n", *(name for name, _, _ in COLUMNS), "seconds"]
    lines = table_header(head)
    for row in rows:
        cells = [row_name(row), own_settings(row), str(row["steps"]), str(row["passes"]), f"{row['n']:,}"]
        cells += [format_figure(row, key, digits) if key in row else "–" for _, key, digits in COLUMNS]
        lines.append(table_row([*cells, f"{row['seconds_per_picture']:.2f}"]))
    lines += ["", "In brackets 95 % intervals. What real pictures get:", ""]
    for name, figures in content["floors"].items():
        shown = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
        lines.append(f"- {name.replace('_', ' ')}: {shown}")
    lines += [f"- {line}" for line in say_perfect(content["perfect"])]
    lines += ["", *say_command(content), *(f"- **{name}**: {text}" for name, text in content["definitions"].items())]
    return "\n".join(lines) + "\n"


def plot_fid(rows: Sequence[Row], perfect: Sequence[Row]) -> Figure:
    """Plot FID and its interval for each row, over the same number of samples, and that of as many real pictures."""
    count = min([FIRST_SAMPLES, *(row["n"] for row in rows)])
    points = [
        Interval(
            f"{row_name(row)}, {row['steps']} steps, {row['passes']} passes",
            row["fid_first"],
            row.get("fid_first_ci") or (row["fid_first"],) * 2,
            "#9b59b6" if RULES[row["rule"]].requires else "#0072b2",
        )
        for row in rows
    ]
    label = f"FID over {count:,} pictures each, lower is better; 95 % intervals"
    return plot_intervals(points, label, find_floor(perfect, "fid", {count}), REAL)
