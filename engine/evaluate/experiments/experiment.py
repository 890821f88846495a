"""What an experiment is, and how it is run: rows are measured one by one; table, figure and findings follow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.checks import checks_digest, open_checks
from engine.config import SampleConfig
from engine.evaluate.evaluator import Evaluator, Keep, keep_all
from engine.evaluate.exact import ANY_CHECK, DEFINITIONS, Checks, count_faults, usable_checks
from engine.evaluate.paper import PAPER_RULES, REPORTED
from engine.evaluate.report import Report, format_figure, say_command, table_header, table_row
from engine.evaluate.sweep import check_seed, list_unsearched, say_searched
from engine.evaluate.table1 import compare_rows
from engine.pack import Pack
from engine.plots import Interval, new_figure, plot_intervals, use_log_scale
from engine.reports import (
    FAULTS,
    FID,
    FID_HELD,
    IS,
    KID,
    NAMED,
    PICTURES,
    REAL,
    Axis,
    Column,
    find_floor,
    find_side,
    join_words,
    own_settings,
    say_perfect,
    say_unsearched,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Setup:
    """With what an experiment measures."""

    evaluator: Evaluator
    report: Report
    n: int  # pictures of each row
    steps: int  # of a run, where the experiment does not vary them
    seed: int
    folder: Path  # for what the experiment has to keep besides samples, as trained critics
    training: tuple[str, ...] = ()  # `key=value` words for the trainings of an experiment

    def row(
        self, config: SampleConfig, extra: Mapping[str, Any], measure: Callable[[], dict[str, Any]], **shown: Any
    ) -> dict[str, Any]:
        """The report's row of these settings and `extra` ones. If it has none, it is measured now and stored.

        `shown` is what table and figure call the row: `series` and `point`.
        """
        identity = self.evaluator.identity(config)
        identity = {**identity, "settings": {**identity["settings"], **extra}}

        def complete() -> dict[str, Any]:
            made_by = self.evaluator.session.made_by()
            return {**identity, **shown, "passes": config.passes, **measure(), "made_by": made_by}

        row = self.report.get_or_measure(identity, complete)
        row.update(shown)  # an older version may have called it otherwise
        return row

    def draw(self, config: SampleConfig, **shown: Any) -> dict[str, Any]:
        """The row of the samples of these settings."""

        def measure() -> dict[str, Any]:
            tokens = self.evaluator.samples.tokens(config, f"{shown['series']}, {shown['point']}")
            return self.measure_samples(tokens, self.evaluator.samples.labels(config.n))

        return self.row(config, self.checked_by, measure, **shown)

    @cached_property
    def checks(self) -> Checks:
        """The exact checks of the pack's styles that pass on its held-out real pictures.

        None where no parts are known, or nothing is held out.
        """
        pictures = self.evaluator.pictures
        if not pictures.recipes or not pictures.held_out:
            return {}
        return usable_checks(self.evaluator, self.report, open_checks(pictures))

    @property
    def checked_by(self) -> dict[str, str]:
        """What rows with faults also depend on."""
        return {"checks": checks_digest()[:16]} if self.checks else {}

    def measure_samples(self, tokens: np.ndarray, labels: np.ndarray, keep: Keep = keep_all) -> dict[str, Any]:
        """FID, KID, IS, classes and faults of pictures given as tokens (M, N), with their classes (M,).

        `keep` chooses the pictures that count.
        """
        kept = keep(np.arange(len(tokens)))
        figures = self.evaluator.measure_tokens(tokens, labels, keep)
        return {**figures, **self.count_faults(tokens[kept], labels[kept])}

    def count_faults(self, tokens: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
        """The share of pictures that an exact check finds wrong, among those whose style has one. {} where none has."""
        found = count_faults(self.evaluator, self.checks, tokens, labels)[ANY_CHECK]
        if not found["n"]:
            return {}
        return {"faults": found["share"], "faults_ci": found["share_ci"], "faulty": found["samples"]}


@dataclass(frozen=True, kw_only=True)
class Experiment:
    name: str  # of its command and its report
    title: str
    method: str  # what was measured, as the report says it
    measure: Callable[[Setup], Iterator[Row]]
    find: Callable[[Sequence[Row]], list[str]]  # what follows, two sentences
    columns: tuple[Column, ...]  # of the table
    x: Axis
    y: Axis
    figure: str = "fid"  # that every row has
    lines: bool = True  # whether the points of a series follow each other
    diagonal: bool = False  # whether both axes are shares, which ought to be equal
    definitions: Mapping[str, str] = field(default_factory=dict)  # of columns that only it has
    searched: bool = True  # whether its rows are meant to be at settings that the pack's search found for so many steps
    borrows: bool = False  # or for the nearest number of steps that was searched


DISTANCES, CLASSES = (FID, KID, FID_HELD), (IS, NAMED, FAULTS)
OF_DISTANCES = ("features", "reference", "held", "labels")  # definitions that FID and KID rest on


def run_experiment(experiment: Experiment, setup: Setup, folder: Path) -> dict[str, Any]:
    """Fill `folder`/NAME.json, .md and .png. Returns what follows, and where the report is.

    ValueError for a pack without critic, or for a seed of the sweep.
    """
    check_seed(setup.seed)
    if setup.evaluator.session.critic is None:
        raise ValueError(f"pack {setup.evaluator.session.pack.name!r} has no critic, which {experiment.name} measures")
    rows = list(experiment.measure(setup))
    content = setup.report.content
    content |= describe(experiment, setup.evaluator.session.pack)
    content["findings"] = experiment.find(rows)
    content["unsearched"] = list_unsearched(setup.evaluator.session.pack, rows) if experiment.searched else []
    if KID in experiment.columns:
        numbers = sorted({row["measured"] for row in rows})
        content["perfect"] = setup.evaluator.measure_perfect(numbers, content.get("perfect", ()))
    setup.report.show(rows)
    setup.report.save()
    (folder / f"{experiment.name}.md").write_text(format_report(experiment, rows, content), encoding="utf-8")
    plot(experiment, rows, content.get("perfect", ())).savefig(folder / f"{experiment.name}.png", dpi=150)
    return {"findings": content["findings"], "report": str(setup.report.file)}


def describe(experiment: Experiment, pack: Pack) -> dict[str, Any]:
    """What a report says of its experiment, for whoever draws it."""
    borrowed = [say_searched(pack, PAPER_RULES)] if experiment.borrows else []
    axes = {name: vars(axis) for name, axis in (("x", experiment.x), ("y", experiment.y))}
    return {
        "experiment": experiment.name,
        "title": experiment.title,
        "method": " ".join([experiment.method, *borrowed]),
        "chart": {
            **axes,
            "columns": [vars(column) for column in (PICTURES, *experiment.columns)],
            "lines": experiment.lines,
            "diagonal": experiment.diagonal,
        },
        "paper": [one._asdict() for one in REPORTED[experiment.name]],
    }


def format_report(experiment: Experiment, rows: Sequence[Row], content: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    columns = [one for one in (PICTURES, *experiment.columns) if any(one.figure in row for row in rows)]
    head = ["series", "point", *(one.heading for one in columns)]
    perfect, unsearched = content.get("perfect", ()), content["unsearched"]
    lines = [f"# {experiment.title}", "", content["method"], ""]
    lines += [*content["findings"], *say_unsearched(unsearched)]
    lines += [*say_perfect(perfect, [one.figure for one in experiment.columns]), ""]
    lines += [f"![{experiment.title}]({experiment.name}.png)", "", *table_header(head)]
    for row in rows:
        figures = [format_figure(row, one.figure, one.digits) if one.figure in row else "–" for one in columns]
        lines.append(table_row([row["series"], row["point"], *figures]))
    lines += ["", "In brackets 95 % intervals.", *_paper_lines(content["paper"]), "", *say_command(content)]
    keys = {one.figure for one in columns}
    used = {*keys, *(OF_DISTANCES if "fid" in keys else ()), *(("ci",) if "kid" in keys else ())}
    defined = {key: text for key, text in content["definitions"].items() if key in used}
    if FAULTS.figure in keys:
        fault = f"{DEFINITIONS['fault']}; its interval is Clopper-Pearson's"
        defined |= {FAULTS.heading: fault, ANY_CHECK: DEFINITIONS[ANY_CHECK]}
    defined |= experiment.definitions
    return "\n".join([*lines, *(f"- **{key}**: {text}" for key, text in defined.items())]) + "\n"


def _paper_lines(paper: Sequence[Mapping[str, Any]]) -> list[str]:
    if not paper:
        return []
    head = ["ImageNet, as reported elsewhere", "FID", "IS", "passes"]
    rows = [[one["name"], *(str(one[key] or "–") for key in ("fid", "inception_score", "passes"))] for one in paper]
    note = "Those figures use Inception's features and far larger models: only their order compares with ours."
    return ["", *table_header(head), *map(table_row, rows), "", note]


COLOURS = ("#0072b2", "#9b59b6", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def plot(experiment: Experiment, rows: Sequence[Row], perfect: Sequence[Row]) -> Figure:
    """A figure with a line for each series, and 95 % intervals. Points that have names stand below each other."""
    x, y = experiment.x, experiment.y
    floor = find_floor(perfect, y.figure, {row["measured"] for row in rows})
    if x.figure == "point":
        return _plot_named(experiment, rows, floor)
    figure = new_figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot(xlabel=x.label, ylabel=y.label, title=experiment.title)
    for i, name in enumerate(dict.fromkeys(row["series"] for row in rows)):
        mine = [point for row in rows if row["series"] == name for point in row.get("points", [row])]
        if experiment.lines and all(isinstance(one[x.figure], (int, float)) for one in mine):
            mine.sort(key=lambda one: one[x.figure])
        _plot_series(axes, name, mine, experiment, COLOURS[i % len(COLOURS)])
    if floor is not None:
        axes.axhline(floor, color="grey", linestyle="dotted", label=REAL)
    for which, axis in (("x", x), ("y", y)):
        if axis.log:
            use_log_scale(axes, which)
    if experiment.diagonal:
        axes.plot([0, 1], [0, 1], color="grey", linestyle="dotted")
    axes.grid(which="both", alpha=0.3)
    axes.legend(fontsize=8)
    return figure


def _plot_named(experiment: Experiment, rows: Sequence[Row], floor: float | None) -> Figure:
    """A line of text for each row, beside its figure and interval."""
    figure = experiment.y.figure
    colours = dict(zip(dict.fromkeys(row["series"] for row in rows), COLOURS, strict=False))
    points = [
        Interval(
            f"{row['series']}: {row['point']}",
            row[figure],
            row.get(f"{figure}_ci") or (row[figure],) * 2,
            colours[row["series"]],
        )
        for row in rows
    ]
    return plot_intervals(points, f"{experiment.y.label}; 95 % intervals", floor, REAL)


def _plot_series(axes: Axes, name: str, points: Sequence[Row], experiment: Experiment, colour: str) -> None:
    at, values = ([one[axis.figure] for one in points] for axis in (experiment.x, experiment.y))
    ends = [one.get(f"{experiment.y.figure}_ci") or (v, v) for one, v in zip(points, values, strict=True)]
    low, high = ([abs(v - end[i]) for v, end in zip(values, ends, strict=True)] for i in (0, 1))
    style = "o-" if experiment.lines else "o"
    axes.errorbar(at, values, yerr=[low, high], fmt=style, capsize=3, color=colour, label=name, markersize=4)


def say(row: Row, figure: str = "fid", digits: int = 2) -> str:
    """A figure with its interval, as in 1.05 (0.89–1.21)."""
    return format_figure(row, figure, digits)


def say_ratio(mine: Row, other: Row) -> str:
    """The ratio of two rows' FID with its interval."""
    return format_figure(compare_fid(mine, other), "fid_ratio", 2)


