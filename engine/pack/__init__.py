"""A model pack: one folder with config.yaml, safetensors, the pictures it was trained on, and a card.

Loading never runs code. A damaged file gives an error of one line that names the file and the reason.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import save
from torch import Tensor, nn
from tqdm import tqdm

from engine.config import SampleConfig, TokenizerSizes
from engine.data.atomic import write_atomic
from engine.data.pictures import Pictures, count_pictures, digest_files, load_pictures
from engine.models import KINDS, SAMPLING, TRAINED_WITH, build_model, min_weights, read_sizes
from engine.settings import short
from engine.tokenizer import to_float
from engine.weights import check_finite, check_hash, check_size, read_metadata, read_tensors, read_weights

WEIGHTS = Path(__file__).resolve().parent.parent.parent / "weights"
MAX_CONFIG = 2**20  # bytes of a config.yaml
MAX_CLASSES = 10_000
MAX_DIGITS = 100  # of a number in a config.yaml
MAX_NESTED = 20  # brackets in brackets there
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
TOKENS = Path("data", "tokens.safetensors")
CPU = torch.device("cpu")
ENCODED = 16  # pictures encoded at once on any other device
TOKEN_TYPES = (torch.int16, torch.int32)  # the smaller one if the codebook allows it


@dataclass(frozen=True, kw_only=True)
class Pack:
    """An opened folder and its config. Models are loaded one by one, on request."""

    path: Path
    config: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.path.resolve().name  # resolved, because the path may be "."

    @property
    def cli_name(self) -> str:
        """The pack's value of pack= on a command line: its name if it is under weights/, else its path, quoted."""
        return shlex.quote(self.name if self.path.parent == WEIGHTS else str(self.path))

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.config["classes"])

    @property
    def tokenizer_config(self) -> TokenizerSizes:
        return read_sizes("tokenizer", self.config["tokenizer"])  # type: ignore[no-any-return]

    @property
    def version(self) -> str:
        """Version of weights and presets, for reports and recordings. "" while they still change."""
        return self.config.get("version") or ""  # type: ignore[no-any-return]

    @property
    def presets(self) -> Mapping[str, Any]:
        """Settings by rule that replace the defaults of a run, e.g. noise_K. The sweep found them."""
        return self.config.get("presets") or {}

    @property
    def fine_labels(self) -> tuple[tuple[str, str], ...]:
        """(class, group) of each logit of the classifier. Empty if the pack has no classifier."""
        stored = self.config.get("fine_labels") or {}
        return tuple((name, group) for name in self.classes for group in stored.get(name, ()))

    def has(self, kind: str) -> bool:
        return kind in self.config and kind in (self.config.get("sha256") or {})

    def digest(self, kind: str) -> str:
        """SHA-256 of a model's file, "" if the pack does not have that model."""
        return str((self.config.get("sha256") or {}).get(kind, ""))

    def train_command(self, kind: str) -> str:
        """The command that trains a model of this pack."""
        data = "" if self.has_pictures and not self.config.get("pictures_left_out") else "data=FOLDER "
        return f"python -m engine.train {kind} {data}pack={self.cli_name}"

    def load(self, kind: str) -> Any:
        """The trained model in float32, in evaluation mode. FileNotFoundError if the pack does not have it."""
        if not self.has(kind):
            raise FileNotFoundError(f"pack {self.name!r} has no {kind} yet: {self.train_command(kind)}")
        file = self.path / f"{kind}.safetensors"
        sizes, tokenizer = self.config[kind], self.tokenizer_config
        check_size(file, min_weights(kind, sizes, tokenizer))
        check_hash(file, self.digest(kind))
        # All values come from the file. The device "meta" would save this work, but imports a compiler for 0.8 s.
        with torch.random.fork_rng(devices=[]):
            model = build_model(kind, sizes, tokenizer, len(self.classes), len(self.fine_labels))
        model.load_state_dict(read_weights(file, model.state_dict()), assign=True)
        return model.eval().requires_grad_(False)

    def fingerprint(self) -> str:
        """A short hash over the hashes of the models that sample. It says which weights made a trace."""
        hashes = {kind: self.digest(kind) for kind in SAMPLING if self.digest(kind)}
        return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def has_pictures(self) -> bool:
        """Whether the pack carries pictures. One that was converted from a public checkpoint does not."""
        return (self.path / "data" / "index.csv").is_file()

    def pictures(self) -> Pictures:
        """The pack's own pictures. FileNotFoundError if it has none."""
        if not self.has_pictures:
            raise FileNotFoundError(f"pack {self.name!r} carries no pictures")
        return load_pictures(self.path / "data")

    def match_classes(self, pictures: Pictures) -> Pictures:
        """Pictures of class folders with the pack's classes: a folder has the name of a class, or ImageNet's synset.

        Folders of some of the classes are enough. ValueError for a folder that is none of them.
        """
        known = {name: i for i, name in enumerate(self.classes)}
        known |= {name: i for i, name in enumerate(self.config.get("folders") or ())}
        if odd := [name for name in pictures.classes if name not in known]:
            example = (self.config.get("folders") or self.classes)[0]
            raise ValueError(
                f"class folder {odd[0]!r} is none of the classes of pack {self.name!r}: expected as {example!r}"
            )
        labels = np.array([known[name] for name in pictures.classes], np.int64)[pictures.labels]
        return dataclasses.replace(pictures, classes=self.classes, labels=labels)

    @property
    def has_tokens(self) -> bool:
        """Whether the pack carries the tokens of its pictures."""
        return (self.path / TOKENS).is_file()

    def tokens(self) -> Tensor:
        """Tokens (M, N) int64 of the pack's own pictures, in their order. ValueError if they cannot be theirs."""
        file = self.path / TOKENS
        if not file.is_file():
            raise FileNotFoundError(f"{file} is missing: train the pack's tokenizer")
        tokens, config = read_tensors(file).get("tokens", torch.empty(0)), self.tokenizer_config
        stored, current = read_metadata(file, "made_from"), self.token_sources()
        if stored not in ("", current):  # "": files of older versions do not say it
            what = "weights" if stored.partition(" ")[0] != current.partition(" ")[0] else "pictures"
            raise ValueError(f"{file} was made from other {what}: train the pack's tokenizer again")
        shape = (count_pictures(self.path / "data"), config.grid**2)
        fits = tokens.shape == shape and tokens.dtype in TOKEN_TYPES
        if not fits or not ((tokens >= 0) & (tokens < config.codes)).all():
            raise ValueError(f"{file} does not fit the pack's pictures and tokenizer: train the tokenizer again")
        return tokens.long()

    def token_sources(self) -> str:
        """Hashes of the tokenizer and of the pictures, from which the stored tokens follow."""
        return f"{self.digest('tokenizer')} {digest_files(self.path / 'data')}"


