"""Short forms of soak and load: bad visitors leave nothing behind, and many at once take turns."""

from __future__ import annotations

import pytest

from app.packs import Packs
from app.server import body, connections, guard
from app.tools import hostile, load, soak


@pytest.mark.slow
def test_after_bad_visitors_everything_is_as_before_and_a_leak_would_be_found(
    packs: Packs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soak, "SETTLE_SECONDS", 1.0)
    found = soak.soak(packs, 4)
    assert found["problems"] == [] and len(found["visits"]) == len(soak.WAYS), found
    assert soak.soak(packs, 1, leak=True)["problems"] == ["memory"]


@pytest.mark.slow
def test_eight_visitors_at_once_take_turns(packs: Packs, address: str) -> None:
    """Alone a run takes about a second here; one after another, the last would wait for seven whole runs."""
    packs.session(packs.first)
    seen = load.visit_together(address, 8, steps_1=9, steps_2=9)
    assert [one["why"] for one in seen] == ["done"] * 8 and {one["steps"] for one in seen} == {18}
    assert max(one["first"] for one in seen) < min(one["end"] for one in seen) / 2, "all begin before any is half done"
    assert max(one["end"] for one in seen) < 2 * min(one["end"] for one in seen), "and end at about the same time"


@pytest.mark.slow
def test_who_means_no_good_keeps_nobody_waiting_and_leaves_nothing(
    packs: Packs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, value in (
        (soak, "SETTLE_SECONDS", 1.0),
        (connections, "HEADER_SECONDS", 1.0),
        (body, "BODY_SECONDS", 1.0),
        (guard, "BODY_SECONDS", 1.0),
    ):
        monkeypatch.setattr(module, name, value)
    found = hostile.attack(packs, 0.05)
    assert found["problems"] == [], found
