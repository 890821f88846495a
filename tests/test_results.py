"""Results: every committed report is a chart, and each of its rows sets a lane to what it was measured at."""

from __future__ import annotations

import json
import math
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from app.context import Context
from app.features.results import _log_ticks, _root_ticks, draw_chart, read_results
from app.features.settings import plan_lanes, resolve_controls
from app.packs import Packs
from app.text.words import ENGLISH, words
from engine.evaluate.experiments import EXPERIMENTS
from engine.reports import ORDER, REAL, read_chart, read_charts, run_settings, why_no_run
from engine.session import available_packs
from tests.tiny import make_whole_pack

REPORTS = {name: Path("weights") / name / "reports" for name in available_packs()}


@pytest.fixture(scope="module")
def context() -> Any:
    return Context(packs=Packs("emoji"))


@pytest.mark.parametrize("pack", REPORTS)
def test_every_committed_report_can_be_looked_at(context: Context, pack: str) -> None:
    stored = {file.stem for file in REPORTS[pack].glob("*.json")} - {"tokenizer"}
    charts = {one["name"]: one for one in read_results(context, pack)["charts"]}
    assert stored <= charts.keys(), "a report that cannot be read is left out"
    assert all(one["rows"] and one["headings"] and one["findings"] for one in charts.values())
    for name, chart in charts.items():
        figure = draw_chart(context, {"pack": pack, "name": name})
        assert figure is not None
        shown = {number for trace in figure.data if trace.customdata is not None for number in trace.customdata}
        assert shown == set(range(len(chart["rows"]))), "each row has a point, which says which row it is"
        for axis, values in ((figure.layout.xaxis, "x"), (figure.layout.yaxis, "y")):
            drawn = [one for trace in figure.data for one in trace[values]]
            assert axis.type != "log" or min(drawn) > 0, "Plotly leaves out what has no logarithm"
        floors = [trace.name for trace in figure.data].count(REAL)
        assert floors == (name in {"table1", "steps", "curve", "rejection", "refine", "ablate"})


def test_each_report_has_a_title_on_the_page() -> None:
    titles = words(ENGLISH)["results"]["titles"]
    assert tuple(titles) == ORDER
    assert {name: titles[name] for name in EXPERIMENTS} == {name: one.title for name, one in EXPERIMENTS.items()}


@pytest.mark.parametrize("pack", REPORTS)
def test_a_row_sets_a_lane_to_what_it_was_measured_at(context: Context, pack: str) -> None:
    charts = read_charts(REPORTS[pack])
    described = read_results(context, pack)["charts"]
    for chart, sent in zip(charts, described, strict=True):
        for row, button in list(zip(chart.rows, sent["rows"], strict=True))[:20]:
            settings = run_settings(row)
            assert (settings is None) == (button["controls"] is None)
            if settings is None:
                continue
            asked = {**button["controls"], "pack": pack}
            controls = resolve_controls(context, asked, list(asked))["controls"]
            plan = plan_lanes(context, controls)
            assert plan["wrong"] == ""
            lane = plan["lanes"][button["lane"]]
            assert settings.items() <= lane["settings"].items() and lane["passes"] == row.get("passes", lane["passes"])


def test_the_paper_s_critic_stands_beside_the_shipped_one(context: Context, tmp_path: Path) -> None:
    chart = read_chart(REPORTS["emoji"], "table1")
    assert chart is not None
    papers = [i for i, row in enumerate(chart.rows) if row["series"] == "Token-Critic, the paper's"]
    table = next(one for one in read_results(context, "emoji")["charts"] if one["name"] == "table1")
    assert len(papers) == 1 and table["rows"][papers[0]]["why"] == "weights" and "paper's critic" in table["method"]
    shutil.copytree(REPORTS["emoji"] / "paper-critic", tmp_path / "paper-critic")
    own = json.loads((REPORTS["emoji"] / "table1.json").read_text(encoding="utf-8"))
    for changed, more in (({}, 1), ({"pictures_sha256": "of others"}, 0)):
        (tmp_path / "table1.json").write_text(json.dumps({**own, **changed}), encoding="utf-8")
        found = read_chart(tmp_path, "table1")
        assert found is not None and len(found.rows) == own["shown"] + more


def test_what_is_no_report_is_left_out(tmp_path: Path) -> None:
    for i, text in enumerate(("", "{}", "[]", "null", '{"chart": 3}', '{"rows": [{}], "best": []}', "\xff")):
        (tmp_path / f"{ORDER[i]}.json").write_text(text, encoding="latin-1")
    assert read_charts(tmp_path) == [] and read_charts(tmp_path / "none") == []
    whole = json.loads((REPORTS["emoji"] / "calibration.json").read_text(encoding="utf-8"))
    (tmp_path / "calibration.json").write_text(json.dumps({**whole, "unknown": 1}), encoding="utf-8")
    chart = read_chart(tmp_path, "calibration")
    assert chart is not None and chart.diagonal and len(chart.rows) == len(whole["rows"])


