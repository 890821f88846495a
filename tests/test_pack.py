"""Packs come back as they were stored; damaged ones are refused by name, and nothing in them is run."""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from engine.pack import WEIGHTS, Pack, list_packs, open_pack, pack_path, save_model, save_tokens, write_config
from engine.session import Session
from engine.tokenizer import Tokenizer
from engine.weights import sha256
from tests.test_data import full_disk
from tests.tiny import make_pack, make_whole_pack


def test_a_model_comes_back_as_stored(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "tiny")
    generator = pack.load("generator")
    save_model(pack.path, "generator", generator)
    again = open_pack(pack.path).load("generator")
    for a, b in zip(generator.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b) and not b.requires_grad


def test_other_weights_end_the_version_and_the_same_do_not(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "tiny")
    write_config(pack.path, {**pack.config, "version": "2.1"})
    generator = pack.load("generator")
    assert save_model(pack.path, "generator", generator).version == "2.1"
    with torch.no_grad():
        next(generator.parameters()).add_(1)
    assert save_model(pack.path, "generator", generator).version == ""


def files_of(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.mark.parametrize("kind", ["tokenizer", "generator"])
@pytest.mark.parametrize("synced", [0, 1])
def test_a_full_disk_leaves_the_pack_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, synced: int
) -> None:
    """Whether it is found out with the weights, or with the config after them."""
    pack = make_whole_pack(tmp_path / "tiny")
    whole, model, calls = files_of(pack.path), pack.load(kind), iter(range(9))
    with torch.no_grad():
        next(model.parameters()).add_(1)
    monkeypatch.setattr("os.fsync", lambda file: full_disk() if next(calls) == synced else None)
    with pytest.raises(OSError, match="No space left"):
        save_model(pack.path, kind, model)
    assert files_of(pack.path) == whole
    monkeypatch.undo()
    assert save_model(pack.path, kind, model).load(kind)


def test_a_folder_whose_name_begins_with_a_dot_is_not_offered(tmp_path: Path) -> None:
    make_pack(tmp_path / "tiny")
    make_pack(tmp_path / ".tiny.123")
    assert list_packs(tmp_path) == ["tiny"]


def reseal(path: Path) -> None:
    """Make the hash in the config fit the file, so that the checks behind it are reached."""
    config = dict(open_pack(path).config)
    config["sha256"] = {**config["sha256"], "generator": sha256(path / "generator.safetensors")}
    write_config(path, config)


def test_a_flipped_or_missing_byte_is_noticed(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "tiny")
    file = pack.path / "generator.safetensors"
    whole = file.read_bytes()
    for damaged in (whole[:-1], whole[:500], whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:], b"", whole + b"x"):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"generator\.safetensors"):
            pack.load("generator")
        reseal(pack.path)
        if damaged[:-9] != whole[:-9]:
            with pytest.raises(ValueError, match=r"generator\.safetensors"):
                open_pack(pack.path).load("generator")
    file.unlink()
    with pytest.raises(FileNotFoundError, match=r"generator\.safetensors"):
        open_pack(pack.path).load("generator")


@pytest.mark.parametrize("how", ["shape", "nan", "extra", "missing", "integers"])
def test_tensors_must_be_what_the_config_says(tmp_path: Path, how: str) -> None:
    pack = make_pack(tmp_path / "tiny")
    file = pack.path / "generator.safetensors"
    tensors = load_file(file)
    if how == "shape":
        tensors["bias"] = torch.zeros(3)
    if how == "nan":
        tensors["bias"] = tensors["bias"].clone().fill_(float("nan"))
    if how == "extra":
        tensors["more"] = torch.zeros(1)
    if how == "missing":
        del tensors["bias"]
    if how == "integers":
        tensors["bias"] = tensors["bias"].int()
    save_file(tensors, file)
    reseal(pack.path)
    with pytest.raises(ValueError, match=r"generator\.safetensors"):
        open_pack(pack.path).load("generator")


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("tokenizer", {"decoder_width": 2048, "decoder_blocks": 16}),
        ("generator", {"layers": 64, "width": 4096, "mlp": 16384}),
        ("critic", {"layers": 64}),
        ("classifier", {"base": 512, "stages": 5}),
        ("classifier", {}),
    ],
)
def test_what_the_file_cannot_hold_is_not_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, sizes: dict[str, int]
) -> None:
    pack = make_pack(tmp_path / "tiny")
    write_config(pack.path, {**pack.config, kind: {**pack.config[kind], **sizes}})
    monkeypatch.setattr("engine.pack.build_model", lambda *given: pytest.fail("built"))
    file = pack.path / f"{kind}.safetensors"
    if not sizes:
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=rf"{kind}\.safetensors"):
        open_pack(pack.path).load(kind)


