"""The reports that a pack carries, read as charts: rows with figures, and the settings that each was measured at.

engine.evaluate writes them; the page draws them. Both agree on the keys here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.binomial import clopper_pearson, fisher, holm
from engine.rules import RULES, all_parameters

Row = Mapping[str, Any]  # figures by name; NAME_ci is the 95 % interval of NAME
LARGEST = 20_000_000  # bytes of a report's file
PAPER_CRITIC = "paper-critic"  # the folder, among a pack's reports, of those of a critic made as the paper's
MAX_DIGITS = 6  # of a figure in a table
MAX_PICTURES = 1_000_000  # of a row
REAL = "as many real pictures"  # what charts call their floor
FIRST_SAMPLES = 2000  # fid_first is measured on so many samples, to compare rows of different n


@dataclass(frozen=True, kw_only=True)
class Axis:
    figure: str  # the key of a row, or of its points
    label: str
    log: bool = False


@dataclass(frozen=True, kw_only=True)
class Column:
    heading: str
    figure: str  # the key of a row
    digits: int = 2


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A report as it is drawn. A row has `series`, `point` and figures, and may have `points` of its own."""

    name: str
    rows: Sequence[Row]
    columns: Sequence[Column]
    x: Axis
    y: Axis
    lines: bool = False  # whether the points of a series follow each other
    diagonal: bool = False  # whether both axes are shares that ought to be equal
    roots: bool = (
        False  # draw y by the root of its distance from 0: for values on both sides of 0, most of them near it
    )
    floor: float | None = None  # what as many real pictures would have on the y axis
    floor_name: str = REAL
    method: str = ""
    findings: Sequence[str] = ()
    paper: Sequence[Mapping[str, Any]] = field(default_factory=tuple)  # what papers report: name, fid, inception_score


FID, KID = Column(heading="FID ↓", figure="fid"), Column(heading="KID ↓", figure="kid", digits=4)
FID_HELD = Column(heading="FID, held out ↓", figure="fid_held")
PICTURES = Column(heading="pictures", figure="measured", digits=0)
PASSES = Column(heading="passes", figure="passes", digits=0)
FAULTS = Column(heading="faulty ↓", figure="faults", digits=4)  # the share that an exact check finds wrong
IS, NAMED = (
    Column(heading="IS ↑", figure="is"),
    Column(heading="class named right ↑", figure="class_accuracy", digits=3),
)


def read_charts(folder: Path) -> list[Chart]:
    """The charts of all reports in a pack's folder `reports`. A report that is damaged or not known is left out."""
    return [chart for name in ORDER if (chart := read_chart(folder, name)) is not None]


def read_chart(folder: Path, name: str) -> Chart | None:
    """One chart; None where its report is missing, damaged or not known."""
    file, read = folder / f"{FILES.get(name, name)}.json", READERS.get(name, _experiment)
    try:
        if file.stat().st_size > LARGEST:
            return None
        content = json.loads(file.read_text(encoding="utf-8"))
        beside = folder / PAPER_CRITIC / file.name
        if name == "table1" and beside.is_file() and beside.stat().st_size <= LARGEST:
            content["beside"] = _rows_beside(content, json.loads(beside.read_text(encoding="utf-8")))
        chart = read(name, content)
        _check(chart)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None
    return chart


def _check(chart: Chart) -> None:
    """KeyError, TypeError or ValueError for a chart that cannot be drawn or told: a pack may come from anywhere."""
    if any(type(one.digits) is not int or not 0 <= one.digits <= MAX_DIGITS for one in chart.columns):
        raise ValueError("a column has an impossible number of digits")
    for row in chart.rows:
        if not (isinstance(row["series"], str) and isinstance(row["point"], str)):
            raise TypeError("a row has no name")
        for point in row.get("points", [row]):
            for axis in (chart.x, chart.y):
                if axis.figure != "point" or axis.log:
                    _check_figure(point, axis.figure)
                    if axis.log and point[axis.figure] <= 0:
                        raise ValueError(f"{axis.figure} has no logarithm")
        for one in chart.columns:
            if row.get(one.figure) is not None:
                _check_figure(row, one.figure)
        if run_settings(row) is not None and not (isinstance(row["steps"], int) and isinstance(row["matched"], bool)):
            raise TypeError("a row has no steps")


def _check_figure(row: Row, name: str) -> None:
    ends = row.get(f"{name}_ci") or (0, 0)
    if len(ends) != 2 or not all(math.isfinite(one) for one in (row[name], *ends)):
        raise ValueError(f"{name} is no number with an interval")


