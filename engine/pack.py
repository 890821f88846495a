"""A model pack: one folder with config.yaml, safetensors, the pictures it was trained on, and a card.

Loading never runs code, and a damaged file is refused with one line that names it and the reason.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from engine.classifier import Classifier
from engine.config import ClassifierConfig, CriticConfig, SampleConfig, TokenizerConfig, TrunkConfig
from engine.critic import Critic
from engine.data.atomic import write_atomic
from engine.data.pictures import Pictures, count_pictures, digest_files, load_pictures
from engine.generator import Generator
from engine.tokenizer import Tokenizer, to_float

WEIGHTS = Path(__file__).resolve().parent.parent / "weights"
KINDS = {
    "tokenizer": TokenizerConfig,
    "generator": TrunkConfig,
    "critic": CriticConfig,
    "classifier": ClassifierConfig,
}
MADE_FROM = {  # the models that one was trained with, and is worth nothing without
    "tokenizer": (),
    "generator": ("tokenizer",),
    "critic": ("tokenizer", "generator"),
    "classifier": ("tokenizer",),
}
SAMPLING = ("tokenizer", "generator", "critic")
TOKENS = Path("data", "tokens.safetensors")
TOKEN_TYPES = (torch.int16, torch.int32)  # as small as the codebook allows
MAX_HEADER = 2**20
MAX_TENSORS = 4096


@dataclass(frozen=True, kw_only=True)
class Pack:
    """An opened folder: what it says of itself. Models are loaded one by one, on request."""

    path: Path
    config: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.path.resolve().name  # of "." as well

    @property
    def cli_name(self) -> str:
        """What opens it as pack=, fit for a command line: its name where it is under weights/, else its path."""
        return shlex.quote(self.name if self.path.parent == WEIGHTS else str(self.path))

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.config["classes"])

    @property
    def tokenizer_config(self) -> TokenizerConfig:
        return TokenizerConfig(**self.config["tokenizer"])

    @property
    def version(self) -> str:
        """Of weights and presets that reports and recordings may build on; "" while they still change."""
        return self.config.get("version") or ""  # type: ignore[no-any-return]

    @property
    def presets(self) -> Mapping[str, Any]:
        """Measured settings of this pack that replace the defaults of a run, e.g. noise_K."""
        return self.config.get("presets") or {}

    @property
    def fine_labels(self) -> tuple[tuple[str, str], ...]:
        """(class, group) of each of the classifier's logits; none where the pack has no classifier."""
        stored = self.config.get("fine_labels") or {}
        return tuple((name, group) for name in self.classes for group in stored.get(name, ()))

    def has(self, kind: str) -> bool:
        return kind in self.config and kind in (self.config.get("sha256") or {})

    def digest(self, kind: str) -> str:
        """SHA-256 of a model's file, "" where the pack has none."""
        return str((self.config.get("sha256") or {}).get(kind, ""))

    def build(self, kind: str) -> nn.Module:
        """An untrained model of this pack's sizes."""
        return build(kind, self.config[kind], self.tokenizer_config, len(self.classes), len(self.fine_labels))

    def load(self, kind: str) -> Any:
        """The trained model in fp32, in evaluation mode. FileNotFoundError where the pack has none."""
        if not self.has(kind):
            raise FileNotFoundError(
                f"pack {self.name!r} has no {kind} yet: python -m engine.train {kind} pack={self.cli_name}"
            )
        file = self.path / f"{kind}.safetensors"
        _check_hash(file, self.digest(kind))
        if file.stat().st_size < min_weights(kind, self.config[kind], self.tokenizer_config):
            raise ValueError(f"{file} does not fit the sizes in config.yaml: it is too small for them")
        # Every value comes from the file. Not built on "meta", which would import a compiler: 0.8 s at each start.
        with torch.random.fork_rng(devices=[]):
            model = self.build(kind)
        tensors = checked_tensors(file, model.state_dict())
        model.load_state_dict(tensors, assign=True)
        return model.eval().requires_grad_(False)

    def fingerprint(self) -> str:
        """Short hash over the hashes of the models that sample: which weights made a trace."""
        hashes = {kind: self.digest(kind) for kind in SAMPLING if self.digest(kind)}
        return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()[:16]

    def pictures(self) -> Pictures:
        return load_pictures(self.path / "data")

    def tokens(self) -> Tensor:
        """Tokens (M, N) int64 of the pack's own pictures, in their order. ValueError where these cannot be theirs."""
        file = self.path / TOKENS
        if not file.is_file():
            raise FileNotFoundError(f"{file} is missing: train the pack's tokenizer")
        tokens, config = _read_tensors(file).get("tokens", torch.empty(0)), self.tokenizer_config
        said, made_from = _read_made_from(file), self._token_sources()
        if said not in ("", made_from):  # older ones do not say it
            what = "weights" if said.partition(" ")[0] != made_from.partition(" ")[0] else "pictures"
            raise ValueError(f"{file} was made from other {what}: train the pack's tokenizer again")
        shape = (count_pictures(self.path / "data"), config.grid**2)
        fits = tokens.shape == shape and tokens.dtype in TOKEN_TYPES
        if not fits or not ((tokens >= 0) & (tokens < config.codes)).all():
            raise ValueError(f"{file} does not fit the pack's pictures and tokenizer: train the tokenizer again")
        return tokens.long()

    def _token_sources(self) -> str:
        """What the tokens of the pack's pictures are made from: the tokenizer's hash and theirs."""
        return f"{self.digest('tokenizer')} {digest_files(self.path / 'data')}"


