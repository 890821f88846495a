"""Public checkpoints: what is converted computes what the original computes; what is no checkpoint is one line.

The recorded checkpoints were made by flax and by taming-transformers' own code (tests/parity/). `make parity` makes
them anew, and full-size ones with them.
"""

from __future__ import annotations

import lzma
import os
import pickle
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.convert import halton, maskgit, vqgan
from engine.convert.__main__ import main
from engine.convert.build import imagenet_classes, write_pack
from engine.convert.job import Job, convert
from engine.convert.limited import run_limited
from engine.convert.msgpack_file import read_msgpack
from engine.convert.table import make_empty
from engine.convert.torch_file import read_torch
from engine.pack import open_pack
from engine.session import Session
from engine.tokenizer import to_float
from engine.vqgan import Vqgan, VqganConfig
from tests.official import write_msgpack

RECORDED = Path(__file__).parent / "fixtures" / "checkpoints"
FRESH = os.environ.get("TOKEN_CRITIC_PARITY")  # where `make parity` has put them
NAMES = sorted(file.stem for file in Path(FRESH).glob("*.npz") if file.stem != "taming") if FRESH else ["tiny"]
TOLERANCE = 1e-4


def checkpoint(name: str, folder: Path, fresh: str | None = None) -> Path:
    """A checkpoint: one of the `fresh` ones, else a recorded one, which may be changed."""
    if fresh:
        return Path(fresh) / name
    file = folder / name
    file.write_bytes(lzma.decompress((RECORDED / f"{name}.xz").read_bytes()))
    return file


def expected(name: str) -> dict[str, Tensor]:
    with np.load((Path(FRESH) if FRESH else RECORDED) / f"{name}.npz") as stored:
        return {key: torch.from_numpy(stored[key]) for key in stored.files}


def near(ours: Tensor, theirs: Tensor) -> bool:
    """Equal to 1e-4 of the largest value."""
    return float((ours - theirs).abs().max()) <= TOLERANCE * float(theirs.abs().max())


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_maskgit_computes_what_flax_computes(tmp_path: Path, name: str) -> None:
    files = tuple(checkpoint(f"{name}_{kind}.msgpack", tmp_path, FRESH) for kind in ("maskgit", "tokenizer"))
    convert(Job(kind="maskgit", files=files, out=tmp_path / "pack"))
    pack, theirs = open_pack(tmp_path / "pack"), expected(name)
    generator, tokenizer = pack.load("generator"), pack.load("tokenizer")
    logits = generator(theirs["codes"].masked_fill(theirs["masked"], -1), theirs["labels"])
    assert near(logits, theirs["logits"])
    pictures = to_float(theirs["image"])
    assert near(tokenizer.vectors(pictures), theirs["vectors"].flatten(1, 2))
    assert torch.equal(tokenizer.encode(pictures), theirs["encoded"].flatten(1))
    assert near((tokenizer.decode(theirs["codes"]) + 1) / 2, theirs["decoded"].permute(0, 3, 1, 2))
    assert len(pack.classes) == (5 if name == "tiny" else 1000) and not pack.has("critic")


def test_the_official_checkpoints_have_these_names_and_sizes() -> None:
    """Counts as published, of 256 pixels. Row 2024 is MASK; sampling has no use for the biases of what is no code."""
    transformer = maskgit.transformer_table(24, 1024)
    assert len({name for _, *names in transformer.values() for name in names}) == 393
    tokenizer = make_empty("", "tokenizer", {"style": "maskgit"}).state_dict()
    table = maskgit.tokenizer_table(5, 2, tokenizer)
    assert len({name for _, *names in table.values() for name in names}) == 168
    assert sum(value.numel() for value in tokenizer.values()) == 54_515_587
    sizes = {"layers": 24, "width": 768, "heads": 16, "mlp": 3072, "norm": "post"}
    generator = make_empty("", "generator", sizes, VqganConfig(), 1000).state_dict()
    assert sum(value.numel() for value in generator.values()) == 172_457_193 - 1001
    words = torch.arange(2025)
    how, _ = transformer["token.weight"]
    assert how(words).tolist() == [*range(1024), 2024]
    how, _ = transformer["trunk.label.weight"]
    assert how(words).tolist() == list(range(1024, 2024))


