"""The reports that a pack carries: what was measured, as tables and charts whose rows can be loaded into the lanes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, partial
from itertools import cycle
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from app.context import Context
from app.request import SUFFIXES
from app.text.reports import say_report
from app.text.words import name_class, words
from engine.reports import Chart, Column, Row, read_charts, run_settings, why_no_run
from engine.rules import RULES

FEW, APART = 14, 1.1  # values at an axis that are named themselves; the least ratio of two that are
ROOM = {"x": 12, "y": 14}  # labels at an axis that do not touch in a narrow window
MOST_WITH_INTERVALS = 100  # points in a chart; with more, intervals hide them
RULE_COLOURS = {"maskgit": "#0072b2", "critic": "#9b59b6"}  # of the first series of each, in all charts
OTHER_COLOURS = ("#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#888888", "#d55e00", "#a6761d")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star")  # colour alone must not tell them apart


def read_results(context: Context, pack: object) -> dict[str, Any]:
    """Return the charts of a pack for the page's tables; none where it carries no reports. ValueError for its name."""
    return {"charts": [_describe(chart) for chart in _charts(context, pack).values()]}


def draw_chart(context: Context, asked: object) -> go.Figure | None:
    """Draw one chart. `asked` names its pack and report, and the language; None where there is no such chart."""
    if not isinstance(asked, Mapping):
        return None
    context = context.speaking(str(asked.get("language")))
    chart = _charts(context, asked.get("pack")).get(str(asked.get("name")))
    return None if chart is None else _draw(chart).update_layout(meta={"pack": asked["pack"], "name": chart.name})


def _charts(context: Context, pack: object) -> Mapping[str, Chart]:
    folder = context.packs.session(pack, loaded=False).pack.path / "reports"
    files = tuple((file.name, file.stat().st_mtime_ns) for file in sorted(folder.glob("*.json")))
    return _read(folder, files, context.language)


@cache
def _read(folder: Path, _: tuple[tuple[str, int], ...], language: str) -> Mapping[str, Chart]:
    """The charts in a folder, read again when one of its files has changed. What cannot be said is left out."""
    said = {}
    for chart in read_charts(folder):
        with suppress(TypeError, KeyError, AttributeError, RecursionError):  # a report that somebody has changed
            said[chart.name] = _say(chart, language)
    return said


def _say(chart: Chart, language: str) -> Chart:
    """The chart in a language."""
    say = partial(say_report, language)

    def name(row: Row) -> str:
        return name_class(words(language), row["class"]) if "class" in row else say(row["point"])

    return dataclasses.replace(
        chart,
        method=say(chart.method),
        findings=[say(one) for one in chart.findings],
        columns=[dataclasses.replace(one, heading=say(one.heading)) for one in chart.columns],
        x=dataclasses.replace(chart.x, label=say(chart.x.label)),
        y=dataclasses.replace(chart.y, label=say(chart.y.label)),
        rows=[{**row, "series": say(row["series"]), "point": name(row)} for row in chart.rows],
        floor_name=say(chart.floor_name),
        paper=[{**one, "name": say(one["name"])} for one in chart.paper],
    )


def _describe(chart: Chart) -> dict[str, Any]:
    columns = [one for one in chart.columns if any(one.figure in row for row in chart.rows)]
    return {
        "name": chart.name,
        "method": chart.method,
        "findings": list(chart.findings),
        "headings": [one.heading for one in columns],
        "rows": [_describe_row(row, columns) for row in chart.rows],
        "paper": list(chart.paper),
    }


def _describe_row(row: Row, columns: list[Column]) -> dict[str, Any]:
    cells = [_format(row, one) for one in columns]
    return {"series": row["series"], "point": row["point"], "cells": cells, **_load(row)}


def _format(row: Row, column: Column) -> str:
    """A figure with its interval, as in 1.05 (0.89–1.21)."""
    value, ends = row.get(column.figure), row.get(f"{column.figure}_ci")
    if value is None:
        return ""
    numbers = [f"{one:,.{column.digits}f}" for one in (value, *(ends or ()))]
    between = " – " if numbers[-1].startswith("-") or (numbers[1:2] and numbers[1].startswith("-")) else "–"
    return f"{numbers[0]} ({numbers[1]}{between}{numbers[2]})" if ends else numbers[0]


def _load(row: Row) -> dict[str, Any]:
    """The controls that set a lane to this row, and which lane: the right one for what needs two passes a step.

    Where no run draws like this, `why` says why.
    """
    settings = run_settings(row)
    if settings is None:
        return {"controls": None, "lane": 0, "why": why_no_run(row)}
    lane = int(RULES[settings["rule"]].passes_per_step > 1)
    shared = {"equal_passes": False, "matched": settings.pop("matched")}
    if "class" in row:
        shared["label"] = row["class"]
    return {
        "controls": {**shared, **{f"{name}{SUFFIXES[lane]}": value for name, value in settings.items()}},
        "lane": lane,
    }


