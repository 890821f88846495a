"""The one door to the engine for the page and the commands: an opened pack and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine import MASK, SAMPLING_VERSION, __version__
from engine.classifier import class_probabilities, extract_features, fine_to_class
from engine.config import SampleConfig
from engine.device import describe, prepare
from engine.distance import nearest
from engine.networks import Networks
from engine.pack import hub, list_packs, open_pack, pack_path
from engine.precision import DTYPES
from engine.rules import RULES
from engine.sampler import sample
from engine.step import CANDIDATES, Step, Trace
from engine.tokenizer import to_float, to_uint8

MICRO_BATCH = {"cpu": 1}  # one picture fills a CPU; the size is fixed, so a result does not depend on its neighbours
MICRO_BATCH_DEVICE = 16
MAX_MICRO_BATCH = 1024
PICTURES_BATCH = 256  # pictures of the pack that are read at once
CODES_BATCH = 64  # codes that are decoded at once, each alone


def available_packs() -> list[str]:
    """Names of the packs under weights/ that can generate."""
    return list_packs()


def pack_name(pack: str | Path) -> str:
    """The name of a pack given by name or path."""
    return pack_path(pack).resolve().name


def fetch_pack(name: str) -> str | Path:
    """The pack of a command line: hub:OWNER/NAME is fetched from the Hugging Face Hub first; any other stays as it is.

    ValueError or OSError says in one line what is wrong.
    """
    return hub.fetch_pack(name) if name.startswith(hub.PREFIX) else name


def pack_fingerprint(pack: str | Path) -> str:
    """A short hash of the weights that a pack samples with. FileNotFoundError or ValueError for a broken pack."""
    return open_pack(pack).fingerprint()


def read_card(pack: str | Path) -> str:
    """A pack's card.md: how it was made and measured, as Markdown. "" if it has none."""
    file = pack_path(pack) / "card.md"
    return file.read_text(encoding="utf-8") if file.is_file() else ""


