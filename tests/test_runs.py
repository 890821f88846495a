"""The store of runs: bounded, and closed when the server ends."""

from __future__ import annotations

import numpy as np

from app.features.compare import run_lanes
from app.runs import Runs
from engine.config import SampleConfig
from tests.fakes_app import FakeSession, new_context, resolved, run, set_controls


def test_runs_are_bounded_and_found_by_id_alone() -> None:
    step, picture = next(FakeSession().run(SampleConfig())), np.zeros((4, 4, 3), np.uint8)
    asked = Runs().start("fake", resolved(), {}).bytes  # what a request without controls takes
    runs = Runs(max_bytes=3 * (step.nbytes + picture.nbytes + asked) + asked)
    ids = []
    for _ in range(10):
        one = runs.start("fake", resolved(), {})
        one.add_step(0, step, picture)
        one.end_reason = "done"
        ids.append(one.id)
    assert len(runs) == 4 and runs.get(ids[0]) is None and runs.get(ids[-1]) is one
    assert runs.get(None) is None and runs.get(["x"]) is None
    assert Runs(max_seconds=-1).start("fake", (), {}).stop_reason == "late"


def test_pictures_of_a_gallery_count_too_and_a_run_under_way_is_never_dropped() -> None:
    runs = Runs(max_bytes=0)
    going, ended = runs.start("fake", resolved(), {}), runs.start("fake", resolved(), {})
    for one in (going, ended):
        one.add_picture(0, np.zeros((4, 4, 3), np.uint8))
    ended.end_reason = "done"
    runs.start("fake", resolved(), {})
    assert runs.get(going.id) is going and runs.get(ended.id) is None
    assert going.bytes == Runs().start("fake", resolved(), {}).bytes + 48
    large = Runs().start("fake", resolved(), {"third": {"masked": list(range(1000))}})
    assert large.bytes > 30_000, "what was asked for counts, too"


def test_runs_without_bytes_as_recorded_ones_are_bounded_too() -> None:
    runs = Runs(max_runs=3)
    ids = []
    for _ in range(10):
        one = runs.start("fake", resolved(), {})
        one.end_reason = "recorded"
        ids.append(one.id)
    assert [runs.get(run_id) is not None for run_id in ids] == [False] * 7 + [True] * 3


def test_a_server_that_ends_stops_the_runs_under_way_and_those_to_come() -> None:
    context = new_context()
    under_way = run_lanes(context, set_controls())
    next(under_way)
    context.runs.close()
    for frames in (list(under_way), run(context)):
        assert (frames[-1]["kind"], frames[-1]["why"]) == ("end", "stopped")