@pytest.mark.parametrize("layout", ["taming", "llamagen"])
@torch.no_grad()
def test_a_vqgan_computes_what_taming_transformers_computes(tmp_path: Path, layout: str) -> None:
    file, theirs = checkpoint("taming.ckpt", tmp_path, FRESH), expected("taming")
    if layout == "llamagen":
        file = write_llamagen(tmp_path / "vq.pt", torch.load(file, weights_only=True)["state_dict"])
    convert(Job(kind="vqgan", files=(file,), out=tmp_path / "pack", image_size=8))
    tokenizer = open_pack(tmp_path / "pack").load("tokenizer")
    vectors = tokenizer.vectors(to_float(theirs["image"]))
    assert near(vectors, theirs["vectors"].flatten(2).mT)
    if layout == "taming":
        assert torch.equal(tokenizer.encode(to_float(theirs["image"])), theirs["encoded"])
        assert near(tokenizer.decode(theirs["codes"]), theirs["decoded"])
    else:  # it looks codes up by direction
        cosine = F.normalize(vectors, dim=-1) @ tokenizer.codebook.T
        assert torch.equal(tokenizer.encode(to_float(theirs["image"])), cosine.argmax(-1))
        assert torch.allclose(tokenizer.codebook.norm(dim=-1), torch.ones(12))


def write_llamagen(file: Path, weights: dict[str, Tensor]) -> Path:
    """The same layers under LlamaGen's names: its decoder counts levels from the coarsest."""
    renamed = {"quantize.codebook_used": torch.zeros(65536)}
    for name, value in weights.items():
        for old, new in (("down.", "conv_blocks."), ("up.1.", "up.0!"), ("up.0.", "up.1."), ("up.0!", "up.0.")):
            name = name.replace(old, new)
        name = name.replace(".up.", ".conv_blocks.").replace(".block.", ".res.")
        for i, part in enumerate(("block_1", "attn_1", "block_2")):
            name = name.replace(f"mid.{part}", f"mid.{i}")
        if not name.startswith("loss."):
            renamed[name] = value
    torch.save({"model": renamed, "steps": 4}, file)
    return file


def halton_weights(width: int, codes: int, classes: int, tokens: int, layers: int) -> dict[str, Tensor]:
    """Random weights under the names of Halton-MaskGIT."""
    rng = torch.Generator().manual_seed(0)
    table = {"cls_emb": classes + 1, "tok_emb": codes + 1, "pos_emb": tokens, "reg_tokens": 2}
    shapes: dict[str, tuple[int, ...]] = {f"{name}.weight": (rows, width) for name, rows in table.items()}
    shapes |= {
        "head.bias": (codes + 1,),
        "last_norm.norm_final.weight": (width,),
        "last_norm.norm_final.bias": (width,),
    }
    shapes |= {"last_norm.mlp.1.weight": (2 * width, width), "last_norm.mlp.1.bias": (2 * width,)}
    for i in range(layers):
        at = f"transformer.layers.{i}"
        shapes |= {f"{at}.mlp.1.weight": (6 * width, width), f"{at}.mlp.1.bias": (6 * width,)}
        shapes |= {f"{at}.{norm}.weight": (width,) for norm in ("ln1", "ln2")}
        shapes |= {f"{at}.attn.{name}.weight": (width, width) for name in ("wq", "wk", "wv", "wo")}
        shapes |= {
            f"{at}.ff.w1.weight": (20, width),
            f"{at}.ff.w3.weight": (20, width),
            f"{at}.ff.w2.weight": (width, 20),
        }
    weights = {name: torch.randn(shape, generator=rng) / 3 for name, shape in shapes.items()}
    return {**weights, "head.weight": weights["tok_emb.weight"]}


def halton_logits(w: dict[str, Tensor], tokens: Tensor, label: int, heads: int, layers: int) -> Tensor:
    """Halton-MaskGIT's equations for one picture (N,), written down from its code: (N, codes + 1)."""
    rms = lambda x: x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()  # noqa: E731
    y = F.silu(w["cls_emb.weight"][label])
    x = torch.cat([w["tok_emb.weight"][tokens] + w["pos_emb.weight"], w["reg_tokens.weight"]])
    for i in range(layers):
        own = {name.removeprefix(f"transformer.layers.{i}."): value for name, value in w.items()}
        shift, scale, gate, shift2, scale2, gate2 = (own["mlp.1.weight"] @ y + own["mlp.1.bias"]).chunk(6)
        h = rms(x) * own["ln1.weight"] * (1 + scale) + shift
        q, k, v = rms(h @ own["attn.wq.weight"].T), rms(h @ own["attn.wk.weight"].T), h @ own["attn.wv.weight"].T
        parts = zip(*(one.chunk(heads, -1) for one in (q, k, v)), strict=True)
        seen = [(a @ b.T / a.shape[-1] ** 0.5).softmax(-1) @ c for a, b, c in parts]
        x = x + gate * (torch.cat(seen, -1) @ own["attn.wo.weight"].T)
        h = rms(x) * own["ln2.weight"] * (1 + scale2) + shift2
        x = x + gate2 * ((F.silu(h @ own["ff.w1.weight"].T) * (h @ own["ff.w3.weight"].T)) @ own["ff.w2.weight"].T)
    shift, scale = (w["last_norm.mlp.1.weight"] @ y + w["last_norm.mlp.1.bias"]).chunk(2)
    x = (rms(x) * w["last_norm.norm_final.weight"] + w["last_norm.norm_final.bias"]) * (1 + scale) + shift
    return (x @ w["head.weight"].T + w["head.bias"])[: len(tokens)]


