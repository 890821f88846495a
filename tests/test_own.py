"""A visitor's own picture: what is read, and what is refused in a line."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app.context import Context
from app.features.refine import (
    MAX_PIXELS,
    MAX_PIXELS_ONE_SCAN,
    MAX_PIXELS_SCANS,
    MAX_URL_LENGTH,
    encode_picture,
)
from app.packs import Packs
from app.text.words import ENGLISH, words
from engine.data.decode import in_one_scan

ROOT = Path(__file__).resolve().parent.parent


def url(image: Image.Image, kind: str, **options: Any) -> str:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"


@pytest.fixture(scope="module")
def context(packs: Packs) -> Context:
    return Context(packs=packs)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_becomes_its_middle_square_as_tokens(context: Context, packs: Packs, kind: str) -> None:
    session = packs.session(packs.first)
    size = session.tokenizer_config.image_size
    image = Image.new("RGB", (3 * size, size), "red")
    image.paste("white", (size, 0, 2 * size, size))
    seen = encode_picture(context, packs.first, session.classes[1], url(image, kind))
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
        "data:image/png;base64," + "A" * 22_000_000,
        url(Image.new("1", (9000, 2)), "PNG"),
        url(Image.new("1", (5000, 5000)), "PNG"),
        url(Image.new("RGB", (9, 9)), "TIFF"),
        url(Image.new("L", (8192, 6200)), "JPEG"),
        url(Image.new("L", (5100, 5000)), "JPEG", progressive=True),
        url(Image.new("RGB", (9, 9)), "PNG")[:60],
    ],
)
def test_what_is_no_picture_or_too_large_is_refused_in_a_line(context: Context, packs: Packs, wrong: Any) -> None:
    said = encode_picture(context, packs.first, packs.session(packs.first).classes[0], wrong)
    assert list(said) == ["wrong"] and "picture" in said["wrong"]
    assert "\n" not in said["wrong"] and "object at" not in said["wrong"]


def test_an_unknown_pack_or_class_is_refused(context: Context, packs: Packs) -> None:
    image = url(Image.new("RGB", (9, 9)), "PNG")
    for pack, label in (("none", "x"), (["a"], "x"), (packs.first, "none"), (packs.first, None), (packs.first, 3)):
        said = encode_picture(context, pack, label, image)
        if label is not None:
            assert list(said) == ["wrong"] and "\n" not in said["wrong"]


PHOTOGRAPHS: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {
    "24 megapixels": ((6000, 4000), {"quality": 95}),
    "24, progressive": ((6000, 4000), {"progressive": True, "subsampling": 0}),
    "48 megapixels": ((8064, 6048), {"quality": 90}),
    "50, every colour whole": ((8160, 6120), {"quality": 80, "subsampling": 0}),
    "50, two in a file": ((8160, 6120), {"save_all": True, "append_images": [Image.new("RGB", (640, 480))]}),
}
MEASURE = """
import json, resource, sys, time
from PIL import Image
from app.features.refine import read_data_url, read_picture
Image.init()
memory = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
given = json.load(sys.stdin)
before = memory()
for name, url in given.items():
    begun = time.process_time()
    shape = read_picture(read_data_url(url), 64).shape
    print(json.dumps([name, shape, time.process_time() - begun, memory() - before]))
"""


def assert_cheap(given: dict[str, str]) -> None:
    """Each data URL becomes a picture, in a process of its own, in 2 seconds of a core and with 300 MB on top."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], cwd=ROOT, input=json.dumps(given), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(given)
    for line in done.stdout.splitlines():
        name, shape, seconds, memory = json.loads(line)
        assert shape == [64, 64, 3] and seconds < 2 and memory < 300, (name, seconds, memory)


@pytest.mark.slow
def test_a_phones_photograph_is_scaled_while_it_is_unfolded() -> None:
    given = {}
    for name, (size, options) in PHOTOGRAPHS.items():
        noise = np.random.default_rng(0).integers(0, 256, (size[1] // 40, size[0] // 40, 3), np.uint8)
        photograph = Image.fromarray(noise).resize(size)
        given[name] = url(photograph, "MPO" if "save_all" in options else "JPEG", **options)
        assert 1e6 < len(given[name]) < MAX_URL_LENGTH
    assert_cheap(given)


@pytest.mark.slow
def test_the_largest_of_any_other_kind_is_read_within_the_same_memory() -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    modes = {mode: Image.new(mode, (4000, 4000)) for mode in ("RGBA", "LA", "RGB", "P", "1")}
    modes["I;16"] = Image.fromarray(np.zeros((4000, 4000), np.uint16))
    assert_cheap({mode: url(image, "PNG", exif=exif) for mode, image in modes.items()})


def test_a_jpeg_that_says_it_comes_in_one_scan_does() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    for options, whole in (
        ({}, True),
        ({"subsampling": 0, "restart_marker_rows": 1}, True),
        ({"progressive": True}, False),
    ):
        content = base64.b64decode(url(image, "JPEG", **options).partition(",")[2])
        assert in_one_scan(content) == whole
        scan = content.index(b"\xff\xda")
        for damaged in (
            content[:scan],
            content[:scan] + b"\xff\xda\0\x08\1\1\0\0\x3f\0",
            b"",
            b"\xff\xd8\xff\x01\0\0" + content[2:],
        ):
            assert not in_one_scan(damaged)


def test_page_and_server_say_the_same_limit() -> None:
    script = (ROOT / "assets" / "js" / "features" / "own.js").read_text(encoding="utf-8")
    most = float(re.findall(r"MOST_BYTES = ([\d.e]+);", script)[0])
    assert f"at most {most / 1e6:.0f} MB" in words(ENGLISH)["own"]["no_picture"]
    assert most * 4 / 3 + 100 < MAX_URL_LENGTH < 1.05 * most * 4 / 3
    for megapixels in (MAX_PIXELS_ONE_SCAN, MAX_PIXELS_SCANS, MAX_PIXELS):
        assert str(megapixels // 10**6) in words(ENGLISH)["own"]["too_large"]


def test_much_compressed_text_is_not_shown_as_an_error(context: Context, packs: Packs) -> None:
    info = PngInfo()
    info.add_text("workflow", "x" * 2**21, zip=True)
    seen = encode_picture(
        context, packs.first, packs.session(packs.first).classes[0], url(Image.new("RGB", (9, 9)), "PNG", pnginfo=info)
    )
    assert "wrong" not in seen
