"""Lessons: what a file may say, and that each shipped one says what is so."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.context import Context
from app.features.claims import Evidence, check_claim, list_forms
from app.features.lesson_file import MAX_BYTES
from app.features.lesson_schema import FOLDER, GLOSSARY, SYMBOL, TEXT, read_lesson, read_terms, recorded_of
from app.features.lessons import check_claims, list_lessons, list_names, merge, open_lesson, read_shipped
from app.features.page import describe_page
from app.features.presets import load_recording
from app.packs import Packs
from app.text.wrong import say
from app.tools.lesson import read_tokenizers
from engine import cli
from tests.quotes import ROOT, TABLE, filled, one_line

LANGUAGES = ("en", "ko")
LESSONS = pytest.mark.parametrize("name", list_names())
IN_EACH = pytest.mark.parametrize("language", LANGUAGES)
MATHML = {"math", "mi", "mn", "mo", "mrow", "mfrac", "msub", "mover", "munder", "mtext"}
HANGUL = re.compile(r"[가-힣]")
WORD = re.compile(r"\[\[([\w.]+)\]\]")
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
ELSEWHERE = {  # numbers in texts that are neither a claim nor a figure of a report
    "1023": "the last of 1,024 codes, counted from 0",
    "221": "a token that is not there",
    "4,000": "a photograph that is not there",
    "3,000": "a photograph that is not there",
    "255": "256 tokens but one",
    "0.50": "an AUC by chance",
    "0.3": "a score that is not there",
    "60": "the paper's share of a refinement",
    "8.48": "reported elsewhere",
    "7.64": "reported elsewhere",
    "512": "reported elsewhere",
    "4.69": "reported elsewhere",
    "6.56": "reported elsewhere",
    "256": "pixels of the paper's pictures",
    "64": "steps of a report's row",
    "8": "26 steps but 18",
}
ONE = """\
number: 9
title: One
goal: See one page.
minutes: 1
recorded: first-look
pages:
  - title: Here
    text: A token, $x_0$.
    show: {step: 9, lane: right, panel: decision, pinned: [1, 16]}
    question:
      ask: Which?
      answers:
        - {text: This, why: It is., right: true}
        - {text: That, why: It is not.}
    claims:
      - steps in the right lane = 18
