"""Searches each rule's parameters by successive halving on KID. Every rule gets as many settings, but for step 4.

1. The first settings are all combinations of the `values` of the rule's parameters. Where there are more than
   ROUNDS[0].settings, as many of them, spread evenly.
2. Neighbours of the best settings follow, until ROUNDS[0].settings have been tried. A neighbour lies half-way to
   the next tried value of one parameter, or beyond the last one.
3. The best settings of a round draw more pictures in the next round, from other noise.
4. If a value of the winner is the highest or lowest one tried, and the parameter's range goes on, settings beyond
   it are tried and the rounds are repeated, at most MAX_WIDENINGS times.

No sample of a sweep is also a sample of table1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.config import MAX_STEPS, SampleConfig
from engine.evaluate.evaluator import Evaluator
from engine.evaluate.paper import PAPER_RULES, PICTURES_MAIN, PICTURES_OTHER, SHORT_STEPS, default_pictures
from engine.evaluate.report import Report, format_figure, read_report
from engine.evaluate.samples import digest_sources
from engine.pack import Pack, open_pack, write_config
from engine.plots import new_figure
from engine.reports import join_words, name_with_passes
from engine.rules import RULES, all_parameters
from engine.session import Session

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "sweep.json"


class Round(NamedTuple):
    settings: int  # how many settings take part
    pictures: int  # of each
    seed: int


ROUNDS = (Round(54, 128, 1001), Round(12, 512, 1002), Round(4, 2000, 1003))
SEEDS = tuple(one.seed for one in ROUNDS)
MAX_WIDENINGS, SETTINGS_PER_WIDENING = 3, 12
Row = Mapping[str, Any]
Settings = dict[str, float]
Key = tuple[tuple[str, float], ...]  # Settings that can be a key


def check_seed(seed: int) -> None:
    """ValueError for a seed of the sweep: no sample that chose settings may judge them."""
    if seed in SEEDS:
        raise ValueError(f"seed={seed}: that is the sweep's, and no sample that chose settings may judge them")


def sweep(
    evaluator: Evaluator, rules: Sequence[str], steps: int, rounds: Sequence[Round], folder: Path
) -> dict[str, Any]:
    """Fill `folder`/sweep.json, plot a figure per rule, return the best and second best settings of each rule."""
    report = Report(folder / NAME, evaluator.provenance())
    found = []
    for rule in rules:
        search = Search(evaluator, report, rule, steps, rounds)
        found.append(search.run())
        kept = [one for one in report.content.get("best", []) if (one["rule"], one["steps"]) != (rule, steps)]
        report.content["best"] = [*kept, found[-1]]
        report.drop_outdated(rule, found[-1]["made_of"])
        report.save()
        plot_kid(list(search.tried[0].values())).savefig(folder / f"sweep-{rule}-{steps}.png", dpi=150)
    return {"best": found, "report": str(report.file)}


class Search:
    """The search for the best settings of one rule at one number of steps."""

    def __init__(self, evaluator: Evaluator, report: Report, rule: str, steps: int, rounds: Sequence[Round]) -> None:
        self.evaluator, self.report, self.rounds = evaluator, report, rounds
        self.plain = evaluator.session.settings(rule=rule, steps=steps)
        self.specs = RULES[rule].parameters()
        self.tried: list[dict[Key, Row]] = [{} for _ in rounds]  # by round, in the order of measuring

    def run(self) -> dict[str, Any]:
        """Measure until the winner lies inside the tried values, or MAX_WIDENINGS are used up."""
        grid = list_grid(self.specs)
        count = min(len(grid), self.rounds[0].settings)
        self._measure_all([grid[i * len(grid) // count] for i in range(count)])
        self._try_neighbours(self.rounds[0].settings)
        for _ in range(MAX_WIDENINGS):
            self._run_later_rounds()
            winner = self.rank(-1)[0]
            if not self.params_at_edge(winner):
                break
            wider = len(self.tried[0]) + SETTINGS_PER_WIDENING
            self._measure_all([self._round_to_slider({**winner, **move}) for move in self._steps_outward(winner)])
            self._try_neighbours(wider)
        else:
            self._run_later_rounds()
        return self._summary()

    def _measure_all(self, settings: Sequence[Settings]) -> None:
        for one in settings:
            self._measure(0, one)

    def _try_neighbours(self, count: int) -> None:
        """Measure neighbours of the best settings so far, until `count` settings have been tried."""
        while len(self.tried[0]) < count:
            ranking = self.rank(0)
            fresh = (
                settings
                for best in ranking
                for settings in self._neighbours(best)
                if as_key(settings) not in self.tried[0]
            )
            settings = next(fresh, None)
            if settings is None:
                return
            self._measure(0, settings)

    def _run_later_rounds(self) -> None:
        """All rounds after the first, each with the best settings of the round before."""
        for i, one in enumerate(self.rounds[1:], 1):
            for settings in self.rank(i - 1)[: one.settings]:
                self._measure(i, settings)

    def _measure(self, i: int, settings: Settings) -> None:
        if as_key(settings) not in self.tried[i]:
            config = self.plain.replace(n=self.rounds[i].pictures, seed=self.rounds[i].seed, **settings)
            self.tried[i][as_key(settings)] = self.evaluator.kid_row(self.report, config)

    def rank(self, i: int) -> list[Settings]:
        """The settings tried in a round, lowest KID first."""
        return [dict(one) for one in sorted(self.tried[i], key=lambda one: self.tried[i][one]["kid"])]

    def params_at_edge(self, settings: Settings) -> list[str]:
        """Parameters whose value is the highest or lowest one tried, although their range goes on."""
        return sorted({name for move in self._steps_outward(settings) for name in move})

    def _steps_outward(self, settings: Settings) -> Iterator[Settings]:
        for name, value in settings.items():
            values = self._tried_values(name)
            low, high = self.specs[name].metadata["low"], self.specs[name].metadata["high"]
            step = self.specs[name].metadata["step"]
            if value == values[-1] and value < high:
                yield {name: min(high, value + (value - values[-2] if len(values) > 1 else step))}
            if value == values[0] and value > low:
                yield {name: max(low, value - (values[1] - value if len(values) > 1 else step))}

    def _tried_values(self, name: str) -> list[float]:
        return sorted({dict(one)[name] for one in self.tried[0]})

    def _neighbours(self, settings: Settings) -> Iterator[Settings]:
        """Settings with one parameter changed: half-way to the adjacent tried values, or beyond the last one."""
        for name, value in settings.items():
            values = self._tried_values(name)
            at = values.index(value)
            for beside in values[max(0, at - 1) : at] + values[at + 1 : at + 2]:
                yield self._round_to_slider({**settings, name: (value + beside) / 2})
        for move in self._steps_outward(settings):
            yield self._round_to_slider({**settings, **move})

    def _round_to_slider(self, settings: Settings) -> Settings:
        """Settings rounded to the steps of the page's sliders, so that they can be set there."""
        result = {}
        for name, value in settings.items():
            step = self.specs[name].metadata["step"]
            result[name] = round(round(value / step) * step, 6)
        return result

    def _summary(self) -> dict[str, Any]:
        ranking = self.rank(-1)
        last = [self.tried[-1][as_key(settings)] for settings in ranking]
        why = f"KID {format_figure(last[0], 'kid', 4)} over {last[0]['n']} pictures"
        if len(last) > 1:
            why += f", the next best {format_figure(last[1], 'kid', 4)}"
        return {
            "rule": self.plain.rule,
            "steps": self.plain.steps,
            "settings": ranking[0],
            "second": ranking[1:2],
            "made_of": last[0]["made_of"],
            "why": why,
            "settings_tried": [len(tried) for tried in self.tried],
            "pictures": sum(one.pictures * len(tried) for one, tried in zip(self.rounds, self.tried, strict=True)),
            "at_an_end": self.params_at_edge(ranking[0]),
        }