def _rows_beside(content: Mapping[str, Any], other: Mapping[str, Any]) -> list[Row]:
    """The rows of the paper's critic, whose weights no pack carries; none where figures of the two do not compare."""
    if any(content[name] != other[name] for name in ("weights_sha256", "pictures_sha256")):
        return []
    return [{**row, "settings": {**row["settings"], "critic": PAPER_CRITIC}} for row in shown_rows(other)]


def shown_rows(content: Mapping[str, Any]) -> list[Row]:
    """The rows of a report's last call. Others follow, of settings that were asked for before."""
    rows: list[Row] = content["rows"][: content["shown"]]
    return rows


def join_words(words: Sequence[str]) -> str:
    """One or more words as a list in a sentence: "a, b and c"."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def say_perfect(perfect: Sequence[Row], figures: Collection[str] = ("fid", "kid")) -> list[str]:
    """A sentence on what real pictures would get in the place of samples; none where that was not measured.

    It tells those of FID and KID that are among `figures`.
    """
    told = []
    for one in perfect:
        if "fid" in one:
            parts = {"fid": f"an FID of {one['fid']:.2f}", "kid": f"a KID of {one['kid']:.4f}"}
            number = f" ({one['n']:,} of them)" if len(perfect) > 1 else ""
            told.append(join_words([text for name, text in parts.items() if name in figures]) + number)
    if not told:
        return []
    return [
        f"As many real pictures, drawn at random, would have {'; '.join(told)}: a sampler gets below that only by "
        "luck, and ratios of figures near it are pulled towards 1."
    ]


def say_unsearched(names: Sequence[str]) -> list[str]:
    """A sentence on the rows whose settings no search of the pack found; none where there are none."""
    said = f"No search at so many steps was done for {', '.join(names)}: the settings are the pack's presets."
    return [said] if names else []


def find_side(low: float, high: float | None, *, same: float = 1) -> int:
    """-1 for an interval below `same`, which is what equals have; 1 above it; 0 around it. No `high` is infinity."""
    return -1 if high is not None and high < same else int(low > same)


def find_floor(perfect: Sequence[Row], figure: str, numbers: set[int]) -> float | None:
    """What real pictures would have in this figure, where all rows are over the same number of pictures."""
    return next((one.get(figure) for one in perfect if {one["n"]} == numbers), None)


def own_settings(row: Row) -> str:
    """The parameters that the row's rule reads, as in "K 1.1, a 0.15, b 0.9"."""
    specs, values = RULES[row["rule"]].parameters(row["matched"]), row["settings"]
    own = [f"{spec.metadata['symbol']} {values[name]:g}" for name, spec in specs.items() if name in values]
    return ", ".join(own) or "–"


def row_name(row: Row) -> str:
    """The rule as tables name it."""
    return RULES[row["rule"]].label + (", matched" if row["matched"] else "")


def name_with_passes(row: Row) -> str:
    """The rule and what a picture of it costs, as sentences name it: "MaskGIT with 18 passes"."""
    return f"{row_name(row)} with {row['passes']} passes"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def run_settings(row: Row) -> dict[str, Any] | None:
    """The settings of a run that draws as this row's samples were drawn; None where no run does (why_no_run)."""
    settings = row.get("settings", {})
    if why_no_run(row):
        return None
    own = {name: value for name, value in settings.items() if name in all_parameters()}
    return {"rule": row["rule"], "steps": row["steps"], "matched": row["matched"], **own}


def why_no_run(row: Row) -> str:
    """Why no run with the pack's weights draws as this row's samples were drawn; "" where one does.

    "unsampled": nothing was drawn from start to end; "refined": finished pictures were; "weights": another critic did.
    """
    settings = row.get("settings", {})
    if row.get("rule") not in RULES or "hidden" in settings:
        return "unsampled"
    return "refined" if "refined" in settings else "weights" if "critic" in settings else ""


def _experiment(name: str, content: Mapping[str, Any]) -> Chart:
    """A report that says itself how it is drawn (engine.evaluate.experiments)."""
    chart, rows, perfect = content["chart"], shown_rows(content), content.get("perfect", ())
    return Chart(
        name=name,
        rows=rows,
        columns=[Column(**one) for one in chart["columns"]],
        x=Axis(**chart["x"]),
        y=Axis(**chart["y"]),
        lines=chart["lines"],
        diagonal=chart["diagonal"],
        floor=find_floor(perfect, chart["y"]["figure"], {row["measured"] for row in rows}),
        method=content["method"],
        findings=[
            *content["findings"],
            *say_unsearched(content.get("unsearched", ())),
            *say_perfect(perfect, [one["figure"] for one in chart["columns"]]),
        ],
        paper=content["paper"],
    )


