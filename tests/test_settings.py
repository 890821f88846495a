"""The controls: what a change of one brings with it, what an address sets, what is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.features.settings import (
    complete_controls,
    open_link,
    pack_choices,
    plan_lanes,
    resolve_controls,
    visible_controls,
)
from app.request import control_names, lane_fields
from app.text.words import ENGLISH, words
from engine import SAMPLING_VERSION
from engine.rules import RULES
from tests.fakes_app import WITHOUT_CRITIC, digests, new_context, resolved, run, set_controls

OTHER = {"pack": "poor", "label": "moon"}


def changed(changes: dict[str, Any], offered: str = "fake", **before: Any) -> dict[str, Any]:
    """What the server answers when the visitor makes these changes."""
    return resolve_controls(new_context(), set_controls(**{**before, **changes}), list(changes), offered)


def shown(controls: dict[str, Any], lane: int) -> list[str]:
    visible = visible_controls(controls)
    return [name for name in lane_fields() if visible[f"{name}_{lane}"]]


def test_what_is_not_given_is_as_the_page_has_it_at_first() -> None:
    controls = complete_controls(new_context(), {"seed": 7})
    assert list(controls) == control_names() and controls["seed"] == 7 and controls["third"] is None
    assert [controls[f"rule_{lane}"] for lane in (1, 2, 3)] == ["maskgit", "critic", "critic-locked"]
    assert {controls[f"steps_{lane}"] for lane in (1, 2, 3)} == {18}
    poor = complete_controls(new_context(), {"pack": "poor"})
    assert (poor["label"], poor["rule_2"], poor["steps_2"]) == ("moon", "confidence", 12)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"sed": 3}, "unknown control 'sed': one of pack, label"),
        ({"pack": "none"}, "unknown pack 'none'"),
        ({"pack": ["fake"]}, "unknown pack"),
        ({"seed": -1}, "seed"),
        ({"label": "cow"}, "label"),
        ([1], "expected an object"),
        (None, "expected an object"),
    ],
)
def test_controls_that_cannot_be_run_are_refused_in_a_line(given: Any, says: str) -> None:
    with pytest.raises(ValueError) as refused:
        complete_controls(new_context(), given)
    assert says in str(refused.value) and "\n" not in str(refused.value)


def test_a_new_rule_brings_its_own_settings_to_its_lane_alone() -> None:
    before = {"steps_1": 9, "noise_K_1": 3.0, "steps_2": 9}
    found = changed({"rule_1": "critic"}, **before)["controls"]
    assert (found["rule_1"], found["steps_1"], found["noise_K_1"]) == (
        "critic",
        18,
        resolved()[1].config.flat()["noise_K"],
    )
    assert found["steps_2"] == 9 and found["rule_2"] == "critic", "the other lane stays"


def test_a_new_rule_leaves_what_was_changed_with_it() -> None:
    found = changed({"rule_1": "critic", "noise_K_1": 3.0, "seed": 9}, steps_1=9)["controls"]
    assert (found["noise_K_1"], found["steps_1"], found["seed"]) == (3.0, 18, 9)


def test_nothing_but_a_rule_or_a_pack_brings_anything() -> None:
    for change in ({"seed": 4}, {"steps_1": 3}, {"matched": True}, {"third": {}}, {"label": "dog"}, {}):
        found = changed(change, noise_K_1=3.0, steps_2=5)
        assert found["controls"] == set_controls(noise_K_1=3.0, steps_2=5, **change)


def test_a_new_pack_brings_its_first_class_rules_and_settings() -> None:
    found = changed({"pack": "poor"}, noise_K_1=3.0)
    controls = found["controls"]
    assert (controls["pack"], controls["label"]) == ("poor", "moon")
    assert [controls[f"rule_{lane}"] for lane in (1, 2, 3)] == ["maskgit", "confidence", "random"]
    assert {controls[f"steps_{lane}"] for lane in (1, 2, 3)} == {12} and controls["noise_K_1"] != 3.0
    assert controls["seed"] == 3, "what holds for every pack stays"
    assert [lane["steps"] for lane in found["plan"]["lanes"]] == [12, 12] and found["plan"]["pack"] == "poor"


@pytest.mark.parametrize(
    "third", [{"lane": 0, "step": 2}, {"lane": 1, "step": 6, "fraction": 0.5}, {"tokens": [1] * 64}]
)
def test_a_new_pack_takes_a_lane_away_that_leaves_a_picture_of_the_old_one(third: dict[str, Any]) -> None:
    found = changed({"pack": "poor"}, third=third)
    assert found["controls"]["third"] is None and found["plan"]["wrong"] == ""
    assert changed({"pack": "poor", "third": third})["controls"]["third"] == third, "it was changed with the pack"
    assert changed({"pack": "poor"}, third={})["controls"]["third"] == {}, "a lane of its own stays"


def test_a_new_pack_leaves_what_was_changed_with_it() -> None:
    found = changed({"pack": "poor", "label": "sun", "steps_2": 4})["controls"]
    assert (found["label"], found["steps_1"], found["steps_2"]) == ("sun", 12, 4)
    found = changed({"pack": "poor", "rule_1": "random"})["controls"]
    assert found["rule_1"] == "random"


def test_choices_come_with_the_pack_that_the_page_does_not_offer_yet() -> None:
    assert changed({"seed": 4})["choices"] is None
    choices = changed({"pack": "poor"})["choices"]
    assert choices == pack_choices(new_context(), "poor")
    assert choices["label"] == [("moon", "data:moon"), ("sun", "data:sun")]
    for lane in (1, 2, 3):
        offered = [(rule, RULES[rule].label) for rule in WITHOUT_CRITIC]
        greyed = [(rule, RULES[rule].label, "train critic") for rule in RULES if rule not in WITHOUT_CRITIC]
        assert choices[f"rule_{lane}"] == [*offered, *greyed] and greyed
    assert changed({"pack": "poor"}, offered="poor")["choices"] is None
    assert changed({"seed": 4}, offered="poor")["choices"] == pack_choices(new_context(), "fake")


@pytest.mark.parametrize("wrong", [["sed"], ["rule_4"], [["pack"]], "pack", None, 3, {"pack": 1}])
def test_a_change_of_what_is_no_control_is_refused_in_a_line(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"changed=.*names of controls") as refused:
        resolve_controls(new_context(), set_controls(), wrong)
    assert "\n" not in str(refused.value)


def test_controls_that_are_none_are_refused_in_a_line() -> None:
    with pytest.raises(ValueError, match="unknown control 'sed'"):
        resolve_controls(new_context(), {"sed": 3})
    with pytest.raises(ValueError, match="unknown rule 'nonsense'"):
        changed({"rule_1": "nonsense"})


def test_a_wrong_value_is_said_in_the_plan_and_the_controls_stay_as_they_are() -> None:
    found = changed({"steps_1": 0})
    assert found["plan"]["lanes"] == [] and "steps" in found["plan"]["wrong"] and found["controls"]["steps_1"] == 0
    assert changed({"seed": None})["plan"]["wrong"] == "seed: is empty; give a whole number"


def test_the_plan_is_what_the_run_says_of_itself() -> None:
    asked = {"matched": True, "third": {"lane": 1, "step": 2}, "rule_3": "critic"}
    plan = plan_lanes(new_context(), set_controls(**asked))
    assert plan == {"wrong": "", "pack": "fake", "lanes": run(**asked)[0]["lanes"]}


def test_a_branch_may_leave_a_lane_where_equal_passes_made_it_longer() -> None:
    asked = {"equal_passes": True, "third": {"lane": 0, "step": 8}, "rule_3": "maskgit", "steps_3": 11}
    assert [lane["steps"] for lane in plan_lanes(new_context(), set_controls(**asked))["lanes"]] == [11, 6, 11]


def test_which_controls_are_shown() -> None:
    plain = set_controls()
    assert set(shown(plain, 1)) == {"rule", "steps", "choice_temperature", "temp_a", "temp_b", "schedule"}
    assert set(shown(plain, 2)) == {"rule", "steps", "noise_K", "temp_a", "temp_b", "schedule"}
    matched = set_controls(matched=True)
    assert shown(matched, 1) == ["rule"] and "noise_K" in shown(matched, 2)
    assert shown(set_controls(rule_1=["?"]), 1) == shown(set_controls(rule_1="critic"), 1), "until it is mended"


def link(**asked: Any) -> dict[str, str]:
    """The query of a run's address, as assets/js/features/permalink.js builds it."""
    sent = run(**asked)
    lanes = range(len(sent[0]["lanes"]))
    hashes = ["".join(digest[:4] for digest in digests(sent, lane)) for lane in lanes]
    controls = {name: json.dumps(value) for name, value in sent[0]["ask"].items()}
    return {"version": str(SAMPLING_VERSION), **controls, "hash": "_".join(hashes)}


