"""Draw a run as curves over its steps: masked and revoked tokens, scores, and the noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.context import Context
from app.features.settings import name_rule
from app.request import Lane
from app.text.words import Words
from engine.step import State, Step

COLOURS = ("#0072b2", "#9b59b6", "#009e73")  # of the lanes; orange means revoked and nothing else
SYMBOLS = ("circle", "square", "diamond")  # of the lanes: colour alone must not tell them apart
MASKED, REVOKED, SCORES, NOISE = 1, 2, 3, 4  # the row of each panel; they stand in a narrow column


def draw_curves(context: Context, run: object) -> go.Figure | None:
    """Draw the curves of a run, live or recorded. Returns None where it is not kept."""
    found = context.runs.get(run)
    if found is None:
        return None
    steps = [[step for step, _ in lane] for lane in found.steps]
    return _draw(context.words, found.lanes, steps, context.packs.session(found.pack, loaded=False).num_tokens)


def _draw(words: Words, lanes: Sequence[Lane], steps: Sequence[Sequence[Step]], places: int) -> go.Figure:
    """Draw four panels. `steps` holds the steps that each lane has so far."""
    titles = [words["curves"][name] for name in ("masked", "revoked", "scores", "noise")]
    figure = make_subplots(4, 1, subplot_titles=titles, vertical_spacing=0.07)
    for i, (lane, done) in enumerate(zip(lanes, steps, strict=True)):
        for panel, first, values, dash in _list_lines(lane, done, places):
            line = {"color": COLOURS[i], "dash": dash, "width": 2.5 if dash == "solid" else 1.8}
            named = {"name": f"{i + 1} {name_rule(words, lane.config.rule)}", "legendgroup": str(i)}
            marks = {
                "mode": "lines+markers" if dash == "solid" else "lines",
                "marker": {"symbol": SYMBOLS[i], "size": 6},
            }
            in_legend = (panel, dash) == (MASKED, "solid")  # one line in it for each lane
            at = list(range(first + 1, first + len(values) + 1))
            figure.add_trace(go.Scatter(x=at, y=values, line=line, showlegend=in_legend, **named, **marks), panel, 1)
    figure.update_xaxes(title_text=words["curves"]["step"], row=NOISE)
    figure.update_annotations(font_size=13)
    grid = "rgba(128, 128, 128, 0.25)"
    figure.update_xaxes(gridcolor=grid, zerolinecolor=grid)
    figure.update_yaxes(gridcolor=grid, zerolinecolor=grid)
    clear = "rgba(0, 0, 0, 0)"
    margin = {"l": 40, "r": 8, "t": 64, "b": 40}
    legend = {"orientation": "h", "y": 1.06, "yanchor": "bottom", "font": {"size": 14}}
    figure.update_layout(height=820, margin=margin, legend=legend, paper_bgcolor=clear, plot_bgcolor=clear)
    return figure


def _list_lines(lane: Lane, done: Sequence[Step], places: int) -> list[tuple[int, int, list[float], str]]:
    """Return (panel, first step, values from that step on, dash) of each line of a lane.

    The planned counts and the noise hold for the lane's own steps only, not for those that it shares.
    """
    config = lane.config
    rule = config.make_rule(num_tokens=places)
    planned = config.mask_counts(places)
    own = range(lane.first_step, config.steps)
    return [
        (MASKED, lane.shared_steps, [float(planned[s]) for s in own], "dash"),
        (MASKED, 0, [_count(step, State.MASKED, State.REVOKED) for step in done], "solid"),
        (REVOKED, 0, [_count(step, State.REVOKED) for step in done], "solid"),
        (SCORES, 0, [_mean_score(step, kept=True) for step in done], "solid"),
        (SCORES, 0, [_mean_score(step, kept=False) for step in done], "dot"),
        (NOISE, lane.shared_steps, [rule.ranking_noise * rule.t_over_T(s) for s in own], "solid"),
        (NOISE, lane.shared_steps, [rule.temperature(s) for s in own], "dot"),
    ]


def _count(step: Step, *states: State) -> float:
    return float(np.isin(step.state[0], states).sum())


def _mean_score(step: Step, kept: bool) -> float:
    """Mean score of the kept, or of the masked, tokens. NaN (a gap) where none was scored."""
    scores = step.scores[0][(step.state[0] < State.MASKED) == kept]
    scores = scores[~np.isnan(scores)]
    return float(scores.mean()) if len(scores) else float("nan")
