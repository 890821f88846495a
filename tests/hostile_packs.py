"""Packs that somebody made to do harm, or that were damaged: name -> what is done to a good one."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load, load_file, save_file
from torch import Tensor

from engine.data.pictures import INDEX
from engine.pack import TOKENS, open_pack, write_config
from engine.weights import sha256
from tests.tiny import make_whole_pack

KINDS = ("tokenizer", "generator", "critic")
Damage = Callable[[Path], None]  # of a pack's folder


def framed(header: bytes, data: bytes = b"", claimed: int | None = None) -> bytes:
    """A safetensors file of this header."""
    return (len(header) if claimed is None else claimed).to_bytes(8, "little") + header + data


def one_tensor(**entry: Any) -> bytes:
    """A file of one tensor of four numbers, with these entries in its header."""
    whole = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **entry}
    return framed(json.dumps({"bias": whole}).encode(), bytes(16))


class Harm:
    """What a pickle would do that were loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("harm-was-done",)


def pickled() -> bytes:
    out = io.BytesIO()
    torch.save({"bias": torch.zeros(4), "harm": Harm()}, out)
    return out.getvalue()


def archive() -> bytes:
    out = io.BytesIO()
    np.savez(out, bias=np.zeros(4))
    return out.getvalue()


def blank() -> bytes:
    """A sheet of 34 bytes and of 16 million pixels."""
    out = io.BytesIO()
    Image.new("RGB", (4000, 4000)).save(out, "WEBP", lossless=True)
    return out.getvalue()


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("bias", bytes(2**24))
    return out.getvalue()