def cut_off(query: dict[str, str], length: int) -> dict[str, str]:
    """What a browser reads of the first letters of an address."""
    parts = "&".join(f"{name}={value}" for name, value in query.items())[:length].split("&")
    return dict([*part.split("=", 1), ""][:2] for part in parts if part)  # type: ignore[misc]


def test_a_whole_link_sets_all_that_was_asked_for() -> None:
    asked = {"seed": 7, "label": "dog", "noise_K_2": 0.3, "matched": True}
    found = open_link(new_context(), link(**asked), "fake")
    assert "wrong" not in found and found["choices"] is None
    assert found["visible"] == visible_controls(found["controls"])
    two_lanes = [name for name in control_names() if not name.endswith("_3")]
    assert {name: found["controls"][name] for name in two_lanes} == {n: set_controls(**asked)[n] for n in two_lanes}
    assert found["plan"]["lanes"] == run(**asked)[0]["lanes"] and found["visible"] == visible_controls(
        found["controls"]
    )


def test_a_link_of_three_lanes_sets_the_branch() -> None:
    asked = {"third": {"lane": 1, "step": 2, "masked": [1, 5]}, "rule_3": "critic"}
    query = link(**asked)
    found = open_link(new_context(), query)
    assert "wrong" not in found and found["controls"] == set_controls(**asked)
    two_lanes = query["hash"].rpartition("_")[0]
    assert open_link(new_context(), {**query, "hash": two_lanes})["wrong"] == words(ENGLISH)["stage"]["link_cut"]


