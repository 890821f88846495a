"""Results in a real browser: by mouse and by keyboard alone, at three widths, live pictures and a blind vote."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from app.tools.browser import run_page
from engine.reports import read_chart
from tests.pages import go_to, luminance, painted

pytest.importorskip("playwright.sync_api")

CHART_SHOWN = """(y) => {
    const plot = document.querySelector("#tc-results .js-plotly-plot");
    return plot?.dataset.listening === "" && plot.layout.yaxis.title.text === y && plot.querySelector(".point");
}"""
# of a point of the chart: where it is on the screen, and the number of its row
POINT = """([series, i]) => {
    const plot = document.querySelector("#tc-results .js-plotly-plot");
    const trace = plot.calcdata[series][0].trace, { xaxis, yaxis } = plot._fullLayout;
    const at = plot.getBoundingClientRect();
    const x = at.x + xaxis._offset + xaxis.d2p(trace.x[i]), y = at.y + yaxis._offset + yaxis.d2p(trace.y[i]);
    return { x, y, row: trace.customdata[i] };
}"""

HOVERED = """(series) => document.querySelector("#tc-results .js-plotly-plot")._hoverdata
    ?.some((one) => one.curveNumber === series && one.pointNumber === 0)"""
FITTED = """() => {
    const plot = document.querySelector("#tc-results .js-plotly-plot");
    const drawn = plot.querySelector(".main-svg").clientWidth;
    return Math.abs(plot._fullLayout.width - drawn) < 1 && drawn === plot.parentElement.clientWidth;
}"""


@pytest.fixture(scope="module")
def results(page: Any) -> Any:
    """The page where its results are."""
    page.focus("[data-to=results]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-chart=table1][aria-pressed=true]")
    return page


def test_a_report_is_shown_as_what_follows_a_chart_and_a_table(results: Any, packs: Any) -> None:
    folder = packs.session(packs.first).pack.path / "reports"
    for name in ("table1", "calibration"):
        results.focus(f"[data-chart={name}]")
        results.keyboard.press("Enter")
        chart = read_chart(folder, name)
        assert chart is not None
        results.wait_for_function(CHART_SHOWN, arg=chart.y.label)
        said = results.locator(".tc-findings p").all_inner_texts()
        assert said == [*chart.findings, chart.method]
        assert results.locator(".tc-wide tbody tr").count() == len(chart.rows)


def test_what_is_measured_is_explained_where_it_first_stands(results: Any) -> None:
    results.click(".tc-measures .tc-ask")
    said = results.inner_text(".tc-explained")
    results.keyboard.press("Escape")
    assert all(f"\n{name}: " in said for name in ("FID", "KID", "IS", "Precision", "AUC", "In brackets"))


def test_a_row_loads_a_lane_by_keyboard_and_it_runs(results: Any, packs: Any) -> None:
    results.focus("[data-chart=table1]")
    results.keyboard.press("Enter")
    row = results.locator(".tc-wide tbody tr", has_text="35 steps")
    row.locator("button").focus()
    results.keyboard.press("Enter")
    results.wait_for_function("() => tokenCritic.state.planned.lanes[0].steps === 35")
    lane = results.evaluate("() => tokenCritic.state.planned.lanes[0]")
    assert lane["name"] == "MaskGIT" and lane["passes"] == 35
    assert "left lane is set to MaskGIT" in results.inner_text("#tc-results .tc-results .tc-status")
    go_to(results, "compare")
    run_page(results)
    go_to(results, "results")
    assert results.evaluate("() => tokenCritic.state.frames[0].length") == 35


def test_a_click_on_a_cell_loads_its_row_unless_text_is_marked(results: Any) -> None:
    row = results.locator(".tc-wide tbody tr", has_text="Confidence")
    marked = """(row) => { const range = document.createRange(); range.selectNodeContents(row);
        getSelection().removeAllRanges(); getSelection().addRange(range); row.click(); }"""
    row.evaluate(marked)
    assert results.evaluate("() => tokenCritic.state.planned.lanes[0].name") == "MaskGIT", "figures can be copied"
    results.evaluate("() => getSelection().removeAllRanges()")
    row.locator("td").last.click()
    results.wait_for_function("() => tokenCritic.state.planned.lanes[0].name === 'Confidence'")


def test_all_rows_of_a_long_table_are_there_by_keyboard(results: Any, packs: Any) -> None:
    chart = read_chart(packs.session(packs.first).pack.path / "reports", "sweep")
    assert chart is not None
    results.focus("[data-chart=sweep]")
    results.keyboard.press("Enter")
    results.wait_for_function("() => document.querySelectorAll('.tc-wide tbody tr').length === 60")
    results.get_by_role("button", name=f"Show the other {len(chart.rows) - 60} rows").focus()
    results.keyboard.press("Enter")
    rows = results.locator(".tc-wide tbody tr")
    assert rows.count() == len(chart.rows)
    assert results.evaluate("() => document.activeElement.matches('.tc-wide')"), "the focus is not lost"
    rows.last.locator("button").focus()
    results.keyboard.press("Enter")
    assert "lane is set to" in results.inner_text("#tc-results .tc-results .tc-status")
    results.focus("[data-chart=table1]")
    results.keyboard.press("Enter")


def test_a_click_on_a_point_loads_its_settings(results: Any, packs: Any) -> None:
    chart = read_chart(packs.session(packs.first).pack.path / "reports", "table1")
    assert chart is not None
    results.wait_for_function(CHART_SHOWN, arg=chart.y.label)
    series = [one["series"] for one in chart.rows]
    number = list(dict.fromkeys(series)).index("Halton order")
    results.locator("#tc-results .js-plotly-plot").scroll_into_view_if_needed()
    painted(results)
    point = results.evaluate(POINT, [number, 0])
    assert chart.rows[point["row"]]["rule"] == "halton"
    results.mouse.move(point["x"] + 2, point["y"])
    results.mouse.move(point["x"], point["y"])
    results.wait_for_function(HOVERED, arg=number)
    results.mouse.click(point["x"], point["y"])
    results.wait_for_function("() => tokenCritic.state.planned.lanes[0].name === 'Halton order'")


def test_sixteen_of_each_are_drawn_live_and_can_be_stopped(results: Any) -> None:
    results.click("#tc-results [data-gallery=draw]")
    results.wait_for_function("() => tokenCritic.miniature.items.flat().length > 2")
    assert "32 pictures" in results.inner_text("#tc-results .tc-gallery .tc-status")
    results.wait_for_function("() => !document.querySelector('#tc-results [data-gallery=stop]').disabled")
    results.click("#tc-results [data-gallery=stop]")
    results.wait_for_function("() => tokenCritic.miniature.run.why === 'stopped'")


def test_a_blind_vote_is_cast_by_keys_and_says_at_the_end_who_drew_what(results: Any) -> None:
    status = results.locator("#tc-results .tc-vote .tc-status")
    results.focus("[data-vote=start]")
    results.keyboard.press("Enter")
    results.wait_for_function("() => document.activeElement.dataset.vote === 'left'")
    names = results.evaluate("() => tokenCritic.vote.shown.lanes.map((lane) => lane.name)")
    assert all(name not in results.inner_text("#tc-results .tc-vote") for name in names), "nobody is told before"
    for n, key in enumerate(("ArrowLeft", "ArrowDown", "ArrowRight"), 1):
        results.wait_for_function(
            "(n) => tokenCritic.vote.votes.length === n - 1 && !tokenCritic.vote.answers[0].disabled", arg=n
        )
        results.locator("[data-vote=left]").focus()
        results.keyboard.press(key)
    lefts = results.evaluate("() => tokenCritic.vote.lefts")
    assert results.evaluate("() => tokenCritic.vote.votes") == [lefts[0], None, 1 - lefts[2]]
    results.click("[data-vote=stop]")
    mine = [lefts[0], 1 - lefts[2]]
    said = f"You chose {names[0]} {mine.count(0)} times and {names[1]} {mine.count(1)} times"
    assert status.inner_text().startswith(said)
    results.wait_for_function("() => !tokenCritic.vote.batch.run.going")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_results_fit_the_window_and_can_be_read(results: Any, width: int, scheme: str) -> None:
    results.set_viewport_size({"width": width, "height": 900})
    results.evaluate("(dark) => document.body.classList.toggle('dark', dark)", scheme == "dark")
    results.wait_for_function(FITTED)  # Plotly follows the window
    colours = results.evaluate("""() => {
        const texts = [...document.querySelectorAll("#tc-results .js-plotly-plot text, .tc-findings p, .tc-wide td")];
        let behind = document.querySelector("#tc-results");
        while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
        return [getComputedStyle(behind).backgroundColor,
            ...new Set(texts.map((one) => getComputedStyle(one)[one.matches("text") ? "fill" : "color"]))];
    }""")
    ground, *written = (luminance(np.array(re.findall(r"[\d.]+", one)[:3], float)) for one in colours)
    light = [(max(one, ground) + 0.05) / (min(one, ground) + 0.05) for one in written]
    assert light and min(light) >= 4.5, colours
    sizes = results.evaluate("""() => {
        const plot = document.querySelector("#tc-results .js-plotly-plot .main-svg").getBoundingClientRect();
        return [document.documentElement.scrollWidth, innerWidth, plot.right, plot.width];
    }""")
    results.evaluate("() => document.body.classList.remove('dark')")
    results.set_viewport_size({"width": 1280, "height": 800})
    assert sizes[0] <= sizes[1] and sizes[2] <= sizes[1] + 1 and sizes[3] > 300


def test_the_game_counts_what_was_drawn_anew_and_names_its_marks(results: Any) -> None:
    go_to(results, "fakes")
    results.evaluate("async () => { tokenCritic.game.seed = 4; await tokenCritic.game.deal(); }")
    fakes, same = results.evaluate("() => [tokenCritic.game.dealt.fakes, tokenCritic.game.dealt.same]")
    assert fakes + same == 64 and same > 0
    said = results.inner_text(".tc-game .tc-status")
    assert f"64 of its 256 tokens were drawn anew. Of these {same} came out as the real one, so {fakes} are" in said
    results.evaluate("""() => { const { game } = tokenCritic, { fake } = game.dealt;
        game.marks = new Set([fake.indexOf(1), fake.indexOf(0)]);
        game.check(); }""")
    legend = results.locator(".tc-game-legend li").all_inner_texts()
    assert legend == ["1 found", "1 accused, but real", f"{fakes - 1} missed"]
    assert results.locator(".tc-roc-axes text").all_text_contents()[:2] == ["real ones accused", "fakes found"]
    assert results.is_visible(".tc-game-after .tc-scale") and not results.is_visible(".tc-game figcaption >> nth=0")
    go_to(results, "results")


def test_another_pack_brings_its_own_reports_or_says_that_it_has_none(results: Any) -> None:
    results.evaluate("() => window.tokenCritic.changed('pack', 'tiny')")
    results.wait_for_function(
        "() => document.querySelector('#tc-results .tc-status').textContent.includes('No report')"
    )
    assert results.locator("[data-chart]").count() == 0
    first = results.evaluate("() => tokenCritic.state.controls.pack")
    assert first == "tiny" and results.problems == []