@pytest.mark.parametrize("how", ["cut", "name", "flat", "rows", "columns", "code", "negative", "floats"])
def test_tokens_must_be_those_of_the_packs_pictures(tmp_path: Path, how: str) -> None:
    pack = make_whole_pack(tmp_path / "tiny")
    file, tokens = pack.path / "data" / "tokens.safetensors", pack.tokens().int()
    codes = torch.zeros_like(tokens)
    codes[-1, -1] = {"code": pack.tokenizer_config.codes, "negative": -1}.get(how, 0)
    other = {"flat": tokens.flatten(), "rows": tokens[1:], "columns": tokens[:, :-1], "floats": tokens.float()}
    save_file({"t" if how == "name" else "tokens": other.get(how, codes).contiguous()}, file)
    if how == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"tokens\.safetensors"):
        pack.tokens()


def test_tokens_say_what_they_were_made_from(tmp_path: Path) -> None:
    pack = make_whole_pack(tmp_path / "tiny")
    assert len(pack.tokens()) == 12
    sheet = pack.path / "data" / "0000.webp"
    before = sheet.read_bytes()
    with Image.open(sheet) as image:
        other = image.convert("RGB").rotate(180)
    other.save(sheet, lossless=True)
    with pytest.raises(ValueError, match=r"tokens\.safetensors was made from other pictures: train"):
        open_pack(pack.path).tokens()
    sheet.write_bytes(before)
    config = {**pack.config, "sha256": {**pack.config["sha256"], "tokenizer": "0" * 64}}
    write_config(pack.path, config)
    with pytest.raises(ValueError, match=r"tokens\.safetensors was made from other weights: train"):
        open_pack(pack.path).tokens()


def test_a_hint_can_be_pasted(tmp_path: Path) -> None:
    for name in ("p0", "p 0"):
        write_config(tmp_path / name, {"classes": ["a"], "tokenizer": {}})
        with pytest.raises(FileNotFoundError) as said:
            open_pack(tmp_path / name).load("generator")
        word = shlex.split(str(said.value).partition(": ")[2])[-1]
        assert open_pack(word.removeprefix("pack=")).path == tmp_path / name
    assert open_pack("emoji").cli_name == "emoji"


def test_a_huge_header_is_not_read(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "tiny")
    file = pack.path / "generator.safetensors"
    file.write_bytes((2**40).to_bytes(8, "little") + json.dumps({}).encode())
    reseal(pack.path)
    with pytest.raises(ValueError, match="header"):
        open_pack(pack.path).load("generator")


BAD_CONFIGS = [
    "classes: 5\ntokenizer: {}",
    "classes: [1, 2]\ntokenizer: {}",
    "classes: [a, a]\ntokenizer: {}",
    "classes: [a]\ntokenizer: {foo: 1}",
    "classes: [a]\ntokenizer: {}\ngenerator: 5",
    "classes: [a]\ntokenizer: {}\ncritic: {foo: 1}",
    "classes: [a]\ntokenizer: {}\nsha256: 5",
    "classes: [a]\ntokenizer: {}\npresets: {critic: {noise_K: 99}}",
    "classes: [a]\ntokenizer: {}\npresets: {critic: 5}",
    "classes: [a]\ntokenizer: {}\nversion: 1.0",
    "classes: [a]\ntokenizer: {}\nfolders: [x, y]",
    "classes: [a]\ntokenizer: {}\nrecipe: ../../x.yaml",
    "classes: [a]\ntokenizer: {style: maskgit, multipliers: 1 2 x}",
    "classes: [a]\ntokenizer: {style: maskgit, patch: 8}",
    "classes: [a]\ntokenizer: {}\ngenerator: {norm: adaptive, width: 10, heads: 3}",
    "classes: [a]\ntokenizer: {}\nfine_labels: [x]",
    "classes: [a]\ntokenizer: {}\nfine_labels: {b: [x]}",
    "classes: [a]\ntokenizer: {}\nfine_labels: {a: x}",
    *(f"classes: [a]\ntokenizer: {{}}\nx: {value}" for value in ("!!timestamp foo", "!!int ''", "!!float ''")),
]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "classes: [a",
        "!!python/object/apply:os.system ['touch {spot}']",
        "classes: []\ntokenizer: {}",
        "[]",
        *BAD_CONFIGS,
    ],
)
def test_a_broken_config_is_one_line_and_runs_nothing(tmp_path: Path, text: str) -> None:
    pack, spot = make_pack(tmp_path / "tiny"), tmp_path / "spot"
    (pack.path / "config.yaml").write_text(text.replace("{spot}", str(spot)))
    with pytest.raises(ValueError, match=r"config\.yaml"):
        open_pack(pack.path)
    assert not spot.exists()


