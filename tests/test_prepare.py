"""A pack is begun whole, or it is not begun."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.data.folder import read_folder
from engine.data.pictures import Pictures, save_pictures
from engine.pack import open_pack
from engine.train.prepare import find_pictures, prepare_pack
from tests.tiny import SIZE, TOKENIZER, make_folder


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    return read_folder(make_folder(tmp_path / "own"), SIZE)


@pytest.mark.parametrize("left", ["other pictures", "half of an index"])
def test_pictures_without_a_config_are_what_a_broken_off_command_has_left(
    tmp_path: Path, pictures: Pictures, left: str
) -> None:
    data = tmp_path / "mine" / "data"
    save_pictures(pictures.subset(np.arange(7)), data)
    if left == "half of an index":
        (data / "index.csv").write_bytes((data / "index.csv").read_bytes()[:90])
    begun = prepare_pack(str(tmp_path / "mine"), pictures, TOKENIZER)
    assert begun.pictures().digest() == pictures.digest()


def test_a_pack_of_its_own_pictures_keeps_all_of_them(
    tmp_path: Path, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are more than it would take of a folder, too."""
    monkeypatch.setattr("engine.train.prepare.choose_evenly", lambda pictures: np.arange(3))
    name = str(tmp_path / "mine")
    save_pictures(pictures, tmp_path / "mine" / "data")
    for _ in range(2):
        begun = prepare_pack(name, find_pictures(name, "", SIZE), TOKENIZER)
        assert begun.pictures().digest() == pictures.digest() and not open_pack(name).config["pictures_left_out"]
