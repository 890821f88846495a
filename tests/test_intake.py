"""Large folders: pictures are read once, by processes, and encoded once, into files that training maps."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.data import intake
from engine.data.folder import open_folder, read_folder
from engine.pack import open_pack
from engine.tokenizer import Tokenizer, to_float
from engine.train import tokens
from engine.train.first_step import write_pictures
from engine.train.generator import TokenSource
from engine.train.loop import make_rng
from tests.pair import CONFIG
from tests.tiny import make_folder, make_pack

SIZE = 16
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "own", each=20)


@pytest.mark.slow
def test_processes_read_what_threads_read_with_a_bar_from_the_first_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "many"
    write_pictures(root, 300)
    (root / "class0" / "bad.png").write_bytes(b"none")
    threads = open_folder(root, SIZE, skip_bad=True)
    monkeypatch.setattr(intake, "MANY", 300)
    capsys.readouterr()
    processes = open_folder(root, SIZE, skip_bad=True)
    said = capsys.readouterr().err
    assert "listing pictures: 0file" in said and "reading pictures:   0%" in said
    assert processes.pictures.digest() == threads.pictures.digest() and processes.summary() == threads.summary()
    every = np.arange(300)
    assert np.array_equal(processes.pictures.read(every), threads.pictures.read(every))


READ_FOR_EVER = """
import os, sys, time
from engine.data import intake
if __name__ == "__main__":
    intake.MANY = 0
    pool = intake._open_pool(1)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600).result()
