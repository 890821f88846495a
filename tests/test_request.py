"""What the controls ask for: the lanes that they resolve to, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.features.settings import plan_lanes, visible_controls
from app.request import RunRequest, add_unread_parameters, control_names, initial_configs, lane_fields, resolve
from app.text.words import ENGLISH, words
from engine.config import SampleConfig
from engine.rules import RULES, all_parameters
from tests.fakes_app import FakeSession, N, engine_digests, new_context, resolved, set_controls

NUMBERS = ("steps", *all_parameters())


def configs(**changed: Any) -> tuple[SampleConfig, ...]:
    return tuple(lane.config for lane in resolved(**changed))


@pytest.mark.parametrize(
    "third",
    [
        {"lane": 2, "step": 1},
        {"lane": 0, "step": 0},
        {"lane": 0, "step": 6},
        {"lane": 0, "step": 7, "masked": [0]},
        {"lane": 0, "step": 5, "fraction": 0.5},
        {"lane": 0, "step": 6, "fraction": 1},
        {"lane": 0, "step": 6, "fraction": 0.5, "masked": [0]},
        {"lane": True, "step": 1},
        {"lane": 0, "step": 1, "masked": []},
        {"lane": 0, "step": 1, "masked": [64]},
        {"lane": 0, "step": 1, "masked": [-1]},
        {"lane": 0, "step": 1, "masked": ["0"]},
        {"lane": 0},
        {"way": 1},
        {"tokens": [1] * N},
        {"tokens": [1] * (N - 1), "fraction": 0.5},
        {"tokens": [10**9] * N, "fraction": 0.5},
        {"tokens": [-1] * N, "fraction": 0.5},
        {"tokens": ["1"] * N, "fraction": 0.5},
        {"tokens": "1", "fraction": 0.5},
        {"tokens": [1] * N, "fraction": 0.5, "lane": 0},
        {"tokens": [1] * N, "fraction": 0.5, "step": 3},
    ],
)
def test_a_branch_that_cannot_be_is_refused_in_a_line(third: Any) -> None:
    wrong = plan_lanes(new_context(), set_controls(third=third))["wrong"]
    assert wrong.startswith("third") and "\n" not in wrong


def test_a_third_lane_is_there_only_when_asked_for() -> None:
    assert len(resolved(rule_3="nonsense")) == 2, "what is not shown is not checked"
    assert len(resolved(third={})) == 3


def test_equal_passes_gives_the_other_lane_as_many() -> None:
    assert [lane.passes for lane in resolved()] == [6, 11]
    assert [lane.passes for lane in resolved(equal_passes=True)] == [11, 11]
    assert [lane.steps for lane in resolved(equal_passes=True, steps_1=30)] == [30, 15]
    with pytest.raises(ValueError, match="equal_passes: 511 passes"):
        resolved(equal_passes=True, steps_2=256)


def test_matched_takes_everything_but_the_rule_from_the_lane_that_reads_it() -> None:
    left, right = configs(matched=True, noise_K_1=0.1, noise_K_2=0.7, temp_b_2=0.5, steps_1=9)
    assert left.parameters == right.parameters == {"noise_K": 0.7, "temp_a": 0.0, "temp_b": 0.5}
    assert left.steps == right.steps == 6
    assert left.matched and right.matched and left.rule == "maskgit"


@pytest.mark.parametrize("name", control_names())
@pytest.mark.parametrize("wrong", [None, "x", float("nan"), float("inf"), [], {}, -1e9])
def test_bad_input_is_refused_in_a_line_that_names_it(name: str, wrong: Any) -> None:
    if name == "third" and not wrong and wrong != []:
        return  # null and {} are two lanes, and three
    third = {"third": {}} if name.endswith("_3") else {}
    changed = third | {name: wrong}
    if name != "pack":
        with pytest.raises(ValueError) as refused:
            resolved(**changed)
        assert name.rstrip("_123").split("_")[0] in str(refused.value) and "\n" not in str(refused.value)
    assert name.rstrip("_123").split("_")[0] in plan_lanes(new_context(), set_controls(**changed))["wrong"]


@pytest.mark.parametrize("name", ["seed", *(f"{field}_{lane}" for lane in (1, 2, 3) for field in NUMBERS)])
def test_an_empty_number_is_named_and_said_to_be_empty(name: str) -> None:
    """An empty field of the page is null; it is refused under the name of its own lane."""
    kind = "a whole number" if name == "seed" or name.startswith("steps") else "a number"
    with pytest.raises(ValueError) as refused:
        resolved(third={}, **{name: None})
    assert str(refused.value) == f"{name}: is empty; give {kind}"


def test_an_empty_number_of_a_lane_that_is_not_there_is_no_matter() -> None:
    assert len(resolved(steps_3=None)) == 2


def test_of_what_was_stored_only_what_the_rule_does_not_read_may_be_missing() -> None:
    added = add_unread_parameters({"rule_1": "self-revoking", "noise_K_1": 2.0, "rule_2": "maskgit"})
    assert added["noise_K_1"] == 2.0 and added["choice_temperature_1"] == 4.5 and added["eta_2"] == 1.0
    assert not {"eta_1", "temp_a_1", "choice_temperature_2", "eta_3"} & added.keys()


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "halton"])
@pytest.mark.parametrize("matched", [False, True])
def test_a_control_changes_the_run_exactly_where_it_is_shown(rule: str, matched: bool) -> None:
    other = {"rule": "halton", "schedule": "linear", "steps": 7}
    for name, spec in all_parameters().items():
        other[name] = spec.metadata["high"] if spec.default < spec.metadata["high"] else spec.metadata["low"]
    asked = {"rule_2": rule, "matched": matched}
    visible = visible_controls(set_controls(**asked))
    plain = engine_digests(configs(**asked)[1])
    for name in lane_fields():
        moved = engine_digests(configs(**asked | {f"{name}_2": other[name]})[1])
        assert (plain != moved) == visible[f"{name}_2"], name


@pytest.mark.parametrize("name", [*all_parameters(), "rule", "steps", "schedule"])
def test_every_control_of_a_lane_has_its_words(name: str) -> None:
    named, explained = words(ENGLISH)["labels"]["controls"], words(ENGLISH)["explain"]["all"]
    where = f"{name}: name it in app/text/en/labels.yaml, controls, and explain it in explain.yaml"
    assert named.get(name) and name in explained and all(explained[name].values()), where


def test_a_pack_without_critic_starts_with_rules_that_it_can_run() -> None:
    poor = FakeSession(rules=("maskgit", "confidence", "random"))
    assert [config.rule for config in initial_configs(poor)] == ["maskgit", "confidence", "random"]  # type: ignore[arg-type]


def test_a_refinement_is_checked_without_loading_the_critic() -> None:
    class Loading(FakeSession):
        pack = SimpleNamespace(has=lambda kind: True)

        def __getattribute__(self, name: str) -> Any:
            assert name != "critic", "it is loaded on another thread"
            return super().__getattribute__(name)

    asked = RunRequest.from_controls(set_controls(third={"lane": 1, "step": 6, "fraction": 0.5}))
    assert resolve(Loading(), asked)[-1].continues  # type: ignore[arg-type]
