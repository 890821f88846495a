"""Writes what was read from a checkpoint as a pack, whole or not at all."""

from __future__ import annotations

import csv
import dataclasses
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from engine.generator import Generator
from engine.pack import Pack, open_pack, save_model, write_config
from engine.vqgan import Vqgan, VqganConfig
from engine.weights import sha256

IMAGENET = Path(__file__).with_name("imagenet_classes.csv")
MAX_CLASS_FILE = 2**20  # bytes
PROCESSES = Path("/proc")  # where Linux has a folder for each process


def imagenet_classes() -> tuple[list[str], list[str]]:
    """ImageNet's 1000 classes in the order of their labels: synsets, names.

    The order is that of the sorted synsets (timm, Apache-2.0); the names are torchvision's (BSD-3-Clause).
    """
    with open(IMAGENET, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [row["synset"] for row in rows], [row["name"] for row in rows]


def name_classes(count: int, file: Path | None) -> dict[str, Any]:
    """Entries of config.yaml that name the classes: from a file of a name a line, or ImageNet's, or numbers.

    A count of 0 is for a tokenizer alone: the pictures that its generator is trained on name them.
    """
    if file is not None:
        if file.stat().st_size > MAX_CLASS_FILE:
            raise ValueError(f"{file} is no list of classes: it has more than {MAX_CLASS_FILE:,} bytes")
        names = file.read_text(encoding="utf-8").split("\n")
        names = [name.strip() for name in names if name.strip()]
        if count and len(names) != count:
            raise ValueError(f"{file} names {len(names)} classes, the checkpoint has {count}")
        return {"classes": names}
    if count == 1000:
        synsets, names = imagenet_classes()
        return {"classes": names, "folders": synsets}
    return {"classes": [f"class {i}" for i in range(count)] or ["not known yet"]}


def write_pack(
    out: Path,
    models: Mapping[str, Vqgan | Generator],
    classes: Mapping[str, Any],
    sources: Sequence[Path],
    card: str,
    **extra: Any,
) -> Pack:
    """Write models, config and card into a new folder `out`. ValueError if there is one already."""
    if out.exists():
        raise ValueError(f"{out} is there already: remove it, or give another out=")
    _remove_broken_off(out)
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    tokenizer = models["tokenizer"].config
    assert isinstance(tokenizer, VqganConfig)
    origin = [{"file": file.name, "sha256": sha256(file)} for file in sources]
    config = {"format": 1, **classes, "tokenizer": dataclasses.asdict(tokenizer), "converted_from": origin, **extra}
    try:
        write_config(partial, config)
        (partial / "card.md").write_text(card, encoding="utf-8")
        for kind, model in models.items():
            save_model(partial, kind, model, dtype=torch.float32)
        os.replace(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return open_pack(out)


def _remove_broken_off(out: Path) -> None:
    """Remove what conversions to `out` have left behind that were killed."""
    for left in out.parent.glob(".*"):
        name, _, process = left.name.rpartition(".")
        if name == f".{out.name}" and process.isdecimal() and not _is_running(int(process)):
            shutil.rmtree(left)


def _is_running(process: int) -> bool:
    """Whether another process has this number. Outside Linux nobody is asked, and it has."""
    return process != os.getpid() and (not PROCESSES.is_dir() or (PROCESSES / str(process)).exists())
