"""The paper's table 1 on a pack: every selection rule, held against the pack's pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.config import MOST_STEPS, SampleConfig
from engine.evaluate.judge import FIRST, Judge
from engine.evaluate.metrics import interval
from engine.evaluate.report import Report, between
from engine.evaluate.sweep import SEEDS, best_config
from engine.plots import new_figure
from engine.rules import RULES
from engine.session import Session

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "table1"
BOTH = ("maskgit", "critic")  # the comparison of the paper: more pictures, and more cells
MANY, FEW = 5000, 2000  # pictures: of that comparison at equal steps and at equal passes; of the other cells
SHORT = 8  # steps
Row = Mapping[str, Any]


def table1(judge: Judge, rules: Sequence[str], n: int | None, steps: int, seed: int, folder: Path) -> dict[str, Any]:
    """Fill `folder`/table1.json, .md and .png; returns what the paper's claim is about."""
    if seed in SEEDS:
        raise ValueError(f"seed={seed}: that is the sweep's, and no sample that chose settings may judge them")
    configs = list(cells(judge.session, rules, n, steps, seed))
    report = Report(folder / f"{NAME}.json", judge.provenance())
    if "floors" not in report.content:
        report.content["floors"] = judge.floors()
    rows = [judge.row_in(report, config) for config in configs]
    if not all("seconds_per_picture" in row for row in rows):
        for row, seconds in zip(rows, judge.seconds(configs), strict=True):
            row["seconds_per_picture"] = seconds
    report.content["claim"] = claim(rows)
    report.content["rows"] = rows + [row for row in report.rows if row not in rows]
    report.store()
    (folder / f"{NAME}.md").write_text(markdown(rows, report.content), encoding="utf-8")
    draw(rows).savefig(folder / f"{NAME}.png", dpi=150)
    return {"claim": report.content["claim"], "report": str(report.file)}


def cells(session: Session, rules: Sequence[str], n: int | None, steps: int, seed: int) -> Iterator[SampleConfig]:
    """Every rule at `steps` as published; maskgit and critic also at equal passes, matched, and at 8 steps.

    Settings are the best that the pack's sweep found at these steps, else the pack's presets.
    """

    def cell(rule: str, steps: int, count: int, **more: Any) -> SampleConfig:
        return best_config(session, rule, steps, n=n or count, seed=seed, **more)

    for rule in rules:
        yield cell(rule, steps, MANY if rule in BOTH else FEW)
    if set(BOTH) <= set(rules):
        critic = cell("critic", steps, FEW)
        critics = critic.parameters
        if critic.passes <= MOST_STEPS:  # else no maskgit has as many
            yield cell("maskgit", critic.passes, MANY)
        yield cell("maskgit", steps, FEW, matched=True, **critics)
        yield from (cell(rule, SHORT, FEW) for rule in BOTH if steps != SHORT)


def claim(rows: Sequence[Row]) -> dict[str, Any]:
    """The critic against maskgit at equal steps and at equal passes, with 95 % intervals of the paired comparison.

    Both have the same classes and the same noise, sample by sample, so groups are left out of both at once.
    """
    mine = next((row for row in rows if row["rule"] == "critic"), None)
    result = {}
    for name in ("steps", "passes"):
        fair = [row for row in rows if row["rule"] == "maskgit" and not row["matched"]]
        other = next((row for row in fair if mine is not None and row[name] == mine[name]), None)
        if mine is not None and other is not None:
            result[f"equal_{name}"] = compared(mine, other)
    return result


def compared(mine: Row, other: Row) -> dict[str, Any]:
    """FID of one row over that of the other, and the difference of their KIDs; over as many samples of each.

    Nothing where that cannot be: FID falls with the number of samples.
    """
    figure, n = ("fid", mine["n"]) if mine["n"] == other["n"] else ("fid_first", FIRST)
    if min(mine["n"], other["n"]) < n:
        return {}
    result: dict[str, Any] = {"n": n}
    for reference in ("", "_held"):
        result |= _compared(mine, other, f"{figure}{reference}", f"kid{reference}", reference)
    return result


def _compared(mine: Row, other: Row, fid: str, kid: str, reference: str) -> dict[str, Any]:
    """The same with one reference; nothing where there was none."""
    if fid not in mine or fid not in other:
        return {}
    ratio, apart = mine[fid] / other[fid], mine[kid] - other[kid]
    result: dict[str, Any] = {f"fid_ratio{reference}": ratio, f"kid_difference{reference}": apart}
    ours, theirs = mine["without_group"], other["without_group"]
    if ours and theirs:
        logs = [math.log(a / b) for a, b in zip(ours[fid], theirs[fid], strict=True)]
        result[f"fid_ratio{reference}_ci"] = [math.exp(x) for x in interval(math.log(ratio), logs)]
        kids = [a - b for a, b in zip(ours[kid], theirs[kid], strict=True)]
        result[f"kid_difference{reference}_ci"] = interval(apart, kids)
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


def markdown(rows: Sequence[Row], content: Mapping[str, Any]) -> str:
    """The table, what real pictures get, and the definitions."""
    head = ["rule", "settings", "steps", "passes", "n", *(name for name, _, _ in COLUMNS), "seconds"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = [named(row), own_settings(row), str(row["steps"]), str(row["passes"]), f"{row['n']:,}"]
        cells += [between(row, key, digits) if key in row else "–" for _, key, digits in COLUMNS]
        lines.append("| " + " | ".join([*cells, f"{row['seconds_per_picture']:.2f}"]) + " |")
    lines += ["", "In brackets 95 % intervals. What real pictures get:", ""]
    for name, figures in content["floors"].items():
        said = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
        lines.append(f"- {name.replace('_', ' ')}: {said}")
    lines += ["", *(f"- **{name}**: {text}" for name, text in content["definitions"].items())]
    return "\n".join(lines) + "\n"


def draw(rows: Sequence[Row]) -> Figure:
    """FID over as many samples of each with its interval, a line per row."""
    figure = new_figure(figsize=(8, 0.9 + 0.36 * len(rows)), layout="constrained")
    count = min([FIRST, *(row["n"] for row in rows)])
    axes = figure.add_subplot(xlabel=f"FID over {count:,} pictures each, lower is better; 95 % intervals")
    for y, row in enumerate(rows):
        value = row["fid_first"]
        low, high = row.get("fid_first_ci", (value, value))
        colour = "#d55e00" if RULES[row["rule"]].requires else "#0072b2"
        axes.errorbar(value, y, xerr=[[value - low], [high - value]], fmt="o", capsize=3, color=colour)
    axes.set_yticks(range(len(rows)), [f"{named(row)}, {row['steps']} steps, {row['passes']} passes" for row in rows])
    axes.invert_yaxis()
    axes.set_xscale("log")  # rules differ a hundredfold
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(axis="x", which="both", alpha=0.3)
    return figure


def named(row: Row) -> str:
    return RULES[row["rule"]].label + (", matched" if row["matched"] else "")


def own_settings(row: Row) -> str:
    """The parameters that its rule reads, as in "K 2, a 0.1, b 0.9"; reports of older versions lack some."""
    specs, values = RULES[row["rule"]].parameters(row["matched"]), row["settings"]
    own = [f"{spec.metadata['symbol']} {values[name]:g}" for name, spec in specs.items() if name in values]
    return ", ".join(own) or "–"
