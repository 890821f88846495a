"""A recorded run is one like any other: it can be exported, scored, opened again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.context import Context
from app.features import presets
from app.features.compare import score_tokens, stop_run
from app.features.curves import draw_curves
from app.features.exports import EXPORTS, export_run
from app.features.presets import FIRST, list_recorded, load_recording, play_preset
from app.features.replay import replay
from app.packs import Packs
from app.text.words import ENGLISH, words
from tests.fakes_app import digests, finished, make_recording, new_context, run, set_controls


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The frames of a run that is the recording of the first preset, too."""
    sent = run()
    monkeypatch.setattr(presets, "load_recording", lambda key: make_recording(sent))
    return sent


def test_a_recording_is_sent_as_the_run_was_and_needs_no_network(live: list[dict[str, Any]]) -> None:
    context = new_context()
    context.packs.worker.add = None  # type: ignore[method-assign, assignment]
    try:
        sent = list(play_preset(context, FIRST))
    finally:
        del context.packs.worker.add
    assert [frame["kind"] for frame in sent] == [frame["kind"] for frame in live]
    assert all(digests(sent, lane) == digests(live, lane) != [] for lane in (0, 1))
    for name in ("ask", "lanes", "visible", "label", "grid"):
        assert sent[0][name] == live[0][name]
    assert sent[0]["recorded"] == FIRST and sent[-1]["why"] == "recorded"
    assert (
        words(ENGLISH)["presets"]["all"][FIRST]["hint"] in sent[-1]["told"] and "30 of 40 seeds" in sent[-1]["counted"]
    )
    assert {frame["run"] for frame in sent} == {sent[0]["run"]} != {live[0]["run"]}
    assert context.runs.active == 0


def test_a_recording_can_be_stopped_and_has_the_steps_so_far(live: list[dict[str, Any]]) -> None:
    context = new_context()
    frames = play_preset(context, FIRST)
    sent = [next(frames), next(frames)]
    run_id = sent[0]["run"]
    assert stop_run(context, run_id) == {"stopped": True}
    sent += frames
    assert [frame["kind"] for frame in sent] == ["begin", "steps", "end"] and sent[-1]["why"] == "stopped"
    kept = context.runs.get(run_id)
    assert kept is not None and kept.end_reason == "stopped"
    assert [len(lane) for lane in kept.steps] == [len(digests(sent, lane)) for lane in (0, 1)]


@pytest.mark.parametrize("key", ["none", "", None, 3, ["first-look"], "../first-look"])
def test_a_preset_that_is_none_is_refused_in_a_line(key: Any) -> None:
    with pytest.raises(ValueError, match="no recorded preset") as refused:
        next(play_preset(new_context(), key))
    assert "\n" not in str(refused.value)


def test_curves_and_scores_of_a_recorded_run_are_those_of_the_run(live: list[dict[str, Any]]) -> None:
    context, run_id = finished()
    other = new_context()
    recorded = list(play_preset(other, FIRST))[-1]["run"]
    drawn = draw_curves(context, run_id)
    again = draw_curves(other, recorded)
    assert drawn is not None and again is not None
    assert len(drawn.data) == 14 and again.to_json() == drawn.to_json()
    assert score_tokens(other, recorded, 1) == score_tokens(context, run_id, 1) != {}


@pytest.mark.parametrize("kind", list(EXPORTS))
def test_each_file_of_a_recorded_run_is_that_of_the_run(kind: str, live: list[dict[str, Any]]) -> None:
    context, run_id = finished()
    other = new_context()
    recorded = list(play_preset(other, FIRST))[-1]["run"]
    name, content = export_run(other, recorded, kind, "all", 3)
    as_live = export_run(context, run_id, kind, "all", 3)
    assert name == as_live[0]
    if kind in ("gif", "webp", "png"):  # the others hold a date, or probabilities as they were sent
        assert content == as_live[1]
    if kind == "json":
        sent = list(replay(new_context(), content))
        assert all(digests(sent, lane) == digests(live, lane) != [] for lane in (0, 1))
        assert sent[0]["ask"] == live[0]["ask"] and json.loads(content)["ask"]["seed"] == set_controls()["seed"]


def test_the_recording_that_the_page_opens_with_can_be_kept_and_opened_again(packs: Packs) -> None:
    context = Context(packs=packs)
    sent = list(play_preset(context, FIRST))
    content = export_run(context, sent[0]["run"], "json", "all", 0)[1]
    opened = list(replay(context, content))
    made = [step for frame in load_recording(FIRST).frames for step in frame.get("steps", [])]
    for lane in (0, 1):
        assert digests(opened, lane) == digests(sent, lane) == [one["digest"] for one in made if one["lane"] == lane]
    assert FIRST in list_recorded()
