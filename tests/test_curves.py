"""The curves of a run: of its own steps, live or recorded."""

from __future__ import annotations

from app.features.curves import draw_curves
from tests.fakes_app import finished, new_context


def test_curves_of_a_lane_that_goes_on_say_what_holds_for_its_own_steps() -> None:
    context, run_id = finished(third={"lane": 1, "step": 6, "fraction": 0.5}, rule_3="critic", steps_3=18)
    lane = context.runs.get(run_id).lanes[2]  # type: ignore[union-attr]
    lines = [line for line in draw_curves(context, run_id).data if line.name == "3 Token-Critic"]  # type: ignore[union-attr]
    planned, masked, noise = lines[0], lines[1], lines[-2]
    assert list(planned.x) == list(noise.x) == list(range(7, lane.steps + 1)) and len(masked.x) == lane.steps
    assert list(planned.y) == list(masked.y)[6:], "it masks as many as planned"
    assert noise.y[-1] == 0 < noise.y[0] < lane.config.parameters["noise_K"]


def test_there_are_no_curves_of_a_run_that_is_not_kept() -> None:
    assert draw_curves(new_context(), "none") is None and draw_curves(new_context(), None) is None