def test_a_folder_that_is_no_pack_hides_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "emoji").mkdir()  # pictures of one's own, say
    assert pack_path("emoji") == WEIGHTS / "emoji"
    make_pack(tmp_path / "mine")
    assert pack_path("mine") == Path("mine") and open_pack("mine").name == "mine"


def test_an_unknown_pack_says_which_there_are() -> None:
    with pytest.raises(FileNotFoundError, match="emoji"):
        open_pack("no-such-pack")
    assert pack_path("emoji").name == "emoji"


def test_a_token_looks_like_the_mean_of_what_it_stands_for(tmp_path: Path) -> None:
    session = Session.open(make_whole_pack(tmp_path / "tiny").path, "cpu")
    patches, size = session.patches(), session.tokenizer.config
    tokens = session.pack.tokens().numpy().reshape(-1, size.grid, size.grid)
    images = session.pack.pictures().read(np.arange(len(tokens)))
    assert patches.shape == (size.codes, size.patch, size.patch, 3) and patches.dtype == np.uint8
    for token in range(size.codes):
        cut = [
            images[i, y * size.patch : (y + 1) * size.patch, x * size.patch : (x + 1) * size.patch]
            for i, y, x in np.argwhere(tokens == token)
        ]
        np.testing.assert_allclose(patches[token], np.mean(cut, 0) if cut else 128, atol=0.51)


@pytest.mark.parametrize("kind", [torch.float64, torch.int32])
def test_weights_of_another_type_are_named(tmp_path: Path, kind: torch.dtype) -> None:
    pack = make_pack(tmp_path / "tiny")
    file = pack.path / "generator.safetensors"
    tensors = {name: tensor.to(kind) for name, tensor in load_file(file).items()}
    save_file(tensors, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    config = {**pack.config, "sha256": {**pack.config["sha256"], "generator": digest}}
    with pytest.raises(ValueError, match=f"is {str(kind).removeprefix('torch.')}, expected one of bfloat16"):
        Pack(path=pack.path, config=config).load("generator")


BOMB = "&0 [x,x]" + "".join(f", &{i} [{','.join([f'*{i - 1}'] * 9)}]" for i in range(1, 12))
DEEP = "[" * 20_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"format: 1\nclasses: [a]\ntokenizer: {DEEP}", "nested too deeply"),
        ("classes: [" + ",".join(f"c{i}" for i in range(20_000)) + "]\ntokenizer: {}", "20,000 classes"),
        ("classes: [a]\n" + "#" * 2**20, "the most is 1,048,576"),
        (f"classes: [a]\ntokenizer: {{}}\npresets: {{maskgit: {{temp_a: [{BOMB}]}}}}", "temp_a"),
        ("classes: [a]\ntokenizer: {}\nx: 1" + 500_000 * ":1", "a number of 1,000,001 digits"),
        ("classes: [a]\ntokenizer: {}\nx: 1" + 200 * ":1" + ".5", "a number of 403 digits"),
    ],
)
def test_a_config_that_would_fill_the_memory_is_refused_at_once(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "own"
    path.mkdir()
    (path / "config.yaml").write_text(text)
    begun = time.monotonic()
    with pytest.raises(ValueError, match=says) as refused:
        open_pack(path)
    assert len(str(refused.value)) < 1000 and "\n" not in str(refused.value).strip() and time.monotonic() - begun < 20


def test_a_pack_whose_tokens_are_cut_short_is_not_opened(tmp_path: Path) -> None:
    pack = make_whole_pack(tmp_path / "tiny")
    file = pack.path / "data" / "tokens.safetensors"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ValueError, match="tokens"):
        Session.open(pack.path, "cpu")


def test_tokens_of_pictures_are_stored_one_by_one_on_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that they are what `Session.encode` finds, whatever a picture's neighbours are."""
    pack = make_whole_pack(tmp_path / "tiny")
    images = pack.pictures().read(np.arange(12))
    encoded: list[int] = []
    encode = Tokenizer.encode
    monkeypatch.setattr(Tokenizer, "encode", lambda self, x: encoded.append(len(x)) or encode(self, x))
    save_tokens(pack, images)
    assert encoded == [1] * 12
    assert np.array_equal(pack.tokens().numpy(), Session.open(pack.path, "cpu", torch.get_num_threads()).encode(images))
