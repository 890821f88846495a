"""Each rule's own parameters by successive halving: 18 settings a rule, whether it has one parameter or three.

Every setting of a rule's grid draws `n` pictures; the best `keep` of them by FID draw `finals` more,
from other noise, and these decide. No sample of a sweep is a sample of table1. What an earlier grid tried,
and the report still holds, stays in the race.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.config import SampleConfig
from engine.evaluate.judge import Judge
from engine.evaluate.report import IDENTITY, Report, between, read
from engine.pack import Pack, open_pack, write_config
from engine.plots import new_figure
from engine.rules import RULES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "sweep.json"
SEEDS = (1001, 1002)  # of the first and of the last round
CRITIC = {"noise_K": (1.0, 2.0, 4.0), "temp_a": (0.0, 0.1, 0.2), "temp_b": (0.8, 0.9)}
GRIDS: dict[str, Mapping[str, Sequence[float]]] = {  # 18 settings each
    "maskgit": {"choice_temperature": tuple(float(x) for x in range(3, 21))},
    "critic": CRITIC,
    "critic-locked": CRITIC,
    # the generator's own confidence wants more noise: in the critic's grid, tried first, the most was best
    "self-revoking": {**CRITIC, "noise_K": (2.0, 4.0, 8.0), "eta": (1.0,)},
}
Row = Mapping[str, Any]


def grid(rule: str) -> list[dict[str, Any]]:
    """The settings of a rule that are tried."""
    axes = GRIDS[rule]
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def sweep(
    judge: Judge, rules: Sequence[str], steps: int, n: int, finals: int, keep: int, folder: Path
) -> dict[str, Any]:
    """Fill `folder`/sweep.json and a picture per rule; returns the best settings of each rule, and the next best."""
    free = [rule for rule in rules if rule in GRIDS]
    if not free:
        raise ValueError(f"nothing to sweep: of the rules {', '.join(GRIDS)} have parameters of their own")
    report = Report(folder / NAME, judge.provenance())
    found = []
    for rule in free:
        wanted = judge.session.settings(rule=rule, steps=steps)
        first, last = (
            dataclasses.replace(wanted, n=n, seed=SEEDS[0]),
            dataclasses.replace(wanted, n=finals, seed=SEEDS[1]),
        )
        for own in grid(rule):
            judge.row_in(report, dataclasses.replace(first, **own))
        tried = sorted(alike(report.rows, judge.identity(first)), key=lambda row: row["fid"])
        ends = [judge.row_in(report, dataclasses.replace(last, **own_settings(row))) for row in tried[:keep]]
        found.append(best(ends, [own_settings(row) for row in tried]))
        kept = [one for one in report.content.get("best", []) if (one["rule"], one["steps"]) != (rule, steps)]
        report.content["best"] = [*kept, found[-1]]
        report.store()
        draw(tried).savefig(folder / f"sweep-{rule}-{steps}.png", dpi=150)
    return {"best": found, "report": str(report.file)}


def own_settings(row: Row) -> dict[str, Any]:
    """Those that only its rule reads."""
    return {name: row["settings"][name] for name in RULES[row["rule"]].reads}


def alike(rows: Sequence[Row], identity: Mapping[str, Any]) -> list[Row]:
    """Rows that differ from that one in their rule's own settings alone, those of an earlier grid included."""

    def common(one: Mapping[str, Any]) -> list[Any]:
        shared = {name: value for name, value in one["settings"].items() if name not in RULES[one["rule"]].reads}
        return [shared, *(one[name] for name in IDENTITY if name != "settings")]

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
    allowed = {field.name: field.metadata for field in dataclasses.fields(SampleConfig)}

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
        "second": own[1:2],
        "why": why,
        "at_an_end": [name for name in own[0] if at_an_end(name)],
    }


def best_settings(pack: Pack, rule: str, steps: int) -> dict[str, float]:
    """What the pack's sweep found for these steps; nothing where it did not look.

    ValueError where the sweep was made with other weights.
    """
    file = pack.path / "reports" / NAME
    if not file.is_file():
        return {}
    stored = read(file)
    if stored["weights_sha256"] != pack.config["sha256"]:
        raise ValueError(f"{file} was made with other weights: run the sweep again, or move it away")
    return next((one["settings"] for one in stored.get("best", []) if (one["rule"], one["steps"]) == (rule, steps)), {})


def set_presets(pack: Pack, found: Sequence[Mapping[str, Any]]) -> None:
    """Make the best settings those that the pack's runs start with."""
    now = open_pack(pack.path)  # a training may have ended meanwhile
    if now.config["sha256"] != pack.config["sha256"]:
        raise ValueError(f"pack {pack.name!r} has other weights now: its presets were left as they are")
    presets = {**now.presets, **{one["rule"]: one["settings"] for one in found}}
    kept = {name: value for name, value in now.config.items() if name != "version" or presets == now.presets}
    write_config(pack.path, {**kept, "presets": presets})


def draw(rows: Sequence[Row]) -> Figure:
    """FID of a rule's first round: K down, a across, a map for each b (and eta); a curve for maskgit."""
    figure = _heat(rows) if "noise_K" in RULES[rows[0]["rule"]].reads else _curve(rows)
    title = f"{RULES[rows[0]['rule']].label}, {rows[0]['steps']} steps"
    figure.suptitle(f"{title}: FID over {rows[0]['n']} pictures, lower is better")
    return figure


def _heat(rows: Sequence[Row]) -> Figure:
    outer = sorted({(row["settings"]["temp_b"], row["settings"].get("eta")) for row in rows})
    ks = sorted({row["settings"]["noise_K"] for row in rows})
    a_s = sorted({row["settings"]["temp_a"] for row in rows})
    fids = [row["fid"] for row in rows]
    figure = new_figure(figsize=(1.2 + 0.95 * len(a_s) * len(outer), 1.3 + 0.55 * len(ks)), layout="constrained")
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
                axes.text(x, y, f"{value:.1f}", ha="center", va="center", color=colour, fontweight=bold)
    return figure


def _curve(rows: Sequence[Row]) -> Figure:
    figure = new_figure(figsize=(7, 3.4), layout="constrained")
    axes = figure.add_subplot(xlabel="choice temperature", ylabel="FID")
    points = sorted((row["settings"]["choice_temperature"], row["fid"]) for row in rows)
    axes.plot(*zip(*points, strict=True), "o-")
    for row in rows:
        if "fid_ci" in row:
            axes.vlines(row["settings"]["choice_temperature"], *row["fid_ci"], alpha=0.5)
    return figure
