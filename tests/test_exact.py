"""Exact figures: what is whole and what is broken are told apart, and the intervals hold what they promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.binomial import clopper_pearson, fisher, holm, mcnemar, ratio_interval
from engine.checks import Eyes, Identicon, Tones, open_checks
from engine.config import ClassifierConfig, CriticConfig, TokenizerConfig, TrunkConfig
from engine.data.pictures import Pictures, read_from_memory, save_pictures
from engine.evaluate import __main__ as command
from engine.evaluate import exact
from engine.evaluate.exact import join_halves
from engine.evaluate.exact_report import find
from engine.evaluate.experiments import steps
from engine.evaluate.report import read_report
from engine.evaluate.samples import SampleStore
from engine.models import build_model
from engine.pack import Pack, open_pack, save_model, save_tokens, write_config
from engine.reports import name_with_passes
from tests.full import FULL
from tests.shipped import opened
from tests.tiny import CLASSIFIER, TRUNK, make_whole_pack

ROWS = ("xxoxx", "oxxxo", "xxxxx", "ooxoo", "xooox", "xoxox", "oxoxo")
COLOURS = ("#fb8c00", "#757575", "#00897b", "#1e88e5")
PATTERN = Identicon(cells=5, side=12, first=2)
EYES = Eyes(side=4, left=[5, 4], right=[5, 9], compared=["..x", ".xx", "xxx"])
SKINS, HAIRS = ("#ffd6c0", "#c07f50", "#6b3e26"), ("#1d5dff", "#c07f50")
PROMISED = 0.95


def rgb(text: str) -> list[int]:
    return [int(text[at : at + 2], 16) for at in (1, 3, 5)]


def stream(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def identicon(rows: list[str], colour: str) -> np.ndarray:
    filled = np.array([[mark == "x" for mark in row] for row in rows]).repeat(12, 0).repeat(12, 1)
    image = np.full((64, 64, 3), 255, np.uint8)
    image[2:62, 2:62][filled] = rgb(colour)
    return image


def wrong(image: np.ndarray) -> set[str]:
    return {part for part, fault in zip(PATTERN.parts, PATTERN.faults(image[None])[0], strict=True) if fault}


def worn(images: np.ndarray, seed: int = 0) -> np.ndarray:
    """As a tokenizer may show them: the edges blurred, all colours shifted, some noise."""
    x = images.astype(np.float32)
    for axis in (1, 2):
        x = (np.roll(x, 1, axis) + 2 * x + np.roll(x, -1, axis)) / 4
    shift = stream(seed).normal(0, 4, (len(x), 1, 1, 3))
    return (x + shift + stream(seed + 1).normal(0, 4, x.shape)).clip(0, 255).round().astype(np.uint8)


def test_a_broken_identicon_is_told_from_a_whole_one() -> None:
    rows = ["oxxxo", "xooox", "xoxox", "ooxoo", "xxxxx"]
    whole = identicon(rows, "#1e88e5")
    assert wrong(whole) == set()
    flipped, emptied, two, patch, pale = (whole.copy() for _ in range(5))
    flipped[2:14, 2:14] = rgb("#1e88e5")
    emptied[38:50] = 255
    two[2:14, 26:38] = rgb("#fb8c00")
    patch[16:20, 28:32] = rgb("#1e88e5")  # a token inside a cell of the ground
    pale[50:62, 2:62] = (rgb("#1e88e5") + np.array(255)) // 2
    assert wrong(flipped) == {"symmetry"} and wrong(emptied) == {"rows"}
    assert "colour" in wrong(two) and "cells" in wrong(patch) and "colour" in wrong(pale)
    border, half = whole.copy(), whole.copy()
    border[62:, 20:24] = rgb("#1e88e5")
    half[50:62, 2:8] = 255
    assert "cells" in wrong(border) and "cells" in wrong(half)
    assert wrong(np.full((64, 64, 3), 255, np.uint8)) == {"rows"}


def test_whole_identicons_stay_whole_where_a_tokenizer_blurs_and_shifts_them() -> None:
    rng = stream()
    images = np.array([identicon(list(rng.choice(ROWS, 5)), rng.choice(COLOURS)) for _ in range(100)])
    assert not PATTERN.faults(images).any() and not PATTERN.faults(worn(images)).any()


def face(skin: str, hair: str) -> np.ndarray:
    image = np.full((64, 64, 3), 255, np.uint8)
    image[8:24, 12:52], image[24:56, 16:48] = rgb(hair), rgb(skin)
    return image


def faces() -> tuple[np.ndarray, list[dict[str, str]]]:
    recipes = [{"skinColor": skin, "hairColor": hair} for skin in SKINS for hair in HAIRS for _ in range(6)]
    return np.array([face(r["skinColor"], r["hairColor"]) for r in recipes]), recipes


def test_a_second_skin_is_found_where_colours_can_say_so() -> None:
    check = Tones.of(*faces(), "skinColor")
    for skin in SKINS:
        for hair in HAIRS:
            assert not check.faults(np.array([face(skin, hair)])).any(), "hair of another skin's colour proves nothing"
    broken = face(SKINS[0], HAIRS[0])
    broken[40:56, 16:32] = rgb(SKINS[2])
    speck = face(SKINS[0], HAIRS[0])
    speck[40:44, 16:32] = rgb(SKINS[2])
    doubtful = face(SKINS[0], HAIRS[0])
    doubtful[40:56, 16:32] = rgb(SKINS[1])
    images = np.array([broken, speck, doubtful])
    assert check.faults(images)[:, 0].tolist() == [True, False, False]
    assert check.faults(worn(images))[:, 0].tolist() == [True, False, False]
    assert check.differ({"skinColor": SKINS[0]}, {"skinColor": SKINS[2]}) and not check.differ({}, {"skinColor": "x"})


def test_tones_that_are_nearly_one_are_taken_for_one() -> None:
    near = ("#eac393", "#e0b687")
    recipes = [{"skinColor": skin} for skin in near for _ in range(10)]
    check = Tones.of(np.array([face(r["skinColor"], "#000000") for r in recipes]), recipes, "skinColor")
    both = face(near[0], "#000000")
    both[40:56, 16:48] = rgb(near[1])
    assert not check.faults(both[None]).any() and not check.differ(recipes[0], recipes[-1])


def eyed() -> np.ndarray:
    cells = np.full((16, 16, 3), rgb("#cb9e6e"), np.uint8)
    for column in (4, 9):
        cells[5, column : column + 3] = cells[6, column] = cells[6, column + 2] = 255
        cells[6, column + 1] = rgb("#5b7c8b")
    return cells.repeat(4, 0).repeat(4, 1)


def test_two_eyes_that_are_no_pair_are_found() -> None:
    whole = eyed()
    other, hidden = whole.copy(), whole.copy()
    other[24:28, 40:44], other[24:28, 44:48] = 255, rgb("#5b7c8b")  # the right one looks elsewhere
    hidden[20:24, 16:24] = rgb("#28150a")  # hair over the corner of the left one
    images = np.array([whole, other, hidden])
    assert EYES.faults(images)[:, 0].tolist() == EYES.faults(worn(images))[:, 0].tolist() == [False, True, False]


def test_intervals_are_the_exact_ones() -> None:
    assert clopper_pearson(5, 20) == pytest.approx([0.0866, 0.4910], abs=1e-4)  # of the published tables
    assert clopper_pearson(0, 5000) == pytest.approx([0, 1 - 0.025 ** (1 / 5000)])
    assert clopper_pearson(7, 7)[1] == 1 and clopper_pearson(2500, 5000) == pytest.approx([0.486, 0.514], abs=1e-3)
    assert mcnemar(1, 9) == pytest.approx(22 / 1024) and mcnemar(0, 0) == mcnemar(4, 4) == 1
    assert fisher((1, 10), (8, 10)) == fisher((8, 10), (1, 10)) == pytest.approx(2 * 460 / 167960)  # C(20, 9) tables
    assert fisher((3, 9), (3, 9)) == pytest.approx(1) and fisher((0, 0), (2, 3)) == 1
    assert holm({"a": 0.03, "b": 0.01, "c": 0.02, "d": 0.04}) == ["b"]  # 0.02 > 0.05 / 3
    assert holm({"a": 0.001, "b": 0.024, "c": 0.9}) == ["a", "b"] and holm({}) == []
    assert ratio_interval(0, 0) == [0, None] and ratio_interval(3, 0)[1] is None
    assert ratio_interval(0, 9) == pytest.approx([0, 1 / 0.025 ** (1 / 9) - 1])  # share 1 - 0.025^(1/9) of all


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), [(0.005, 0.01), (0.1, 0.3)])
def test_intervals_cover_what_they_promise(one: float, other: float) -> None:
    n, rng = 1000, stream()
    counts, others = rng.binomial(n, one, 400), rng.binomial(n, other, 400)
    inside = [low <= one <= high for low, high in (clopper_pearson(int(k), n) for k in counts)]
    ratios = [ratio_interval(int(a), int(b)) for a, b in zip(counts, others, strict=True)]
    around = [low <= one / other and (high is None or one / other <= high) for low, high in ratios]
    assert np.mean(inside) > PROMISED - 0.02 and np.mean(around) > PROMISED - 0.02  # of 400


def test_what_checks_say_of_both_rules_is_told_both_ways() -> None:
    def one(critic: int, maskgit: int) -> dict[str, Any]:
        ratio = critic / maskgit if maskgit else None
        return {
            "n": 100,
            "critic": critic,
            "maskgit": maskgit,
            "ratio": ratio,
            "ratio_ci": ratio_interval(critic, maskgit),
        }

    checks = {"a": one(5, 40), "b": one(40, 5), "c": one(9, 10), "d": one(12, 0), exact.ANY_CHECK: one(40, 30)}
    told = find({"equal_steps": checks}, {"Random with 18 passes": one(5, 40), "Blind": one(0, 0) | {"n": 0}}, [])
    assert told[1:] == [
        "The critic check by check, at equal steps: it has fewer faults in a; more in b, d; "
        "the two cannot be told apart in c.",
        "Over as many samples of each, the critic's share with any fault is 0.12 (0.04–0.32) of that of Random "
        "with 18 passes.",
    ]


def test_rules_with_fewer_samples_are_compared_over_the_first_ones() -> None:
    def row(rule: str, n: int, faulty: str) -> dict[str, Any]:
        checks = {exact.ANY_CHECK: {"n": 99, "samples": faulty}}
        return {"rule": rule, "matched": False, "n": n, "passes": 3, "checks": checks}

    rows = [row("maskgit", 10, "1"), row("critic", 10, "0 3 4 8 9"), row("random", 5, "0 2")]
    others = exact.compare_others(rows, np.arange(10) != 1)
    assert others == {
        "Random with 3 passes": {"n": 4, "ratio": 1.5, "ratio_ci": ratio_interval(3, 2), "p": mcnemar(2, 1)}
    }


def test_halves_are_put_together() -> None:
    tokens = np.arange(3)[:, None].repeat(16, 1)
    assert join_halves(tokens, 4)[2].reshape(4, 4).tolist() == [[2, 2, 0, 0]] * 4


def make_avatars(path: Path) -> Pack:
    """Identicons and one class without a check; models that were never trained."""
    sizes = {"image_size": 64, "patch": 8, "codes": 16, "code_width": 4, "encoder_width": 16, "encoder_blocks": 1}
    sizes |= {"decoder_width": 16, "decoder_blocks": 1}
    rng, tokenizer = stream(), TokenizerConfig(**sizes)
    recipes = [
        {f"row{row}": str(rng.choice(ROWS)) for row in range(1, 6)} | {"rowColor": COLOURS[i % 4]} for i in range(24)
    ]
    images = np.array([identicon([one[f"row{row}"] for row in range(1, 6)], one["rowColor"]) for one in recipes])
    pictures = Pictures(
        classes=("Identicon", "Others"),
        labels=np.arange(24) % 2,
        names=tuple(str(i) for i in range(24)),
        groups=tuple(("Identicon", "Others")[i % 2] for i in range(24)),
        splits=np.array(["train"] * 12 + ["test"] * 12),
        weights=np.ones(24, np.float32),
        size=64,
        read=read_from_memory(images),
        recipes=tuple(json.dumps(one) for one in recipes),
    )
    write_config(path, {"format": 1, "classes": list(pictures.classes), "tokenizer": sizes})
    kinds: dict[str, Any] = {"tokenizer": tokenizer, "generator": TrunkConfig(**TRUNK), "critic": CriticConfig(**TRUNK)}
    for kind, config in kinds.items():
        save_model(path, kind, build_model(kind, vars(config), tokenizer, 2))
    classifier = build_model("classifier", vars(ClassifierConfig(**CLASSIFIER)), tokenizer, 2, 2)
    save_model(path, "classifier", classifier, fine_labels={name: [name] for name in pictures.classes})
    save_pictures(pictures, path / "data")
    save_tokens(open_pack(path), pictures.read(np.arange(24)))
    return open_pack(path)


def test_the_command_measures_real_pictures_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pack = make_avatars(tmp_path / "avatars")
    write_config(pack.path, {**pack.config, "presets": {"critic-locked": {"noise_K": 3.0}}})
    words = ["exact", f"pack={pack.path}", "n=10", "steps=2", "rules=maskgit,critic,critic-locked"]
    command.main([*words, "out=strict"])
    file = tmp_path / "strict" / "exact.json"
    content = read_report(file, "checks")
    assert list(content["real"]) == ["identicon", "skin", "hair", "eyes"] and list(content["real"]["identicon"]) == [
        "Identicon"
    ]
    real = content["real"]["identicon"]["Identicon"]
    assert real["as_they_are"] | {"parts": {}} == real["as_they_are"] | {"n": 6, "faults": 0, "share": 0.0, "parts": {}}
    assert real["left_out"] == "too many false alarms", "of a tokenizer that was never trained"
    assert all(row["checks"] == {exact.ANY_CHECK: row["checks"][exact.ANY_CHECK]} for row in content["rows"])
    assert "no: too many false alarms" in file.with_suffix(".md").read_text()
    with pytest.raises(ValueError, match="no exact checks that hold"):
        command.main(["tradeoff", *words[1:3]])
    command.main(["refine", words[1], "n=40", "steps=2", "out=strict"])  # it goes without
    assert "faults" not in read_report(tmp_path / "strict" / "refine.json")["rows"][0]

    monkeypatch.setattr(exact, "MAX_FALSE_ALARMS", 1.0)
    capsys.readouterr()
    command.main(words)
    printed = json.loads(capsys.readouterr().out)
    content = read_report(pack.path / "reports" / "exact.json", "checks")
    names = ["MaskGIT with 2", "Token-Critic with 3", "Critic, locked with 3", "MaskGIT with 3"]
    names += ["Critic, locked, matched with 3", "MaskGIT with 8", "Token-Critic with 15"]
    assert [name_with_passes(row) for row in content["rows"]] == [f"{name} passes" for name in names]
    own, alike = (row["settings"] for row in content["rows"] if row["rule"] == "critic-locked")
    critics = next(row["settings"] for row in content["rows"] if row["rule"] == "critic")
    assert alike == critics != own, "nothing but the right to take tokens back differs"
    assert [*content["others"]] == [f"{name} passes" for name in (names[2], names[4])]
    assert "of that of Critic, locked with 3" in content["findings"][2]
    for row in content["rows"]:
        one = row["checks"]["identicon"]
        assert one["n"] == 5 and one["faults"] == len(one["samples"].split()) == one["styles"]["Identicon"]["faults"]
        assert one["faults"] == row["checks"][exact.ANY_CHECK]["faults"]
    assert printed["compared"]["equal_passes"]["identicon"]["n"] == 5 and "equal_steps" in printed["compared"]
    text = (pack.path / "reports" / "exact.md").read_text()
    assert "| identicon |" in text and "| – symmetry |" in text
    made_by = "python -m engine.evaluate exact pack=avatars n=10 steps=2 rules=maskgit,critic,critic-locked"
    assert content["command"] == made_by and f"Made by `{made_by}`." in text
    assert "no search at so many steps" in text.lower() and "MaskGIT with 3 passes" in text
    monkeypatch.setattr(SampleStore, "tokens", lambda *_: pytest.fail("drawn again"))
    command.main(words)


@pytest.mark.slow
def test_the_checks_say_of_real_pictures_what_the_committed_report_says() -> None:
    """Their code is no part of checks_digest(): a change of it is seen here, in whole pictures and in broken ones."""
    evaluator = opened("avatars")
    checks = open_checks(evaluator.pictures)
    asked = checks if FULL else ("eyes",)  # colours take half a minute
    some = {check: dict([next(iter(checks[check].items()))]) for check in asked}
    stored = read_report(evaluator.session.pack.path / "reports" / "exact.json", "checks")["real"]
    for check, styles in exact.measure_real_pictures(evaluator, some).items():
        for name, found in styles.items():
            for how in ("as_they_are", "as_shown", "found"):
                near = pytest.approx(stored[check][name][how]["faults"], abs=2)  # another machine's decoder
                assert found[how]["faults"] == near, f"{check} {name}: {how}"


def test_a_pack_of_other_pictures_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pack = make_whole_pack(tmp_path / "tiny")
    with pytest.raises(ValueError, match=r"^exact figures need pictures.*engine\.data avatars.*none$"):
        command.main(["exact", f"pack={pack.path}", "n=5", "steps=2"])
    assert not Path("runs").exists() and not (pack.path / "reports").exists()
    with pytest.raises(ValueError, match="parts are known"):
        open_checks(pack.pictures())


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pack:
    """A pack whose check is used, although its models were never trained. The test runs beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(exact, "MAX_FALSE_ALARMS", 1.0)
    monkeypatch.setattr(exact, "MIN_FOUND", 0.0)
    return make_avatars(tmp_path / "avatars")