def test_a_report_with_hostile_values_is_left_out(tmp_path: Path) -> None:
    whole = json.loads((REPORTS["emoji"] / "calibration.json").read_text(encoding="utf-8"))
    first, *others = whole["rows"]
    points = first["points"]
    columns = whole["chart"]["columns"]
    on_log = {**whole["chart"], "y": {**whole["chart"]["y"], "log": True}}
    for changed in (
        {"chart": {**whole["chart"], "columns": [{**columns[0], "digits": 10**9}, *columns[1:]]}},
        {"rows": [{**first, "measured": "many"}, *others]},
        {"rows": [{**first, "series": 3}, *others]},
        {"rows": [{**first, "points": [{**points[0], "share": None}]}, *others]},
        {"rows": [{**first, "points": [{**points[0], "share_ci": [0]}]}, *others]},
        {"rows": [{**first, "points": [{"score": 0.5}]}, *others]},
        {"rows": [{**first, "points": [{**points[0], "share": math.nan}]}, *others]},
        {"rows": [{**first, "points": [{**points[0], "share": 10**400}]}, *others]},
        {"rows": [{**first, "points": [{**points[0], "share": 0}]}, *others], "chart": on_log},
        {"chart": {**whole["chart"], "columns": [{**columns[0], "digits": 2.0}, *columns[1:]]}},
        {"chart": {**on_log, "y": {**on_log["y"], "figure": "point"}}},
        {"rows": [{"rule": "critic", "settings": {}, **{k: first[k] for k in ("series", "point", "points")}}, *others]},
    ):
        (tmp_path / "calibration.json").write_text(json.dumps({**whole, **changed}), encoding="utf-8")
        assert read_chart(tmp_path, "calibration") is None, changed.keys()
    table = json.loads((REPORTS["emoji"] / "table1.json").read_text(encoding="utf-8"))
    critic = next(row for row in table["rows"] if row["rule"] == "critic" and row["steps"] == 18)
    for many in (10**12, 10**400, -1, "3"):
        critic["by_class"]["Food"]["n"] = many
        (tmp_path / "table1.json").write_text(json.dumps(table), encoding="utf-8")
        assert read_chart(tmp_path, "classes") is None


def test_why_a_row_cannot_be_loaded_is_said() -> None:
    row = {"rule": "critic", "steps": 18, "matched": False}
    for settings, why in (
        ({}, ""),
        ({"critic": 1}, "weights"),
        ({"refined": 0.2}, "refined"),
        ({"hidden": 1}, "unsampled"),
    ):
        assert why_no_run({**row, "settings": settings}) == why
        assert (run_settings({**row, "settings": settings}) is None) == bool(why)
    assert why_no_run({"series": "the critic"}) == "unsampled"
    assert words(ENGLISH)["results"]["cannot"].keys() == {"weights", "refined", "unsampled"}


def test_values_on_both_sides_of_0_are_all_drawn(context: Context) -> None:
    chart = read_chart(REPORTS["avatars"], "sweep")
    figure = draw_chart(context, {"pack": "avatars", "name": "sweep"})
    assert chart is not None and figure is not None and min(row["kid"] for row in chart.rows) < 0
    for trace in figure.data:
        for y, number, text in zip(trace.y, trace.customdata, trace.text, strict=True):
            kid = chart.rows[number]["kid"]
            assert y * abs(y) == pytest.approx(kid) and text.endswith(f"<br>{kid:.4g}")
    axis = figure.layout.yaxis
    assert [y * abs(y) for y in axis.tickvals] == pytest.approx([float(one) for one in axis.ticktext])
    named = _root_ticks([-0.009, 0.0001, 0.41], 14)
    assert 0 in named and min(named) < 0 and named == sorted(named) and len(named) <= 14
    assert _root_ticks([0.0], 14) == [0.0]


def test_classes_are_shown_where_there_is_nothing_to_compare(tmp_path: Path) -> None:
    table = json.loads((REPORTS["avatars"] / "table1.json").read_text())
    alone = [row for row in table["rows"][: table["shown"]] if row["rule"] == "critic"]
    (tmp_path / "table1.json").write_text(json.dumps({**table, "rows": alone, "shown": len(alone)}))
    chart = read_chart(tmp_path, "classes")
    assert chart is not None and chart.rows and not chart.findings


def test_a_pack_without_reports_says_so_and_another_name_is_refused(tmp_path: Path) -> None:
    own = make_whole_pack(tmp_path / "own")
    context = Context(packs=Packs(own.path, others=[]))
    assert read_results(context, "own") == {"charts": []}
    assert draw_chart(context, {"pack": "own", "name": "table1"}) is None and draw_chart(context, None) is None
    with pytest.raises(ValueError, match="unknown pack"):
        read_results(context, "other")
    with pytest.raises(ValueError, match="unknown pack"):
        draw_chart(context, {"name": "table1"})


def test_labels_at_an_axis_do_not_touch_in_a_narrow_window() -> None:
    values = [0.686, 0.838, 0.94, 1.28, 2.03, 3.28, 4.01, 9.63, 95.7]
    named = _log_ticks(values, 14)
    assert named[0] == 0.686 and named[-1] == 95.7 and len(named) < len(values)
    whole = math.log(values[-1] / values[0])
    assert all(math.log(b / a) / whole >= 1 / 14 for a, b in pairwise(named))
    assert _log_ticks([8, 15, 18, 35], 12) == [8, 15, 18, 35], "where there is room, all stay"
