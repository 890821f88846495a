"""Lanes side by side: what a run sends, what a branch shares, who stops it, and what can be asked about it."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from app.features.compare import get_patches, run_lanes, score_tokens, stop_run
from app.turns import Turns
from engine.schedule import masked_after
from tests.fakes_app import (
    FakePacks,
    FakeSession,
    N,
    digests,
    engine_digests,
    finished,
    new_context,
    resolved,
    run,
    set_controls,
    steps_of,
    unpack,
)


def test_a_run_sends_every_step_of_both_lanes_in_turn() -> None:
    context = new_context()
    sent = run(context)
    assert [frame["kind"] for frame in sent] == ["begin", *["steps"] * 6, "end"] and sent[-1]["why"] == "done"
    steps = [(step["lane"], step["s"]) for step in steps_of(sent)]
    assert steps == [(lane, s) for s in range(6) for lane in (0, 1)]
    assert context.runs.active == 0 and len({frame["run"] for frame in sent}) == 1
    assert [frame["at"] for frame in sent] == sorted(frame["at"] for frame in sent)


def test_the_first_frame_says_all_that_the_page_shows_before_a_step() -> None:
    begin = run(matched=True, third={})[0]
    assert begin["ask"] == set_controls(matched=True, third={}) and begin["visible"]["noise_K_2"]
    assert not begin["visible"]["noise_K_1"], "matched, it is the second lane's that counts"
    assert (begin["pack"], begin["label"], begin["grid"], begin["critic"]) == ("fake", "cat", 8, True)
    assert [lane["name"] for lane in begin["lanes"]] == ["MaskGIT", "Token-Critic", "Critic, locked"]
    assert "third" not in run()[0]["ask"] and not [name for name in run()[0]["ask"] if name.endswith("_3")]


def test_streaming_changes_nothing() -> None:
    sent = run(steps_2=9)
    for lane, asked in enumerate(resolved(steps_2=9)):
        assert digests(sent, lane) == engine_digests(asked.config)


def test_stop_ends_within_a_step_and_a_closed_stream_leaves_nothing() -> None:
    context = new_context()
    stream = run_lanes(context, set_controls())
    run_id = next(stream)["run"]
    next(stream)
    assert stop_run(context, run_id) == {"stopped": True}
    assert [frame["kind"] for frame in stream][-1] == "end"
    stopped = context.runs.get(run_id)
    assert stopped is not None and stopped.end_reason == "stopped" and not stopped.complete
    abandoned = run_lanes(context, set_controls())
    next(abandoned)
    abandoned.close()
    assert context.runs.active == 0
    assert stop_run(context, "no such run") == stop_run(context, None) == stop_run(context, [1]) == {"stopped": False}


def test_steps_are_computed_on_one_thread_and_none_that_nobody_waits_for() -> None:
    """Torch on a second thread would make every pass slower: see Packs."""
    threads: list[str] = []
    first, release = threading.Event(), threading.Event()

    class Slow(FakeSession):
        def decode(self, tokens: np.ndarray) -> np.ndarray:
            threads.append(threading.current_thread().name)
            return super().decode(tokens)

    class Packs(FakePacks):
        worker = Turns()

    stream = run_lanes(new_context(Packs(Slow)), set_controls())
    next(stream)
    next(stream)  # both lanes' first step, and their second is asked for
    Packs.worker.submit(lambda: (first.set(), release.wait()))
    first.wait()
    next(stream)  # the second; the third waits behind what holds the worker
    stream.close()
    release.set()
    Packs.worker.shutdown()
    assert len(threads) == 4 and set(threads) == {"networks"}


def test_a_third_lane_runs_when_asked_for() -> None:
    sent = run(third={}, steps_3=4)
    assert [step["s"] for step in steps_of(sent, 2)] == [0, 1, 2, 3]
    assert sent[-1]["scores"] == pytest.approx([0.75] * 3)
    assert digests(sent, 2) == engine_digests(resolved(third={}, steps_3=4)[2].config)


def test_a_branch_with_the_same_settings_is_the_same_run() -> None:
    sent = run(third={"lane": 1, "step": 3, "masked": None}, rule_3="critic")
    assert digests(sent, 2) == digests(sent, 1) and len(digests(sent, 2)) == 6
    lane = sent[0]["lanes"][2]
    assert lane["origin"] == {"lane": 1, "step": 3, "masked": None, "fraction": None, "tokens": None, "round": 0}
    assert lane["passes"] == 5, "two a step for steps 4 and 5, one for the last"


def test_a_branch_with_other_settings_shares_the_steps_before_it() -> None:
    sent = run(third={"lane": 1, "step": 3, "masked": None}, rule_3="critic", noise_K_3=4.0, steps_3=9)
    own, other = digests(sent, 2), digests(sent, 1)
    assert own[:3] == other[:3] and own[3] != other[3] and len(own) == 9
    assert {step["steps"] for step in steps_of(sent, 2)} == {9}


def test_masking_by_hand_decides_the_step_and_the_run_goes_on_from_there() -> None:
    chosen = [0, 5, 9, 33]
    sent = run(third={"lane": 1, "step": 3, "masked": chosen}, rule_3="critic")
    own = steps_of(sent, 2)
    assert np.flatnonzero(unpack(own[2], "state", "u1") >= 2).tolist() == chosen
    assert np.flatnonzero(unpack(own[3], "tokens", "<i4") < 0).tolist() == chosen
    before = unpack(own[2], "tokens", "<i4") < 0
    states = unpack(own[2], "state", "u1")
    assert all((states[i] in (1, 2)) == before[i] for i in range(N)), "masked before: new or masked again"
    assert digests(sent, 2)[:2] == digests(sent, 1)[:2]


def test_refining_takes_up_the_finished_picture_where_the_paper_says() -> None:
    sent = run(third={"lane": 1, "step": 6, "fraction": 0.5}, rule_3="critic", steps_3=18)
    own, lane = steps_of(sent, 2), sent[0]["lanes"][2]
    first = next(s for s in range(18) if masked_after("cosine", s, 18, N) <= N / 2)
    assert lane["continues"] and lane["steps"] == len(own) == 6 + 18 - first
    assert lane["passes"] == 1 + 2 * (18 - first) - 1, "one more in which the critic chooses what is masked"
    assert [step["s"] for step in own] == list(range(len(own)))
    states = unpack(own[5], "state", "u1")
    assert np.flatnonzero(states >= 2).tolist() == list(range(N // 2, N)), "the lower half of the critic's scores"
    assert digests(sent, 2)[:5] == digests(sent, 1)[:5]
    after = [(unpack(step, "state", "u1") >= 2).sum() for step in own[6:]]
    assert after == [masked_after("cosine", s, 18, N) for s in range(first, 18)]


def test_a_picture_of_one_s_own_is_refined_like_a_finished_one() -> None:
    tokens = unpack(steps_of(run(), 1)[-1], "proposal", "<i4").tolist()
    taken_up = run(third={"lane": 1, "step": 6, "fraction": 0.5})
    own = run(third={"tokens": tokens, "fraction": 0.5})
    assert digests(own, 2)[1:] == digests(taken_up, 2)[6:] and len(digests(own, 2)) > 2
    first = steps_of(own, 2)[0]
    assert unpack(first, "proposal", "<i4").tolist() == tokens and first["s"] == 0
    assert own[0]["lanes"][2]["continues"] and own[-1]["why"] == "done"
    marked = run(third={"tokens": tokens, "masked": [3, 1]})
    assert marked[0]["lanes"][2]["origin"]["masked"] == (1, 3)


def test_a_finished_picture_is_scored_when_asked_for() -> None:
    context, run_id = finished()
    last = context.runs.get(run_id).steps[1][-1][0]  # type: ignore[union-attr]
    found = score_tokens(context, run_id, 1)
    scores = unpack(found, "scores", "<f4")
    np.testing.assert_array_equal(scores, FakeSession().score(last.proposal, "cat")[0])
    assert found["mean"] == pytest.approx(scores.mean())
    for wrong in ((run_id, 2), (run_id, -1), (run_id, None), (run_id, "1"), ("none", 0), (None, 0)):
        assert score_tokens(context, *wrong) == {}


def test_pictures_of_tokens_are_there_for_packs_that_are_offered() -> None:
    context = new_context()
    assert get_patches(context, "poor") == {"sheet": "data:poor", "side": 4, "across": 32, "codes": 8}
    assert get_patches(context, "none") == get_patches(context, None) == get_patches(context, ["fake"]) == {}