def as_key(settings: Settings) -> Key:
    return tuple(settings.items())


def list_grid(specs: Mapping[str, Any]) -> list[Settings]:
    """All combinations of the `values` of a rule's parameters."""
    values = [spec.metadata["values"] for spec in specs.values()]
    return [dict(zip(specs, chosen, strict=True)) for chosen in itertools.product(*values)]


def sweep_file(pack: Pack) -> Path:
    """Where the report of the pack's sweep is, or would be."""
    return pack.path / "reports" / NAME


def read_sweep(pack: Pack) -> dict[str, Any]:
    """The report of the pack's sweep; without rows where there is none. ValueError if it is damaged."""
    file = sweep_file(pack)
    return read_report(file) if file.is_file() else {"rows": []}


def best_settings(pack: Pack, rule: str, steps: int) -> dict[str, float]:
    """The best settings that the pack's sweep found for this number of steps. Empty if there was no such sweep.

    ValueError if the sweep used other weights, or the rule behaved differently.
    """
    found = [one for one in read_sweep(pack).get("best", []) if (one["rule"], one["steps"]) == (rule, steps)]
    schedule = (pack.presets.get(rule) or {}).get("schedule", SampleConfig().schedule)
    if found and found[0].get("made_of") != digest_sources(pack, rule, schedule):
        raise ValueError(
            f"{sweep_file(pack)} was made with another {rule}, or other weights: run the sweep again, or move it away"
        )
    return found[0]["settings"] if found else {}


