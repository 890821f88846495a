"""Each rule's own parameters by successive halving.

Every setting of a rule's grid draws `n` pictures; the best `keep` of them by FID draw `finals` more,
from other noise, and these decide. No sample of a sweep is a sample of table1. What an earlier grid tried,
and the report still holds, stays in the race.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from engine.evaluate.draws import made_of
from engine.evaluate.judge import Judge
from engine.evaluate.report import IDENTITY, Report, between, read
from engine.pack import Pack, open_pack, write_config
from engine.rules import RULES, all_parameters

NAME = "sweep.json"
SEEDS = (1001, 1002)  # of the first and of the last round
Row = Mapping[str, Any]


def grid(rule: str) -> list[dict[str, Any]]:
    """The settings of a rule that are tried: all combinations of the values that its parameters name."""
    axes = {name: spec.metadata["values"] for name, spec in RULES[rule].parameters().items()}
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def sweep(
    judge: Judge, rules: Sequence[str], steps: int, n: int, finals: int, keep: int, folder: Path
) -> dict[str, Any]:
    """Fill `folder`/sweep.json and a picture per rule; returns the best settings of each rule, and the next best."""
    report = Report(folder / NAME, judge.provenance())
    found = []
    for rule in rules:
        wanted = judge.session.settings(rule=rule, steps=steps)
        first, last = (
            wanted.replace(n=n, seed=SEEDS[0]),
            wanted.replace(n=finals, seed=SEEDS[1]),
        )
        for own in grid(rule):
            judge.row_in(report, first.replace(**own))
        tried = sorted(alike(report.rows, judge.identity(first)), key=lambda row: row["fid"])
        ends = [judge.row_in(report, last.replace(**own_settings(row))) for row in tried[:keep]]
        found.append(best(ends, [own_settings(row) for row in tried]))
        kept = [one for one in report.content.get("best", []) if (one["rule"], one["steps"]) != (rule, steps)]
        report.content["best"] = [*kept, found[-1]]
        report.store()
        draw(tried).savefig(folder / f"sweep-{rule}-{steps}.png", dpi=150)
    return {"best": found, "report": str(report.file)}


def own_settings(row: Row) -> dict[str, Any]:
    """Those that only its rule reads."""
    return {name: row["settings"][name] for name in RULES[row["rule"]].parameters()}


def alike(rows: Sequence[Row], identity: Mapping[str, Any]) -> list[Row]:
    """Rows that differ from that one in their rule's own settings alone, those of an earlier grid included."""

    def common(one: Mapping[str, Any]) -> list[Any]:
        own = RULES[one["rule"]].parameters()
        shared = {name: value for name, value in one["settings"].items() if name not in own}
        return [shared, one["made_of"], *(one[name] for name in IDENTITY if name != "settings")]

    return [row for row in rows if common(row) == common(identity)]


