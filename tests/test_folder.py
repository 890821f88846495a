"""A folder of own pictures: what is taken, what is left out and said, what is asked about, before training begins."""

from __future__ import annotations

import io
import os
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from engine.data.folder import read_folder
from engine.data.pictures import load_pictures, save_pictures
from tests.tiny import make_folder

SIZE = 16


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "own")


def told(root: Path, skip_bad: bool = False) -> str:
    from engine.data.folder import open_folder

    return open_folder(root, SIZE, skip_bad).summary()


def picture(seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), np.uint8))


@pytest.mark.parametrize(
    "litter",
    [".ipynb_checkpoints/0.png", "__MACOSX/bars/._0.png", ".git/x/0.png", "$RECYCLE.BIN/0.png", "@eaDir/a.jpg"],
)
def test_litter_becomes_no_class_and_is_named(root: Path, litter: str) -> None:
    before = read_folder(root, SIZE).digest()
    for place in (root / litter, root / "bars" / litter):
        place.parent.mkdir(parents=True)
        picture().save(place) if not place.name.startswith("._") else place.write_bytes(b"\0\5\x16\7 of a Mac")
    assert read_folder(root, SIZE).digest() == before
    top = litter.split("/")[0]
    assert f"hidden, or of a system or program: {top}/, bars/{top}/" in told(root) or f"bars/{top}/, {top}/" in told(
        root
    )


@pytest.mark.parametrize("litter", ["._0.png", ".hidden.jpg", "Thumbs.db", "desktop.ini", ".DS_Store"])
def test_litter_among_pictures_stops_nothing_and_is_named(root: Path, litter: str) -> None:
    (root / "bars" / litter).write_bytes(b"\0\5\x16\7 of no picture")
    assert len(read_folder(root, SIZE)) == 12
    assert f"hidden, or of a system or program: bars/{litter}" in told(root)


def test_links_are_followed_but_never_in_circles(root: Path, tmp_path: Path) -> None:
    (root / "bars").rename(tmp_path / "elsewhere")
    (root / "bars").symlink_to(tmp_path / "elsewhere")
    (root / "squares" / "0.png").rename(tmp_path / "0.png")
    (root / "squares" / "0.png").symlink_to(tmp_path / "0.png")
    ours = read_folder(root, SIZE)
    assert ours.classes == ("bars", "squares") and len(ours) == 12
    circles = {"bars/up": root, "bars/own": tmp_path / "elsewhere", "squares/itself": root / "squares" / "itself"}
    for name, target in circles.items():
        (root / name).symlink_to(target)
    (root / "squares" / "gone.png").symlink_to(root / "nowhere")
    assert len(read_folder(root, SIZE)) == 12
    block = told(root)
    assert all(name in block for name in (*circles, "squares/gone.png"))


@pytest.mark.parametrize("suffix", ["tif", "TIFF", "jfif", "ppm", "tga", "jp2", "avif", "qoi", "dib", "pcx", "apng"])
def test_whatever_pillow_reads_is_a_picture(root: Path, suffix: str) -> None:
    (root / "more").mkdir()
    for i in range(3):
        picture(i).save(root / "more" / f"{i}.{suffix}")
    ours = read_folder(root, SIZE)
    assert ours.classes == ("bars", "more", "squares")
    shown = ours.read(np.flatnonzero(ours.labels == 1))[0].astype(float)
    assert np.abs(shown - np.asarray(picture())).mean() < (60 if suffix in ("jfif", "avif") else 1)


def test_what_would_run_a_program_or_is_no_picture_is_left_out_and_named(root: Path) -> None:
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    (root / "bars" / "a.eps").write_bytes(postscript)
    (root / "bars" / "notes.txt").write_text("none")
    (root / "bars" / "scan").write_bytes(b"no suffix")
    (root / "empty").mkdir()
    picture().save(root / "cover.png")
    assert len(read_folder(root, SIZE)) == 12
    block = told(root)
    for line in ("Ghostscript, to run: bars/a.eps", "no class folder: cover.png", "no picture in it: empty/"):
        assert line in block
    assert "no picture by its name: bars/notes.txt, bars/scan" in block or "bars/scan, bars/notes.txt" in block
    (root / "bars" / "b.png").write_bytes(postscript)  # whatever it is called
    with pytest.raises(ValueError, match=r"bars/b\.png"):
        read_folder(root, SIZE)


def test_many_left_out_are_counted(root: Path) -> None:
    for i in range(40):
        (root / "bars" / f"{i}.txt").write_text("none")
    line = next(line for line in told(root).splitlines() if "by its name" in line)
    assert line.endswith("and 35 more") and line.count(".txt") == 5


def test_the_block_says_classes_pictures_and_who_is_held_out(tmp_path: Path) -> None:
    make_folder(tmp_path / "Train")
    make_folder(tmp_path / "Test", each=2)
    make_folder(tmp_path / "more")
    (tmp_path / "more" / "bars").rename(tmp_path / "Test" / "only")
    (tmp_path / "more" / "squares").rename(tmp_path / "hidden")
    (tmp_path / "hidden").rename(tmp_path / ".hidden")
    block = told(tmp_path)
    assert "22 pictures in 3 classes, 10 held out" in block
    assert "  bars: 8, 2 held out\n" in block and "  only: 6, all held out: nothing to learn it from\n" in block
    for i in range(1200):
        (tmp_path / "Train" / f"c{i:04d}").mkdir()
        picture().save(tmp_path / "Train" / f"c{i:04d}" / "0.png")
    block = told(tmp_path)
    assert "and 1,184 more classes of 1 to 8 pictures" in block and block.count("\n") < 30


