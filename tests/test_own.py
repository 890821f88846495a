"""A visitor's own picture: what is read, and what is refused in a line."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.folds import Folds
from app.packs import Packs
from app.runs import Runs


def url(image: Image.Image, kind: str) -> str:
    out = io.BytesIO()
    image.save(out, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"


@pytest.fixture(scope="module")
def folds(packs: Packs) -> Folds:
    return Folds(packs=packs, runs=Runs())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_becomes_its_middle_square_as_tokens(folds: Folds, packs: Packs, kind: str) -> None:
    session = packs.session(packs.first)
    size = session.tokenizer.config.image_size
    image = Image.new("RGB", (3 * size, size), "red")
    image.paste("white", (size, 0, 2 * size, size))
    seen = folds.own(packs.first, session.classes[1], url(image, kind))
    white = np.full((1, size, size, 3), 255, np.uint8)
    assert seen["label"] == session.classes[1] and seen["grid"] ** 2 == len(seen["tokens"])
    if kind != "JPEG":
        assert seen["tokens"] == session.encode(white)[0].tolist()
        scores = np.frombuffer(base64.b64decode(seen["scores"]), "<f4")
        np.testing.assert_array_equal(scores, session.score(session.encode(white), session.classes[1])[0])


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        7,
        "",
        "data:",
        "data:image/png;base64,@@@",
        "data:image/png;base64," + base64.b64encode(b"no picture at all").decode(),
        "data:image/eps;base64," + base64.b64encode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n").decode(),
        "data:image/png;base64," + "A" * 13_000_000,
        url(Image.new("1", (9000, 2)), "PNG"),
        url(Image.new("1", (5000, 5000)), "PNG"),
        url(Image.new("RGB", (9, 9)), "TIFF"),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused_in_a_line(folds: Folds, packs: Packs, wrong: Any) -> None:
    said = folds.own(packs.first, packs.session(packs.first).classes[0], wrong)
    assert list(said) == ["wrong"] and "picture" in said["wrong"]
    assert "\n" not in said["wrong"] and "object at" not in said["wrong"]


def test_an_unknown_pack_or_class_is_refused(folds: Folds, packs: Packs) -> None:
    image = url(Image.new("RGB", (9, 9)), "PNG")
    for pack, label in (("none", "x"), (["a"], "x"), (packs.first, "none"), (packs.first, None), (packs.first, 3)):
        said = folds.own(pack, label, image)
        if label is not None:
            assert list(said) == ["wrong"] and "\n" not in said["wrong"]