@pytest.mark.slow
def test_experiments_count_the_faults_of_their_samples_too(checked: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "COUNTS", (2,))
    words = [f"pack={checked.path}", "steps=2", "out=report"]
    command.main(["exact", *words, "n=40", "rules=maskgit,critic"])
    command.main(["steps", words[0], words[2], "n=40"])
    measured = read_report(Path("report/exact.json"), "checks")["rows"]
    counted = {(row["rule"], row["passes"]): row["checks"] for row in measured}
    content, text = read_report(Path("report/steps.json")), Path("report/steps.md").read_text()
    for row in content["rows"]:
        one = counted[row["rule"], row["passes"]][exact.ANY_CHECK]
        assert (row["faults"], row["faulty"]) == (one["share"], one["samples"]) and one["n"] == 20
    assert len(content["findings"]) == 3 and "exact checks find a fault in" in content["findings"][-1]
    assert "faulty ↓" in text and exact.DEFINITIONS["fault"] in text


@pytest.mark.slow
def test_faults_are_counted_in_the_pictures_of_the_search(
    checked: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"pack={checked.path}", "out=report"]
    with pytest.raises(ValueError, match=r"sweep\.json has no settings with 40 pictures.*run the sweep"):
        command.main(["tradeoff", *words, "n=40"])
    rounds = ["steps=2", "rules=maskgit,critic", "settings=[3,2,1]", "pictures=[20,40,60]"]
    command.main(["sweep", f"pack={checked.path}", *rounds])
    drawn = {file: file.stat().st_mtime_ns for file in Path("runs").rglob("*.npy")}
    capsys.readouterr()
    command.main(["tradeoff", *words, "n=40"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {file: file.stat().st_mtime_ns for file in Path("runs").rglob("*.npy")} == drawn, "nothing is drawn again"
    searched = {(row["rule"], row["n"], row["kid"]) for row in read_report(checked.path / "reports/sweep.json")["rows"]}
    rows = read_report(Path("report/tradeoff.json"), "faults")["rows"]
    assert {(row["rule"], row["n"], row["kid"]) for row in rows} == {one for one in searched if one[1] >= 40}
    for series in ("MaskGIT, 2 passes", "Token-Critic, 3 passes"):
        shares = [row["faults"] for row in rows if row["series"] == series]
        ends = dict.fromkeys(f"{100 * end:.1f}" for end in (min(shares), max(shares)))
        assert f"{' to '.join(ends)} % at the {len(shares)} settings of {series}" in findings[0]
    with pytest.raises(ValueError, match="of these weights and dtype=bfloat16"):
        command.main(["tradeoff", *words, "n=40", "dtype=bfloat16"])
    plain = make_whole_pack(tmp_path / "tiny")
    with pytest.raises(ValueError, match="no exact checks that hold"):
        command.main(["tradeoff", f"pack={plain.path}", "n=40"])