def test_a_class_is_never_held_out_whole(tmp_path: Path) -> None:
    for i in range(100):
        (tmp_path / f"c{i}").mkdir()
        picture().save(tmp_path / f"c{i}" / "0.png")
    assert not read_folder(tmp_path, SIZE).held_out


@pytest.mark.parametrize("inside", ["images", "a/images", "data set"])
def test_one_folder_around_the_classes_is_asked_about(tmp_path: Path, inside: str) -> None:
    make_folder(tmp_path / inside)
    with pytest.raises(ValueError, match="if they are the classes, give data=") as said:
        read_folder(tmp_path, SIZE)
    assert str(tmp_path / inside) in str(said.value) and ("'" in str(said.value)) == (" " in inside)
    assert read_folder(tmp_path / inside, SIZE).classes == ("bars", "squares")


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ("images/SPLIT/CLASS", "give data={root}/images;"),
        ("SPLIT/images/CLASS", "{root}/test/images holds folders of pictures.*move them up"),
        ("CLASS/SPLIT", "expected {root}/test/bars"),
    ],
)
def test_splits_that_are_elsewhere_are_asked_about(tmp_path: Path, layout: str, words: str) -> None:
    made = make_folder(tmp_path / "made")
    for split in ("train", "test"):
        for name in ("bars", "squares"):
            shutil.copytree(made / name, tmp_path / "own" / layout.replace("SPLIT", split).replace("CLASS", name))
    with pytest.raises(ValueError, match=words.format(root=tmp_path / "own")):
        read_folder(tmp_path / "own", SIZE)


def damaged(kind: str) -> bytes:
    out = io.BytesIO()
    picture().save(out, "JPEG" if "jpeg" in kind else "PNG")
    content = out.getvalue()
    if kind == "empty":
        return b""
    return b"no picture" if kind == "nonsense" else content[: len(content) * 2 // 3]


@pytest.mark.parametrize("kind", ["empty", "nonsense", "cut png", "cut jpeg"])
def test_all_that_cannot_be_read_are_named_before_training_or_left_out(root: Path, kind: str) -> None:
    for i in range(60):
        (root / "bars" / f"x{i:02d}.png").write_bytes(damaged(kind))
    with pytest.raises(
        ValueError, match=r"60 of 72 pictures cannot be read: bars/x00\.png \(.*bars/x04\.png.* and 55"
    ) as e:
        read_folder(root, SIZE)
    assert "\n" not in str(e.value) and "object at" not in str(e.value) and "skip_bad=true" in str(e.value)
    block = told(root, skip_bad=True)
    assert "12 pictures" in block and "cannot be read: bars/x00.png (" in block and "and 55 more" in block


def test_a_folder_of_damaged_pictures_alone_says_so(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"none")
    with pytest.raises(ValueError, match=r"no pictures in class folders.*cannot be read: a/x\.png"):
        told(tmp_path, skip_bad=True)


@pytest.mark.parametrize("kind", ["zTXt", "iTXt", "after the pixels", "iCCP"])
def test_a_png_with_much_compressed_text_is_read(root: Path, kind: str) -> None:
    info = PngImagePlugin.PngInfo()
    if kind == "iTXt":
        info.add_itxt("workflow", "x" * 2**21, zip=True)
    elif kind == "iCCP":
        info.add(b"iCCP", b"profile\0\0" + zlib.compress(b"x" * 2**21))
    else:
        info.add(b"zTXt", b"workflow\0\0" + zlib.compress(b"x" * 2**21), after_idat="after" in kind)
    picture().save(root / "bars" / "0.png", pnginfo=info)
    ours = read_folder(root, SIZE)
    assert np.array_equal(ours.read(np.array([0]))[0], np.asarray(picture()))


def test_names_that_are_not_utf_8_are_stored_and_said(root: Path, tmp_path: Path) -> None:
    os.rename(os.fsencode(root / "bars" / "0.png"), os.fsencode(root / "bars") + b"/caf\xe9.png")
    os.rename(os.fsencode(root / "squares"), os.fsencode(root) + b"/pi\xe8ce")
    ours = read_folder(root, SIZE)
    assert ours.classes == ("bars", "pi\\xe8ce") and "bars/caf\\xe9.png" in ours.names
    save_pictures(ours, tmp_path / "stored")
    assert load_pictures(tmp_path / "stored").names == ours.names
    with open(os.fsencode(root / "bars") + b"/bad\xff.png", "wb") as file:
        file.write(b"none")
    with pytest.raises(ValueError, match=r"bars/bad\\xff\.png"):
        read_folder(root, SIZE)
    block = told(root, skip_bad=True)
    block.encode()
    assert "bars/bad\\xff.png" in block


def test_pictures_are_known_by_content(root: Path, tmp_path: Path) -> None:
    ours = read_folder(root, SIZE)
    first = ours.digest()
    file = root / "bars" / "0.png"
    with Image.open(file) as image:
        same = image.copy()
    same.save(file, compress_level=0)
    os.utime(file, (0, 0))
    assert read_folder(root, SIZE).digest() == first, "the same pixels"
    save_pictures(ours, tmp_path / "stored")
    assert load_pictures(tmp_path / "stored").digest() == first
    same.rotate(180).save(file)
    assert read_folder(root, SIZE).digest() != first
    file.unlink()
    assert read_folder(root, SIZE).digest() != first


def test_pictures_that_do_not_fit_into_memory_are_read_on_demand(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.folder.IN_MEMORY", 0)
    (root / "bars" / "00.png").write_bytes(b"none")
    from engine.data.folder import open_folder

    there = open_folder(root, SIZE, skip_bad=True).pictures
    monkeypatch.undo()
    kept = open_folder(root, SIZE, skip_bad=True).pictures
    some = np.array([7, 0, 3])
    assert np.array_equal(there.read(some), kept.read(some)) and there.digest() == kept.digest()
