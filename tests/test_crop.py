"""Random crops are cut from whole pictures, before they are reduced: RandomResizedCrop."""

from __future__ import annotations

import io
import math
import tarfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.config import TrainConfig
from engine.data.augment import draw_crops
from engine.data.crop import TRIES, centre_square, place_crop
from engine.data.decode import cut, read_cuts, read_picture
from engine.data.folder import read_folder
from engine.data.pictures import Pictures
from engine.train.__main__ import describe_sources, make_task
from engine.train.loop import make_rng
from engine.train.read import read_augmented
from tests.tiny import make_pack

SIZE, WIDE = 32, (160, 90)
LANCZOS = Image.Resampling.LANCZOS
CROPPED = TrainConfig(crop=0.1, augment=0, shift=0, zoom=0, hue=0, flip=True)
CPU = torch.device("cpu")


def noise(seed: int = 0, size: tuple[int, int] = WIDE) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for i in range(20):
        (tmp_path / "own" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        noise(i, WIDE if i % 3 else (70, 130)).save(tmp_path / "own" / "ab"[i % 2] / f"{i:02d}.png")
    return tmp_path / "own"


def draw(b: int, least: float = 0.08, seed: int = 0) -> np.ndarray:
    return draw_crops(b, least, torch.Generator().manual_seed(seed))


def test_area_and_shape_are_those_of_random_resized_crop() -> None:
    drawn = draw(4000)
    share, log_ratio = drawn[..., 0], np.log(drawn[..., 1])
    assert drawn.shape == (4000, TRIES, 4) and 0.08 <= share.min() < 0.081 and 0.999 < share.max() <= 1
    assert abs(share.mean() - 0.54) < 0.005 and abs(share.std() - 0.92 / math.sqrt(12)) < 0.005, "uniform"
    assert abs(log_ratio).max() <= math.log(4 / 3) + 1e-6 and abs(log_ratio.mean()) < 0.005
    assert abs(log_ratio.std() - math.log(4 / 3) / math.sqrt(3)) < 0.005
    for width, height in ((500, 375), (375, 500), (96, 96), (1000, 300)):
        boxes = np.array([place_crop(one, width, height) for one in drawn])
        w, h = (boxes[:, 2:] - boxes[:, :2]).T
        assert boxes.min() >= 0 and (boxes[:, 2] <= width).all() and (boxes[:, 3] <= height).all()
        ratio, shares = w / h, w * h / width / height
        assert ratio.min() > 0.7499 and ratio.max() < 1.3334 and shares.min() > 0.0799
        free = (width - w > 1) & (height - h > 1)
        at = (boxes[free, :2] / np.stack([width - w, height - h], 1)[free]).mean(0)
        assert abs(at - 0.5).max() < 0.02, "anywhere"
        sides = np.sqrt(share * width * height * drawn[..., 1]), np.sqrt(share * width * height / drawn[..., 1])
        fit = (sides[0] <= width) & (sides[1] <= height)
        expected = share[np.arange(4000), fit.argmax(1)]  # of the first that fits
        np.testing.assert_allclose(shares[fit.any(1)], expected[fit.any(1)], rtol=1e-6)
        assert fit.any(1).mean() > (0.9 if width == 1000 else 0.999)


def test_a_picture_in_which_no_crop_fits_is_cut_in_the_middle() -> None:
    drawn = draw(50, least=0.9)
    for one in drawn:
        assert place_crop(one, 1000, 30) == (480, 0, 520, 30)
        assert place_crop(one, 30, 1000) == (0, 480, 30, 520)
    drawn[:] = (1.0, 4 / 3, 0.5, 0.5)
    assert place_crop(drawn[0], 100, 100) == (0, 0, 100, 100), "neither wide nor narrow: all of it"
    for size in ((1, 1), (1, 40), (3, 2)):
        assert cut(noise(0, size), SIZE, [partial(place_crop, one) for one in draw(20)]).shape == (20, SIZE, SIZE, 3)


def test_a_crop_shows_what_lies_beside_the_centre_square(tmp_path: Path) -> None:
    image = np.zeros((60, 180, 3), np.uint8)
    image[:, :60], image[:, 120:] = (255, 0, 0), (0, 0, 255)  # red, black, blue
    Image.fromarray(image).save(tmp_path / "wide.png")
    assert not read_picture(tmp_path / "wide.png", SIZE)[:, 4:-4].any()
    cuts = read_cuts(tmp_path / "wide.png", SIZE, [partial(place_crop, one) for one in draw(60)])
    seen = (cuts > 200).any((1, 2)).mean(0)
    assert 0.3 < seen[0] < 0.9 and 0.3 < seen[2] < 0.9 and not seen[1]


def test_a_small_crop_is_cut_from_the_file_and_not_from_what_was_reduced(root: Path) -> None:
    pictures = read_folder(root, SIZE)
    drawn = draw(len(pictures), least=0.01)[:, None]
    drawn[..., 0] = 0.05
    for i, image in enumerate(pictures.read_crops(np.arange(len(pictures)), drawn)[:, 0]):
        with Image.open(root / pictures.names[i]) as file:
            box = place_crop(drawn[i, 0], *file.size)
            by_hand = np.asarray(file.resize((SIZE, SIZE), LANCZOS, box=box)).astype(int)
            reduced = file.resize((SIZE, SIZE), LANCZOS, box=centre_square(*file.size))
        assert abs(image - by_hand).max() <= 1
        blurred = np.asarray(reduced.resize((SIZE, SIZE), LANCZOS, box=place_crop(drawn[i, 0], SIZE, SIZE)))
        assert sharpness(image) > 2 * sharpness(blurred)


def sharpness(image: np.ndarray) -> float:
    return float(np.abs(np.diff(image.astype(int), axis=0)).mean() + np.abs(np.diff(image.astype(int), axis=1)).mean())


def batch(pictures: Pictures, rows: Any = slice(None), config: TrainConfig = CROPPED) -> torch.Tensor:
    indices = np.arange(16) % len(pictures)
    return next(read_augmented(pictures, indices[rows], config, [make_rng(5)], CPU, 16, rows))


def test_crops_are_the_same_whoever_reads_them(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory = read_folder(root, SIZE)
    whole = batch(in_memory)
    for rows in (np.array([3, 4, 11]), slice(8, 16)):
        assert torch.equal(batch(in_memory, rows), whole[rows]), "a process has its part of the batch"
    monkeypatch.setattr("engine.data.folder.IN_MEMORY", 0)
    monkeypatch.setattr("engine.data.folder.cores", lambda: 3)
    on_disk = read_folder(root, SIZE)
    assert torch.equal(batch(on_disk), whole)
    assert torch.equal(batch(on_disk.subset(np.arange(20)[::-1])), batch(in_memory.subset(np.arange(20)[::-1])))
    (tmp_path / "tars").mkdir()
    with tarfile.open(tmp_path / "tars" / "train-0.tar", "w") as tar:
        tar.add(root, ".")
    assert torch.equal(batch(read_folder(tmp_path / "tars", SIZE)), whole)
    rngs = [make_rng("a"), make_rng("b")]
    indices = np.arange(8)
    together = list(read_augmented(on_disk, indices, CROPPED, rngs, CPU))
    alone = [next(read_augmented(on_disk, indices, CROPPED, [make_rng(name)], CPU)) for name in "ab"]
    assert all(torch.equal(*pair) for pair in zip(together, alone, strict=True)), "decoded once for all"
    assert not torch.equal(*together)


def test_without_crops_the_squares_are_read_and_measured(root: Path) -> None:
    pictures = read_folder(root, SIZE)
    plain = batch(pictures, config=replace(CROPPED, crop=1, flip=False))
    assert torch.equal(plain.permute(0, 2, 3, 1), torch.from_numpy(pictures.read(np.arange(16))).float() / 127.5 - 1)
    for i, image in enumerate(pictures.read(np.arange(20))):
        with Image.open(root / pictures.names[i]) as file:
            assert np.array_equal(image, file.resize((SIZE, SIZE), LANCZOS, box=centre_square(*file.size)))


def test_of_a_set_without_files_the_stored_square_is_the_whole_picture(root: Path) -> None:
    pictures = read_folder(root, SIZE)
    stored = replace(pictures, files=(), cut_files=None)
    drawn = draw(3)[:, None]
    found = stored.read_crops(np.array([4, 9, 4]), drawn)[:, 0]
    for image, one, crop in zip(found, pictures.read(np.array([4, 9, 4])), drawn[:, 0], strict=True):
        box = place_crop(crop, SIZE, SIZE)
        assert np.array_equal(image, Image.fromarray(one).resize((SIZE, SIZE), LANCZOS, box=box))
    assert stored.digest() == pictures.digest(), "the same squares"
    assert stored.digest(with_files=True) != pictures.digest(with_files=True) != pictures.digest()


def test_what_crops_are_cut_from_is_known_by_content(root: Path) -> None:
    first, file = read_folder(root, SIZE), root / "a" / "04.png"
    with Image.open(file) as image:
        wider = Image.fromarray(np.pad(np.asarray(image), ((0, 0), (8, 8), (0, 0))))
    wider.save(file)
    other = read_folder(root, SIZE)
    assert other.digest() == first.digest() and other.digest(with_files=True) != first.digest(with_files=True)
    file.rename(root / "a" / "05.png")  # in the same place of the order
    assert read_folder(root, SIZE).digest(with_files=True) == other.digest(with_files=True)


@pytest.mark.parametrize("crop", [1.0, 0.5])
def test_a_run_with_crops_is_not_continued_on_stored_squares(root: Path, tmp_path: Path, crop: float) -> None:
    pack, pictures = make_pack(tmp_path / "tiny"), read_folder(root, 16)
    task = make_task("generator", pack, dict(pack.config["generator"]), pictures, replace(CROPPED, crop=crop), CPU)
    stored = replace(pictures, files=(), cut_files=None)
    found = [describe_sources("generator", pack, one, task) for one in (pictures, stored)]
    assert (found[0] == found[1]) == (crop == 1)


def test_a_large_jpeg_is_decoded_as_finely_as_its_smallest_crop_needs() -> None:
    out = io.BytesIO()
    noise(1, (20, 15)).resize((800, 600), Image.Resampling.BICUBIC).save(out, "JPEG", quality=95)
    whole = np.zeros((TRIES, 4))
    whole[:] = (0.7, 1.0, 0.5, 0.5)
    small = whole * (0.03, 1, 1, 1)

    def read(*crops: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        with Image.open(io.BytesIO(out.getvalue())) as image:
            return cut(image, SIZE, [partial(place_crop, crop) for crop in crops]), image.size

    with Image.open(io.BytesIO(out.getvalue())) as image:
        image.load()
        full = cut(image, SIZE, [partial(place_crop, crop) for crop in (whole, small)]).astype(int)
    (large,), size = read(whole)
    assert size == (200, 150) and abs(large - full[0]).mean() < 3
    both, size = read(whole, small)
    assert size == (800, 600) and np.array_equal(both, full)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_crop_of_a_picture_that_lies_on_its_side_is_one_of_the_upright(tmp_path: Path, orientation: int) -> None:
    turned = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}
    exif = Image.Exif()
    exif[0x112] = orientation
    noise().save(tmp_path / "held.png", exif=exif)
    noise().transpose(turned[orientation]).save(tmp_path / "upright.png")
    places = [partial(place_crop, one) for one in draw(5)]
    held, upright = (read_cuts(tmp_path / f"{name}.png", SIZE, places) for name in ("held", "upright"))
    assert np.array_equal(held, upright)
