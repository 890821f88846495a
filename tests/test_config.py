"""Every setting is checked once, when a config is built."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
from typing import Any, get_type_hints

import pytest

from engine.config import (
    SETTINGS,
    ClassifierConfig,
    CriticConfig,
    SampleConfig,
    TokenizerConfig,
    TrainConfig,
    TrunkConfig,
)
from engine.rules import RULES

CONFIGS = (SampleConfig, TokenizerConfig, TrunkConfig, CriticConfig, TrainConfig)
NUMBERS = [(c, f) for c in CONFIGS for f in dataclasses.fields(c) if f.type in ("int", "float")]
WORDS = [(c, f) for c in CONFIGS for f in dataclasses.fields(c) if f.metadata.get("choices")]


@pytest.mark.parametrize("config", [*CONFIGS, ClassifierConfig, *RULES.values()])
def test_every_setting_has_a_default_of_its_type(config: Any) -> None:
    types = get_type_hints(config)
    for field in dataclasses.fields(config):
        if "help" in field.metadata:
            assert types[field.name] == (type(field.default) if field.default is not None else str | None), field.name


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


@pytest.mark.parametrize(
    ("rule", "matched", "name"),
    [(rule, matched, name) for rule in RULES for matched in (False, True) for name in RULES[rule].parameters(matched)],
)
def test_a_rules_parameter_out_of_range_is_refused_by_name(rule: str, matched: bool, name: str) -> None:
    facts = RULES[rule].parameters(matched)[name].metadata
    for bad in (math.nan, True, "7", None, facts["low"] - 1, facts["high"] + 1):
        with pytest.raises(ValueError, match=name):
            SampleConfig.of(rule=rule, matched=matched, **{name: bad})
    assert SampleConfig.of(rule=rule, matched=matched, **{name: facts["high"]}).parameters[name] == facts["high"]


def test_a_run_has_the_parameters_that_its_rule_reads_and_no_others() -> None:
    assert SampleConfig(rule="maskgit").parameters == {"choice_temperature": 4.5, "temp_a": 0.0, "temp_b": 1.0}
    matched = {"noise_K": 0.3, "temp_a": 0.0, "temp_b": 1.0}
    assert SampleConfig(rule="maskgit", matched=True).parameters == SampleConfig(rule="critic").parameters == matched
    with pytest.raises(ValueError, match="'maskgit', not matched, has no parameter 'noise_K': it has choice_temp"):
        SampleConfig.of(rule="maskgit", noise_K=1.0)
    with pytest.raises(ValueError, match="unknown key 'noise_Q': one of rule, label"):
        SampleConfig.of(noise_Q=1.0)
    one = SampleConfig.of(rule="critic", noise_K=2.0, temp_b=0.9, steps=5)
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
    assert SampleConfig.of(**one.flat()) == one and one.replace(noise_K=1.0).parameters["noise_K"] == 1.0
    other = one.replace(rule="maskgit")
    assert other.parameters == {"choice_temperature": 4.5, "temp_a": 0.0, "temp_b": 0.9} and other.steps == 5
    assert SampleConfig.readable({**one.flat(), "rule": "halton"}).keys() == {*SETTINGS, "temp_a", "temp_b"}


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


def test_the_help_of_a_training_setting_says_which_models_read_it() -> None:
    models = {"tokenizer", "VQGAN tokenizer", "generator", "critic", "classifier"}
    for spec in dataclasses.fields(TrainConfig):
        whose = spec.metadata.get("models", ())
        said = spec.metadata["help"].partition(":")[0].split(", ")
        assert set(whose) == models & set(said), spec.name
    assert TrainConfig.read_by("critic") - TrainConfig.read_by("generator") == {"fillings", "target"}
