"""The one door to the engine for the page and the commands: a pack, opened, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine import MASK, SAMPLING_VERSION, __version__
from engine.classifier import Classifier, class_probabilities, look, owners
from engine.config import SampleConfig
from engine.critic import Critic
from engine.device import describe, prepare
from engine.generator import Generator
from engine.pack import Pack, open_pack
from engine.precision import DTYPES, Precision, measure_precision
from engine.rules import RULES
from engine.sampler import sample
from engine.step import CANDIDATES, Step, Trace
from engine.tokenizer import Tokenizer, to_float, to_uint8
from engine.transformer import usually_explicit

MICRO_BATCH = {"cpu": 1}  # one picture fills a CPU; a fixed size makes a result independent of its neighbours
MICRO_BATCH_DEVICE = 16
MOST_AT_ONCE = 1024
READ_AT_ONCE = 256  # pictures


@dataclass(frozen=True, kw_only=True)
class Session:
    """Shared and read-only: any number of runs may be under way at once.

    The networks are loaded when they are first asked for, or all by `load`.
    """

    pack: Pack
    device: torch.device
    asked_dtype: str = "float32"  # or "auto"
    micro_batch: int = 1  # pictures that go through a network together, always as many

    @classmethod
    def open(
        cls,
        pack: str | Path = "emoji",
        device: str = "auto",
        threads: int = 0,
        dtype: str = "float32",
        micro_batch: int = 0,
    ) -> Session:
        """A pack by name or path, loaded. FileNotFoundError or ValueError says what is wrong with it.

        dtype "bfloat16" is for machines that multiply faster in it: products inside the trunks only, so that logits
        stay finely graded. "auto" measures both for less than a second. `micro_batch` 0 takes the device's default; a
        sample's last bits depend on it, and not on its neighbours.
        """
        session = cls.glance(pack, device, threads, dtype, micro_batch)
        session.load()
        return session

    @classmethod
    def glance(
        cls,
        pack: str | Path = "emoji",
        device: str = "auto",
        threads: int = 0,
        dtype: str = "float32",
        micro_batch: int = 0,
    ) -> Session:
        """As `open`, without the networks: enough for classes, rules and settings."""
        if dtype not in ("auto", *DTYPES):
            raise ValueError(f"unknown dtype {dtype!r}: one of auto, {', '.join(DTYPES)}")
        if isinstance(micro_batch, bool) or not isinstance(micro_batch, int) or not 0 <= micro_batch <= MOST_AT_ONCE:
            raise ValueError(f"micro_batch={micro_batch!r}: expected a whole number from 0 to {MOST_AT_ONCE}")
        place = prepare(device, threads)
        size = micro_batch or MICRO_BATCH.get(place.type, MICRO_BATCH_DEVICE)
        return cls(pack=open_pack(pack), device=place, asked_dtype=dtype, micro_batch=size)

    def load(self) -> None:
        """Load the networks now. FileNotFoundError or ValueError says what is wrong with one."""
        _ = self.precision, self.tokenizer, self.generator, self.critic

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return self.pack.load("tokenizer").to(self.device)  # type: ignore[no-any-return]

    @cached_property
    def generator(self) -> Generator:
        self.precision.apply(self._loaded_generator.trunk)
        return self._loaded_generator

    @cached_property
    def critic(self) -> Critic | None:
        """None where the pack has none."""
        if not self.pack.has("critic"):
            return None
        critic: Critic = self.pack.load("critic").to(self.device)
        self.precision.apply(critic.trunk)
        return critic

    @cached_property
    def classifier(self) -> Classifier:
        """Which sampling does not need."""
        return self.pack.load("classifier").to(self.device)  # type: ignore[no-any-return]

    @cached_property
    def precision(self) -> Precision:
        """Dtype and attention of the networks: as asked, or as measured."""
        if self.asked_dtype != "auto":
            return Precision(dtype=self.asked_dtype)
        return measure_precision(self._loaded_generator.trunk, self.micro_batch)

    @cached_property
    def _loaded_generator(self) -> Generator:
        """As it is stored: its dtype and attention may have to be measured on it first."""
        return self.pack.load("generator").to(self.device)  # type: ignore[no-any-return]

    @property
    def dtype(self) -> str:
        return self.precision.dtype

    @property
    def classes(self) -> tuple[str, ...]:
        return self.pack.classes

    @property
    def places(self) -> int:
        """N, tokens in a picture."""
        return self.pack.tokenizer_config.grid**2

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules this pack can run: those that need a critic only where it has one."""
        return tuple(name for name, rule in RULES.items() if rule.requires != "critic" or self.pack.has("critic"))

    def settings(self, **given: Any) -> SampleConfig:
        """Settings of a run: the defaults, the pack's presets for the rule over them, `given` over all.

        ValueError for a value out of range, or a rule or class that this pack has not.
        """
        rule = given.get("rule", "critic" if self.pack.has("critic") else "maskgit")
        preset = self.pack.presets.get(rule) or {} if isinstance(rule, str) else {}
        read = SampleConfig.readable({**preset, "rule": rule, "matched": given.get("matched", False)})
        config = SampleConfig.of(**{**read, **given, "rule": rule})
        self._check(config)
        return config

    def labels(self, config: SampleConfig, samples: Sequence[int]) -> Tensor:
        """Class indices (B,) of these samples."""
        if config.label is None:
            chosen = [i % len(self.classes) for i in samples]
        else:
            chosen = [self.classes.index(config.label)] * len(samples)
        return self._indices(chosen)

    def _indices(self, chosen: Sequence[int]) -> Tensor:
        return torch.tensor(chosen).to(self.device, non_blocking=True)

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
        """Steps of a run, one by one. `samples` picks some of the n; `start` (B, N) branches at `first_step`.

        `candidates` likeliest tokens of each place are noted: 0 where nobody looks at them. `labels`, a class index
        for each sample, take the place of the settings' label.
        """
        self._check(config)
        chosen = tuple(range(config.n)) if samples is None else tuple(samples)
        rule = config.make_rule(
            places=self.places,
            generator=self._in_micro_batches(self.generator),
            critic=self._in_micro_batches(self.critic) if self.critic is not None else None,
        )
        return sample(
            self._in_micro_batches(self.generator),
            rule,
            labels=self.labels(config, chosen) if labels is None else self._indices(labels),
            places=self.places,
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
        return {
            "engine": __version__,
            "sampling": SAMPLING_VERSION,
            "pack": self.pack.name,
            **({"pack_version": self.pack.version} if self.pack.version else {}),
            "weights": self.pack.fingerprint(),
            "micro_batch": self.micro_batch,
            **describe(self.device),
            "dtype": self.dtype,
            "attention": self._attention,
        }

    @property
    def _attention(self) -> str:
        explicit = self.precision.explicit_attention
        if explicit is None:
            explicit = usually_explicit(getattr(torch, self.dtype), self.device)
        return "explicit" if explicit else "fused"

    @torch.no_grad()
    def decode(self, tokens: np.ndarray) -> np.ndarray:
        """Tokens (B, N), none masked -> uint8 (B, S, S, 3)."""
        decode = self._in_micro_batches(self.tokenizer.decode)
        return to_uint8(decode(self._tokens(tokens))).cpu().numpy()

    @torch.no_grad()
    def encode(self, images: np.ndarray) -> np.ndarray:
        """uint8 (B, S, S, 3) -> tokens (B, N) int32. ValueError for another shape or type."""
        size = self.tokenizer.config.image_size
        if images.dtype != np.uint8 or images.shape[1:] != (size, size, 3):
            raise ValueError(f"pictures are {images.dtype} {images.shape}: expected uint8 (B, {size}, {size}, 3)")
        pictures = to_float(torch.from_numpy(images).to(self.device))
        encode = self._in_micro_batches(self.tokenizer.encode)
        return encode(pictures).to(torch.int32).cpu().numpy()

    def patches(self) -> np.ndarray:
        """What each token looks like, uint8 (V, P, P, 3): the mean of the pack's own pictures where it stands.

        A token is decoded with its surroundings, so this is what it tends to be; grey where it stands nowhere.
        """
        config = self.tokenizer.config
        side, patch, codes = config.grid, config.patch, config.codes
        pictures, tokens = self.pack.pictures(), self.pack.tokens()
        sums, counts = torch.zeros(codes, patch * patch * 3), torch.zeros(codes)
        for part in torch.arange(len(pictures)).split(READ_AT_ONCE):
            images = torch.from_numpy(pictures.read(part.numpy())).float()
            cut = images.view(-1, side, patch, side, patch, 3).permute(0, 1, 3, 2, 4, 5)  # (B, H, W, P, P, 3)
            at = tokens[part].flatten()
            sums.index_add_(0, at, cut.reshape(len(at), -1))
            counts.index_add_(0, at, torch.ones(len(at)))
        mean = (sums / counts[:, None].clamp_min(1)).where(counts[:, None] > 0, torch.tensor(128.0))
        return mean.round().to(torch.uint8).view(codes, patch, patch, 3).numpy()

    @torch.no_grad()
    def score(self, tokens: np.ndarray, label: str) -> np.ndarray:
        """The critic's probability that each token is real if half of them are, float32 (B, N)."""
        if self.critic is None:
            raise ValueError(
                f"pack {self.pack.name!r} has no critic: python -m engine.train critic pack={self.pack.given}"
            )
        codes = self._tokens(tokens)
        labels = torch.full((len(codes),), self._class(label), device=self.device)
        return self._in_micro_batches(self.critic)(codes, labels).sigmoid().cpu().numpy()

    def recognise(self, images: np.ndarray, label: str) -> np.ndarray:
        """How surely the pack's classifier sees that class in uint8 pictures (B, S, S, 3): probabilities (B,)."""
        wanted = self._class(label)
        _, logits = look(self.classifier, images)
        fine = owners(self.pack.fine_labels, self.classes)
        return class_probabilities(logits, fine, len(self.classes))[:, wanted]

    def _in_micro_batches(self, model: Callable[..., Tensor]) -> Any:
        size = self.micro_batch

        def predict(*inputs: Tensor) -> Tensor:
            parts = []
            for some in zip(*(x.split(size) for x in inputs), strict=True):
                short = size - len(some[0])  # always the same size: kernels differ in their last bits by shape
                if short:
                    some = tuple(torch.cat([x, x[-1:].expand(short, *x.shape[1:])]) for x in some)
                parts.append(model(*some)[: size - short])
            return torch.cat(parts)

        return predict

    def _check(self, config: SampleConfig) -> None:
        if config.rule not in self.rules:
            raise ValueError(
                f"rule {config.rule!r} needs a critic, and pack {self.pack.name!r} has none: "
                f"one of {', '.join(self.rules)}"
            )
        if config.label is not None:
            self._class(config.label)

    def _class(self, label: str) -> int:
        if label not in self.classes:
            raise ValueError(f"unknown label {label!r}: one of {', '.join(self.classes)}")
        return self.classes.index(label)

    def _tokens(self, tokens: np.ndarray) -> Tensor:
        return self._checked_tokens(tokens).to(self.device)

    def _checked_tokens(self, tokens: np.ndarray, masked: bool = False) -> Tensor:
        """Tokens (B, N) int64, still on the host. ValueError for another shape or values out of range."""
        codes = torch.from_numpy(np.array(tokens, dtype=np.int64))
        lowest, highest = (MASK if masked else 0), self.tokenizer.config.codes - 1
        if codes.dim() != 2 or codes.shape[1] != self.places:
            raise ValueError(f"tokens are {tuple(codes.shape)}: expected (B, {self.places})")
        if codes.numel() and (int(codes.min()) < lowest or int(codes.max()) > highest):
            raise ValueError(
                f"tokens reach from {int(codes.min())} to {int(codes.max())}: expected {lowest} to {highest}"
            )
        return codes
