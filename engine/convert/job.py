"""One conversion: files in, a pack out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.convert import halton, maskgit, vqgan
from engine.convert.build import name_classes, write_pack
from engine.convert.cards import CARDS
from engine.convert.msgpack_file import read_msgpack
from engine.convert.torch_file import read_torch

FILES = {"maskgit": ("TRANSFORMER", "TOKENIZER"), "halton": ("TRANSFORMER", "TOKENIZER"), "vqgan": ("TOKENIZER",)}
SMALL, LARGE = "imagenet256", "imagenet512"  # recipes of engine/configs: they differ in their tokenizers alone
MEMORY_FACTOR, MEMORY_BASE = 8, 2**30  # bytes that a conversion may take: so many times the files', and so many more


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the command line asks for."""

    kind: str  # one of FILES
    files: tuple[Path, ...]
    out: Path
    classes: Path | None = None  # a file of names
    image_size: int = 256  # of a tokenizer alone
    heads: int = 0  # of Halton-MaskGIT; 0: as is usual at its width

    @property
    def memory(self) -> int:
        return MEMORY_FACTOR * sum(file.stat().st_size for file in self.files) + MEMORY_BASE


def convert(job: Job) -> None:
    """Read the files, write the pack, and say where it is and what comes next."""
    models: dict[str, Any] = {}
    classes = 0
    if job.kind == "maskgit":
        source = read_msgpack(job.files[0])
        grid = maskgit.read_grid(job.files[0], source)
        tokenizer = models["tokenizer"] = maskgit.read_tokenizer(job.files[1], read_msgpack(job.files[1]), grid)
        models["generator"], classes = maskgit.read_transformer(job.files[0], source, tokenizer.config)
    elif job.kind == "halton":
        source = read_torch(job.files[0])
        grid = halton.read_grid(job.files[0], source)
        tokenizer = models["tokenizer"] = vqgan.read_tokenizer(job.files[1], read_torch(job.files[1]), grid)
        models["generator"], classes = halton.read_transformer(job.files[0], source, tokenizer.config, job.heads)
    else:
        tokenizer = vqgan.read_tokenizer(job.files[0], read_torch(job.files[0]), image_size=job.image_size)
        models["tokenizer"] = tokenizer
    # Its critic starts from scratch. That of other recipes starts from the generator, which not every kind allows.
    recipe = SMALL if tokenizer.config.image_size <= 256 else LARGE
    pack = write_pack(job.out, models, name_classes(classes, job.classes), job.files, CARDS[job.kind], recipe=recipe)
    print(f"{job.kind} -> {pack.path}")
    missing = "critic" if pack.has("generator") else "generator"
    print(f"a {missing} for it: {pack.train_command(missing)}")