F32 = {"dtype": "F32", "shape": [4]}
FILES: dict[str, bytes] = {  # what stands in place of a file of weights
    "empty": b"",
    "seven bytes": b"\7\0\0\0\0\0\0",
    "a length and no header": framed(b"", claimed=100),
    "a header of 8 EiB": framed(b"{}", claimed=2**63 - 1),
    "a header of 1 TiB": framed(b"{}", claimed=2**40),
    "a header of 0 bytes": framed(b""),
    "no JSON": framed(b"{bias: 4}"),
    "half of JSON": framed(b'{"bias": {"dtype": '),
    "a list": framed(b"[]"),
    "brackets": framed(b"[" * 200_000),
    "a number": framed(b"7"),
    "no UTF-8": framed(b'{"\xff\xfe": {}}'),
    "a name twice": framed(
        b'{"bias": {"dtype":"F32","shape":[4],"data_offsets":[0,16]},'
        b'"bias": {"dtype":"F32","shape":[4],"data_offsets":[0,16]}}',
        bytes(16),
    ),
    "15,000 entries": framed(
        json.dumps({f"{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(15_000)}).encode()
    ),
    "5,000 entries": framed(
        json.dumps({f"{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(5_000)}).encode()
    ),
    "metadata that is a list": framed(b'{"__metadata__": [1, 2]}'),
    "metadata of numbers": framed(b'{"__metadata__": {"a": 1}}'),
    "offsets below 0": one_tensor(data_offsets=[-16, 0]),
    "offsets backwards": one_tensor(data_offsets=[16, 0]),
    "offsets beyond the end": one_tensor(data_offsets=[16, 32]),
    "offsets of 8 EiB": one_tensor(data_offsets=[0, 2**63]),
    "three offsets": one_tensor(data_offsets=[0, 8, 16]),
    "offsets of another size": one_tensor(data_offsets=[0, 12]),
    "a hole": one_tensor(data_offsets=[4, 20]),
    "two that overlap": framed(
        json.dumps({"a": {**F32, "data_offsets": [0, 16]}, "b": {**F32, "data_offsets": [8, 24]}}).encode(), bytes(24)
    ),
    "bytes behind the end": one_tensor() + b"more",
    "a shape of 4 TiB": one_tensor(shape=[2**40]),
    "a shape that overflows": one_tensor(shape=[2**33, 2**33]),
    "a shape below 0": one_tensor(shape=[-4]),
    "a shape of fractions": one_tensor(shape=[4.5]),
    "a shape that is a word": one_tensor(shape="four"),
    "a shape of 100,000 ones": one_tensor(shape=[1] * 100_000),
    "an unknown type": one_tensor(dtype="F4096"),
    "a type that is a number": one_tensor(dtype=32),
    "no type": framed(b'{"bias": {"shape": [4], "data_offsets": [0, 16]}}', bytes(16)),
    "a pickle": pickle.dumps(Harm()),
    "torch's pickle": pickled(),
    "numpy's archive": archive(),
    "a zip bomb": bomb(),
    "a program": b"#!/bin/sh\nmkdir harm-was-done\n",
}


def replace(content: bytes, kind: str, path: Path) -> None:
    (path / f"{kind}.safetensors").write_bytes(content)
    reseal(path, kind)


def reseal(path: Path, kind: str) -> None:
    """Make the hash in the config fit the file: whoever can exchange one can exchange the other."""
    config = dict(open_pack(path).config)
    config["sha256"] = {**config["sha256"], kind: sha256(path / f"{kind}.safetensors")}
    write_config(path, config)


def change(how: Callable[[dict[str, Tensor]], None], path: Path) -> None:
    """Change the tensors of the generator."""
    file = path / "generator.safetensors"
    tensors = load(file.read_bytes())
    how(tensors)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file)
    reseal(path, "generator")


def link(target: str, path: Path) -> None:
    (path / "generator.safetensors").unlink()
    (path / "generator.safetensors").symlink_to(target)


def grow(size: int, path: Path, name: str = "generator.safetensors") -> None:
    """A file with a hole, which takes no room on the disk."""
    os.truncate(path / name, size)


def describe(text: str, path: Path) -> None:
    (path / "config.yaml").write_text(text)


def set_value(value: float, tensors: dict[str, Tensor]) -> None:
    tensors["bias"].view(-1)[-1] = value


def in_place_of_a_file(path: Path) -> None:
    (path / "generator.safetensors").unlink()
    (path / "generator.safetensors").mkdir()


def as_a_pipe(path: Path, name: str = "generator.safetensors") -> None:
    (path / name).unlink()
    os.mkfifo(path / name)


def list_pictures(row: str, times: int, path: Path) -> None:
    """An index of this row, so many times."""
    (path / "data" / "index.csv").write_text(",".join(INDEX) + f"\n{row}" * times, newline="\n")


def store_sheet(content: bytes, path: Path) -> None:
    """This content in place of a sheet, of which the tokens say that they were made."""
    (path / "data" / "0000.webp").write_bytes(content)
    tokens = load_file(path / TOKENS)
    save_file(tokens, path / TOKENS, metadata={"made_from": open_pack(path).token_sources()})


def cut_tokens(path: Path) -> None:
    file = path / "data" / "tokens.safetensors"
    file.write_bytes(file.read_bytes()[:-40])


def raise_tokens(path: Path) -> None:
    file = path / "data" / "tokens.safetensors"
    save_file({"tokens": load_file(file)["tokens"] + 20_000}, file)


OTHERS: dict[str, Damage] = {
    "NaN": partial(change, partial(set_value, float("nan"))),
    "infinity": partial(change, partial(set_value, float("inf"))),
    "less than all": partial(change, partial(set_value, float("-inf"))),
    "one more": partial(change, lambda tensors: tensors.update(more=torch.zeros(1))),
    "one less": partial(change, lambda tensors: tensors.pop("bias")),
    "another name": partial(change, lambda tensors: tensors.update(bias2=tensors.pop("bias"))),
    "another shape": partial(change, lambda tensors: tensors.update(bias=torch.zeros(3))),
    "one number": partial(change, lambda tensors: tensors.update(bias=torch.zeros(()))),
    "whole numbers": partial(change, lambda tensors: tensors.update(bias=tensors["bias"].long())),
    "8 bytes a number": partial(change, lambda tensors: tensors.update(bias=tensors["bias"].double())),
    "another file than the hash says": lambda path: os.truncate(path / "critic.safetensors", 1000),
    "a gigabyte": partial(grow, 2**30),
    "a terabyte": partial(grow, 2**40),
    "a link to itself": partial(link, "generator.safetensors"),
    "a link to a device": partial(link, "/dev/zero"),
    "a folder": in_place_of_a_file,
    "a pipe": as_a_pipe,
    "tokens that are cut short": cut_tokens,
    "tokens of no code": raise_tokens,
    "an index of a terabyte": partial(grow, 2**40, name="data/index.csv"),
    "an index that is a pipe": partial(as_a_pipe, name="data/index.csv"),
    "an index of rows without values": partial(list_pictures, "", 10**6),
    "an index with a value without end": partial(list_pictures, f"0000.webp,0,a,{'a' * 200_000},a,train,1,16", 1),
    "an index that leads out": partial(list_pictures, "../config.yaml,0,a,a,a,train,1,16", 12),
    "an index with a NUL": partial(list_pictures, "0000\0.webp,0,a,a,a,train,1,16", 12),
    "a sheet that is not there": lambda path: (path / "data" / "0000.webp").unlink(),
    "a sheet of a terabyte": partial(grow, 2**40, name="data/0000.webp"),
    "a sheet that is a pipe": partial(as_a_pipe, name="data/0000.webp"),
    "a config that runs a program": partial(
        describe, "!!python/object/apply:os.mkdir ['harm-was-done']\nclasses: [a]\ntokenizer: {}"
    ),
    "a config of brackets": partial(describe, "classes: [a]\ntokenizer: " + "[" * 20_000),
    "a config of two million classes": partial(describe, "classes: [" + "a, " * 2_000_000 + "]"),
}


IN_PLACE_OF_WEIGHTS: dict[str, Damage] = {
    name: partial(replace, content, KINDS[i % len(KINDS)]) for i, (name, content) in enumerate(FILES.items())
}
PICTURES: dict[str, Damage] = {  # found when the pictures are looked at, which sampling does not need
    "a sheet of 34 bytes and 48 megabytes": partial(store_sheet, blank()),
    "a sheet that Ghostscript would run": partial(store_sheet, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 96 16\n"),
    "a sheet that is no picture": partial(store_sheet, b"RIFF\0\0\0\0WEBPVP8L"),
}


def hostile_packs(folder: Path, damages: Mapping[str, Damage]) -> list[tuple[str, Path]]:
    """A pack for each damage, in `folder`: its name and its path."""
    found = []
    for i, (name, damage) in enumerate(damages.items()):
        pack = make_whole_pack(folder / f"{i:02d}" / "tiny")
        damage(pack.path)
        found.append((name, pack.path))
    return found
