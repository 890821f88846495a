"""Each rule's own parameters, all rules with the same budget, by successive halving.

Every setting of a rule's grid draws `n` pictures; the best `keep` of them by FID draw `finals` more,
from other noise, and these decide. No sample of a sweep is a sample of table1.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from engine.config import SampleConfig
from engine.evaluate.judge import Judge, identity
from engine.evaluate.report import Report, between, read
from engine.pack import Pack, write_config
from engine.rules import RULES
from engine.session import Session

NAME = "sweep.json"
FIRST_SEED, LAST_SEED = 1001, 1002
CRITIC = {"noise_K": (0.3, 0.6, 1.0), "temp_a": (0.0, 0.2, 0.4), "temp_b": (0.75, 0.9)}
GRIDS: dict[str, Mapping[str, Sequence[float]]] = {  # 18 settings each
    "maskgit": {"choice_temperature": tuple(float(x) for x in range(3, 21))},
    "critic": CRITIC,
    "critic-locked": CRITIC,
    "self-revoking": {**CRITIC, "eta": (1.0,)},
}


def grid(rule: str) -> list[dict[str, float]]:
    """The settings of a rule that are tried; none where it has no parameters of its own."""
    axes = GRIDS.get(rule, {})
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())] if axes else []


def sweep(
    judge: Judge, rules: Sequence[str], steps: int, n: int, finals: int, keep: int, folder: Path
) -> dict[str, Any]:
    """Fill `folder`/sweep.json and its heat maps; the best settings of each rule, and the next best."""
    report = Report(folder / NAME, judge.provenance())
    for rule in rules:
        tried = []
        for own in grid(rule):
            config = judge.session.settings(rule=rule, steps=steps, n=n, seed=FIRST_SEED, **own)
            tried.append((_measured(judge, report, config, "first")["fid"], config))
        for _, config in sorted(tried, key=lambda one: one[0])[:keep]:
            last = dataclasses.replace(config, n=finals, seed=LAST_SEED)
            _measured(judge, report, last, "last")
        report.content["best"] = best(report.rows)
        report.store()
    draw(report.rows, folder)
    return {"best": report.content.get("best", []), "report": str(report.file)}


def best(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each rule and number of steps the winner of the last round and the one behind it, and why."""
    result = []
    last = [row for row in rows if row["round"] == "last"]
    for rule, steps in dict.fromkeys((row["rule"], row["steps"]) for row in last):
        ranking = sorted((r for r in last if (r["rule"], r["steps"]) == (rule, steps)), key=lambda row: row["fid"])
        ranking = [row for row in ranking if row["n"] == ranking[0]["n"]]
        why = f"FID {between(ranking[0], 'fid', 1)} over {ranking[0]['n']} pictures"
        if len(ranking) > 1:
            why += f", the next best {between(ranking[1], 'fid', 1)}"
        own = [{name: row["settings"][name] for name in RULES[rule].reads} for row in ranking[:2]]
        result.append({"rule": rule, "steps": steps, "settings": own[0], "second": own[1:], "why": why})
    return result


def best_settings(session: Session, rule: str, steps: int) -> dict[str, float]:
    """What the pack's sweep found for these steps; nothing (so: the pack's preset) where it did not look."""
    file = session.pack.path / "reports" / NAME
    found = read(file).get("best", []) if file.is_file() else []
    return next((one["settings"] for one in found if (one["rule"], one["steps"]) == (rule, steps)), {})


def set_presets(pack: Pack, found: Sequence[Mapping[str, Any]]) -> None:
    """Make the best settings those that the pack's runs start with."""
    presets = {**pack.presets, **{one["rule"]: one["settings"] for one in found}}
    write_config(pack.path, {**pack.config, "presets": presets})


def draw(rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """sweep-RULE-STEPS.png: FID of the first round; K down, a across, a map for each b. Curves for maskgit."""
    first = [row for row in rows if row["round"] == "first"]
    for rule, steps in dict.fromkeys((row["rule"], row["steps"]) for row in first):
        mine = [row for row in first if (row["rule"], row["steps"]) == (rule, steps)]
        figure = _heat(mine) if "noise_K" in RULES[rule].reads else _curve(mine)
        figure.suptitle(f"{RULES[rule].label}, {steps} steps: FID over {mine[0]['n']} pictures, lower is better")
        figure.savefig(folder / f"sweep-{rule}-{steps}.png", dpi=150)


def _heat(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """One map for each b (and each eta, where there is one)."""
    outer = sorted({(row["settings"]["temp_b"], row["settings"].get("eta")) for row in rows})
    ks = sorted({row["settings"]["noise_K"] for row in rows})
    a_s = sorted({row["settings"]["temp_a"] for row in rows})
    fids = [row["fid"] for row in rows]
    figure = Figure(figsize=(1.2 + 0.95 * len(a_s) * len(outer), 1.3 + 0.55 * len(ks)), layout="constrained")
    for i, (b, eta) in enumerate(outer):
        cells = np.full((len(ks), len(a_s)), np.nan)
        for row in rows:
            own = row["settings"]
            if (own["temp_b"], own.get("eta")) == (b, eta):
                cells[ks.index(own["noise_K"]), a_s.index(own["temp_a"])] = row["fid"]
        title = f"b = {b:g}" + ("" if eta is None else f", η = {eta:g}")
        axes = figure.add_subplot(1, len(outer), i + 1, title=title, xlabel="a", ylabel="K" if not i else "")
        axes.imshow(np.log(cells), cmap="cividis_r", vmin=np.log(min(fids)), vmax=np.log(max(fids)), aspect="auto")
        axes.set_xticks(range(len(a_s)), [f"{a:g}" for a in a_s])
        axes.set_yticks(range(len(ks)), [f"{k:g}" for k in ks] if not i else [])
        middle = (np.log(min(fids)) + np.log(max(fids))) / 2
        for (y, x), value in np.ndenumerate(cells):
            if np.isfinite(value):
                bold = "bold" if value == min(fids) else "normal"
                colour = "white" if np.log(value) > middle else "black"
                axes.text(x, y, f"{value:.0f}", ha="center", va="center", color=colour, fontweight=bold)
    return figure


def _curve(rows: Sequence[Mapping[str, Any]]) -> Figure:
    points = sorted((row["settings"]["choice_temperature"], row["fid"], *row["fid_ci"]) for row in rows)
    x, y, low, high = (np.array(column) for column in zip(*points, strict=True))
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    axes = figure.add_subplot(xlabel="choice temperature", ylabel="FID")
    axes.errorbar(x, y, (y - low, high - y), fmt="o-", capsize=3)
    return figure


def _measured(judge: Judge, report: Report, config: SampleConfig, stage: str) -> Mapping[str, Any]:
    """The row of these settings, measured now unless the report has it."""
    row = report.find(identity(config))
    if row is None:
        row = {**judge.row(config), "round": stage}
        report.rows.append(row)
        report.store()
    return row