SAY_PAPER = " The paper's critic starts from nothing, has a head of its own and is not told how many tokens are new."


def _table1(name: str, content: Mapping[str, Any]) -> Chart:
    beside = content.get("beside", ())
    named = [(row_name(row), row) for row in shown_rows(content)]
    named += [(f"{row_name(row)}, the paper's", row) for row in beside]
    rows = [{**row, "series": series, "point": f"{row['steps']} steps, {own_settings(row)}"} for series, row in named]
    perfect = content.get("perfect", ())
    first = Column(heading="FID of the first 2,000 ↓", figure="fid_first")
    held = Column(heading="KID, held out ↓", figure="kid_held", digits=4)
    return Chart(
        name=name,
        rows=rows,
        columns=[PASSES, Column(heading="pictures", figure="n", digits=0), first, FID, KID, FID_HELD, held, IS, NAMED],
        x=Axis(figure="passes", label="network passes of a picture", log=True),
        y=Axis(figure="fid_first", label="FID over the first 2,000 pictures, lower is better", log=True),
        floor=find_floor(perfect, "fid", {min(FIRST_SAMPLES, row["n"]) for row in rows}),
        method=f"{_list_rules(shown_rows(content))} at the best settings of the pack's search, else at its presets; "
        f"MaskGIT also at the critic's passes, and matched, with the critic's settings.{SAY_PAPER if beside else ''}",
        findings=[*content.get("findings", ()), *say_perfect(perfect)],
    )


def _list_rules(rows: Sequence[Row]) -> str:
    """Whose rows these are: all rules, or their names."""
    names = [rule.label for key, rule in RULES.items() if any(row["rule"] == key for row in rows)]
    return "Every rule" if len(names) == len(RULES) else join_words(names)


def _sweep(name: str, content: Mapping[str, Any]) -> Chart:
    last = max(row["n"] for row in content["rows"])
    rows = [
        {**row, "series": f"{row_name(row)}, {row['steps']} steps", "point": own_settings(row), **row["settings"]}
        for row in sorted(content["rows"], key=lambda row: (-row["n"], row["kid"]))
    ]
    found = content["best"]
    pictures = [one["pictures"] for one in found]
    inside = "no winner lies" if not any(one["at_an_end"] for one in found) else "some winners lie"
    rounds = sorted({row["n"] for row in rows})
    return Chart(
        name=name,
        rows=rows,
        columns=[Column(heading="pictures", figure="n", digits=0), KID],
        x=Axis(figure="temp_b", label="temperature b at the end"),
        y=Axis(figure="kid", label="KID, lower is better"),
        roots=True,
        method=f"Successive halving by KID: many settings with {rounds[0]:,} pictures each, the best again with more, "
        f"up to {last:,}, from other noise each time.",
        findings=[
            f"{len(found)} searches of {min(pictures):,} to {max(pictures):,} pictures each; {inside} at an end of "
            "what was tried, but for ends of the allowed range.",
            "Points of two rounds do not compare: with few pictures the best of many settings is the luckiest, too.",
        ],
    )


def _auc(name: str, content: Mapping[str, Any]) -> Chart:
    rows = [
        {
            "series": f"{JUDGES[judge]}, {split}",
            "point": f"{percent(float(hidden))} sampled",
            "hidden": float(hidden),
            "pairs": cell["pairs"],
            "n": cell["pictures"],
            **{f"auc{end}": cell[judge][f"contested{end}"] for end in ("", "_ci")},
            "paired": cell[judge]["paired"],
        }
        for split, cells in content["splits"].items()
        for judge in JUDGES
        for hidden, cell in cells.items()
    ]
    half = {split: cells["0.5"] for split, cells in content["splits"].items()}
    said = [
        f"{split}: {cell['critic']['contested']:.2f} against {cell['generator']['contested']:.2f}"
        for split, cell in half.items()
    ]
    leads = [find_side(*cell["difference_ci"], same=0) for cell in half.values()]
    return Chart(
        name=name,
        rows=rows,
        columns=[
            Column(heading="AUC ↑", figure="auc", digits=3),
            Column(heading="paired ↑", figure="paired", digits=3),
        ],
        x=Axis(figure="hidden", label="share of the tokens that is sampled"),
        y=Axis(figure="auc", label="AUC, real against sampled token at the same place"),
        lines=True,
        method="Held-out pictures, some of whose tokens are hidden and filled by the generator. A real and a sampled "
        "token at the same place are compared; 0.5 is chance, and 1 is out of reach.",
        findings=[
            f"With half of the tokens sampled, the critic's AUC against the generator's own is {'; '.join(said)}.",
            f"Of {len(leads)} splits the critic is ahead in {leads.count(1)} and behind in {leads.count(-1)} by more "
            "than chance.",
        ],
    )


