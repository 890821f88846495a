"""The evaluation's eyes: what is seen in a picture is that picture's own."""

from __future__ import annotations

import numpy as np
import pytest

from engine.classifier import BATCH, class_probabilities, extract_features
from engine.config import ClassifierConfig
from engine.session import Session
from tests.tiny import make_pack


def test_a_picture_is_seen_alike_alone_and_among_others(tmp_path) -> None:  # type: ignore[no-untyped-def]
    model = make_pack(tmp_path / "tiny").load("classifier")
    images = np.random.default_rng(0).integers(0, 255, (BATCH + 3, 16, 16, 3), np.uint8)
    features, logits = extract_features(model, images)
    assert features.shape == (BATCH + 3, 16) and logits.shape == (BATCH + 3, 2)
    alone = extract_features(model, images[-1:])
    assert np.array_equal(alone[0][0], features[-1]) and np.array_equal(alone[1][0], logits[-1])


def test_fine_probabilities_add_up_to_their_class() -> None:
    logits = np.log(np.array([[0.1, 0.2, 0.3, 0.4]], np.float32))
    assert class_probabilities(logits, np.array([0, 1, 1, 2]), 4)[0] == pytest.approx([0.1, 0.5, 0.4, 0])


def test_channels_come_in_groups() -> None:
    with pytest.raises(ValueError, match="base=12"):
        ClassifierConfig(base=12)


def test_the_shipped_classifier_names_emoji_that_it_never_saw(session: Session) -> None:
    pictures = session.pack.pictures()
    indices = pictures.pick_evenly("concept", 100)
    of_class = np.array([session.classes.index(name) for name, _ in session.pack.fine_labels])
    likeliest = class_probabilities(
        extract_features(session.pack.load("classifier"), pictures.read(indices))[1], of_class, 13
    ).argmax(1)
    assert (likeliest == pictures.labels[indices]).mean() > 0.7