@dataclass(frozen=True, kw_only=True)
class Session(Networks):
    """An opened pack on one device. Shared and read-only: any number of runs may be under way at once."""

    @classmethod
    def open(
        cls,
        pack: str | Path = "emoji",
        device: str = "auto",
        threads: int = 0,
        dtype: str = "float32",
        micro_batch: int = 0,
        load: bool = True,
    ) -> Session:
        """Open a pack by name or path. FileNotFoundError or ValueError says what is wrong with it.

        dtype "bfloat16" is for machines that multiply faster in it. It applies to products inside the trunks
        only, so that logits keep their resolution. "auto" measures both, for less than a second. `micro_batch`
        0 takes the device's default; the last bits of a sample depend on it, but not on its neighbours.
        Without `load` the networks are loaded when they are first needed.
        """
        if dtype not in ("auto", *DTYPES):
            raise ValueError(f"unknown dtype {dtype!r}: one of auto, {', '.join(DTYPES)}")
        if isinstance(micro_batch, bool) or not isinstance(micro_batch, int) or not 0 <= micro_batch <= MAX_MICRO_BATCH:
            raise ValueError(f"micro_batch={micro_batch!r}: expected a whole number from 0 to {MAX_MICRO_BATCH}")
        chosen = prepare(device, threads)
        size = micro_batch or MICRO_BATCH.get(chosen.type, MICRO_BATCH_DEVICE)
        session = cls(pack=open_pack(pack), device=chosen, asked_dtype=dtype, micro_batch=size)
        if load:
            session.load()
        return session

    @property
    def classes(self) -> tuple[str, ...]:
        return self.pack.classes

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that this pack can run: those that need a critic only if it has one."""
        return tuple(name for name, rule in RULES.items() if rule.requires != "critic" or self.pack.has("critic"))

    def settings(self, **given: Any) -> SampleConfig:
        """Settings of a run: `given`, else the pack's presets for the rule, else the defaults.

        ValueError for a value out of range, or a rule or class that this pack does not have.
        """
        rule = given.get("rule", "critic" if self.pack.has("critic") else "maskgit")
        preset = self.pack.presets.get(rule) or {} if isinstance(rule, str) else {}
        known = SampleConfig.readable({**preset, "rule": rule, "matched": given.get("matched", False)})
        config = SampleConfig.of(**{**known, **given, "rule": rule})
        self._check(config)
        return config

    def labels(self, config: SampleConfig, samples: Sequence[int]) -> Tensor:
        """Class indices (B,) of these samples."""
        if config.label is None:
            chosen = [i % len(self.classes) for i in samples]
        else:
            chosen = [self.classes.index(config.label)] * len(samples)
        return self._to_device(chosen)

    def _to_device(self, indices: Sequence[int]) -> Tensor:
        return torch.tensor(indices).to(self.device, non_blocking=True)

    def run(
        self,
        config: SampleConfig,
        *,
        samples: Sequence[int] | None = None,
        start: np.ndarray | None = None,
        first_step: int = 0,
        score_last: bool = False,
        candidates: int = CANDIDATES,
        labels: Sequence[int] | None = None,
    ) -> Iterator[Step]:
        """Yield the steps of a run. `samples` picks some of the n; tokens `start` (B, N) branch at `first_step`.

        `candidates` is how many likeliest tokens each step records at each position; 0 if nobody looks at them.
        `labels`, a class index for each sample, replace the label of the settings.
        """
        self._check(config)
        chosen = tuple(range(config.n)) if samples is None else tuple(samples)
        rule = config.make_rule(
            num_tokens=self.num_tokens,
            generator=self.in_micro_batches(self.generator),
            critic=self.in_micro_batches(self.critic) if self.critic is not None else None,
        )
        return sample(
            self.in_micro_batches(self.generator),
            rule,
            labels=self.labels(config, chosen) if labels is None else self._to_device(labels),
            num_tokens=self.num_tokens,
            seed=config.seed,
            samples=chosen,
            round=config.round,
            start=None if start is None else self._checked_tokens(start, masked=True),
            first_step=first_step,
            score_last=score_last,
            candidates=candidates,
        )

    def trace(self, config: SampleConfig, steps: Iterable[Step], samples: Sequence[int] | None = None) -> Trace:
        """The record of a run: drains `steps`."""
        chosen = range(config.n) if samples is None else samples
        labels = tuple(self.classes[i] for i in self.labels(config, chosen).tolist())
        return Trace(settings=config.flat(), made_by=self.made_by(), labels=labels, steps=tuple(steps))

    def made_by(self) -> dict[str, Any]:
        """What a trace says about its origin: versions, pack, weights, machine and arithmetic."""
        return {
            "engine": __version__,
            "sampling": SAMPLING_VERSION,
            "pack": self.pack.name,
            **({"pack_version": self.pack.version} if self.pack.version else {}),
            "weights": self.pack.fingerprint(),
            "micro_batch": self.micro_batch,
            **describe(self.device),
            "dtype": self.dtype,
            "attention": self.attention,
        }

    @torch.no_grad()
    def decode(self, tokens: np.ndarray) -> np.ndarray:
        """Tokens (B, N), none masked -> uint8 (B, S, S, 3)."""
        decode = self.in_micro_batches(self.tokenizer.decode)
        return to_uint8(decode(self._checked_tokens(tokens).to(self.device, non_blocking=True))).cpu().numpy()

    @torch.no_grad()
    def encode(self, images: np.ndarray) -> np.ndarray:
        """uint8 (B, S, S, 3) -> tokens (B, N) int32. ValueError for another shape or type."""
        size = self.tokenizer_config.image_size
        if images.dtype != np.uint8 or images.shape[1:] != (size, size, 3):
            raise ValueError(f"pictures are {images.dtype} {images.shape}: expected uint8 (B, {size}, {size}, 3)")
        pictures = to_float(torch.from_numpy(images).to(self.device))
        encode = self.in_micro_batches(self.tokenizer.encode)
        return encode(pictures).to(torch.int32).cpu().numpy()

    @torch.no_grad()
    def score(self, tokens: np.ndarray, label: str | Sequence[str]) -> np.ndarray:
        """The critic's probability that each token is real if half of them are, float32 (B, N).

        `label` is the class of all pictures, or one for each.
        """
        if self.critic is None:
            raise ValueError(f"pack {self.pack.name!r} has no critic: {self.pack.train_command('critic')}")
        codes = self._checked_tokens(tokens).to(self.device)
        names = [label] * len(codes) if isinstance(label, str) else label
        labels = torch.tensor([self._class_index(name) for name in names], device=self.device)
        return self.in_micro_batches(self.critic)(codes, labels).sigmoid().cpu().numpy()

    def recognise(self, images: np.ndarray, label: str) -> np.ndarray:
        """The classifier's probability of class `label` for uint8 pictures (B, S, S, 3): (B,)."""
        index = self._class_index(label)
        _, logits = extract_features(self.classifier, images)
        of_class = fine_to_class(self.pack.fine_labels, self.classes)
        return class_probabilities(logits, of_class, len(self.classes))[:, index]

    def patches(self) -> np.ndarray:
        """What each code looks like, uint8 (V, P, P, 3): its mean patch over the pack's own pictures.

        A code is decoded together with its neighbours, so it has no one look. Grey if no picture has it. In a pack
        without pictures it is the code decoded alone.
        """
        if not self.pack.has_tokens:
            return self._decode_alone()
        config = self.tokenizer_config
        side, patch, codes = config.grid, config.patch, config.codes
        pictures, tokens = self.pack.pictures(), self.pack.tokens()
        exact = torch.float64  # in float32 the mean of 300,000 white cells drifts to 256, which is black
        sums, counts = torch.zeros(codes, patch * patch * 3, dtype=exact), torch.zeros(codes, dtype=exact)
        for part in torch.arange(len(pictures)).split(PICTURES_BATCH):
            images = torch.from_numpy(pictures.read(part.numpy())).to(exact)
            cut = images.view(-1, side, patch, side, patch, 3).permute(0, 1, 3, 2, 4, 5)  # (B, H, W, P, P, 3)
            code = tokens[part].flatten()
            sums.index_add_(0, code, cut.reshape(len(code), -1))
            counts.index_add_(0, code, torch.ones(len(code), dtype=exact))
        mean = (sums / counts[:, None].clamp_min(1)).where(counts[:, None] > 0, torch.tensor(128.0, dtype=exact))
        return mean.round().to(torch.uint8).view(codes, patch, patch, 3).numpy()

    @torch.no_grad()
    def _decode_alone(self) -> np.ndarray:
        """Each code as a picture of one token, uint8 (V, P, P, 3)."""
        parts = self.tokenizer.codebook[:, None].split(CODES_BATCH)
        return torch.cat([to_uint8(self.tokenizer.decode_vectors(part)).cpu() for part in parts]).numpy()

    def class_pictures(self) -> np.ndarray:
        """One picture of the pack for each class, uint8 (C, S, S, 3): its first training picture, if it has one.

        FileNotFoundError if the pack carries no pictures.
        """
        pictures = self.pack.pictures()
        trained = pictures.splits == "train"
        members = [np.flatnonzero(pictures.labels == i) for i in range(len(pictures.classes))]
        return pictures.read(np.array([next((i for i in mine if trained[i]), mine[0]) for mine in members]))

    def nearest_training_pictures(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The nearest training pictures of the pack to uint8 pictures (M, S, S, 3): their root mean square differences
        (M,), 0..255, which pictures of the pack they are (M,), and the pictures themselves, uint8 (M, S, S, 3).

        FileNotFoundError if the pack carries no pictures.
        """
        pictures = self.pack.pictures()
        train = pictures.indices("train")
        parts = [train[i : i + PICTURES_BATCH] for i in range(0, len(train), PICTURES_BATCH)]
        found = [nearest(images, pictures.read(part)) for part in parts]
        distances = np.stack([distance for distance, _ in found])  # (parts, M)
        places = np.stack([part[place] for part, (_, place) in zip(parts, found, strict=True)])
        best, each = distances.argmin(0), np.arange(len(images))
        which = places[best, each]
        return distances[best, each], which, pictures.read(which)

    def _check(self, config: SampleConfig) -> None:
        if config.rule not in self.rules:
            raise ValueError(
                f"rule {config.rule!r} needs a critic, and pack {self.pack.name!r} has none: "
                f"one of {', '.join(self.rules)}; {self.pack.train_command('critic')} trains a critic"
            )
        if config.label is not None:
            self._class_index(config.label)

    def _class_index(self, label: str) -> int:
        if label not in self.classes:
            raise ValueError(f"unknown label {label!r}: one of {', '.join(self.classes)}")
        return self.classes.index(label)

    def _checked_tokens(self, tokens: np.ndarray, masked: bool = False) -> Tensor:
        """Tokens (B, N) as int64 on the CPU. ValueError for another shape or values out of range."""
        codes = torch.from_numpy(np.array(tokens, dtype=np.int64))
        lowest, highest = (MASK if masked else 0), self.tokenizer_config.codes - 1
        if codes.dim() != 2 or codes.shape[1] != self.num_tokens:
            raise ValueError(f"tokens are {tuple(codes.shape)}: expected (B, {self.num_tokens})")
        if codes.numel() and (int(codes.min()) < lowest or int(codes.max()) > highest):
            raise ValueError(
                f"tokens reach from {int(codes.min())} to {int(codes.max())}: expected {lowest} to {highest}"
            )
        return codes