def best(rows: Sequence[Row], tried: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """The winner of a last round and the one behind it, and why; and where it is at an end of what was tried.

    Not where that is the end of what is allowed: a = 0 leaves nothing below.
    """
    ranking = sorted(rows, key=lambda row: row["fid"])
    own = [own_settings(row) for row in ranking]
    why = f"FID {between(ranking[0], 'fid', 2)} over {ranking[0]['n']} pictures"
    if len(ranking) > 1:
        why += f", the next best {between(ranking[1], 'fid', 2)}"
    ranges = {name: {one[name] for one in tried} for name in own[0]}
    allowed = {name: spec.metadata for name, spec in RULES[ranking[0]["rule"]].parameters().items()}

    def at_an_end(name: str) -> bool:
        chosen, seen = own[0][name], ranges[name]
        inside = (min(seen) < chosen or chosen == allowed[name]["low"]) and (
            chosen < max(seen) or chosen == allowed[name]["high"]
        )
        return len(seen) > 1 and not inside

    return {
        "rule": ranking[0]["rule"],
        "steps": ranking[0]["steps"],
        "settings": own[0],
        "made_of": ranking[0]["made_of"],
        "second": own[1:2],
        "why": why,
        "at_an_end": [name for name in own[0] if at_an_end(name)],
    }


def best_settings(pack: Pack, rule: str, steps: int) -> dict[str, float]:
    """What the pack's sweep found for these steps; nothing where it did not look.

    ValueError where that sweep was made with other weights, or when the rule did something else.
    """
    file = pack.path / "reports" / NAME
    if not file.is_file():
        return {}
    found = [one for one in read(file).get("best", []) if (one["rule"], one["steps"]) == (rule, steps)]
    if found and found[0].get("made_of") != made_of(pack, rule):
        raise ValueError(f"{file} was made with another {rule}, or other weights: run the sweep again, or move it away")
    return found[0]["settings"] if found else {}


def set_presets(pack: Pack, found: Sequence[Mapping[str, Any]]) -> None:
    """Make the best settings those that the pack's runs start with."""
    now = open_pack(pack.path)  # a training may have ended meanwhile
    if now.config["sha256"] != pack.config["sha256"]:
        raise ValueError(f"pack {pack.name!r} has other weights now: its presets were left as they are")
    presets = {**now.presets, **{one["rule"]: one["settings"] for one in found}}
    kept = {name: value for name, value in now.config.items() if name != "version" or presets == now.presets}
    write_config(pack.path, {**kept, "presets": presets})


def draw(rows: Sequence[Row]) -> Figure:
    """FID of a rule's first round: its first parameter down, its second across, a map for each choice of the others."""
    specs = RULES[rows[0]["rule"]].parameters()
    figure = _heat(rows, list(specs)) if len(specs) > 1 else _curve(rows, next(iter(specs)))
    title = f"{RULES[rows[0]['rule']].label}, {rows[0]['steps']} steps"
    figure.suptitle(f"{title}: FID over {rows[0]['n']} pictures, lower is better")
    return figure


def _heat(rows: Sequence[Row], names: Sequence[str]) -> Figure:
    down, across, *others = names
    symbols = {name: spec.metadata["symbol"] for name, spec in all_parameters().items()}
    values = [{name: row["settings"][name] for name in names} for row in rows]
    maps = sorted({tuple(own[name] for name in others) for own in values})
    ys, xs = (sorted({own[name] for own in values}) for name in (down, across))
    fids = [row["fid"] for row in rows]
    figure = Figure(figsize=(1.2 + 0.95 * len(xs) * len(maps), 1.3 + 0.55 * len(ys)), layout="constrained")
    middle = (np.log(min(fids)) + np.log(max(fids))) / 2
    for i, chosen in enumerate(maps):
        cells = np.full((len(ys), len(xs)), np.nan)
        for own, fid in zip(values, fids, strict=True):
            if tuple(own[name] for name in others) == chosen:
                cells[ys.index(own[down]), xs.index(own[across])] = fid
        title = ", ".join(f"{symbols[name]} = {value:g}" for name, value in zip(others, chosen, strict=True))
        axes = figure.add_subplot(1, len(maps), i + 1, title=title, xlabel=symbols[across])
        axes.set_ylabel("" if i else symbols[down])
        axes.imshow(np.log(cells), cmap="cividis_r", vmin=np.log(min(fids)), vmax=np.log(max(fids)), aspect="auto")
        axes.set_xticks(range(len(xs)), [f"{x:g}" for x in xs])
        axes.set_yticks(range(len(ys)), [] if i else [f"{y:g}" for y in ys])
        for (y, x), value in np.ndenumerate(cells):
            if np.isfinite(value):
                bold = "bold" if value == min(fids) else "normal"
                colour = "white" if np.log(value) > middle else "black"
                axes.text(x, y, f"{value:.1f}", ha="center", va="center", color=colour, fontweight=bold)
    return figure


def _curve(rows: Sequence[Row], name: str) -> Figure:
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    axes = figure.add_subplot(xlabel=all_parameters()[name].metadata["symbol"], ylabel="FID")
    points = sorted((row["settings"][name], row["fid"]) for row in rows)
    axes.plot(*zip(*points, strict=True), "o-")
    for row in rows:
        if "fid_ci" in row:
            axes.vlines(row["settings"][name], *row["fid_ci"], alpha=0.5)
    return figure