def searched_steps(pack: Pack, rule: str) -> list[int]:
    """The numbers of steps at which the pack's sweep has searched a rule."""
    return sorted(one["steps"] for one in read_sweep(pack).get("best", []) if one["rule"] == rule)


def say_searched(pack: Pack, rules: Sequence[str]) -> str:
    """A sentence on the numbers of steps that the pack's sweep has searched these rules at."""
    at = {
        RULES[rule].label: join_words([str(count) for count in searched_steps(pack, rule)] or ["no"]) for rule in rules
    }
    return f"Searched were {join_words([f'{name} at {counts} steps' for name, counts in at.items()])}."


def list_unsearched(pack: Pack, rows: Sequence[Row]) -> list[str]:
    """Names of the rows whose settings no sweep of the pack found."""
    rules = ((row, "critic" if row["matched"] else row["rule"]) for row in rows)  # whose settings it has
    found = (row for row, rule in rules if not best_settings(pack, rule, row["steps"]))
    return list(dict.fromkeys(name_with_passes(row) for row in found))


def best_config(session: Session, rule: str, steps: int, **more: Any) -> SampleConfig:
    """Settings of a run: the best of the pack's sweep at this number of steps, else the pack's presets.

    A matched run does not use the sweep, which searched another ranking noise.
    """
    settings = {} if more.get("matched") else best_settings(session.pack, rule, steps)
    return session.settings(rule=rule, steps=steps, **{**settings, **more})


def list_rows(
    session: Session, rules: Sequence[str], n: int | None, steps: int, seed: int, matched: str
) -> Iterator[SampleConfig]:
    """Yield settings of every rule at `steps`, at the best of the pack's sweep, else at the pack's presets.

    Where both of the paper's rules are among them, maskgit follows at the critic's passes, the rule `matched`, if it is
    among them, with the critic's settings, and the paper's two at 8 steps. `n`: how many samples of each.
    """

    def cell(rule: str, steps: int, count: int, **more: Any) -> SampleConfig:
        return best_config(session, rule, steps, n=n or count, seed=seed, **more)

    for rule in rules:
        yield cell(rule, steps, default_pictures(rule))
    if set(PAPER_RULES) <= set(rules):
        critic = cell("critic", steps, PICTURES_OTHER)
        if steps < critic.passes <= MAX_STEPS:
            yield cell("maskgit", critic.passes, PICTURES_MAIN)
        if matched in rules:
            yield cell(matched, steps, PICTURES_OTHER, matched=True, **critic.parameters)
        yield from (cell(rule, SHORT_STEPS, PICTURES_OTHER) for rule in PAPER_RULES if steps != SHORT_STEPS)


