"""Frames, requests, runs and features, without a browser and without networks."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from app import frames
from app.components import updates
from app.context import Context
from app.features import drawing, exports
from app.features.compare import get_frames_since, run_lanes, score_tokens, stop_run
from app.features.curves import draw_curves
from app.features.exports import export_run
from app.features.gallery import draw_gallery
from app.features.presets import FIRST, play_preset
from app.features.replay import replay
from app.features.settings import (
    get_controls,
    get_pack_options,
    get_third_values,
    get_visible_controls,
    parse_query,
    plan_run,
)
from app.request import Lane, RunRequest, control_names, initial_configs, lane_fields, lane_values, resolve
from app.runs import Runs
from app.text import en
from app.text.explain import EXPLAIN
from engine import SAMPLING_VERSION
from engine.config import SampleConfig, TokenizerConfig
from engine.rules import RULES, all_parameters
from engine.sampler import sample
from engine.schedule import masked_after
from engine.step import ARRAYS, Step, Trace

N, V = 64, 8


MADE_BY = {
    "sampling": SAMPLING_VERSION,
    "pack": "fake",
    "device": "cpu",
    "cpu": "AVX2",
    "torch": "2.12",
    "weights": "abc",
}


@dataclass
class FakeSession:
    """Random logits in place of networks; what the features use of a Session, and no more."""

    classes: tuple[str, ...] = ("cat", "dog")
    rules: tuple[str, ...] = tuple(RULES)
    pack: Any = field(
        default_factory=lambda: SimpleNamespace(name="fake", fingerprint=lambda: "abc", has=lambda kind: False)
    )
    num_tokens: int = N
    critic: Any = "a critic"
    tokenizer_config: TokenizerConfig = TokenizerConfig(image_size=32, patch=4)  # noqa: RUF009  # it is frozen

    def settings(self, **given: Any) -> SampleConfig:
        config = SampleConfig.of(**given)
        if config.label is not None and config.label not in self.classes:
            raise ValueError(f"unknown label {config.label!r}")
        return config

    def run(self, config: SampleConfig, start: Any = None, first_step: int = 0) -> Iterator[Step]:
        def generator(tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return torch.sin(torch.arange(len(tokens) * N * V).reshape(len(tokens), N, V) + tokens[..., None])

        def critic(tokens: torch.Tensor, labels: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
            return torch.cos(tokens.float() * 7)

        rule = config.make_rule(num_tokens=N, generator=generator, critic=critic)
        begin = None if start is None else torch.from_numpy(start).long()
        label = torch.zeros(1, dtype=torch.long)
        return sample(generator, rule, labels=label, num_tokens=N, seed=config.seed, start=begin, first_step=first_step)

    def score(self, tokens: np.ndarray, label: str) -> np.ndarray:
        return np.broadcast_to(np.linspace(1, 0.5, N, dtype=np.float32), tokens.shape).copy()

    def decode(self, tokens: np.ndarray) -> np.ndarray:
        return np.full((len(tokens), 16, 16, 3), int(tokens.sum()) % 256, np.uint8)

    def trace(self, config: SampleConfig, steps: Any, samples: Any) -> Trace:
        return Trace(settings=config.flat(), made_by=MADE_BY, labels=("cat",), steps=tuple(steps))


class FakePacks:
    first = "fake"
    names = ("fake",)
    worker = ThreadPoolExecutor(1)

    def class_pictures(self, name: str) -> list[str]:
        return ["data:cat", "data:dog"]

    def session(self, name: object, *, loaded: bool = True) -> FakeSession:
        if name != "fake":
            raise ValueError(f"unknown pack {name!r}: one of fake")
        return FakeSession()


def new_context() -> Context:
    return Context(packs=FakePacks())  # type: ignore[arg-type]


def values(**changed: Any) -> list[Any]:
    """The controls in order, at their first values but for `changed`."""
    lane = lane_values(SampleConfig()) | {"steps": 6}
    first = {"pack": "fake", "label": "cat", "seed": 3, "equal_passes": False, "matched": False, "third": None}
    for i, rule in enumerate(("maskgit", "critic", "critic-locked"), 1):
        first |= {f"{name}_{i}": value for name, value in (lane | {"rule": rule}).items()}
    assert set(changed) <= set(first) and list(first) == control_names()
    return list((first | changed).values())


def lanes(**changed: Any) -> tuple[SampleConfig, ...]:
    return tuple(lane.config for lane in resolve(FakeSession(), RunRequest.from_values(values(**changed))))  # type: ignore[arg-type]


def steps_of(sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [step for frame in sent for step in frame.get("steps", [])]


def test_a_frame_holds_the_step_exactly() -> None:
    session = FakeSession()
    config = session.settings(rule="critic", steps=5)
    for step in session.run(config):
        frame = frames.pack_step(step, session.decode(step.proposal)[0])
        for name, kind in (
            ("tokens", "<i4"),
            ("proposal", "<i4"),
            ("scores", "<f4"),
            ("ranked", "<f4"),
            ("state", "u1"),
            ("confidence", "<f4"),
            ("top_tokens", "<u2"),
        ):
            got = np.frombuffer(base64.b64decode(frame[name]), kind)
            np.testing.assert_array_equal(got, getattr(step, name)[0].ravel())
        shares = np.frombuffer(base64.b64decode(frame["top_probs"]), "<u2") / frames.MAX_SHARE
        np.testing.assert_allclose(shares, step.top_probs[0].ravel(), atol=1 / frames.MAX_SHARE)
        assert frame["digest"] == step.digest()


def test_a_packed_step_is_unpacked_to_the_bit_but_for_shown_probabilities() -> None:
    config = SampleConfig(rule="critic", steps=4, seed=3)
    for step in FakeSession().run(config):
        back = frames.unpack_step(frames.pack_step(step, np.zeros((8, 8, 3), np.uint8)))
        assert (back.digest(), back.s, back.temperature) == (step.digest(), step.s, step.temperature)
        for name in ("ranked", "confidence", "top_tokens"):
            np.testing.assert_array_equal(getattr(back, name), getattr(step, name))
        np.testing.assert_allclose(back.top_probs, step.top_probs, atol=1e-5)


def test_small_pictures_arrive_exact() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    kind, _, data = frames.to_data_url(picture).partition(",")
    assert kind == "data:image/png;base64"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), picture)
    assert frames.to_data_url(np.zeros((256, 256, 3), np.uint8)).startswith("data:image/jpeg")


def test_a_run_sends_every_step_of_both_lanes_in_turn() -> None:
    context = new_context()
    sent = [frame for frame, _ in run_lanes(context, *values())]
    assert [frame["n"] for frame in sent] == list(range(8))
    assert sent[0]["kind"] == "begin" and (sent[-1]["kind"], sent[-1]["why"]) == ("end", "done")
    steps = [(step["lane"], step["s"]) for step in steps_of(sent)]
    assert steps == [(lane, s) for s in range(6) for lane in (0, 1)]
    assert context.runs.active == 0 and get_frames_since(context, sent[0]["run"], 5) == sent[5:]


def test_streaming_changes_nothing() -> None:
    sent = [frame for frame, _ in run_lanes(new_context(), *values(steps_2=9))]
    for lane, config in enumerate(lanes(steps_2=9)):
        alone = [step.digest() for step in FakeSession().run(config)]
        assert [step["digest"] for step in steps_of(sent) if step["lane"] == lane] == alone


def test_stop_ends_within_a_step_and_a_closed_stream_leaves_nothing() -> None:
    context = new_context()
    stream = run_lanes(context, *values())
    _, run_id = next(stream)
    next(stream)
    stop_run(context, run_id)
    assert [frame["kind"] for frame, _ in stream][-1] == "end"
    assert context.runs.get(run_id).end_reason == "stopped"  # type: ignore[union-attr]
    abandoned = run_lanes(context, *values())
    next(abandoned)
    abandoned.close()
    assert context.runs.active == 0


def test_steps_are_computed_on_one_thread_and_none_that_nobody_waits_for() -> None:
    """Torch on a second thread would make every pass slower: see Packs."""
    threads: list[str] = []
    first, release = threading.Event(), threading.Event()

    class Slow(FakeSession):
        def decode(self, tokens: np.ndarray) -> np.ndarray:
            threads.append(threading.current_thread().name)
            return super().decode(tokens)

    class Packs(FakePacks):
        worker = ThreadPoolExecutor(1, "networks")

        def session(self, name: object, *, loaded: bool = True) -> FakeSession:
            return Slow()

    context = Context(packs=Packs())  # type: ignore[arg-type]
    stream = run_lanes(context, *values())
    next(stream)
    next(stream)  # both lanes' first step, and their second is asked for
    Packs.worker.submit(lambda: (first.set(), release.wait()))
    first.wait()
    next(stream)  # the second; the third waits behind what holds the worker
    stream.close()
    release.set()
    Packs.worker.shutdown()
    assert len(threads) == 4 and set(threads) == {"networks_0"}


def test_runs_are_bounded_and_found_by_id_alone() -> None:
    runs = Runs(max_bytes=30)
    ids = []
    for _ in range(10):
        run = runs.start("fake", tuple(Lane(config=one) for one in lanes()), {})
        run.add_frame({"kind": "steps", "steps": [{"lane": 0, "tokens": "01234"}, {"lane": 1, "tokens": "56789"}]})
        run.end_reason = "done"
        ids.append(run.id)
    assert len(runs) == 4 and runs.get(ids[0]) is None and runs.get(ids[-1]) is run
    assert runs.get(None) is None and runs.get(["x"]) is None
    assert Runs(max_seconds=-1).start("fake", (), {}).stop_reason == "late"


def test_a_server_that_ends_stops_the_runs_under_way_and_those_to_come() -> None:
    context = new_context()
    under_way = run_lanes(context, *values())
    next(under_way)
    context.runs.close()
    for stream in (under_way, run_lanes(context, *values())):
        *_, (last, _) = stream
        assert (last["kind"], last["why"]) == ("end", "stopped")


def test_a_third_lane_runs_only_when_asked_for() -> None:
    assert len(lanes(rule_3="nonsense")) == 2, "what is not shown is not checked"
    sent = [frame for frame, _ in run_lanes(new_context(), *values(third={}, steps_3=4))]
    steps = [step["s"] for step in steps_of(sent) if step["lane"] == 2]
    assert steps == [0, 1, 2, 3] and sent[-1]["scores"] == pytest.approx([0.75] * 3)
    alone = [step.digest() for step in FakeSession().run(lanes(third={}, steps_3=4)[2])]
    assert [step["digest"] for step in steps_of(sent) if step["lane"] == 2] == alone


def digests(sent: list[dict[str, Any]], lane: int) -> list[str]:
    return [step["digest"] for step in steps_of(sent) if step["lane"] == lane]


def test_a_branch_with_the_same_settings_is_the_same_run() -> None:
    branch = values(third={"lane": 1, "step": 3, "masked": None}, rule_3="critic")
    sent = [frame for frame, _ in run_lanes(new_context(), *branch)]
    assert digests(sent, 2) == digests(sent, 1) and len(digests(sent, 2)) == 6
    meta = sent[0]["lanes"][2]
    assert meta["origin"] == {"lane": 1, "step": 3, "masked": None, "fraction": None, "tokens": None, "round": 0}
    assert meta["passes"] == 5, "two a step for steps 4 and 5, one for the last"


def test_a_branch_with_other_settings_shares_the_steps_before_it() -> None:
    branch = values(third={"lane": 1, "step": 3, "masked": None}, rule_3="critic", noise_K_3=4.0, steps_3=9)
    sent = [frame for frame, _ in run_lanes(new_context(), *branch)]
    own, other = digests(sent, 2), digests(sent, 1)
    assert own[:3] == other[:3] and own[3] != other[3] and len(own) == 9
    assert {step["steps"] for step in steps_of(sent) if step["lane"] == 2} == {9}


def test_masking_by_hand_decides_the_step_and_the_run_goes_on_from_there() -> None:
    chosen = [0, 5, 9, 33]
    sent = [
        frame
        for frame, _ in run_lanes(
            new_context(), *values(third={"lane": 1, "step": 3, "masked": chosen}, rule_3="critic")
        )
    ]
    own = [step for step in steps_of(sent) if step["lane"] == 2]

    def array(step: dict[str, Any], name: str, kind: str) -> np.ndarray:
        return np.frombuffer(base64.b64decode(step[name]), kind)

    assert np.flatnonzero(array(own[2], "state", "u1") >= 2).tolist() == chosen
    assert np.flatnonzero(array(own[3], "tokens", "<i4") < 0).tolist() == chosen
    before = array(own[2], "tokens", "<i4") < 0
    states = array(own[2], "state", "u1")
    assert all((states[i] in (1, 2)) == before[i] for i in range(N)), "masked before: new or masked again"
    assert digests(sent, 2)[:2] == digests(sent, 1)[:2]


def test_refining_takes_up_the_finished_picture_where_the_paper_says() -> None:
    asked = values(third={"lane": 1, "step": 6, "fraction": 0.5}, rule_3="critic", steps_3=18)
    sent = [frame for frame, _ in run_lanes(new_context(), *asked)]
    own = [step for step in steps_of(sent) if step["lane"] == 2]
    meta = sent[0]["lanes"][2]
    first = next(s for s in range(18) if masked_after("cosine", s, 18, N) <= N / 2)
    assert meta["continues"] and meta["steps"] == len(own) == 6 + 18 - first
    assert meta["passes"] == 1 + 2 * (18 - first) - 1, "one more in which the critic chooses what is masked"
    assert [step["s"] for step in own] == list(range(len(own)))
    states = np.frombuffer(base64.b64decode(own[5]["state"]), "u1")
    assert np.flatnonzero(states >= 2).tolist() == list(range(N // 2, N)), "the lower half of the critic's scores"
    assert digests(sent, 2)[:5] == digests(sent, 1)[:5]
    after = [(np.frombuffer(base64.b64decode(step["state"]), "u1") >= 2).sum() for step in own[6:]]
    assert after == [masked_after("cosine", s, 18, N) for s in range(first, 18)]


def test_a_picture_of_one_s_own_is_refined_like_a_finished_one() -> None:
    left = [frame for frame, _ in run_lanes(new_context(), *values())]
    last = [step for step in steps_of(left) if step["lane"] == 1][-1]
    tokens = np.frombuffer(base64.b64decode(last["proposal"]), "<i4").tolist()
    taken_up = [frame for frame, _ in run_lanes(new_context(), *values(third={"lane": 1, "step": 6, "fraction": 0.5}))]
    own = [frame for frame, _ in run_lanes(new_context(), *values(third={"tokens": tokens, "fraction": 0.5}))]
    assert digests(own, 2)[1:] == digests(taken_up, 2)[6:] and len(digests(own, 2)) > 2
    first = next(step for step in steps_of(own) if step["lane"] == 2)
    assert np.frombuffer(base64.b64decode(first["proposal"]), "<i4").tolist() == tokens and first["s"] == 0
    assert own[0]["lanes"][2]["continues"] and own[-1]["why"] == "done"
    marked = [frame for frame, _ in run_lanes(new_context(), *values(third={"tokens": tokens, "masked": [3, 1]}))]
    assert marked[0]["lanes"][2]["origin"]["masked"] == (1, 3)


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
    said = plan_run(new_context(), *values(third=third))["wrong"]
    assert said.startswith("third") and "\n" not in said


def test_a_new_branch_starts_with_the_settings_it_leaves() -> None:
    context = new_context()
    both = {"noise_K_1": 0.1, "noise_K_2": 0.7, "noise_K_3": 0.9}
    K = lane_fields().index("noise_K")
    assert get_third_values(context, *values(third={"lane": 1, "step": 2}, **both))[K] == 0.7
    assert get_third_values(context, *values(third={"lane": 0, "step": 2}, **both))[K] == 0.1
    assert (
        get_third_values(context, *values(third={}, **both))[K] == get_third_values(context, *values(**both))[K] == 0.9
    )
    longer = {"equal_passes": True, "third": {"lane": 0, "step": 8}}
    branch = get_third_values(context, *values(**longer))
    assert branch[lane_fields().index("steps")] == 11, "as many as the lane has, not as its slider says"
    own = {f"{name}_3": value for name, value in zip(lane_fields(), branch, strict=True)}
    assert plan_run(context, *values(**longer, **own))["lanes"][2]["steps"] == 11


def test_equal_passes_gives_the_other_lane_as_many() -> None:
    assert [lane.passes for lane in lanes()] == [6, 11]
    assert [lane.passes for lane in lanes(equal_passes=True)] == [11, 11]
    assert [lane.steps for lane in lanes(equal_passes=True, steps_1=30)] == [30, 15]
    with pytest.raises(ValueError, match="equal_passes: 511 passes"):
        lanes(equal_passes=True, steps_2=256)


def test_matched_takes_everything_but_the_rule_from_the_lane_that_reads_it() -> None:
    left, right = lanes(matched=True, noise_K_1=0.1, noise_K_2=0.7, temp_b_2=0.5, steps_1=9)
    assert left.parameters == right.parameters == {"noise_K": 0.7, "temp_a": 0.0, "temp_b": 0.5}
    assert left.steps == right.steps == 6
    assert left.matched and right.matched and left.rule == "maskgit"


@pytest.mark.parametrize("name", control_names())
@pytest.mark.parametrize("wrong", [None, "x", float("nan"), float("inf"), [], {}, -1e9])
def test_bad_input_is_refused_in_a_line_that_names_it(name: str, wrong: Any) -> None:
    if name == "third" and not wrong and wrong != []:
        return  # null and {} are two lanes, and three
    third = {"third": {}} if name.endswith("_3") else {}
    with pytest.raises(ValueError) as refused:
        next(run_lanes(new_context(), *values(**third | {name: wrong})))
    assert name.rstrip("_123").split("_")[0] in str(refused.value)
    assert plan_run(new_context(), *values(**third | {name: wrong}))["wrong"]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "halton"])
@pytest.mark.parametrize("matched", [False, True])
def test_a_control_changes_the_run_exactly_where_it_is_shown(rule: str, matched: bool) -> None:
    other = {"rule": "halton", "schedule": "linear", "steps": 7, "eta": 0.3, "choice_temperature": 50.0}
    shown = get_visible_controls(["maskgit", rule], matched)[1]
    for name, seen in zip(lane_fields(), shown, strict=True):
        plain, moved = (
            [step.digest() for step in FakeSession().run(lanes(**{"rule_2": rule, "matched": matched} | changed)[1])]
            for changed in ({}, {f"{name}_2": other.get(name, 3.0)})
        )
        assert (plain != moved) == seen, name


@pytest.mark.parametrize("name", [*all_parameters(), "rule", "steps", "schedule"])
def test_every_control_of_a_lane_has_its_words(name: str) -> None:
    assert en.CONTROLS[name] and all(EXPLAIN[name])


def test_which_controls_are_shown() -> None:
    assert get_visible_controls(["maskgit", "critic"], False) == [
        [name in ("rule", "steps", "choice_temperature", "temp_a", "temp_b", "schedule") for name in lane_fields()],
        [name in ("rule", "steps", "noise_K", "temp_a", "temp_b", "schedule") for name in lane_fields()],
    ]
    left, right = get_visible_controls(["maskgit", "critic"], True)
    assert [name for name, seen in zip(lane_fields(), left, strict=True) if seen] == ["rule"]
    assert "noise_K" in [name for name, seen in zip(lane_fields(), right, strict=True) if seen]


def test_a_pack_without_critic_offers_what_it_can() -> None:
    context = new_context()
    classes, rules, values = get_pack_options(context, "fake")
    assert classes == [("cat", "data:cat"), ("dog", "data:dog")] and rules == list(RULES)
    assert [lane[lane_fields().index("rule")] for lane in values] == ["maskgit", "critic", "critic-locked"]
    poor = FakeSession(rules=("maskgit", "confidence"))
    assert [config.rule for config in initial_configs(poor)] == ["maskgit", "confidence", "random"]  # type: ignore[arg-type]


def finished(**changed: Any) -> tuple[Context, str]:
    context = new_context()
    *_, (frame, run_id) = run_lanes(context, *values(**changed))
    assert frame["why"] == "done"
    return context, run_id


def test_lossless_files_hold_the_run_exactly() -> None:
    context, run_id = finished(steps_2=9)
    run = context.runs.get(run_id)
    assert run is not None
    name, content = export_run(context, run_id, "png", "all", 0)
    assert name == "token-critic-cat-3.png"
    sheet = np.asarray(Image.open(io.BytesIO(content)))
    for lane, steps in enumerate(run.steps):
        for s, (_, picture) in enumerate(steps):
            np.testing.assert_array_equal(sheet[lane * 18 : lane * 18 + 16, s * 18 : s * 18 + 16], picture)
    webp = Image.open(io.BytesIO(export_run(context, run_id, "webp", "all", 0)[1]))
    assert webp.n_frames == 9  # type: ignore[attr-defined]
    for place in range(9):
        webp.seek(place)
        step, picture = exports.get_step(run, 1, place, 9)
        drawn = np.asarray(drawing.draw_decision(step, picture))
        shown = np.asarray(webp.convert("RGB"))
        left = shown.shape[1] - drawing.GAP - drawn.shape[1]
        top = shown.shape[0] - drawing.GAP - drawn.shape[0]
        np.testing.assert_array_equal(shown[top : top + len(drawn), left : left + drawn.shape[1]], drawn)


def test_a_run_in_json_comes_back_to_the_bit_and_a_changed_one_is_refused() -> None:
    context, run_id = finished(third={"lane": 1, "step": 3, "masked": [1, 2]}, rule_3="critic")
    text = export_run(context, run_id, "json", "all", 0)[1]
    other = new_context()
    sent = [frame for frame, _ in replay(other, text)]
    original = get_frames_since(context, run_id, 0)
    assert [step["digest"] for step in sorted(steps_of(sent), key=lambda one: (one["lane"], one["s"]))] == [
        step["digest"] for step in sorted(steps_of(original), key=lambda one: (one["lane"], one["s"]))
    ]
    assert sent[0]["ask"] == original[0]["ask"] and sent[0]["lanes"] == original[0]["lanes"]
    assert "fake on cpu (AVX2, torch 2.12)" in sent[-1]["told"] and "Press Run" in sent[-1]["told"]
    elsewhere = text.replace(b'"weights": "abc"', b'"weights": "xyz"')
    assert "others" in [frame for frame, _ in replay(new_context(), elsewhere)][-1]["told"]
    older = text.replace(f'"sampling": {SAMPLING_VERSION}, '.encode(), b"")  # as version 1 wrote it, with all that
    older = older.replace(b'"rule": "critic", ', b'"choice_temperature": 4.5, "eta": 1.0, "rule": "critic", ')
    told = [frame for frame, _ in replay(new_context(), older)][-1]["told"]
    warm = json.loads(older)
    warm["ask"]["temp_b_1"] = 0.3  # which MaskGIT did not read
    frames_of = [frame for frame, _ in replay(new_context(), json.dumps(warm).encode())]
    assert frames_of[0]["lanes"][0]["settings"]["temp_b"] == 1.0
    assert "another version of the sampler" in told and "Press Run" not in told and "\n" not in told
    assert sent[-1]["why"] == "opened" and get_controls(other, sent[0]["run"])["seed"] == 3
    plain = json.loads(text)
    for wrong in (
        text.replace(b'"proposal": [[', b'"proposal": [[1, ', 1),
        text[:-40],
        json.dumps({**plain, "ask": {}, "lanes": plain["lanes"][:1] * 4}).encode(),
        json.dumps({**plain, "lanes": [{**lane, "settings": []} for lane in plain["lanes"]]}).encode(),
        json.dumps({**plain, "lanes": [{**lane, "made_by": []} for lane in plain["lanes"]]}).encode(),
        of_another_grid(),
        b"{}",
        b"[]",
        b'{"format": 1, "lanes": [], "ask": {}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ):
        with pytest.raises(ValueError) as refused:
            next(replay(new_context(), wrong))
        assert "\n" not in str(refused.value), "before the stage is emptied"


def of_another_grid() -> bytes:
    """A trace whose second step has fewer places than this pack."""
    config = SampleConfig(rule="critic", steps=2)
    first, second = FakeSession().run(config)
    arrays = {name: getattr(second, name)[:, : N // 2] for name in ARRAYS}
    steps = (first, dataclasses.replace(second, **arrays))
    return FakeSession().trace(config, steps, samples=None).to_json().encode()


def test_an_opened_trace_has_the_class_it_was_made_for_and_can_be_stopped() -> None:
    config = SampleConfig(rule="critic", steps=6)
    text = FakeSession().trace(config, FakeSession().run(config), samples=None).to_json().encode()
    context = new_context()
    opening = replay(context, text)
    first, run_id = next(opening)
    assert first["label"] == "cat"
    stop_run(context, run_id)
    assert [frame["kind"] for frame, _ in opening] == ["end"] and context.runs.get(run_id).end_reason == "stopped"


def test_curves_of_a_lane_that_goes_on_say_what_holds_for_its_own_steps() -> None:
    context, run_id = finished(third={"lane": 1, "step": 6, "fraction": 0.5}, rule_3="critic", steps_3=18)
    lane = context.runs.get(run_id).lanes[2]
    lines = [line for line in draw_curves(context, run_id).data if line.name == "3 Token-Critic"]
    planned, masked, noise = lines[0], lines[1], lines[-2]
    assert list(planned.x) == list(noise.x) == list(range(7, lane.steps + 1)) and len(masked.x) == lane.steps
    assert list(planned.y) == list(masked.y)[6:], "it masks as many as planned"
    assert noise.y[-1] == 0 < noise.y[0] < lane.config.parameters["noise_K"]


def test_curves_of_a_recorded_run_are_those_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    context, run_id = finished()
    sent = get_frames_since(context, run_id, 0)
    made = SimpleNamespace(
        key=FIRST, pack="fake", controls=get_controls(context, run_id), frames=sent, tried=1, shows=1, against=0
    )
    monkeypatch.setattr("app.features.presets.load_recording", lambda key: made)
    other = new_context()
    *_, (_, recorded) = play_preset(other, FIRST)
    drawn = draw_curves(context, run_id)
    assert len(drawn.data) == 14 and draw_curves(other, recorded).to_json() == drawn.to_json()
    with pytest.raises(ValueError, match="press Run"):
        export_run(other, recorded, "json", "all", 0)


def test_a_gallery_keeps_what_it_was_asked_for_and_lets_others_in_between_two_steps() -> None:
    context = new_context()
    drawing = draw_gallery(context, 2, *values(seed=9, noise_K_2=0.7, third={"lane": 0, "step": 2, "masked": [1]}))
    _, run_id = next(drawing)
    order: list[str] = []
    submit = context.packs.worker.submit
    context.packs.worker.submit = lambda *job: order.append(job[0].__name__) or submit(*job)  # type: ignore[method-assign, func-returns-value]
    try:
        list(drawing)
    finally:
        del context.packs.worker.submit
    assert order.count("next") == 2 * 2 * (6 + 1) and order.count("decode") == order.count("score") == 4
    asked = get_controls(context, run_id)
    assert (asked["seed"], asked["noise_K_2"]) == (9, 0.7) and "third" not in asked, "branches are not drawn"


def set_controls(context: Context, run_id: str) -> list[Any]:
    controls = get_controls(context, run_id)
    return updates.set_controls(controls, *get_pack_options(context, controls["pack"]))


def test_controls_go_back_to_two_lanes_with_a_run_of_two() -> None:
    context, run_id = finished()
    third = control_names().index("third")
    assert set_controls(context, run_id)[third]["value"] is None
    context, run_id = finished(third={})
    assert set_controls(context, run_id)[third]["value"] == {}


def test_a_finished_picture_is_scored_when_asked_for() -> None:
    context, run_id = finished()
    last = context.runs.get(run_id).steps[1][-1][0]
    found = score_tokens(context, run_id, 1)
    scores = np.frombuffer(base64.b64decode(found["scores"]), "<f4")
    np.testing.assert_array_equal(scores, FakeSession().score(last.proposal, "cat")[0])
    assert found["mean"] == pytest.approx(scores.mean())
    for wrong in ((run_id, 2), (run_id, -1), (run_id, None), (run_id, "1"), ("none", 0), (None, 0)):
        assert score_tokens(context, *wrong) == {}


def test_one_lane_is_a_file_too(tmp_path: Any) -> None:
    context, run_id = finished()
    run = context.runs.get(run_id)
    picture = np.asarray(Image.open(io.BytesIO(export_run(context, run_id, "png", "2", 0)[1])))
    both = np.asarray(Image.open(io.BytesIO(export_run(context, run_id, "png", "all", 0)[1])))
    assert len(picture) < len(both) and (both[-len(picture) :, : picture.shape[1]] == picture).all()
    sent = [frame for frame, _ in replay(new_context(), export_run(context, run_id, "json", "2", 0)[1])]
    assert [step["digest"] for step in steps_of(sent)] == [step.digest() for step, _ in run.steps[1]]
    for wrong in ("3", "0", 2, None, ["1"]):
        with pytest.raises(ValueError, match="lanes="):
            export_run(context, run_id, "gif", wrong, 0)


@pytest.mark.parametrize("kind", ["gif", "pdf", "svg"])
def test_files_to_look_at_are_what_they_say(kind: str) -> None:
    context, run_id = finished()
    _, content = export_run(context, run_id, kind, "all", 4)
    assert content.startswith({"gif": b"GIF89a", "pdf": b"%PDF", "svg": b"<?xml"}[kind])


@pytest.mark.parametrize(("run_id", "kind"), [("none", "gif"), (None, "gif"), ("", "x"), (3, None)])
def test_a_file_of_nothing_is_refused(run_id: Any, kind: Any) -> None:
    context, mine = finished()
    with pytest.raises(ValueError):
        export_run(context, run_id or mine, kind if run_id else "nonsense", "all", 0)


def test_an_address_sets_the_controls() -> None:
    context = new_context()
    assert parse_query(context, {}) == {} and parse_query(context, {"__theme": "dark"}) == {}
    assert parse_query(context, {"seed": "7", "label": '"dog"'}) == {"pack": "fake", "label": "dog", "seed": 7}
    assert parse_query(context, {"label": "dog", "third": "{}"})["label"] == "dog"
    with pytest.raises(ValueError, match="unknown pack"):
        parse_query(context, {"pack": '"nowhere"', "seed": "1"})