def test_a_link_cut_off_anywhere_says_so_and_sets_what_is_whole() -> None:
    asked = {"seed": 1234, "label": "dog", "steps_1": 9, "noise_K_2": 0.25}
    query, context, wanted = link(**asked), new_context(), set_controls(**asked)
    text = "&".join(f"{name}={value}" for name, value in query.items())
    begin = text.index("&") + 1
    first = complete_controls(context, {})
    for length in range(begin, len(text)):
        found = open_link(context, cut_off(query, length))
        assert found.get("wrong") == words(ENGLISH)["stage"]["link_cut"], text[:length]
        whole = [name for name in query if f"&{name}={query[name]}&" in text[: length - 1]]  # and something follows
        assert found["controls"] == {**first, **{name: wanted[name] for name in whole}}, text[:length]
        assert found["plan"]["wrong"] == "", text[:length]
    assert "wrong" not in open_link(context, cut_off(query, len(text)))


def test_a_link_of_version_1_is_read_as_it_was_meant() -> None:
    """It says no version. It has every rule's temperature, which MaskGIT did not read."""
    query = {name: text for name, text in link().items() if name != "version"}
    older = {**query, "temp_b_1": "0.3", "temp_b_2": "0.3"}
    found = open_link(new_context(), older)
    assert (found["controls"]["temp_b_1"], found["controls"]["temp_b_2"]) == (1.0, 0.3) and "wrong" not in found
    assert open_link(new_context(), {**older, "version": "1"})["controls"] == found["controls"]
    assert open_link(new_context(), {**older, "version": "2"})["controls"]["temp_b_1"] == 0.3
    assert (
        open_link(new_context(), {**older, "hash": query["hash"][:-1]})["wrong"] == words(ENGLISH)["stage"]["link_cut"]
    )
    by_hand = {name: text for name, text in older.items() if name != "hash"}
    assert open_link(new_context(), by_hand)["controls"]["temp_b_1"] == 0.3, "one that nobody copied is as it says"


def test_an_address_may_be_written_by_hand_in_plain_words() -> None:
    found = open_link(
        new_context(), {"seed": "7", "label": "dog", "rule_1": "random", "third": "{}", "__theme": "dark"}
    )
    controls = found["controls"]
    assert (controls["seed"], controls["label"], controls["rule_1"], controls["third"]) == (7, "dog", "random", {})
    assert "wrong" not in found and len(found["plan"]["lanes"]) == 3
    assert open_link(new_context(), {"label": '"dog"'})["controls"]["label"] == "dog"
    nothing = open_link(new_context(), {})
    assert nothing["controls"] == complete_controls(new_context(), {}) and "wrong" not in nothing


def test_an_address_of_another_pack_brings_its_choices() -> None:
    found = open_link(new_context(), {"pack": "poor", "seed": "1"}, "fake")
    assert found["choices"]["label"][0][0] == "moon" and found["controls"]["label"] == "moon"
    with pytest.raises(ValueError, match="unknown pack"):
        open_link(new_context(), {"pack": '"nowhere"', "seed": "1"})


def test_a_wrong_value_in_an_address_is_said_in_the_plan() -> None:
    for query, says in (({"seed": "-1"}, "seed"), ({"label": "cow"}, "label"), ({"steps_1": ""}, "steps")):
        found = open_link(new_context(), query)
        assert says in found["plan"]["wrong"] and "wrong" not in found


@pytest.mark.parametrize("query", [None, 3, "seed=3", ["seed"], {"seed": 3}, {"hash": None}])
def test_a_query_that_is_none_is_refused_in_a_line(query: Any) -> None:
    with pytest.raises(ValueError, match="query: expected an object"):
        open_link(new_context(), query)