def compare_fid(mine: Row, other: Row) -> dict[str, Any]:
    """`compare_rows` of rows whose FID is over the same number of pictures."""
    assert mine["measured"] == other["measured"], "FID falls with the number of pictures"
    return compare_rows(*({**row, "n": row["measured"]} for row in (mine, other)))


def is_apart(mine: Row, other: Row) -> int:
    """-1 if the FID of `mine` is lower than that of `other`, 1 if higher, 0 if the interval of the ratio holds 1."""
    return find_side(*compare_fid(mine, other).get("fid_ratio_ci", (-math.inf, math.inf)))


def say_faults(rows: Mapping[str, Row]) -> list[str]:
    """A sentence on the faults of these rows by name, with intervals; none for a pack without exact checks."""
    told = [f"{say_share(row)} {name}" for name, row in rows.items() if row.get("faults") is not None]
    return [f"The exact checks find a fault in {join_words(told)}."] if len(told) == len(rows) else []


def say_share(row: Row, figure: str = "faults") -> str:
    """A share with its interval, as in 3.3 % (2.0–5.0)."""
    low, high = (100 * end for end in row[f"{figure}_ci"])
    return f"{100 * row[figure]:.1f} % ({low:.1f}–{high:.1f})"


def own(config: SampleConfig) -> str:
    """The rule's parameters, as in "K 1.1, a 0.15, b 0.9"."""
    return own_settings({"rule": config.rule, "matched": config.matched, "settings": config.parameters})
