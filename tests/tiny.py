"""A folder of small pictures and sizes at which all models train in a second."""

from __future__ import annotations

import atexit
import dataclasses
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine.config import ClassifierConfig, CriticConfig, TokenizerConfig, TrunkConfig
from engine.data.folder import read_folder
from engine.data.pictures import Pictures, read_from_memory, save_pictures
from engine.models import build_model
from engine.pack import Pack, open_pack, save_model, save_tokens, write_config

SIZE, LARGE = 16, 64
TOKENIZER = TokenizerConfig(
    image_size=SIZE, codes=16, code_width=4, encoder_width=16, encoder_blocks=1, decoder_width=16, decoder_blocks=1
)
TRUNK = {"layers": 2, "width": 16, "heads": 2, "mlp": 32}
CLASSIFIER = {"base": 8, "stages": 2, "depth": 1}
FINE_LABELS = {"bars": ["bars"], "squares": ["squares"]}


def make_folder(root: Path, each: int = 6) -> Path:
    """Two classes: squares and bars, each in its own colour and place."""
    rng = np.random.Generator(np.random.Philox(0))
    for name in ("bars", "squares"):
        (root / name).mkdir(parents=True)
        for i in range(each):
            image = np.full((SIZE, SIZE, 3), 255, np.uint8)
            top, left = rng.integers(0, 8, 2)
            image[top : top + 8, left : left + (3 if name == "bars" else 8)] = rng.integers(0, 255, 3)
            Image.fromarray(image).save(root / name / f"{i}.png")
    return root


@cache
def _folder() -> Path:
    """Where this process keeps what it copies."""
    folder = Path(tempfile.mkdtemp(prefix="tiny-packs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _build_pack() -> Path:
    path, sizes = _folder() / "bare", vars(TOKENIZER)
    write_config(path, {"format": 1, "classes": ["bars", "squares"], "tokenizer": dict(sizes)})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # or now and then a classifier comes out that sees no difference
        save_model(path, "tokenizer", build_model("tokenizer", sizes, TOKENIZER, 2))
        save_model(path, "generator", build_model("generator", vars(TrunkConfig(**TRUNK)), TOKENIZER, 2))
        save_model(path, "critic", build_model("critic", vars(CriticConfig(**TRUNK)), TOKENIZER, 2))
        judge = build_model("classifier", vars(ClassifierConfig(**CLASSIFIER)), TOKENIZER, 2, len(FINE_LABELS))
    save_model(path, "classifier", judge, fine_labels=FINE_LABELS)
    return path


@cache
def _build_whole_pack() -> Path:
    pack = make_pack(_folder() / "whole")
    pictures = read_folder(make_folder(_folder() / "pictures"), SIZE)
    save_pictures(pictures, pack.path / "data")
    save_tokens(pack, pictures.read(np.arange(len(pictures))))
    return pack.path


def make_pack(path: Path) -> Pack:
    """Untrained models of these sizes, stored as a pack: for tests of files, not of pictures."""
    shutil.copytree(_build_pack(), path)
    return open_pack(path)


def make_whole_pack(path: Path) -> Pack:
    """The same with pictures and their tokens, as page and evaluation need it. The pictures' files are beside it."""
    shutil.copytree(_build_whole_pack(), path)
    shutil.copytree(_folder() / "pictures", path.with_name("pictures"))
    return open_pack(path)


def make_large_pack(path: Path, classes: int = 22) -> Pack:
    """A pack of 32 x 32 tokens, as at 512 px, and of more classes than the page shows as chips. A picture each."""
    tokenizer = dataclasses.replace(TOKENIZER, image_size=LARGE, patch=2)
    names = tuple(f"class {i}" for i in range(classes))
    sizes = {
        "tokenizer": vars(tokenizer),
        "generator": vars(TrunkConfig(**TRUNK)),
        "critic": vars(CriticConfig(**TRUNK)),
    }
    write_config(path, {"format": 1, "classes": list(names), "tokenizer": dict(sizes["tokenizer"])})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for kind, own in sizes.items():
            save_model(path, kind, build_model(kind, own, tokenizer, classes))
    colours = np.random.Generator(np.random.Philox(0)).integers(0, 255, (classes, 4, 4, 3), np.uint8)
    images = colours.repeat(LARGE // 4, 1).repeat(LARGE // 4, 2)
    splits = np.where(np.arange(classes) % 4, "train", "test")
    pictures = Pictures(
        classes=names,
        labels=np.arange(classes),
        names=names,
        groups=names,
        splits=splits,
        weights=np.ones(classes, np.float32),
        size=LARGE,
        read=read_from_memory(images),
    )
    save_pictures(pictures, path / "data")
    save_tokens(open_pack(path), images)
    return open_pack(path)