@torch.no_grad()
def test_halton_maskgit_computes_its_equations(tmp_path: Path) -> None:
    weights, tokenizer = halton_weights(12, 12, 3, 16, 2), checkpoint("taming.ckpt", tmp_path)
    file = tmp_path / "halton.pth"
    torch.save({"iter": 1, "model_state_dict": {f"module.{name}": value for name, value in weights.items()}}, file)
    convert(Job(kind="halton", files=(file, tokenizer), out=tmp_path / "pack", heads=2))
    pack = open_pack(tmp_path / "pack")
    tokens = torch.tensor([[3, 1, -1, 0] * 4, [-1] * 16])
    ours = pack.load("generator")(tokens, torch.tensor([0, 2]))
    masked = tokens.where(tokens >= 0, 12)
    theirs = torch.stack([halton_logits(weights, row, label, 2, 2) for row, label in zip(masked, (0, 2), strict=True)])
    assert near(ours, theirs[..., :12]) and len(pack.classes) == 3
    for dtype in ("float32", "bfloat16", "auto"):
        session = Session.open(pack.path, "cpu", dtype=dtype)
        *_, last = session.run(session.settings(rule="maskgit", steps=2))
        assert session.decode(last.proposal).shape == (1, 8, 8, 3)
    with pytest.raises(ValueError, match="heads=N"):
        convert(Job(kind="halton", files=(file, tokenizer), out=tmp_path / "other"))


def changed(file: Path, change: Any) -> Path:
    """The checkpoint with its arrays changed."""
    arrays = {name: value.numpy() for name, value in read_msgpack(file).items()}
    return write_msgpack(file, change(arrays))


WORDS, BIAS = "Embed_0/word_embeddings/embedding", "MlmLayer_0/mlm_bias/bias"
WRONG_ARRAYS = {
    "a missing array": (lambda a: {n: v for n, v in a.items() if n != BIAS}, "lacks MlmLayer_0/mlm_bias/bias"),
    "one more": (lambda a: {**a, "Embed_0/more": a[BIAS]}, "holds Embed_0/more"),
    "another shape": (lambda a: {**a, BIAS: a[BIAS][None]}, r"mlm_bias/bias is \(1, 22\)"),
    "another rank": (lambda a: {**a, WORDS: a[WORDS][0]}, r"word_embeddings/embedding is \(24,\)"),
    "NaN": (lambda a: {**a, BIAS: a[BIAS] * np.nan}, "mlm_bias/bias holds NaN"),
    "no square": (lambda a: {**a, "Embed_0/position_embeddings/embedding": a[WORDS]}, "22 positions"),
    "another tokenizer's": (lambda a: {**a, WORDS: a[WORDS][:10]}, "a vocabulary of 10"),
    "layers left out": (
        lambda a: {n: v for n, v in a.items() if "Layer_1" not in n} | {"TransformerLayer_5/x": a[BIAS]},
        r"lacks TransformerLayer_1",
    ),
}


@pytest.mark.parametrize("how", WRONG_ARRAYS)
def test_arrays_that_do_not_fit_are_one_line_and_no_pack(tmp_path: Path, how: str) -> None:
    change, says = WRONG_ARRAYS[how]
    files = tuple(checkpoint(f"tiny_{kind}.msgpack", tmp_path) for kind in ("maskgit", "tokenizer"))
    changed(files[0], change)
    with pytest.raises(ValueError, match=rf"tiny_maskgit\.msgpack.*{says}"):
        convert(Job(kind="maskgit", files=files, out=tmp_path / "pack"))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["tiny_maskgit.msgpack", "tiny_tokenizer.msgpack"]


