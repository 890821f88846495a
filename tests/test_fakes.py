"""A riddle is one of the critic's training examples, and always the same for the same seed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from engine.critic_example import make_critic_example
from engine.session import Session
from tests.tiny import make_whole_pack


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session.open(make_whole_pack(tmp_path_factory.mktemp("packs") / "tiny").path, "cpu")


@pytest.mark.parametrize("fraction", [0.1, 0.5])
def test_only_the_hidden_tokens_are_sampled(session: Session, fraction: float) -> None:
    tokens = {tuple(row) for row in session.pack.tokens().tolist()}
    for seed in range(8):
        found = make_critic_example(session, seed, fraction)
        assert found.hidden.sum() == max(1, round(fraction * session.num_tokens))
        assert tuple(found.real.tolist()) in tokens
        np.testing.assert_array_equal(found.filled[~found.hidden], found.real[~found.hidden])
        assert ((found.scores >= 0) & (found.scores <= 1)).all()
        again = make_critic_example(session, seed, fraction)
        np.testing.assert_array_equal(found.filled, again.filled)
        np.testing.assert_array_equal(found.scores, again.scores)
    assert len({make_critic_example(session, seed, fraction).name for seed in range(20)}) > 1


def test_a_share_that_is_none_is_refused(session: Session) -> None:
    for fraction in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="fraction"):
            make_critic_example(session, 0, fraction)


def test_a_pack_without_critic_has_no_riddles(tmp_path: Path) -> None:
    pack = make_whole_pack(tmp_path / "tiny")
    config = {key: value for key, value in pack.config.items() if key != "critic"}
    without = dataclasses.replace(Session.open(pack.path, "cpu"), pack=dataclasses.replace(pack, config=config))
    with pytest.raises(ValueError, match="no critic"):
        make_critic_example(without, 0, 0.5)