"""


def test_the_processes_that_read_end_with_a_command_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "read.py").write_text(READ_FOR_EVER)
    command = subprocess.Popen(
        [sys.executable, str(tmp_path / "read.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert command.stdout is not None
    worker = int(command.stdout.readline())
    command.kill()
    try:
        command.communicate(timeout=30)  # until all who hold the pipe have ended
    except subprocess.TimeoutExpired:
        os.kill(worker, signal.SIGKILL)
        raise


def test_a_large_set_is_read_again_only_if_a_file_has_changed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.data.folder.IN_MEMORY", 0)
    cache, read = tmp_path / "cache.json", []
    read_part = intake.read_part
    monkeypatch.setattr(intake, "read_part", lambda paths, *rest: read.extend(paths) or read_part(paths, *rest))

    def digest() -> str:
        read.clear()
        return open_folder(root, SIZE, cache=cache).pictures.digest()

    first = digest()
    assert len(read) == 40 and digest() == first and not read
    one, other = root / "bars" / "0.png", root / "squares" / "0.png"
    one.write_bytes(other.read_bytes())
    assert digest() != first and len(read) == 40
    cache.write_text('{"stamp"')
    assert digest() != first and len(read) == 40


def source(root: Path, tmp_path: Path, **changes: Any) -> TokenSource:
    path = tmp_path / "tiny"
    tokenizer = (open_pack(path) if path.is_dir() else make_pack(path)).load("tokenizer")
    codes = torch.randn(tokenizer.codebook.shape, generator=make_rng("codes"))
    tokenizer.codebook.copy_(torch.nn.functional.normalize(codes, dim=-1))  # those of the untrained one are all alike
    return TokenSource(read_folder(root, SIZE), tokenizer, replace(CONFIG, **changes))


def test_pictures_are_encoded_once_and_then_never_read(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "SHARD", 16)
    monkeypatch.setattr(tokens, "BATCH", 5)
    ours = source(root, tmp_path, crops=3, flip=True, crop=0.3)
    ours.encode_all(tmp_path / "store", ["a"], tokens.ALONE)
    files = {file: file.stat().st_mtime_ns for file in (tmp_path / "store").rglob("*.npy")}
    assert len(files) == -(-len(ours.indices) // 16)
    encoded: list[int] = []
    encode = Tokenizer.encode
    monkeypatch.setattr(Tokenizer, "encode", lambda self, x: encoded.append(len(x)) or encode(self, x))
    again = source(root, tmp_path, crops=3, flip=True, crop=0.3)
    again.encode_all(tmp_path / "store", ["a"], tokens.ALONE)
    drawn = [one.read_batch(make_rng(0), 64)() for one in (ours, again)]
    assert torch.equal(drawn[0][0], drawn[1][0]) and not encoded
    assert files == {file: file.stat().st_mtime_ns for file in (tmp_path / "store").rglob("*.npy")}
    next(iter(files)).unlink()  # of a run that was killed
    again.encode_all(tmp_path / "store", ["a"], tokens.ALONE)
    assert torch.equal(again.read_batch(make_rng(0), 64)()[0], drawn[0][0]) and 0 < sum(encoded) <= 3 * 16
    again.encode_all(tmp_path / "store", ["b"], tokens.ALONE)
    assert len(list((tmp_path / "store").iterdir())) == 2, "other pictures have other tokens"


def test_a_crop_is_the_picture_with_another_augmentation(root: Path, tmp_path: Path) -> None:
    ours = source(root, tmp_path, crops=4)
    ours.encode_all(tmp_path / "store", [], tokens.ALONE)
    plain = source(root, tmp_path, crops=2, augment=0.0)
    plain.encode_all(tmp_path / "store", [], tokens.ALONE)
    assert ours.shards is not None and plain.shards is not None
    at = np.arange(len(ours.indices))
    pictures = to_float(torch.from_numpy(plain.pictures.read(plain.indices)))
    expected = plain.tokenizer.encode(pictures).numpy()
    for crop in (0, 1):
        assert np.array_equal(plain.shards.read(at, np.full(len(at), crop)), expected)
    found = [ours.shards.read(at, np.full(len(at), crop)) for crop in range(4)]
    same = [(found[i] == found[j]).all(1).mean() for i in range(4) for j in range(i)]
    assert max(same) < 0.9, "pictures are shifted in most crops"
    labels = ours.read_batch(make_rng(3), 200, rows := np.arange(50, 60))()[1]
    assert torch.equal(labels, ours.read_batch(make_rng(3), 200)()[1][rows])


def test_tar_files_of_webdataset_are_read_where_they_lie(root: Path, tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    shards.mkdir()
    for split, names in (("train", range(15)), ("val", range(15, 20))):
        with tarfile.open(shards / f"{split}-0000.tar", "w") as tar:
            for label, name in enumerate(("bars", "squares")):
                for i in names:
                    tar.add(root / name / f"{i}.png", f"{label}_{i}.png")
                    cls = tarfile.TarInfo(f"{label}_{i}.cls")
                    cls.size = 1
                    tar.addfile(cls, io.BytesIO(str(label).encode()))
    ours, plain = read_folder(shards, SIZE), read_folder(root, SIZE)
    assert ours.classes == ("0000", "0001") and sorted(ours.content_hashes) == sorted(plain.content_hashes)
    assert [(ours.splits == split).sum() for split in ("train", "test")] == [30, 10]
    (shards / "classes.txt").write_text("bars\nsquares\n")
    named = open_folder(shards, SIZE)
    of_class = {c: {h for h, at in zip(plain.content_hashes, plain.labels, strict=True) if at == c} for c in (0, 1)}
    assert named.pictures.classes == ("bars", "squares")
    assert all(h in of_class[c] for h, c in zip(named.pictures.content_hashes, named.pictures.labels, strict=True))
    with tarfile.open(shards / "train-more.tar", "w") as tar:  # no .cls: its folder is the class
        tar.add(root / "bars" / "0.png", "set/circles/0.png")
        tar.add(root / "bars" / "0.png", "alone.png")
        tar.add(root, "bars.png", recursive=False)  # a folder by the name of a picture
    more = open_folder(shards, SIZE)
    assert more.pictures.classes == ("bars", "circles", "squares") and "of no class" in more.summary()
    (shards / "train-more.tar").write_bytes(b"none" * 300)
    with pytest.raises(ValueError, match=r"more\.tar is not a readable tar file"):
        read_folder(shards, SIZE)


def write_tar(file: Path, members: Mapping[str, Path | bytes]) -> Path:
    """A tar file of pictures and texts, by name."""
    file.parent.mkdir(exist_ok=True)
    with tarfile.open(file, "w") as tar:
        for name, given in members.items():
            content = given if isinstance(given, bytes) else given.read_bytes()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file


def test_every_picture_of_a_tar_file_is_taken_or_named(root: Path, tmp_path: Path) -> None:
    names = ["cats/IMG.2023.01.png", "cats/IMG.2023.02.png", "cats/IMG.2024.png", "0001.png", "0001.seg.png"]
    names += ["dogs/a.left.png", "dogs/a.right.png"]
    members: dict[str, Path | bytes] = {name: root / "bars" / f"{i}.png" for i, name in enumerate(names)}
    members |= {"0001.cls": b"tree", "dogs/a.left.cls": b"wolf", "dogs/a.json": b"{}"}
    members |= {"cats/._IMG.2024.png": b"of a Mac", "cats/IMG.2024.cls": b"x" * 300, "dogs/a.npy": b""}
    file = write_tar(tmp_path / "tars" / "set.tar", members)
    with tarfile.open(file, "a") as tar:
        tar.add(root / "bars" / "9.png", "cats/IMG.2024.png")
        link = tarfile.TarInfo("dogs/b.png")
        link.type, link.linkname = tarfile.SYMTYPE, "a.left.png"
        tar.addfile(link)
    found = open_folder(file.parent, SIZE)
    taken = [found.pictures.classes[label] for label in found.pictures.labels]
    assert taken == ["cats"] * 3 + ["dogs"] + ["tree"] * 2 + ["wolf"]
    assert {why: [name.removeprefix("set.tar/") for name in names] for why, names in found.left_out.items()} == {
        "hidden, or of a system or program": ["cats/._IMG.2024.png"],
        "a .cls of more than 200 bytes": ["cats/IMG.2024.cls"],
        "no picture by its name": ["dogs/a.npy"],
        "earlier one of the same name": ["cats/IMG.2024.png"],
        "a link, or no plain file": ["dogs/b.png"],
    }


def test_classes_in_tar_files_may_have_the_names_of_splits(root: Path, tmp_path: Path) -> None:
    some = {f"{name}/{i}.png": root / "bars" / f"{i}.png" for i in range(9) for name in ("apple", "test", "train")}
    write_tar(tmp_path / "tars" / "cifar-0000.tar", some)
    pictures = read_folder(tmp_path / "tars", SIZE)
    assert pictures.classes == ("apple", "test", "train") and np.bincount(pictures.labels).tolist() == [9] * 3
    assert set(pictures.labels[pictures.splits == "train"].tolist()) == {0, 1, 2}
    write_tar(tmp_path / "tars" / "train-0000.tar", some)
    beside = r"cifar-0000\.tar/apple/0\.png: beside train-\*\.tar there can only be test-\*\.tar, or val"
    with pytest.raises(ValueError, match=beside):
        read_folder(tmp_path / "tars", SIZE)