def packed(array: Any, code: int = 1) -> bytes:
    return msgpack.packb({"params": {"a": msgpack.ExtType(code, msgpack.packb(array))}})


def nested(depth: int) -> Any:
    return {"a": nested(depth - 1)} if depth else 1


WRONG_FILES = {
    "empty": b"",
    "cut": packed([[2], "float32", bytes(8)])[:-3],
    "more behind": packed([[2], "float32", bytes(8)]) + b"x",
    "pickle": pickle.dumps({"params": 1}),
    "a list that claims 2^32 entries": b"\xdd\xff\xff\xff\xff",
    "an array that claims 10^12 values": packed([[10**6, 10**6], "float32", bytes(8)]),
    "too few bytes": packed([[3], "float32", bytes(8)]),
    "objects": packed([[1], "object", bytes(8)]),
    "integers": packed([[2], "int32", bytes(8)]),
    "a negative shape": packed([[-1, -2], "float32", bytes(8)]),
    "a number of flax": packed([[], "float32", bytes(4)], code=3),
    "two collections": msgpack.packb({"params": {}, "batch_stats": {}}),
    "no array": msgpack.packb({"params": {"a": 3}}),
    "deep": msgpack.packb({"params": nested(400)}),
    "very deep": b"\x81\xa1a" * 100_000 + b"\x01",
    "numbers as names": msgpack.packb({"params": {1: 2}}),
}


@pytest.mark.parametrize("how", WRONG_FILES)
def test_a_hostile_msgpack_file_is_one_line(tmp_path: Path, how: str) -> None:
    file = tmp_path / "bad.msgpack"
    file.write_bytes(WRONG_FILES[how])
    with pytest.raises(ValueError, match=r"bad\.msgpack") as refused:
        read_msgpack(file)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 500


class Runs:
    def __init__(self, spot: Path) -> None:
        self.spot = spot

    def __reduce__(self) -> Any:
        return Path.touch, (self.spot,)


def test_a_hostile_pytorch_file_is_one_line_and_runs_nothing(tmp_path: Path) -> None:
    file, spot, one = tmp_path / "bad.pt", tmp_path / "spot", torch.zeros(1)
    wrong = {
        "code": {"state_dict": {"a": Runs(spot)}},
        "a view of one value": {"a": one.expand(10**12)},
        "a list": [one],
        "no tensors": {"a": "b"},
        "a tensor without values": {"a": torch.empty(4, device="meta")},
        "whole numbers without values": {"a": torch.empty(4, device="meta", dtype=torch.int32)},
        "nothing": {},
    }
    for what, stored in wrong.items():
        torch.save(stored, file)
        with pytest.raises(ValueError, match=r"bad\.pt") as refused:
            read_torch(file)
        assert "\n" not in str(refused.value) and not spot.exists(), what
        assert "weights_only" not in str(refused.value)
    torch.save({"a": one}, file)
    whole = file.read_bytes()
    for damaged in (b"", whole[:100], b"x" * 1000, whole[:200] + b"x" + whole[201:]):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"bad\.pt"):
            read_torch(file)
    for content in (b"\x80\x02e.", b"\x80\x02K\x01Q.", b"\x80\x02J\x01."):  # no list, no storage, half a number
        file.write_bytes(whole)
        change_pickle(file, lambda _, content=content: content)
        with pytest.raises(ValueError, match=r"bad\.pt"):
            read_torch(file)
    torch.save({"a": one * torch.nan, "encoder.down.0.block.0.x": one}, file)
    with pytest.raises(ValueError, match=r"bad\.pt lacks quantize"):
        vqgan.read_tokenizer(file, read_torch(file))


@pytest.mark.parametrize("legacy", [False, True])
def test_a_damaged_pytorch_file_is_read_or_is_one_line(tmp_path: Path, legacy: bool) -> None:
    """Bytes of it are changed, or its pickle ends in the middle."""
    dice, file = random.Random(0), tmp_path / "bad.pt"
    torch.save({"state_dict": {"a": torch.ones(2, 3)}, "epoch": 5}, file, _use_new_zipfile_serialization=not legacy)
    whole = file.read_bytes()
    for _ in range(100):
        if legacy or dice.random() < 0.5:
            damaged = bytearray(whole)
            for _ in range(dice.randint(1, 3)):
                damaged[dice.randrange(len(whole))] = dice.randrange(256)
            file.write_bytes(damaged)
        else:
            file.write_bytes(whole)
            change_pickle(file, lambda content: content[: dice.randrange(len(content))] + b".")
        try:
            assert read_torch(file)
        except ValueError as refused:
            assert str(refused).startswith(str(file)) and "\n" not in str(refused)