"""


@pytest.fixture(scope="module")
def packs() -> Packs:
    return Packs("emoji", threads=1, others=[])


def texts_of(page: Mapping[str, Any]) -> Iterator[str]:
    yield page["text"]
    yield page.get("action", {}).get("do", "")
    yield page["question"]["ask"]
    for answer in page["question"]["answers"]:
        yield answer["text"]
        yield answer["why"]


@LESSONS
def test_each_claim_of_a_lesson_is_true_of_the_recording_that_ships(name: str) -> None:
    """Fails where a recording was made again: the text has to say what is in it now."""
    lesson = read_shipped(name)
    assert check_claims(lesson, f"{name}.yaml", read_tokenizers()) == []
    assert 3 <= len(lesson["pages"]) <= 6 and lesson["minutes"] <= 3


def test_a_token_that_the_first_lesson_swaps_is_a_white_spot_and_changes_little_else(packs: Packs) -> None:
    """What its last page says of a picture that no recording holds."""
    page, session = read_shipped("tokens")["pages"][-1], packs.session("emoji")
    tokens = load_recording(recorded_of(read_shipped("tokens"), page)).steps[1][-1][0].proposal
    (row, column), swapped = page["show"]["pinned"], tokens.copy()
    swapped[0, (row - 1) * 16 + column - 1] = 541
    before, after = (session.decode(one)[0].astype(int) for one in (tokens, swapped))
    side = len(after) // 16
    middle = after[(row - 1) * side : row * side, (column - 1) * side : column * side]
    assert page["action"]["done"] == {"swapped": 1} and "541" in page["action"]["do"]
    assert middle.mean() > 200 and session.patches()[541].min() > 250, "white, as it is offered"
    rows, columns, _ = (np.abs(after - before) > 8).nonzero()  # of 255: what can be seen
    far = max(np.abs(rows // side - row + 1).max(), np.abs(columns // side - column + 1).max())
    assert far <= 3, "a few cells beside it"


@IN_EACH
@LESSONS
def test_a_figure_of_a_lesson_is_the_one_of_the_report(name: str, language: str) -> None:
    said = one_line(" ".join(text for page in read_shipped(name, language)["pages"] for text in texts_of(page)))
    for template in TABLE["lessons"][language].get(name, ()):
        assert filled(template, {}) in said
    assert TABLE["lessons"]["en"].keys() == TABLE["lessons"]["ko"].keys()


@IN_EACH
@LESSONS
def test_each_number_of_a_text_is_claimed_or_quoted(name: str, language: str) -> None:
    """Of a page of the lesson; small counts (0 to 4) are words in other places."""
    lesson = read_shipped(name, language)
    quoted = " ".join(filled(template, {}) for template in TABLE["lessons"][language].get(name, ()))
    claimed = " ".join(claim for page in lesson["pages"] for claim in page.get("claims", ()))
    known = {*NUMBER.findall(claimed), *NUMBER.findall(quoted), *ELSEWHERE, *"01234"}
    known |= {f"{int(one):,}" for one in known if one.isdigit()}
    for page in lesson["pages"]:
        steps = re.findall(r"-?\d+", str(page.get("show", {})) + str(page.get("action", {}).get("done", {})))
        for text in texts_of(page):
            loose = [one for one in NUMBER.findall(SYMBOL.sub("", text)) if one.rstrip(",") not in {*known, *steps}]
            assert not loose, f"{name}, {page['title']}: {loose} in {text!r} is in no claim"


@LESSONS
def test_a_translation_has_the_keys_of_the_lesson(name: str) -> None:
    """All texts, and no other: what a page shows and what is right stand in the lesson alone."""
    ours, theirs = read_shipped(name), read_shipped(name, "ko")
    for one, other in zip(ours["pages"], theirs["pages"], strict=True):
        assert {key: one.get(key) for key in ("show", "formulas", "claims")} == {
            key: other.get(key) for key in ("show", "formulas", "claims")
        }
        assert [answer.get("right") for answer in one["question"]["answers"]] == [
            answer.get("right") for answer in other["question"]["answers"]
        ]
        for mine, translated in zip(texts_of(one), texts_of(other), strict=True):
            assert bool(mine) == bool(translated) and (not mine or mine != translated or mine.isdigit())
            assert sorted(WORD.findall(mine)) == sorted(WORD.findall(translated)), translated
            assert set(SYMBOL.findall(mine)) == set(SYMBOL.findall(translated)), translated
    assert not HANGUL.search(str(ours)) and HANGUL.search(theirs["title"])


def test_the_glossary_is_translated_and_is_mathml() -> None:
    ours, theirs = read_terms(), read_terms("ko")
    for kind in ("symbols", "formulas"):
        assert all(theirs[kind][key]["meaning"] != one["meaning"] for key, one in ours[kind].items())
        for term in ours[kind].values():
            tree = ET.fromstring(f"<math>{term['math'].replace(chr(0x2061), '')}</math>")
            assert {node.tag for node in tree.iter()} <= MATHML
            assert {node.get("data-symbol") for node in tree.iter()} - {None} <= ours["symbols"].keys()


def test_words_of_the_page_in_a_lesson_are_there(packs: Packs) -> None:
    words = describe_page(Context(packs=packs))["words"]
    for name in list_names():
        for page in read_shipped(name)["pages"]:
            for path in WORD.findall(" ".join(texts_of(page))):
                found: Any = words
                for key in path.split("."):
                    found = found[key]
                assert isinstance(found, str), path


def test_lessons_are_offered_where_their_recordings_are(packs: Packs) -> None:
    context = Context(packs=packs)
    assert [one["name"] for one in list_lessons(context)] == list_names()
    assert [one["title"] for one in list_lessons(context, "ko")] == [
        read_shipped(n, "ko")["title"] for n in list_names()
    ]
    assert open_lesson(context, "greedy", language="xx") == open_lesson(context, "greedy")
    kept = read_shipped.cache_info().currsize
    for i in range(20):
        open_lesson(context, "greedy", language=f"x{i}")
    assert read_shipped.cache_info().currsize == kept, "a visitor's word for a language is not kept"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("title: One\n", "", 1, "no 'title'"),
        ("minutes: 1", "minutes: soon", 4, "whole number from 1 to 60"),
        ("minutes: 1", "minutes: 1\nminuts: 2", 5, "unknown key 'minuts'"),
        ("minutes: 1", "minutes: 1\nminutes: 2", 5, "here twice"),
        ("recorded: first-look", "recorded: none", 5, "no recorded preset 'none': one of first-look"),
        ("step: 9", "step: 19", 9, "has 18 steps"),
        ("lane: right", "lane: third", 9, "has 2 lanes"),
        ("lane: right", "lane: upper", 9, "one of left, right, third"),
        ("[1, 16]", "[1, 17]", 9, "16 rows and columns"),
        ("$x_0$", "$y$", 8, "no symbol $y$"),
        ("right: true", "right: false", 12, "0 answers are right"),
        ("It is not.}", "It is not., right: true}", 12, "2 answers are right"),
        ("    claims:", "    formulas: [none]\n    claims:", 15, "no formula 'none'"),
        (
            "    claims:",
            "    action: {do: Go, done: {controls: {noise: 1}}}\n    claims:",
            15,
            "unknown control 'noise'",
        ),
        ("title: One", "title: &a One", 2, "anchor or alias"),
        ("title: One", "title: !!python/name:os.system One", 2, "a tag"),
        ("title: One", "title: [", 4, "no YAML"),
        ("title: One", "title: \x07", 2, "a character it forbids"),
        ("title: One", "title: " + "[" * 20 + "]" * 20, 2, "nested too deeply"),
        ("title: One", "? [a]\n: b", 2, "expected a name before the colon"),
        ("minutes: 1", "minutes: " + "9" * 5000, 4, "no number"),
    ],
)
def test_what_is_wrong_with_a_lesson_is_said_with_its_line(old: str, new: str, line: int, says: str) -> None:
    assert ONE.count(old) == 1
    with pytest.raises(ValueError, match=rf"^own\.yaml, line {line}: ") as refused:
        read_lesson(ONE.replace(old, new), "own.yaml")
    assert says in str(refused.value) and "\n" not in str(refused.value)
    said = say(refused.value, "ko")
    assert said.startswith(f"own.yaml, {line}행: ") and HANGUL.search(said.partition(": ")[2].split("영어 원문")[0])


def test_a_lesson_without_mistakes_is_taken_and_one_of_junk_is_refused_at_once(packs: Packs) -> None:
    context = Context(packs=packs)
    assert open_lesson(context, "own.yaml", ONE)["lesson"]["pages"][0]["title"] == "Here"
    began = time.monotonic()
    for junk in (
        "- a\n" * 15_000,
        "[" * 60_000,
        "{a: " * 15_000,
        "a: " * 20_000,
        "&a [*a]\n" * 8_000,
        "x" * (MAX_BYTES + 1),
    ):
        with pytest.raises(ValueError, match=r"own\.yaml"):
            open_lesson(context, "own.yaml", junk)
    assert time.monotonic() - began < 20, "seconds"
    for name in ("none", "", "../lessons/tokens", GLOSSARY, 3, None, "Tokens", "x" * 5000):
        with pytest.raises(ValueError):
            open_lesson(context, name)


def test_a_translation_that_does_not_fit_is_said_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.features.lesson_schema.TEXT", tmp_path)
    folder = tmp_path / "xx" / "lessons"
    folder.mkdir(parents=True)
    text = (TEXT / "ko" / "lessons" / "greedy.yaml").read_text(encoding="utf-8")
    for old, new, says in (
        ("pages:", "step: 3\npages:", "line 3: unknown key 'step'"),
        ("$p$", "$q$", "no symbol $q$"),
        ("    action:\n", "    xction:\n", "unknown key 'xction'"),
    ):
        (folder / "greedy.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(ValueError, match=r"^xx/greedy\.yaml, line") as refused:
            merge(read_shipped("greedy"), "greedy", "xx")
        assert says in str(refused.value)


def test_a_claim_can_fail_and_says_what_is_so() -> None:
    lesson = read_lesson(ONE.replace("= 18", "= 17\n      - the moon is green"), "own.yaml")
    one, other = check_claims(lesson, "own.yaml", read_tokenizers())
    assert (
        one
        == "own.yaml, line 16: 'steps in the right lane = 17' does not hold: steps in the right lane is 18, 17 is 17"
    )
    assert other.startswith("own.yaml, line 17: ") and "no claim" in other
    evidence = Evidence(recording=load_recording("early"), tokenizer=read_tokenizers()["emoji"])
    true = {
        "row 8 column 11 is green at step 18 in the left lane": "row 8 column 11 is blue at step 18 in the left lane",
        "row 8 column 11 stays from step 5 to step 18 in the left lane": "row 8 column 11 stays from step 4 to step 18 "
        "in the left lane",
        "revoked in the left lane = 0": "revoked in the left lane > 0",
        "score of row 8 column 11 at step 5 in the left lane = 0.12": "score of row 8 column 11 at step 5 in the left "
        "lane = 0.13",
    }
    for holds, fails in true.items():
        assert check_claim(holds, evidence) == "" != check_claim(fails, evidence)
    for beyond in ("step 19 in the left", "step 0 in the left", "step 1 in the third"):
        with pytest.raises(ValueError, match="lane"):
            check_claim(f"masked at {beyond} lane = 1", evidence)


def test_the_guide_for_authors_is_right(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its example is a lesson whose claims hold; it lists what can be claimed; its command says what is wrong."""
    guide = (FOLDER / "README.md").read_text(encoding="utf-8")
    example = guide.split("```yaml\n")[1].split("```")[0]
    lesson = read_lesson(example, "example.yaml")
    assert lesson["pages"][0]["claims"] and check_claims(lesson, "example.yaml", read_tokenizers()) == []
    for form in list_forms():
        assert f"`{form}`" in guide, form
    file = tmp_path / "own.yaml"
    file.write_text(example.replace("revoked in the left lane = 0", "revoked in the left lane = 1"), encoding="utf-8")
    from app.tools import lesson as command

    with pytest.raises(SystemExit) as ended:
        cli.run(command.main, [str(file)])
    assert ended.value.code == 2 and "own.yaml, line" in capsys.readouterr().out


def test_recordings_that_lessons_show_are_of_the_shipped_weights(packs: Packs) -> None:
    shown = {recorded_of(lesson, page) for lesson in map(read_shipped, list_names()) for page in lesson["pages"]}
    assert {load_recording(key).weights for key in shown} == {packs.fingerprint("emoji")}
    assert (ROOT / "assets" / "recorded" / "refine.json.gz").is_file() and "refine" in shown
