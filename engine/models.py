"""The kinds of models that a pack can hold, and how each is built from its sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from engine.adaln import AdaLnConfig, AdaLnGenerator
from engine.classifier import Classifier
from engine.config import ClassifierConfig, CriticConfig, TokenizerConfig, TokenizerSizes, TrunkConfig
from engine.critic import Critic
from engine.generator import Generator
from engine.tokenizer import Tokenizer
from engine.vqgan import Vqgan, VqganConfig

KINDS = {
    "tokenizer": TokenizerConfig,
    "generator": TrunkConfig,
    "critic": CriticConfig,
    "classifier": ClassifierConfig,
}
TRAINED_WITH = {  # the models that each kind was trained with. All are useless with another tokenizer
    "tokenizer": (),
    "generator": ("tokenizer",),
    "critic": ("tokenizer", "generator"),
    "classifier": ("tokenizer",),
}
SAMPLING = ("tokenizer", "generator", "critic")  # the models that a sample depends on


def config_class(kind: str, sizes: Mapping[str, Any]) -> Any:
    """The class of a model's config: a tokenizer with a style is a VQGAN, a generator with adaptive norms AdaLN's."""
    if not isinstance(sizes, Mapping):
        raise TypeError(f"{kind}: expected sizes by name")
    if kind == "tokenizer" and "style" in sizes:
        return VqganConfig
    if kind == "generator" and sizes.get("norm") == "adaptive":
        return AdaLnConfig
    return KINDS[kind]


def read_sizes(kind: str, sizes: Mapping[str, Any]) -> Any:
    """The config of a model. ValueError or TypeError for an unknown size."""
    return config_class(kind, sizes)(**sizes)


def build_model(
    kind: str, sizes: Mapping[str, Any], tokenizer: TokenizerSizes, classes: int, fine_labels: int = 0
) -> nn.Module:
    """An untrained model. ValueError for an unknown kind or size."""
    if kind not in KINDS:
        raise ValueError(f"unknown model {kind!r}: one of {', '.join(KINDS)}")
    config = read_sizes(kind, sizes)
    if isinstance(config, TokenizerConfig):
        return Tokenizer(config)
    if isinstance(config, VqganConfig):
        return Vqgan(config)
    if isinstance(config, ClassifierConfig):
        return Classifier(config, fine_labels)
    num_tokens = tokenizer.grid**2
    if isinstance(config, CriticConfig):
        return Critic(config, num_tokens=num_tokens, codes=tokenizer.codes, classes=classes)
    if isinstance(config, AdaLnConfig):
        return AdaLnGenerator(config, num_tokens=num_tokens, codes=tokenizer.codes, classes=classes)
    assert isinstance(config, TrunkConfig)
    return Generator(config, num_tokens=num_tokens, codes=tokenizer.codes, classes=classes)


def min_weights(kind: str, sizes: Mapping[str, Any], tokenizer: TokenizerSizes) -> int:
    """A lower bound of a model's number of weights: its blocks and largest tables.

    It is computed without taking memory. A file that is smaller cannot hold the model.
    """
    config = read_sizes(kind, sizes)
    if isinstance(config, VqganConfig):  # all blocks of encoder and decoder but the first convolution of each level
        wide = config.widths[-1] ** 2
        blocks = sum((2 * config.blocks - 1) * 9 * width**2 for width in config.widths) + 18 * wide
        return 2 * blocks + config.codes * config.code_width
    if isinstance(config, TokenizerConfig):
        encoder, decoder = config.encoder_width**2, config.decoder_width**2
        blocks = 4 * config.encoder_blocks * encoder + 18 * config.decoder_blocks * decoder
        return blocks + config.codes * config.code_width
    if isinstance(config, ClassifierConfig):
        return 9 * config.depth * (config.base << config.stages - 1) ** 2
    tables = tokenizer.grid**2 + tokenizer.codes
    if isinstance(config, AdaLnConfig):
        return config.width * (tables + config.layers * (10 * config.width + 3 * config.mlp))
    assert isinstance(config, TrunkConfig)
    return config.width * (tables + config.layers * (4 * config.width + 2 * config.mlp))