def build(
    kind: str, sizes: Mapping[str, Any], tokenizer: TokenizerConfig, classes: int, fine_labels: int = 0
) -> nn.Module:
    """A model of the given kind and sizes. ValueError for an unknown size."""
    if kind not in KINDS:
        raise ValueError(f"unknown model {kind!r}: one of {', '.join(KINDS)}")
    config = KINDS[kind](**sizes)
    if isinstance(config, TokenizerConfig):
        return Tokenizer(config)
    if isinstance(config, ClassifierConfig):
        return Classifier(config, fine_labels)
    num_tokens = tokenizer.grid**2
    if isinstance(config, CriticConfig):
        return Critic(config, num_tokens=num_tokens, codes=tokenizer.codes, classes=classes)
    assert isinstance(config, TrunkConfig)
    return Generator(config, num_tokens=num_tokens, codes=tokenizer.codes, classes=classes)


def min_weights(kind: str, sizes: Mapping[str, Any], tokenizer: TokenizerConfig) -> int:
    """Of a model of these sizes, its blocks and largest tables alone: known before any memory is taken for it."""
    config = KINDS[kind](**sizes)
    if isinstance(config, TokenizerConfig):
        encoder, decoder = config.encoder_width**2, config.decoder_width**2
        blocks = 4 * config.encoder_blocks * encoder + 18 * config.decoder_blocks * decoder
        return blocks + config.codes * config.code_width
    if isinstance(config, ClassifierConfig):
        return 9 * config.depth * (config.base << config.stages - 1) ** 2
    assert isinstance(config, TrunkConfig)
    tables = tokenizer.grid**2 + tokenizer.codes
    return config.width * (tables + config.layers * (4 * config.width + 2 * config.mlp))


def pack_path(name: str | Path) -> Path:
    """The folder of a pack given by name or path, whether it exists or not."""
    as_path = Path(os.path.expanduser(name))
    is_name = len(as_path.parts) == 1 and not (as_path / "config.yaml").is_file()  # not just any folder of that name
    return WEIGHTS / name if is_name else as_path


def list_packs(root: Path = WEIGHTS) -> list[str]:
    """Names of the packs under `root` that can generate."""
    return sorted(f.parent.name for f in root.glob("*/config.yaml") if (f.parent / "generator.safetensors").is_file())


def open_pack(name: str | Path) -> Pack:
    """Read a pack's config.yaml. FileNotFoundError for no such pack, ValueError for a broken config."""
    path = pack_path(name)
    file = path / "config.yaml"
    if not file.is_file():
        there = ", ".join(list_packs()) or "none"
        raise FileNotFoundError(f"no pack {str(name)!r}: packs here are {there}; or give a path to one")
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
        _check_config(config)
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} is not a pack's config: {error}") from error
    return Pack(path=path, config=config)