JUDGES = {"critic": "the critic", "generator": "the generator itself"}


def _classes(name: str, content: Mapping[str, Any]) -> Chart:
    shown = [row for row in shown_rows(content) if row["rule"] in ("maskgit", "critic") and not row["matched"]]
    rows = [
        {
            **{key: row[key] for key in ("rule", "steps", "matched", "settings", "passes")},
            "series": f"{row_name(row)}, {row['steps']} steps",
            "point": label,
            "class": label,
            **one,
            "share_ci": clopper_pearson(*_count(one)),
        }
        for row in shown
        for label, one in row["by_class"].items()
    ]
    return Chart(
        name=name,
        rows=rows,
        columns=[
            Column(heading="pictures", figure="n", digits=0),
            Column(heading="class named right ↑", figure="share", digits=3),
        ],
        x=Axis(figure="point", label=""),
        y=Axis(figure="share", label="share of samples whose class the classifier finds"),
        method="The samples of the table of all rules, by class: in how many the pack's classifier finds the class.",
        findings=_class_findings(rows),
    )


def _class_findings(rows: Sequence[Row]) -> list[str]:
    def of(rule: str, passes: int) -> dict[str, Row]:
        return {row["class"]: row for row in rows if (row["rule"], row["passes"]) == (rule, passes)}

    passes = max((row["passes"] for row in rows if row["rule"] == "critic"), default=0)
    critic, greedy = of("critic", passes), of("maskgit", passes)
    lead = {label: critic[label]["share"] - greedy[label]["share"] for label in critic if label in greedy}
    if not lead:
        return []
    sure = holm({label: fisher(*(_count(one[label]) for one in (critic, greedy))) for label in lead})
    ahead, behind = ([label for label in sure if sign * lead[label] > 0] for sign in (1, -1))
    most, least = max(lead, key=lambda label: lead[label]), min(lead, key=lambda label: lead[label])
    shares = [f"{percent(critic[label]['share'])} against {percent(greedy[label]['share'])}" for label in (most, least)]
    test = f"(Fisher's exact test, Holm's correction for {len(lead)} classes)"
    lists = [("; ".join(labels) or "none") for labels in (ahead, behind)]
    found = [
        f"At equal passes, {passes}, the classifier finds these classes more often in Token-Critic's pictures than in "
        f"MaskGIT's, by more than chance {test}: {lists[0]}. Less often: {lists[1]}."
        if sure
        else f"At equal passes, {passes}, the classifier finds no class more often in one rule's pictures than in the "
        f"other's by more than chance {test}."
    ]
    if sure and most != least:
        found.append(f"Token-Critic's lead is largest in {most}, {shares[0]}, and smallest in {least}, {shares[1]}.")
    return found


def _count(one: Row) -> tuple[int, int]:
    """The number of pictures whose class is found, and that of all."""
    if not 0 <= one["n"] <= MAX_PICTURES:
        raise ValueError(f"n={one['n']}")
    return round(one["share"] * one["n"]), one["n"]


def _exact(name: str, content: Mapping[str, Any]) -> Chart:
    rows = list(_exact_rows(shown_rows(content)))
    return Chart(
        name=name,
        rows=rows,
        columns=[
            Column(heading="pictures", figure="n", digits=0),
            Column(heading="faulty ↓", figure="share", digits=4),
        ],
        x=Axis(figure="point", label=""),
        y=Axis(figure="share", label="share of samples with a fault"),
        method="Rules that every real picture of a style keeps, decided by the pixels alone.",
        findings=content.get("findings", ()),
    )


def _exact_rows(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        kept = {key: row[key] for key in ("rule", "steps", "matched", "settings", "passes")}
        for check, one in row["checks"].items():
            figures = {key: one[key] for key in ("n", "share", "share_ci")}
            yield {**kept, **figures, "series": f"{row_name(row)}, {row['passes']} passes", "point": check}


READERS: Mapping[str, Callable[[str, Mapping[str, Any]], Chart]] = {
    "table1": _table1,
    "sweep": _sweep,
    "auc": _auc,
    "classes": _classes,
    "exact": _exact,
}
FILES = {"classes": "table1"}  # charts that are drawn from another one's report
EXPERIMENTS = ("steps", "curve", "rejection", "refine", "ablate", "calibration", "tradeoff")
ORDER = ("table1", *EXPERIMENTS, "classes", "exact", "auc", "sweep")
