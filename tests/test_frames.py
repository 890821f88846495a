"""Steps and pictures as they are sent to the page."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from app import frames
from engine.config import SampleConfig
from tests.fakes_app import FakeSession, unpack


def test_a_frame_holds_the_step_exactly() -> None:
    session = FakeSession()
    for step in session.run(session.settings(rule="critic", steps=5)):
        frame = frames.pack_step(step, session.decode(step.proposal)[0])
        for name, kind in (
            ("tokens", "<i4"),
            ("proposal", "<i4"),
            ("scores", "<f4"),
            ("ranked", "<f4"),
            ("state", "u1"),
            ("confidence", "<f4"),
            ("top_tokens", "<u2"),
        ):
            np.testing.assert_array_equal(unpack(frame, name, kind), getattr(step, name)[0].ravel())
        shares = unpack(frame, "top_probs", "<u2") / frames.MAX_SHARE
        np.testing.assert_allclose(shares, step.top_probs[0].ravel(), atol=1 / frames.MAX_SHARE)
        assert frame["digest"] == step.digest()


def test_a_packed_step_is_unpacked_to_the_bit_but_for_shown_probabilities() -> None:
    for step in FakeSession().run(SampleConfig(rule="critic", steps=4, seed=3)):
        back = frames.unpack_step(frames.pack_step(step, np.zeros((8, 8, 3), np.uint8)))
        assert (back.digest(), back.s, back.temperature) == (step.digest(), step.s, step.temperature)
        for name in ("ranked", "confidence", "top_tokens"):
            np.testing.assert_array_equal(getattr(back, name), getattr(step, name))
        np.testing.assert_allclose(back.top_probs, step.top_probs, atol=1e-5)


def test_small_pictures_arrive_exact() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    kind, _, data = frames.to_data_url(picture).partition(",")
    assert kind == "data:image/png;base64"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), picture)
    np.testing.assert_array_equal(frames.read_picture({"picture": frames.to_data_url(picture)}), picture)
    assert frames.to_data_url(np.zeros((256, 256, 3), np.uint8)).startswith("data:image/jpeg")
