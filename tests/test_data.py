"""The pack's pictures and splits, own folders, and what augmentation leaves alone."""

from __future__ import annotations

import errno
import io
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from engine.config import TrainConfig
from engine.data import emoji
from engine.data.augment import augment
from engine.data.crop import centre_square
from engine.data.decode import cut, read_picture
from engine.data.folder import read_folder
from engine.data.pictures import INDEX, Pictures, count_pictures, digest_files, load_pictures, save_pictures
from engine.data.sheets import WEBP_SIDE, count_columns, max_pictures
from engine.pack import open_pack
from tests.tiny import make_folder


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return open_pack("emoji").pictures()


def concept(name: str) -> str:
    return emoji.Emoji("", name, "", "").concept


def test_the_pack_holds_all_emoji(pictures: Pictures) -> None:
    assert len(pictures) == 3655 and pictures.classes == emoji.CLASSES
    assert len(set(pictures.names)) == 3655
    assert pictures.read(np.arange(3)).shape == (3, 64, 64, 3)
    toned = np.array(["skin tone" in name for name in pictures.names])
    assert np.allclose(pictures.weights, np.where(toned, 0.3, 1.0))


def test_the_splits_hold_out_what_they_say(pictures: Pictures) -> None:
    by_split = {
        split: {(pictures.labels[i], concept(pictures.names[i])) for i in pictures.indices(split)}
        for split in ("train", "concept", "tone")
    }
    assert not by_split["concept"] & (by_split["train"] | by_split["tone"])
    assert by_split["tone"] <= by_split["train"]
    assert {label for label, _ in by_split["concept"]} == set(range(13))
    assert all("skin tone" in pictures.names[i] for i in pictures.indices("tone"))
    assert 150 <= len(pictures.indices("concept")) <= 200 and 150 <= len(pictures.indices("tone")) <= 210


@pytest.mark.skipif(not emoji.FONT.is_file() or not emoji.NAMES.is_file(), reason="the font is not on this machine")
def test_the_font_gives_the_same_pictures(pictures: Pictures) -> None:
    from PIL import ImageFont

    font = ImageFont.truetype(str(emoji.FONT), emoji.FONT_SIZE, layout_engine=ImageFont.Layout.RAQM)
    at = {name: i for i, name in enumerate(pictures.names)}
    for one in list(emoji.read_names(emoji.NAMES))[::400]:
        drawn = emoji.render_emoji(one.sequence, font).astype(int)
        stored = pictures.read(np.array([at[one.name]]))[0].astype(int)
        assert np.abs(drawn - stored).mean() < 1  # another version of the font may differ by a hair


def test_stored_tokens_are_the_tokenizers(pictures: Pictures) -> None:
    pack = open_pack("emoji")
    tokenizer, tokens = pack.load("tokenizer"), pack.tokens()
    assert tokens.shape == (3655, 256)
    some = np.arange(0, 3655, 200)
    images = torch.from_numpy(pictures.read(some)).permute(0, 3, 1, 2).float() / 127.5 - 1
    assert float((tokenizer.encode(images) == tokens[torch.from_numpy(some)]).float().mean()) > 0.999


def test_pictures_survive_being_stored(tmp_path: Path) -> None:
    ours = read_folder(make_folder(tmp_path / "own"), 16)
    save_pictures(ours, tmp_path / "stored")
    back = load_pictures(tmp_path / "stored")
    assert back.names == ours.names and back.splits.tolist() == ours.splits.tolist()
    assert np.array_equal(back.read(np.arange(len(back))), ours.read(np.arange(len(ours))))