def pack_path(name: str | Path) -> Path:
    """The folder of a pack given by name or path, whether it exists or not."""
    as_path = Path(os.path.expanduser(name))
    # A single word is a name under weights/, unless a folder of that name here is a pack.
    is_name = len(as_path.parts) == 1 and not (as_path / "config.yaml").is_file()
    return WEIGHTS / name if is_name else as_path


def list_packs(root: Path = WEIGHTS) -> list[str]:
    """Names of the packs under `root` that can generate."""
    folders = [file.parent for file in root.glob("[!.]*/config.yaml")]  # with a dot: a conversion that is under way
    return sorted(folder.name for folder in folders if (folder / "generator.safetensors").is_file())


def open_pack(name: str | Path) -> Pack:
    """Read a pack's config.yaml. FileNotFoundError for no such pack, ValueError for a broken config."""
    path = pack_path(name)
    file = path / "config.yaml"
    if not file.is_file():
        known = ", ".join(list_packs()) or "none"
        raise FileNotFoundError(f"no pack {str(name)!r}: packs here are {known}; or give a path to one")
    if (size := file.stat().st_size) > MAX_CONFIG:
        raise ValueError(f"{file} is not a pack's config: it has {size:,} bytes, the most is {MAX_CONFIG:,}")
    try:
        config = yaml.load(file.read_text(encoding="utf-8"), _Loader)
        _check_config(config)
    except RecursionError:
        raise ValueError(f"{file} is not a pack's config: it is nested too deeply") from None
    except (yaml.YAMLError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} is not a pack's config: {error}") from error
    return Pack(path=path, config=config)


class _Loader(yaml.SafeLoader):
    """YAML without what is slow to read: deep brackets, and long numbers, of which 1:1:1... is one of base 60."""

    def fetch_flow_collection_start(self, TokenClass: Any) -> None:
        if self.flow_level == MAX_NESTED:
            raise ValueError("it is nested too deeply")
        super().fetch_flow_collection_start(TokenClass)

    def construct_scalar(self, node: Any) -> Any:
        if node.tag in NUMBERS and len(node.value) > MAX_DIGITS:
            raise ValueError(f"a number of {len(node.value):,} digits: the most is {MAX_DIGITS}")
        return super().construct_scalar(node)


