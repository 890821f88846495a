"""Every setting is checked once, when a config is built."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from engine.config import CriticConfig, SampleConfig, TokenizerConfig, TrainConfig, TrunkConfig

CONFIGS = (SampleConfig, TokenizerConfig, TrunkConfig, CriticConfig, TrainConfig)
NUMBERS = [(c, f) for c in CONFIGS for f in dataclasses.fields(c) if f.type in ("int", "float")]
WORDS = [(c, f) for c in CONFIGS for f in dataclasses.fields(c) if f.metadata["choices"]]


def ids(value: Any) -> str:
    return getattr(value, "name", None) or getattr(value, "__name__", "")


@pytest.mark.parametrize(("config", "field"), NUMBERS, ids=ids)
def test_a_number_out_of_range_is_refused_by_name(config: Any, field: Any) -> None:
    low, high = field.metadata["low"], field.metadata["high"]
    assert low is not None and high is not None and field.metadata["help"]
    for bad in (math.nan, math.inf, -math.inf, True, "7", None, low - 1, high + 1):
        with pytest.raises(ValueError, match=field.name):
            config(**{field.name: bad})
    if field.type == "int":
        with pytest.raises(ValueError, match="whole"):
            config(**{field.name: low + 0.5})


@pytest.mark.parametrize(("config", "field"), WORDS, ids=ids)
def test_an_unknown_word_lists_the_known_ones(config: Any, field: Any) -> None:
    with pytest.raises(ValueError, match=", ".join(field.metadata["choices"])):
        config(**{field.name: "nonsense"})


def test_whole_floats_are_whole_numbers() -> None:
    assert SampleConfig(steps=18.0).steps == 18 and isinstance(SampleConfig(steps=18.0).steps, int)


def test_passes() -> None:
    assert SampleConfig(rule="maskgit", steps=18).passes == 18
    assert SampleConfig(rule="critic", steps=18).passes == 35


def test_sizes_must_fit_each_other() -> None:
    with pytest.raises(ValueError, match="heads"):
        TrunkConfig(width=192, heads=7)
    with pytest.raises(ValueError, match="patch"):
        TokenizerConfig(image_size=64, patch=3)