BLANK, AS_PNG, OTHER_INDEX = io.BytesIO(), io.BytesIO(), b"sheet,tile,class\n0000.webp,0,a\n"
Image.new("RGB", (4000, 4000)).save(BLANK, "WEBP", lossless=True)  # 34 bytes
Image.new("RGB", (16, 16)).save(AS_PNG, "PNG")
DAMAGED_INDEX: dict[str, Callable[[bytes], bytes]] = {
    "header only": lambda text: text.splitlines()[0],
    "nothing": lambda text: b"",
    "negative tile": lambda text: text.replace(b".webp,1,", b".webp,-1,"),
    "2.7 TiB": lambda text: text.splitlines()[0] + 4000 * (b"\n" + text.splitlines()[1][:-2] + b"16383"),
    "other columns": lambda text: OTHER_INDEX,
    "rows that are not whole": lambda text: text + b"0000.webp\n",
    "a sheet elsewhere": lambda text: text.replace(b"0000.webp", b"../x.webp"),
    "a NUL in a name": lambda text: text.replace(b"0000.webp", b"\0000.webp"),
    "no UTF-8": lambda text: text + b"\xff\n",
    "a value without end": lambda text: text.replace(b"train", b"x" * 200_000),
    "a split of many letters": lambda text: text.replace(b"train", b"x" * 1000),
    "more than an index has": lambda text: text + b"\n" * 2**24,
}
DAMAGED_SHEET = {
    "broken": b"nonsense",
    "empty": b"",
    "another format": AS_PNG.getvalue(),
    "much larger than its pictures": BLANK.getvalue(),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stored pictures."""
    root = tmp_path_factory.mktemp("whole")
    save_pictures(read_folder(make_folder(root / "own"), 16), root / "stored")
    return root / "stored"


@pytest.mark.parametrize("damage", DAMAGED_INDEX)
def test_a_damaged_index_is_one_line_that_names_it(whole: Path, tmp_path: Path, damage: str) -> None:
    stored = Path(shutil.copytree(whole, tmp_path / "stored"))
    index = stored / "index.csv"
    index.write_bytes(DAMAGED_INDEX[damage](index.read_bytes()))
    for read in (load_pictures, digest_files, count_pictures):
        if read is load_pictures or damage not in ("header only", "negative tile", "2.7 TiB"):
            with pytest.raises(ValueError, match=r"stored/index\.csv: ") as refused:
                read(stored)
            assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


@pytest.mark.parametrize("damage", DAMAGED_SHEET)
def test_a_damaged_sheet_is_one_line_that_names_it(whole: Path, tmp_path: Path, damage: str) -> None:
    stored = Path(shutil.copytree(whole, tmp_path / "stored"))
    (stored / "0000.webp").write_bytes(DAMAGED_SHEET[damage])
    with pytest.raises(ValueError, match=r"stored/0000\.webp: "):
        load_pictures(stored)
    (stored / "0000.webp").unlink()
    for read in (load_pictures, digest_files):
        with pytest.raises(ValueError, match=r"stored/0000\.webp: No such file"):
            read(stored)
    shutil.copy(whole / "0000.webp", stored)
    index = stored / "index.csv"
    index.write_text(index.read_text().replace(".webp,1,", ".webp,999999,"))
    with pytest.raises(ValueError, match=r"stored/0000\.webp: "):
        load_pictures(stored)


def test_sheets_of_blank_pictures_do_not_fill_the_memory(tmp_path: Path) -> None:
    """A pack of a few hundred bytes, whose sheets would take 48 MB each."""
    rows = [f"{i:04d}.webp,0,a,a,a,train,1,1" for i in range(12)]
    for i in range(12):
        (tmp_path / f"{i:04d}.webp").write_bytes(BLANK.getvalue())
    (tmp_path / "index.csv").write_text("\n".join([",".join(INDEX), *rows]))
    with pytest.raises(ValueError, match=r"0000\.webp: .*4000 x 4000 pixels are too many for 1 of 1 a side"):
        load_pictures(tmp_path)


@pytest.mark.parametrize("size", [8, 64, 341, 342, 384, 512, 1024])
def test_a_full_sheet_can_be_read_again_whatever_the_size_of_its_pictures(size: int) -> None:
    columns, count = count_columns(size), max_pictures(size)
    rows = count // columns
    assert count == rows * columns > 0 and max(rows, columns) * size <= WEBP_SIDE
    assert count * size * size < Image.MAX_IMAGE_PIXELS


def test_pictures_that_fill_more_than_a_sheet_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.sheets.MAX_PIXELS", 32 * 16 * 16)
    ours = read_folder(make_folder(tmp_path / "own", each=40), 16)
    save_pictures(ours, tmp_path / "stored")
    assert {file.name for file in (tmp_path / "stored").glob("0000*")} == {"0000.webp", "0000-1.webp"}
    assert load_pictures(tmp_path / "stored").digest() == ours.digest()


def test_an_index_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = read_folder(make_folder(tmp_path / "own"), 16)
    monkeypatch.setattr("engine.data.pictures.MAX_INDEX", 100)
    with pytest.raises(ValueError, match=r"stored would have an index of \d+ bytes, the most is 100"):
        save_pictures(ours, tmp_path / "stored")
    monkeypatch.undo()
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", lambda file: synced.append(file) if len(synced) < 2 else full_disk())
    with pytest.raises(OSError, match="No space left"):
        save_pictures(ours, tmp_path / "stored")
    assert sorted(file.name for file in (tmp_path / "stored").iterdir()) == ["0000.webp", "0001.webp"]


def full_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_train_and_test_folders_keep_their_splits(tmp_path: Path) -> None:
    make_folder(tmp_path / "train")
    make_folder(tmp_path / "test", each=2)
    ours = read_folder(tmp_path, 16)
    assert ours.classes == ("bars", "squares")
    assert len(ours.indices("train")) == 12 and len(ours.indices("test")) == 4
    (tmp_path / "train" / "bars" / "0.png").rename(tmp_path / "cover.png")  # in no folder, so of no class
    assert len(read_folder(tmp_path, 16)) == 15
    for stray in ("test/1.png", "train/1.png", "more/bars/1.png"):
        (tmp_path / stray).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "train" / "bars" / "1.png").rename(tmp_path / stray)
        with pytest.raises(ValueError, match=f"{stray}: beside train"):
            read_folder(tmp_path, 16)
        (tmp_path / stray).rename(tmp_path / "train" / "bars" / "1.png")


def test_a_class_may_have_the_name_of_a_split(tmp_path: Path) -> None:
    make_folder(tmp_path)
    (tmp_path / "bars").rename(tmp_path / "train")
    assert read_folder(tmp_path, 16).classes == ("squares", "train")


def test_a_transparent_picture_stands_on_white(tmp_path: Path) -> None:
    image = np.zeros((20, 40, 4), np.uint8)
    Image.fromarray(image).save(tmp_path / "clear.png")
    assert (read_picture(tmp_path / "clear.png", 16) == 255).all()


@pytest.mark.parametrize("mode", ["I;16", "I"])
def test_greys_of_16_bits_are_scaled(mode: str) -> None:
    image = Image.fromarray(np.tile(np.arange(16, dtype=np.uint16) * 4369, (16, 1))).convert(mode)
    assert cut(image, 16, [centre_square])[0, 0, :, 0].tolist() == list(range(0, 256, 17))
    with pytest.raises(ValueError, match="floating-point"):
        cut(image.convert("F"), 16, [centre_square])


def test_a_picture_stands_upright_whatever_else_its_exif_says(tmp_path: Path) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    start, file = b"Exif\0\0MM\0\x2a\0\0\0\x08", tmp_path / "held.png"
    for orientation in range(1, 9):
        held = struct.pack(">HHIHH", 0x112, 3, 1, orientation, 0)
        image.save(file, exif=start + b"\0\1" + held + bytes(4))
        expected = np.asarray(ImageOps.exif_transpose(Image.open(file)))
        resolution = struct.pack(">HHI4s", 0x11A, 2, 3, b"72\0\0")  # a word where a number is due
        image.save(file, exif=start + b"\0\2" + held + resolution + bytes(4))
        assert np.array_equal(read_picture(file, 16), expected)
    for damaged in (start, b"Exif\0\0nonsense"):
        image.save(file, exif=damaged)
        assert np.array_equal(read_picture(file, 16), np.asarray(image))


def test_unusable_folders_say_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="folder"):
        read_folder(tmp_path / "none", 16)
    with pytest.raises(ValueError, match="no pictures"):
        read_folder(tmp_path, 16)
    (tmp_path / "class").mkdir()
    for damaged in (b"not a picture", b"\x89PNG\r\n\x1a\n\0\0\0\0IHDR\xa8\xa1\xae\x0a"):  # a header of no bytes
        (tmp_path / "class" / "broken.png").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"broken\.png"):
            read_folder(tmp_path, 16).read(np.array([0]))


def test_augmentation_keeps_white_white_and_the_range() -> None:
    config = TrainConfig(augment=1.0)
    rng = torch.Generator().manual_seed(0)
    white = augment(torch.ones(8, 3, 32, 32), config, rng)
    assert torch.allclose(white, torch.ones_like(white), atol=1e-5)
    noisy = torch.rand(8, 3, 32, 32, generator=rng) * 2 - 1
    changed = augment(noisy, config, rng)
    assert changed.shape == noisy.shape and float(changed.abs().max()) <= 1
    assert not torch.equal(changed, noisy)
    with torch.autocast("cpu", torch.bfloat16):  # as in training where the machine is faster in it
        in_bf16 = augment(noisy, config, torch.Generator().manual_seed(1))
    assert torch.equal(in_bf16, augment(noisy, config, torch.Generator().manual_seed(1)))
    assert torch.equal(augment(noisy, TrainConfig(augment=0.0), rng), noisy) or torch.allclose(
        augment(noisy, TrainConfig(augment=0.0), rng), noisy, atol=1e-5
    )
