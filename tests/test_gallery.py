"""Many at once: the lanes' settings for one seed after another."""

from __future__ import annotations

from typing import Any

import pytest

from app.features.gallery import MAX_PICTURES, draw_gallery, find_nearest
from tests.fakes_app import FakeSession, new_context, resolved, set_controls, steps_of


def test_a_gallery_keeps_what_it_was_asked_for_and_lets_others_in_between_two_steps() -> None:
    context = new_context()
    asked = set_controls(seed=9, noise_K_2=0.7, third={"lane": 0, "step": 2, "masked": [1]})
    frames = draw_gallery(context, 2, asked)
    begin = next(frames)
    order: list[str] = []
    add = context.packs.worker.add
    context.packs.worker.add = lambda who, long, *job: order.append(job[0].__name__) or add(who, long, *job)  # type: ignore[method-assign, func-returns-value, misc]
    try:
        list(frames)
    finally:
        del context.packs.worker.add
    assert order.count("next") == 2 * 2 * (6 + 1) and order.count("decode") == order.count("score") == 4
    assert (begin["ask"]["seed"], begin["ask"]["noise_K_2"], begin["count"]) == (9, 0.7, 2)
    assert "third" not in begin["ask"], "branches are not drawn"


def test_each_picture_is_what_its_lane_draws_for_its_seed() -> None:
    frames = list(draw_gallery(new_context(), "3", set_controls(seed=9)))
    assert [frame["kind"] for frame in frames] == ["begin", *["steps"] * 6, "end"] and frames[-1]["why"] == "done"
    drawn = steps_of(frames)
    assert [(one["lane"], one["i"], one["seed"]) for one in drawn] == [(k, i, 9 + i) for i in range(3) for k in (0, 1)]
    for one in drawn:
        config = resolved(seed=one["seed"])[one["lane"]].config
        *_, last = FakeSession().run(config)
        assert one["score"] == pytest.approx(FakeSession().score(last.proposal, "cat").mean())
    (picture,) = list(draw_gallery(new_context(), 1, set_controls(seed=11)))[1:2]
    assert picture["steps"][0]["picture"] == drawn[4]["picture"], "one more or fewer in it changes nothing"


@pytest.mark.parametrize("count", [0, -1, MAX_PICTURES + 1, 2.0, True, None, "x", "-1", [2], {}])
def test_a_count_that_is_none_is_refused_in_a_line(count: Any) -> None:
    with pytest.raises(ValueError, match=f"count=.*expected 1 to {MAX_PICTURES}"):
        next(draw_gallery(new_context(), count, set_controls()))


def test_a_gallery_that_is_stopped_ends_before_its_next_step() -> None:
    context = new_context()
    frames = draw_gallery(context, 64, set_controls())
    begin, _ = next(frames), next(frames)
    context.runs.get(begin["run"]).stop()  # type: ignore[union-attr]
    assert [(frame["kind"], frame.get("why")) for frame in frames] == [("end", "stopped")]


def test_there_are_no_distances_of_a_run_that_is_not_kept() -> None:
    nothing: dict[str, list[Any]] = {"distances": [], "nearest": [], "pictures": []}
    assert find_nearest(new_context(), "none") == find_nearest(new_context(), None) == nothing