def _check_config(config: Any) -> None:
    """ValueError, TypeError or KeyError for a config that would fail later."""
    classes = config["classes"]
    if not isinstance(classes, list) or not classes or not all(isinstance(name, str) for name in classes):
        raise ValueError("expected classes, a list of at least one name")
    if len(classes) > MAX_CLASSES:
        raise ValueError(f"{len(classes):,} classes: the most is {MAX_CLASSES:,}")
    if len(set(classes)) < len(classes):
        raise ValueError("two classes have the same name")
    for kind in [kind for kind in KINDS if kind in config or kind == "tokenizer"]:
        read_sizes(kind, config[kind])
    if not isinstance(config.get("version") or "", str):
        raise ValueError(f"version: expected a word in quotes, not {short(config['version'])}")
    folders, recipe = config.get("folders") or classes, config.get("recipe") or ""
    if not isinstance(folders, list) or len(folders) != len(classes) or not all(isinstance(n, str) for n in folders):
        raise ValueError("folders: expected as many names as there are classes")
    if not isinstance(recipe, str) or not re.fullmatch(r"[\w-]*", recipe):
        raise ValueError(f"recipe: expected the name of one in engine/configs, not {short(recipe)}")
    for name in ("sha256", "presets", "fine_labels"):
        if not isinstance(config.get(name) or {}, dict):
            raise ValueError(f"expected {name} to be a mapping")
    for name, groups in (config.get("fine_labels") or {}).items():
        if name not in classes or not isinstance(groups, list):
            raise ValueError(
                f"fine_labels: expected a list of labels for each class, not {short(name)}: {short(groups)}"
            )
    for rule, preset in (config.get("presets") or {}).items():
        SampleConfig.of(**{**preset, "rule": rule})


def write_config(path: Path, config: Mapping[str, Any]) -> None:
    """Write a pack's config.yaml; makes its folder."""
    path.mkdir(parents=True, exist_ok=True)
    with write_atomic(path / "config.yaml") as out:
        out.write(_dump_config(config))


def _dump_config(config: Mapping[str, Any]) -> bytes:
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
    return text.encode()  # type: ignore[no-any-return]


def save_model(path: Path, kind: str, model: nn.Module, dtype: torch.dtype = torch.bfloat16, **extra: Any) -> Pack:
    """Store a trained model in `dtype`, its sizes and hash, and `extra` entries of config.yaml, which must exist.

    A new tokenizer removes all other models, because they use the old one's codes. Any new model removes the
    pack's version, because a version names weights that do not change. ValueError for NaN or infinity. Weights and
    config are both on the disk before one of them is replaced: a full disk leaves the pack as it was.
    """
    tensors = {name: tensor.to(dtype).contiguous() for name, tensor in model.state_dict().items()}
    check_finite(f"this {kind} is not stored", tensors)
    content, before = save(tensors), open_pack(path)
    config = {**before.config, **extra}
    config[kind] = dataclasses.asdict(model.config)  # type: ignore[arg-type, call-overload]
    hashes = {**(config.get("sha256") or {}), kind: hashlib.sha256(content).hexdigest()}
    is_new = hashes[kind] != before.digest(kind)
    removed = [other for other, needs in TRAINED_WITH.items() if is_new and kind == "tokenizer" in needs]
    config["sha256"] = {name: digest for name, digest in hashes.items() if name not in removed}
    if is_new:
        config.pop("version", None)
    with write_atomic(path / "config.yaml") as described, write_atomic(path / f"{kind}.safetensors") as weights:
        weights.write(content)
        described.write(_dump_config(config))
        for out in (weights, described):
            out.flush()
            os.fsync(out.fileno())
        if removed:  # before the rest: with the new hash in place, the old tokens would look like the new tokenizer's
            (path / TOKENS).unlink(missing_ok=True)
    for name in removed:
        (path / f"{name}.safetensors").unlink(missing_ok=True)
    return open_pack(path)


@torch.no_grad()
def save_tokens(pack: Pack, images: np.ndarray, device: torch.device = CPU) -> None:
    """Encode the pack's own pictures, uint8 (M, S, S, 3), on a device, and store their tokens.

    On a CPU one by one, so that a picture's tokens do not depend on its neighbours; elsewhere ENCODED at once. Both are
    what `Session.encode` does there.
    """
    tokenizer = pack.load("tokenizer").to(device)
    parts = torch.from_numpy(images).split(1 if device.type == "cpu" else ENCODED)
    bar = tqdm(parts, desc="encoding the pack's pictures", unit="part", file=sys.stderr, leave=False)
    tokens = torch.cat([tokenizer.encode(to_float(part.to(device))).cpu() for part in bar])
    with write_atomic(pack.path / TOKENS) as out:
        dtype = TOKEN_TYPES[tokenizer.config.codes > 2**15]
        out.write(save({"tokens": tokens.to(dtype)}, metadata={"made_from": pack.token_sources()}))
