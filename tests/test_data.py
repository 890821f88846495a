"""The pack's pictures and splits, own folders, and what augmentation leaves alone."""

from __future__ import annotations

import struct
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
from engine.data.pictures import Pictures, load_pictures, save_pictures
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


@pytest.mark.parametrize(
    "damage", ["header only", "no such tile", "negative tile", "2.7 TiB", "broken sheet", "empty sheet"]
)
def test_damaged_pictures_are_refused_in_one_line(tmp_path: Path, damage: str) -> None:
    save_pictures(read_folder(make_folder(tmp_path / "own"), 16), tmp_path / "stored")
    index, sheet = tmp_path / "stored" / "index.csv", tmp_path / "stored" / "0000.webp"
    text = index.read_text()
    if damage == "header only":
        index.write_text(text.splitlines()[0])
    elif damage == "no such tile":
        index.write_text(text.replace(".webp,1,", ".webp,999999,"))
    elif damage == "negative tile":
        index.write_text(text.replace(".webp,1,", ".webp,-1,"))
    elif damage == "2.7 TiB":
        row = text.splitlines()[1].rpartition(",")[0]
        index.write_text("\n".join([text.splitlines()[0], *([f"{row},16383"] * 4000)]))
    else:
        sheet.write_bytes(b"nonsense" if damage == "broken sheet" else b"")
    with pytest.raises(ValueError, match=r"index\.csv.*damaged"):
        load_pictures(tmp_path / "stored")


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