def list_bases(session: Session, steps: int, **more: Any) -> Iterator[SampleConfig]:
    """Yield the best settings of maskgit, of maskgit with the critic's passes if that is allowed, and of the critic."""
    critic = best_config(session, "critic", steps, **more)
    yield best_config(session, "maskgit", steps, **more)
    if steps < critic.passes <= MAX_STEPS:
        yield best_config(session, "maskgit", critic.passes, **more)
    yield critic


def nearest_config(session: Session, rule: str, steps: int, **more: Any) -> SampleConfig:
    """The best settings of the pack's sweep whose number of steps is nearest (as a ratio), else the pack's presets."""
    searched = searched_steps(session.pack, rule)
    nearest = min(searched, key=lambda count: abs(math.log(count / steps)), default=None)
    found = best_settings(session.pack, rule, nearest) if nearest else {}
    return session.settings(rule=rule, steps=steps, **{**found, **more})


def set_presets(pack: Pack, found: Sequence[Mapping[str, Any]]) -> None:
    """Store the best settings as the pack's presets."""
    now = open_pack(pack.path)  # read again: a training may have ended since
    if now.config["sha256"] != pack.config["sha256"]:
        raise ValueError(f"pack {pack.name!r} has other weights now: its presets were left as they are")
    presets = {**now.presets}
    for one in found:  # a preset may hold more than parameters: its schedule
        presets[one["rule"]] = {**(presets.get(one["rule"]) or {}), **one["settings"]}
    kept = {name: value for name, value in now.config.items() if name != "version" or presets == now.presets}
    write_config(pack.path, {**kept, "presets": presets})


def plot_kid(rows: Sequence[Row]) -> Figure:
    """Plot KID in a rule's first round over its first two parameters; one panel for each choice of the others."""
    rule, kids = RULES[rows[0]["rule"]], [row["kid"] for row in rows]
    symbols = {name: spec.metadata["symbol"] for name, spec in all_parameters().items()}
    across, *rest = rule.parameters()
    up, others = (rest[0], rest[1:]) if rest else (None, [])
    values = [row["settings"] for row in rows]
    panels = sorted({tuple(settings[name] for name in others) for settings in values})
    columns = min(4, len(panels))
    lines = -(-len(panels) // columns)
    figure = new_figure(figsize=(1 + 3 * columns, 1 + 2.6 * lines), layout="constrained")
    for i, chosen in enumerate(panels):
        mine = [j for j, settings in enumerate(values) if tuple(settings[name] for name in others) == chosen]
        title = ", ".join(f"{symbols[name]} = {value:g}" for name, value in zip(others, chosen, strict=True))
        axes = figure.add_subplot(lines, columns, i + 1, title=title, xlabel=symbols[across])
        xs = [values[j][across] for j in mine]
        ys = [values[j][up] if up else kids[j] for j in mine]
        axes.set_ylabel((symbols[up] if up else "KID") if i % columns == 0 else "")
        colour = axes.scatter(xs, ys, c=[kids[j] for j in mine], cmap="cividis_r", vmin=min(kids), vmax=max(kids), s=60)
        for j, x, y in zip(mine, xs, ys, strict=True):
            bold = "bold" if kids[j] == min(kids) else "normal"
            how: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": 7, "fontweight": bold}
            axes.annotate(f"{1000 * kids[j]:.0f}", (x, y), (0, 7), **how)
        axes.margins(0.15)
    figure.colorbar(colour, ax=figure.axes, label="KID")
    title = f"{rule.label}, {rows[0]['steps']} steps"
    figure.suptitle(f"{title}: KID over {rows[0]['n']} pictures, lower is better; at the points, KID x 1,000")
    return figure