def _check_config(config: Any) -> None:
    """ValueError, TypeError or KeyError for a config of which something later would trip over."""
    classes = config["classes"]
    if not isinstance(classes, list) or not classes or not all(isinstance(name, str) for name in classes):
        raise ValueError("expected classes, a list of at least one name")
    if len(set(classes)) < len(classes):
        raise ValueError("two classes have the same name")
    for kind in [kind for kind in KINDS if kind in config or kind == "tokenizer"]:
        KINDS[kind](**config[kind])
    if not isinstance(config.get("version") or "", str):
        raise ValueError(f"version: expected a word in quotes, not {config['version']!r}")
    for name in ("sha256", "presets", "fine_labels"):
        if not isinstance(config.get(name) or {}, dict):
            raise ValueError(f"expected {name} to be a mapping")
    for name, groups in (config.get("fine_labels") or {}).items():
        if name not in classes or not isinstance(groups, list):
            raise ValueError(f"fine_labels: expected a list of labels for each class, not {name!r}: {groups!r}")
    for rule, preset in (config.get("presets") or {}).items():
        SampleConfig.of(**{**preset, "rule": rule})


def write_config(path: Path, config: Mapping[str, Any]) -> None:
    path.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
    with write_atomic(path / "config.yaml") as out:
        out.write(text.encode())


def save_model(path: Path, kind: str, model: nn.Module, **said: Any) -> Pack:
    """Store a trained model in bf16 with its sizes and hash, and what is `said` with it; the pack's config must exist.

    Another tokenizer takes all other models out of the pack in the same write: they speak the old one's codes.
    Another model ends the pack's version, which names weights that stay as they are. ValueError for NaN or infinity.
    """
    file = path / f"{kind}.safetensors"
    tensors = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in model.state_dict().items()}
    _check_finite(f"this {kind} is not stored", tensors)
    with write_atomic(file) as out:
        out.write(save(tensors))
    before = open_pack(path)
    config = {**before.config, **said}
    config[kind] = dataclasses.asdict(model.config)  # type: ignore[arg-type, call-overload]
    hashes = {**(config.get("sha256") or {}), kind: sha256(file)}
    gone = [k for k, needs in MADE_FROM.items() if kind == "tokenizer" in needs and hashes[kind] != before.digest(kind)]
    config["sha256"] = {name: digest for name, digest in hashes.items() if name not in gone}
    if hashes[kind] != before.digest(kind):
        config.pop("version", None)
    if gone:  # before the new hash is there: these tokens would pass for the new tokenizer's
        (path / TOKENS).unlink(missing_ok=True)
    write_config(path, config)
    for name in gone:
        (path / f"{name}.safetensors").unlink(missing_ok=True)
    return open_pack(path)


@torch.no_grad()
def save_tokens(pack: Pack, images: np.ndarray) -> None:
    """Store what the pack's tokenizer makes of its own pictures, uint8 (M, S, S, 3)."""
    tokenizer = pack.load("tokenizer")
    tokens = torch.cat([tokenizer.encode(to_float(torch.from_numpy(image[None]))) for image in images])
    with write_atomic(pack.path / TOKENS) as out:
        kind = TOKEN_TYPES[tokenizer.config.codes > 2**15]
        out.write(save({"tokens": tokens.to(kind)}, metadata={"made_from": pack._token_sources()}))


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _check_hash(file: Path, digest: str) -> None:
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing")
    if sha256(file) != digest:
        raise ValueError(f"{file} is damaged or was exchanged: its SHA-256 is not the one in config.yaml")


def checked_tensors(file: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of a safetensors file as fp32, after every check that needs no trust in it."""
    tensors = _read_tensors(file)
    if len(tensors) > MAX_TENSORS or set(tensors) != set(expected):
        odd = sorted(set(tensors) ^ set(expected))[:3]
        raise ValueError(f"{file} does not fit the sizes in config.yaml: {', '.join(odd)}")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape or not tensor.is_floating_point():
            raise ValueError(f"{file}: {name} is {tuple(tensor.shape)}, expected {tuple(expected[name].shape)}")
    _check_finite(str(file), tensors)
    return {name: tensor.float() for name, tensor in tensors.items()}


def _check_finite(said: str, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise ValueError(f"{said}: {name} holds NaN or infinity")


def _read_made_from(file: Path) -> str:
    """What a safetensors file that can be read says it was made from."""
    with safe_open(file, "pt") as opened:
        return (opened.metadata() or {}).get("made_from", "")  # type: ignore[no-any-return]


def _read_tensors(file: Path) -> dict[str, Tensor]:
    """What a safetensors file holds, whatever that is. ValueError where it is none."""
    with open(file, "rb") as stream:
        header = int.from_bytes(stream.read(8), "little")
    if header > MAX_HEADER:
        raise ValueError(f"{file} is damaged: its header claims {header} bytes")
    try:
        return load_file(file)
    except SafetensorError as error:
        raise ValueError(f"{file} is not a safetensors file: {error}") from error
