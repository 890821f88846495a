"""A pack's networks on one device: loaded when they are first needed, run in batches of one fixed size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from engine.classifier import Classifier
from engine.config import TokenizerSizes
from engine.critic import Critic
from engine.generator import Generator
from engine.pack import Pack
from engine.precision import Precision, measure_precision
from engine.tokenizer import Tokenizer
from engine.transformer import default_explicit
from engine.vqgan import Vqgan


@dataclass(frozen=True, kw_only=True)
class Networks:
    """Shared and read-only: any number of runs may use them at once."""

    pack: Pack
    device: torch.device
    asked_dtype: str = "float32"  # float32, bfloat16 or auto
    micro_batch: int = 1  # pictures that go through a network together, always as many

    def load(self) -> None:
        """Load all networks that sampling needs. FileNotFoundError or ValueError says what is wrong with one.

        What the pack carries beside them is looked at, too: a damaged file is said now, not to the first visitor.
        """
        _ = self.precision, self.tokenizer, self.generator, self.critic
        if self.pack.has_tokens:
            self.pack.tokens()

    @cached_property
    def tokenizer(self) -> Tokenizer | Vqgan:
        return self.pack.load("tokenizer").to(self.device)  # type: ignore[no-any-return]

    @cached_property
    def generator(self) -> Generator:
        self.precision.apply(self._stored_generator.trunk)
        return self._stored_generator

    @cached_property
    def critic(self) -> Critic | None:
        """None if the pack has no critic."""
        if not self.pack.has("critic"):
            return None
        critic: Critic = self.pack.load("critic").to(self.device)
        self.precision.apply(critic.trunk)
        return critic

    @cached_property
    def classifier(self) -> Classifier:
        """Sampling does not need it. FileNotFoundError if the pack has none."""
        return self.pack.load("classifier").to(self.device)  # type: ignore[no-any-return]

    @cached_property
    def precision(self) -> Precision:
        """Dtype and attention of the networks: as asked, or as measured on this machine."""
        if self.asked_dtype != "auto":
            return Precision(dtype=self.asked_dtype)
        return measure_precision(self._stored_generator.trunk, self.micro_batch)

    @cached_property
    def _stored_generator(self) -> Generator:
        """The generator in float32, as stored. `precision` may have to be measured on it before it is applied."""
        return self.pack.load("generator").to(self.device)  # type: ignore[no-any-return]

    @property
    def dtype(self) -> str:
        return self.precision.dtype

    @property
    def attention(self) -> str:
        """explicit or fused: which kernel the networks use."""
        explicit = self.precision.explicit_attention
        if explicit is None:
            explicit = default_explicit(getattr(torch, self.dtype), self.device)
        return "explicit" if explicit else "fused"

    @property
    def tokenizer_config(self) -> TokenizerSizes:
        """Sizes of pictures, patches and codebook, known before any network is loaded."""
        return self.pack.tokenizer_config

    @property
    def num_tokens(self) -> int:
        """N, tokens in a picture."""
        return self.tokenizer_config.grid**2

    def in_micro_batches(self, model: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """The same function of tensors (B, ...), applied to `micro_batch` rows at a time.

        The last part is padded to the same size: kernels for other shapes differ in their last bits.
        """
        size = self.micro_batch

        def apply(*inputs: Tensor) -> Tensor:
            parts = []
            for some in zip(*(x.split(size) for x in inputs), strict=True):
                missing = size - len(some[0])
                if missing:
                    some = tuple(torch.cat([x, x[-1:].expand(missing, *x.shape[1:])]) for x in some)
                parts.append(model(*some)[: size - missing])
            return torch.cat(parts)

        return apply
