"""The paper's table 1 on a pack: every selection rule, held against the pack's pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from engine.config import SampleConfig
from engine.evaluate.judge import Judge, identity
from engine.evaluate.report import Report, between
from engine.evaluate.sweep import best_settings
from engine.rules import RULES
from engine.session import Session

NAME = "table1.json"
BOTH = ("maskgit", "critic")  # the comparison of the paper: more pictures, and more cells
MANY, FEW = 5000, 2000  # pictures
SHORT = 8  # steps


def table1(judge: Judge, rules: Sequence[str], n: int | None, steps: int, seed: int, folder: Path) -> dict[str, Any]:
    """Fill `folder`/table1.json, .md and .png; the figures that the paper's claim is about."""
    report = Report(folder / NAME, judge.provenance())
    configs = list(cells(judge.session, rules, n, steps, seed))
    for config in configs:
        if report.find(identity(config)) is None:
            report.rows.append(judge.row(config))
            report.store()
    wanted = [identity(config) for config in configs]
    report.rows.sort(key=lambda row: next((i for i, one in enumerate(wanted) if same(one, row)), len(wanted)))
    for config, seconds in zip(configs, judge.seconds(configs), strict=True):
        row = report.find(identity(config))
        assert row is not None
        row["seconds_per_picture"] = seconds
    report.content["claim"] = claim(report.rows, steps)
    report.store()
    (folder / "table1.md").write_text(markdown(report.rows, report.content), encoding="utf-8")
    draw(report.rows).savefig(folder / "table1.png", dpi=150)
    return {"claim": report.content["claim"], "report": str(report.file)}


def cells(session: Session, rules: Sequence[str], n: int | None, steps: int, seed: int) -> Iterator[SampleConfig]:
    """Every rule at `steps` as published; maskgit and critic also at equal passes, matched, and at 8 steps."""

    def cell(rule: str, steps: int, count: int, **more: Any) -> SampleConfig:
        own = best_settings(session, rule, steps)
        return session.settings(rule=rule, steps=steps, n=n or count, seed=seed, **{**own, **more})

    for rule in rules:
        yield cell(rule, steps, MANY if rule in BOTH else FEW)
    if set(BOTH) <= set(rules):
        critic = cell("critic", steps, FEW)
        critics = {name: getattr(critic, name) for name in RULES["critic"].reads}
        yield cell("maskgit", critic.passes, FEW)
        yield cell("maskgit", steps, FEW, matched=True, **critics)
        yield from (cell(rule, SHORT, FEW) for rule in BOTH if steps != SHORT)


def claim(rows: Sequence[Mapping[str, Any]], steps: int) -> dict[str, Any]:
    """FID of the critic over that of maskgit, at equal steps and at equal passes, of as many pictures on both sides."""

    def found(rule: str, steps: int) -> Mapping[str, Any] | None:
        return next((r for r in rows if (r["rule"], r["steps"], r["matched"]) == (rule, steps, False)), None)

    critic = found("critic", steps)
    result = {}
    for name, other in (("equal_steps", found("maskgit", steps)), ("equal_passes", found("maskgit", 2 * steps - 1))):
        if critic is not None and other is not None:
            figure = "fid" if critic["n"] == other["n"] else "fid_first"
            result[f"fid_ratio_{name}"] = critic[figure] / other[figure]
            result[f"kid_ratio_{name}"] = critic["kid"] / other["kid"]
    return result


COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("FID ↓", "fid", 1),
    ("KID ↓", "kid", 3),
    ("IS ↑", "is", 1),
    ("precision ↑", "precision", 3),
    ("recall ↑", "recall", 3),
)


def markdown(rows: Sequence[Mapping[str, Any]], content: Mapping[str, Any]) -> str:
    """The table, its floors and its definitions."""
    head = ["rule", "steps", "passes", "n", *(name for name, _, _ in COLUMNS), "FID, first 2,000", "seconds"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        name = RULES[row["rule"]].label + (", matched" if row["matched"] else "")
        cells = [name, str(row["steps"]), str(row["passes"]), f"{row['n']:,}"]
        cells += [between(row, key, digits) for _, key, digits in COLUMNS]
        cells += [f"{row['fid_first']:.1f}", f"{row['seconds_per_picture']:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    floors = content["floors"]
    halves, shown = floors["halves"], floors["reconstruction"]
    lines += [
        "",
        f"In brackets 95 % intervals. Floors: {halves['n']:,} training pictures against as many others FID "
        f"{halves['fid']:.1f}; all {shown['n']:,} against themselves through the tokenizer FID {shown['fid']:.1f}, "
        f"precision {shown['precision']:.3f}, recall {shown['recall']:.3f}.",
        "",
        *(f"- **{name}**: {text}" for name, text in content["definitions"].items()),
    ]
    return "\n".join(lines) + "\n"


def draw(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """FID with its interval, a line per row."""
    figure = Figure(figsize=(8, 0.9 + 0.36 * len(rows)), layout="constrained")
    axes = figure.add_subplot(xlabel="FID over the first 2,000 pictures, lower is better; 95 % intervals")
    for y, row in enumerate(rows):
        value = row["fid_first"]
        low, high = row.get("fid_first_ci", (value, value))
        axes.errorbar(value, y, xerr=[[value - low], [high - value]], fmt="o", capsize=3)
    names = [f"{RULES[row['rule']].label}{', matched' if row['matched'] else ''}, {row['steps']} steps" for row in rows]
    axes.set_yticks(range(len(rows)), names)
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.grid(axis="x", alpha=0.3)
    return figure


def same(one: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return all(row[name] == value for name, value in one.items())