def _draw(chart: Chart) -> go.Figure:
    """Draw a series for each name. A point's `customdata` is the number of its row."""
    figure = go.Figure()
    colours = _choose_colours(chart)
    for i, (name, colour) in enumerate(colours.items()):
        points = [
            (number, row, point)
            for number, row in enumerate(chart.rows)
            if row["series"] == name
            for point in row.get("points", [row])
        ]
        figure.add_trace(_trace(chart, name, points, colour, SYMBOLS[i % len(SYMBOLS)]))
    line = {"mode": "lines", "line": {"color": "#888888", "dash": "dot"}, "hoverinfo": "skip"}
    if chart.floor is not None:
        across = list(dict.fromkeys(row[chart.x.figure] for row in chart.rows))  # names, or numbers:
        if not any(isinstance(one, str) for one in across):
            across = [min(across), max(across)]
        figure.add_trace(go.Scatter(x=across, y=[chart.floor] * len(across), name=chart.floor_name, **line))
    if chart.diagonal:
        figure.add_trace(go.Scatter(x=[0, 1], y=[0, 1], showlegend=False, **line))
    grid = {"gridcolor": "rgba(128, 128, 128, 0.25)", "zerolinecolor": "rgba(128, 128, 128, 0.25)"}
    for update, axis, room in (
        (figure.update_xaxes, chart.x, ROOM["x"]),
        (figure.update_yaxes, chart.y, ROOM["y"]),
    ):
        values = [point[axis.figure] for row in chart.rows for point in row.get("points", [row])]
        ticks: dict[str, Any] = {}
        if axis.log:
            ticks = {"tickvals": _log_ticks(values, room), "type": "log", "tickformat": ".3~g"}
        elif axis is chart.y and chart.roots:
            named = _root_ticks(values, room)
            ticks = {"tickvals": [_root(one) for one in named], "ticktext": [f"{one:g}" for one in named]}
        update(title_text=axis.label, automargin=True, exponentformat="none", **grid, **ticks)
    clear, margin = "rgba(0, 0, 0, 0)", {"l": 56, "r": 12, "t": 12, "b": 48}
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "font": {"size": 14}}
    figure.update_layout(height=460, margin=margin, legend=legend, paper_bgcolor=clear, plot_bgcolor=clear)
    return figure


def _log_ticks(values: list[float], room: int) -> list[float]:
    """The values themselves where they are few, but for those too near to another one; else 1, 2, 5, 10 and so on.

    `room` is how many labels there is room for, side by side.
    """
    own = sorted(set(values))
    low, high = own[0], own[-1]
    if len(own) <= FEW:
        apart = max(APART, (high / low) ** (1 / room))
        named = [low]
        for one in own[1:]:
            if one >= apart * named[-1]:
                named.append(one)
        return named
    first, last = math.floor(math.log10(max(low, 1e-9))), math.ceil(math.log10(max(high, 1e-9)))
    return [float(f"{digit}e{power}") for power in range(first, last + 1) for digit in (1, 2, 5)]


def _root(value: float) -> float:
    """The root of the distance from 0, with the value's sign."""
    return math.copysign(math.sqrt(abs(value)), value)


def _root_ticks(values: list[float], room: int) -> list[float]:
    """0 and, to both sides, 1, 2, 5 times a power of ten, as far as there are values and room between the labels."""
    low, high = min(0, *values), max(0, *values)
    apart = (_root(high) - _root(low)) / room
    sizes = [float(f"{digit}e{power}") for power in range(-6, 7) for digit in (1, 2, 5)]
    named = [0.0]
    for sign, end in ((1, high), (-1, -low)):
        last = 0.0
        for size in sizes:
            if size <= end and math.sqrt(size) - math.sqrt(last) >= apart:
                named.append(sign * size)
                last = size
    return sorted(named)


def _choose_colours(chart: Chart) -> dict[str, str]:
    """A colour for each series, in their order."""
    chosen: dict[str, str] = {}
    others = cycle(OTHER_COLOURS)
    for row in chart.rows:
        if row["series"] not in chosen:
            own = RULE_COLOURS.get(row.get("rule", ""))
            chosen[row["series"]] = own if own and own not in chosen.values() else next(others)
    return chosen


def _trace(chart: Chart, name: str, points: list[tuple[int, Row, Row]], colour: str, symbol: str) -> go.Scatter:
    x, y = chart.x.figure, chart.y.figure
    if chart.lines:
        points = sorted(points, key=lambda one: one[2][x])
    values = [point[y] for _, _, point in points]
    shown = len(chart.rows) <= MOST_WITH_INTERVALS
    ends = [
        (shown and point.get(f"{y}_ci")) or (value, value) for (_, _, point), value in zip(points, values, strict=True)
    ]
    scale = _root if chart.roots else float
    above = [scale(end[1]) - scale(value) for end, value in zip(ends, values, strict=True)]
    below = [scale(value) - scale(end[0]) for end, value in zip(ends, values, strict=True)]
    return go.Scatter(
        x=[point[x] for _, _, point in points],
        y=[scale(value) for value in values],
        error_y={"array": above, "arrayminus": below, "thickness": 1, "width": 3},
        name=name,
        text=[f"{row['point']}<br>{value:.4g}" for (_, row, _), value in zip(points, values, strict=True)],
        customdata=[number for number, _, _ in points],
        hovertemplate="%{text}",
        mode="lines+markers" if chart.lines else "markers",
        line={"color": colour, "width": 2},
        marker={"symbol": symbol, "size": 9, "color": colour},
    )
