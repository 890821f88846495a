"""Settings of a run, of each model, and of training: frozen dataclasses, checked when built.

The page's sliders, the commands' --help and the checks read the same fields.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from engine.rule import Rule, Scorer
from engine.rules import RULES, all_parameters, make_rule
from engine.schedule import SCHEDULES
from engine.settings import check_fields, setting, validate

MAX_STEPS = 256


@dataclass(frozen=True, kw_only=True)
class SampleConfig:
    """The settings of a run, in commands, page and traces. Session checks that the label is a class of the pack.

    `parameters` are the rule's parameters by name. Those that are not given take the rule's defaults.
    """

    rule: str = setting("critic", "selection rule", choices=RULES)
    label: str | None = setting(None, "class to draw; none: sample i gets class i, round and round")
    seed: int = setting(0, "seed of all noise", low=0, high=2**32 - 1)
    round: int = setting(0, "another number draws fresh noise from the same seed", low=0, high=2**32 - 1)
    n: int = setting(1, "pictures", low=1, high=1_000_000)
    steps: int = setting(18, "sampling steps", low=1, high=MAX_STEPS, symbol="T", step=1)
    schedule: str = setting("cosine", "how the share of masked tokens falls", choices=SCHEDULES, symbol="γ")
    matched: bool = setting(
        False, "all but the rule equal: Token-Critic's counts, temperature and ranking noise for every rule"
    )
    parameters: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        check_fields(self)
        specs = RULES[self.rule].parameters(self.matched)
        if unread := sorted(map(str, self.parameters.keys() - specs.keys())):
            which = "matched" if self.matched else "not matched"
            raise ValueError(
                f"rule {self.rule!r}, {which}, has no parameter {unread[0]!r}: it has {', '.join(specs) or 'none'}"
            )
        values = {name: validate(spec, self.parameters.get(name, spec.default)) for name, spec in specs.items()}
        object.__setattr__(self, "parameters", MappingProxyType(values))

    @classmethod
    def of(cls, **flat: Any) -> SampleConfig:
        """From one flat mapping of settings and parameters, as commands, links and presets have it."""
        own = {name: value for name, value in flat.items() if name in SETTINGS}
        rest = {name: value for name, value in flat.items() if name not in SETTINGS}
        if unknown := sorted(rest.keys() - all_parameters().keys()):
            raise ValueError(f"unknown key {unknown[0]!r}: one of {', '.join((*SETTINGS, *all_parameters()))}")
        return cls(**own, parameters=rest)

    @classmethod
    def readable(cls, flat: Mapping[str, Any]) -> dict[str, Any]:
        """The entries of `flat` that its rule reads. Values are not checked.

        For settings from an older version, or from a page that has controls for all rules.
        """
        name = flat.get("rule", cls.__dataclass_fields__["rule"].default)
        rule = RULES.get(name, Rule) if isinstance(name, str) else Rule
        read = {*SETTINGS, *rule.parameters(flat.get("matched") is True)}
        return {name: value for name, value in flat.items() if name in read}

    def __reduce__(self) -> Any:
        """Pickle as flat settings, because a MappingProxyType cannot be pickled."""
        return _from_flat, (self.flat(),)

    def flat(self) -> dict[str, Any]:
        """One flat mapping of settings and parameters: the inverse of `of`."""
        return {**{name: getattr(self, name) for name in SETTINGS}, **self.parameters}

    def replace(self, **changes: Any) -> SampleConfig:
        """The same run with changed settings or parameters. Parameters that a new rule does not read are dropped."""
        kept = self.readable(
            {**self.flat(), **{name: changes[name] for name in ("rule", "matched") if name in changes}}
        )
        return SampleConfig.of(**{**kept, **changes})

    @property
    def passes(self) -> int:
        """Network passes per picture. A step costs two if its scores cost one; the last step needs no scores."""
        each = RULES[self.rule].passes_per_step
        return each * self.steps - (each - 1)

    def mask_counts(self, num_tokens: int) -> list[int]:
        """Number of masked tokens after each step of a run from the start. 0 after the last step."""
        rule = self.make_rule(num_tokens=num_tokens)
        counts, now = [], num_tokens
        for s in range(self.steps - 1):
            now = rule.masked_after(s, now)
            counts.append(now)
        return [*counts, 0]

    def make_rule(self, *, num_tokens: int, generator: Scorer | None = None, critic: Scorer | None = None) -> Rule:
        """The rule of these settings. Without the models it can plan counts, but not score."""
        own = {name: getattr(self, name) for name in ("steps", "schedule", "matched")}
        return make_rule(self.rule, num_tokens=num_tokens, generator=generator, critic=critic, **own, **self.parameters)


def _from_flat(flat: dict[str, Any]) -> SampleConfig:
    return SampleConfig.of(**flat)


SETTINGS = tuple(spec.name for spec in dataclasses.fields(SampleConfig) if spec.name != "parameters")


class TokenizerSizes(Protocol):
    """What every tokenizer's config says: ours, and those of public checkpoints (engine.vqgan)."""

    @property
    def image_size(self) -> int: ...
    @property
    def patch(self) -> int: ...
    @property
    def codes(self) -> int: ...
    @property
    def code_width(self) -> int: ...
    @property
    def grid(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class TokenizerConfig:
    """A VQ tokenizer: size x size pictures <-> (size / patch)^2 tokens."""

    image_size: int = setting(64, "side of a picture in pixels", low=8, high=1024)
    patch: int = setting(4, "side of a token's patch in pixels", low=2, high=32)
    codes: int = setting(1024, "codes in the codebook", low=2, high=65536, symbol="V")
    code_width: int = setting(16, "length of a code's vector", low=2, high=512)
    encoder_width: int = setting(256, "channels of the encoder", low=8, high=2048)
    encoder_blocks: int = setting(2, "1x1 blocks of the encoder", low=0, high=16)
    decoder_width: int = setting(128, "channels of the decoder at token resolution", low=8, high=2048)
    decoder_blocks: int = setting(3, "3x3 blocks of the decoder at token resolution", low=0, high=16)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.image_size % self.patch or self.patch & (self.patch - 1):
            raise ValueError(f"patch={self.patch}: expected a power of two that divides image_size={self.image_size}")

    @property
    def grid(self) -> int:
        return self.image_size // self.patch


@dataclass(frozen=True, kw_only=True)
class TrunkConfig:
    """The transformer that generator and critic share."""

    layers: int = setting(8, "transformer layers", low=1, high=64)
    width: int = setting(192, "width of the token vectors", low=8, high=4096, symbol="D")
    heads: int = setting(6, "attention heads", low=1, high=64)
    mlp: int = setting(768, "width inside the MLP", low=8, high=16384)
    dropout: float = setting(0.0, "dropout on attention and MLP outputs in training", low=0, high=0.9)
    norm: str = setting(
        "pre",
        "where layer norms stand. pre: before attention and MLP; post: after each, and after the embeddings, as in "
        "BERT, MaskGIT and the paper, with their epsilon and approximate gelu",
        choices=("pre", "post"),
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if self.width % self.heads:
            raise ValueError(f"heads={self.heads}: expected a divisor of width={self.width}")


@dataclass(frozen=True, kw_only=True)
class CriticConfig(TrunkConfig):
    """The critic's trunk, and how it reads a score off it."""

    head: str = setting(
        "likelihood",
        "likelihood: how likely each token is given its surroundings; linear: the paper's",
        choices=("likelihood", "linear"),
    )
    share_offset: bool = setting(
        True, "add the log odds of the share of real tokens, so that the critic learns only which; false: the paper's"
    )
    sees_mask: bool = setting(
        False,
        "show the critic, beside the tokens, which of them were hidden one step earlier (an ablation of the paper)",
    )


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """A ResNet. The first stage has half the picture's resolution; each next one half of that and twice the width."""

    base: int = setting(32, "channels of the first stage, a multiple of 8", low=8, high=512)
    stages: int = setting(3, "stages", low=1, high=5)
    depth: int = setting(2, "blocks of a stage", low=1, high=16)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.base % 8:
            raise ValueError(f"base={self.base}: expected a multiple of 8")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a model is trained. All models have the same fields; some have `models`, the only ones that read them."""

    iterations: int = setting(10_000, "optimiser steps of the whole run", low=1, high=10**8)
    batch: int = setting(64, "pictures per optimiser step", low=1, high=65536)
    micro_batch: int = setting(16, "pictures per forward pass; small batches stay in a CPU's cache", low=1, high=65536)
    lr_muon: float = setting(
        1e-3, "generator, critic: peak learning rate of Muon (matrices)", low=0, high=1, models=("generator", "critic")
    )
    lr_adamw: float = setting(1e-3, "peak learning rate of AdamW (everything else)", low=0, high=1)
    weight_decay: float = setting(0.01, "decoupled weight decay", low=0, high=1)
    beta1: float = setting(0.9, "AdamW's first moment decay", low=0, high=0.99999)
    beta2: float = setting(0.96, "AdamW's second moment decay", low=0, high=0.99999)
    muon: bool = setting(
        True, "generator, critic: Muon for the trunk's matrices; AdamW alone if false", models=("generator", "critic")
    )
    warmup: int = setting(200, "iterations of linear warm-up", low=0, high=10**7)
    decay: float = setting(0.6, "last share of the run in which the rate falls to zero", low=0, high=1)
    ema: float = setting(0.999, "decay of the averaged weights that are kept", low=0, high=0.99999)
    clip: float = setting(1.0, "largest gradient norm", low=1e-6, high=1e6)
    code_cost: float = setting(
        0.006,
        "tokenizer: cost of a nat of a code's rarity, in units of the dot product; 0: take the nearest code",
        low=0,
        high=1,
        models=("tokenizer",),
    )
    perceptual_weight: float = setting(
        1.0,
        "VQGAN tokenizer: weight of the perceptual loss, for which perceptual=FILE gives the net",
        low=0,
        high=100,
        models=("VQGAN tokenizer",),
    )
    adversarial_weight: float = setting(
        0.8,
        "VQGAN tokenizer: weight of the adversarial loss, beside the adaptive one",
        low=0,
        high=100,
        models=("VQGAN tokenizer",),
    )
    adversarial_start: int = setting(
        250_000,
        "VQGAN tokenizer: iterations before the discriminator takes part",
        low=0,
        high=10**8,
        models=("VQGAN tokenizer",),
    )
    label_smoothing: float = setting(
        0.1,
        "generator, classifier: label smoothing of the cross-entropy",
        low=0,
        high=0.9,
        models=("generator", "classifier"),
    )
    fillings: int = setting(2, "critic: sampled pictures per generator pass", low=1, high=16, models=("critic",))
    target: str = setting(
        "mask",
        "critic: what counts as fake. mask: each sampled token (Algorithm 1); wrong: those that differ from the real",
        choices=("mask", "wrong"),
        models=("critic",),
    )
    shift: int = setting(3, "augmentation: largest shift in pixels", low=0, high=64)
    zoom: float = setting(0.06, "augmentation: largest relative change of size", low=0, high=0.5)
    hue: float = setting(0.03, "augmentation: largest turn of the hue, 1 = full circle", low=0, high=0.5)
    flip: bool = setting(False, "augmentation: mirror every other picture")
    augment: float = setting(0.7, "share of pictures that are augmented", low=0, high=1)
    crop: float = setting(
        1.0,
        "augmentation: of every picture, cut a piece of at least this share of its whole area, 3:4 to 4:3, and stretch "
        "it to the square (RandomResizedCrop); 1: take the centre square",
        low=0.01,
        high=1,
    )
    crops: int = setting(
        0,
        "generator, critic: encode each picture so often, once for all steps; 0: in each step anew",
        low=0,
        high=256,
        models=("generator", "critic"),
    )
    init: str = setting(
        "scratch",
        "start from: nothing, the pack's own weights, or (critic) its generator",
        choices=("scratch", "pack", "generator"),
    )
    seed: int = setting(0, "seed of everything random in training", low=0, high=2**32 - 1)
    evaluate_every: int = setting(500, "iterations between measurements and sample pictures", low=1, high=10**8)
    save_every: float = setting(2.0, "minutes between checkpoints", low=0.001, high=10**4)
    minutes: float = setting(
        0.0, "stop after so many minutes, 0 = never; the same command continues", low=0, high=10**6
    )

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    def read_by(cls, model: str) -> set[str]:
        """The settings that the training of a model reads: one of engine.models.KINDS, or "VQGAN tokenizer"."""
        return {spec.name for spec in dataclasses.fields(cls) if model in spec.metadata.get("models", (model,))}