def test_a_checkpoint_of_old_lightning_is_read_although_it_names_a_class(tmp_path: Path) -> None:
    """Its callbacks are stored under their class, which is not there, and of which nothing is called."""
    file = tmp_path / "last.ckpt"
    name = b"cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n"
    torch.save({"callbacks": {"KEY": 1}, "state_dict": {"a": torch.ones(2)}}, file)
    with_class(file, name)
    assert read_torch(file)["a"].tolist() == [1, 1]
    torch.save({"callbacks": {"KEY": 1}, "state_dict": {"a": torch.ones(2)}}, file)
    with_class(file, b"cos\nsystem\n")
    with pytest.raises(ValueError, match=r"last\.ckpt.*it holds os\.system, which is not run"):
        read_torch(file)


def with_class(file: Path, reference: bytes) -> None:
    """Put a reference to a class in place of the word KEY."""
    change_pickle(file, lambda content: content.replace(b"X\x03\x00\x00\x00KEY", reference))


def change_pickle(file: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the pickle in a file of torch.save, whatever checks the archive has for its bytes."""
    with zipfile.ZipFile(file) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, change(content) if name.endswith("/data.pkl") else content)


def hungry() -> None:
    print(len(bytearray(2**31)))


@pytest.mark.slow
def test_the_command_converts_in_a_process_that_may_take_so_much_memory(tmp_path: Path, capfd: Any) -> None:
    files = [str(checkpoint(f"tiny_{kind}.msgpack", tmp_path)) for kind in ("maskgit", "tokenizer")]
    command = [sys.executable, "-m", "engine.convert", "maskgit", *files, f"out={tmp_path / 'pack'}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "engine.train critic" in done.stdout and open_pack(tmp_path / "pack").has("generator")
    with pytest.raises(ValueError, match="is there already"):
        main(command[3:])
    if sys.platform == "linux":
        with pytest.raises(SystemExit) as ended:
            run_limited(hungry, more=2**30)
        assert ended.value.code == 2 and capfd.readouterr().err.startswith("error: out of memory")


def test_imagenet_has_its_thousand_classes_in_the_order_of_their_synsets() -> None:
    synsets, names = imagenet_classes()
    assert len(set(synsets)) == len(set(names)) == 1000 and synsets == sorted(synsets)
    known = {
        0: "tench",
        1: "goldfish",
        207: "golden retriever",
        281: "tabby",
        340: "zebra",
        985: "daisy",
        999: "toilet tissue",
    }
    assert {i: names[i] for i in known} == known
    assert synsets[0] == "n01440764" and synsets[999] == "n15075141" and synsets[207] == "n02099601"


def test_classes_can_be_named(tmp_path: Path) -> None:
    files = tuple(checkpoint(f"tiny_{kind}.msgpack", tmp_path) for kind in ("maskgit", "tokenizer"))
    names = tmp_path / "classes.txt"
    names.write_text("a\nb\nc\nd\ne\n")
    convert(Job(kind="maskgit", files=files, out=tmp_path / "pack", classes=names))
    assert open_pack(tmp_path / "pack").classes == ("a", "b", "c", "d", "e")
    names.write_text("a\nb\n")
    with pytest.raises(ValueError, match=r"names 2 classes, the checkpoint has 5"):
        convert(Job(kind="maskgit", files=files, out=tmp_path / "other", classes=names))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked which processes there are")
def test_what_killed_conversions_have_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    """Also where this process has the number of the one before, as often in a container."""
    packs, gone = tmp_path / "packs", subprocess.Popen(["true"])
    gone.wait()
    others = [f".pack.{os.getppid()}", ".pack.more.1", f".other.{gone.pid}", f"pack.{gone.pid}", ".pack.notes"]
    for name in (f".pack.{gone.pid}", f".pack.{os.getpid()}", *others):
        (packs / name).mkdir(parents=True)
        (packs / name / "left").touch()
    tokenizer = Vqgan(VqganConfig(image_size=16, patch=2, codes=4, filters=32, multipliers="1 1", blocks=1))
    write_pack(packs / "pack", {"tokenizer": tokenizer}, {"classes": ["a"]}, [], "")
    assert {one.name for one in packs.iterdir()} == {"pack", *others}
    assert not (packs / "pack" / "left").exists()


def test_sizes_of_heads_by_width_are_those_of_the_released_models() -> None:
    assert all(width % heads == 0 for width, heads in halton.HEADS.items())
