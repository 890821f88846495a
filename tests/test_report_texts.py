"""What reports say is said in Korean, too: all of the shipped ones, and all that the engine could say."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from app.text.reports import say_report
from app.text.words import ENGLISH, words
from engine.pack import open_pack
from engine.reports import Chart, read_charts
from tests.test_languages import english_in

PACKS = ("emoji", "avatars")
ALIKE = re.compile(r"[\d.]+")
NAMES = re.compile("|".join(words(ENGLISH)["names"]["classes"]))


def texts(chart: Chart) -> Iterator[str]:
    """All that a chart says."""
    yield from (chart.method, *chart.findings, chart.x.label, chart.y.label, chart.floor_name)
    yield from (one.heading for one in chart.columns)
    yield from (one["name"] for one in chart.paper)
    for row in chart.rows:
        yield from (row["series"], row["point"])


CHARTS = {f"{pack} {one.name}": one for pack in PACKS for one in read_charts(open_pack(pack).path / "reports")}


@pytest.mark.parametrize("name", CHARTS)
def test_a_shipped_report_is_said_in_korean(name: str) -> None:
    unlike = {ALIKE.sub("", text): text for text in texts(CHARTS[name])}.values()
    said = {text: say_report("ko", text) for text in unlike}
    assert not {text: one for text, one in said.items() if english_in(NAMES.sub("", one))}
    assert not [one for one in said.values() if re.search(r"\([가이은는을를와과으]+\)", one)], "particles are chosen"
    assert all(say_report(ENGLISH, text) == text for text in said)


@pytest.mark.parametrize(
    "english, korean",
    [
        (
            "Token-Critic's FID is 0.30 (0.20–0.44) of MaskGIT's at equal passes and 1.00 at equal steps.",
            "Token-Critic의 FID는 순전파 수가 같으면 MaskGIT의 0.30배(0.20–0.44), 단계 수가 같으면 1.00배입니다.",
        ),
        (
            "Over the same number of pictures FID is lowest for Critic, locked with 35 passes, 0.69.",
            "같은 수의 그림에서 FID가 가장 낮은 것은 크리틱, 철회 없음(순전파 35회), 0.69입니다.",
        ),
        (
            "No search at so many steps was done for MaskGIT with 3 passes, Critic, locked with 5 passes: "
            "the settings are the pack's presets.",
            "다음은 그 단계 수에서 탐색하지 않았으므로 모델의 기본 설정을 씁니다: "
            "MaskGIT(순전파 3회), 크리틱, 철회 없음(순전파 5회).",
        ),
        ("MaskGIT, matched, 18 steps", "MaskGIT, 조건 맞춤, 18단계"),
        ("Critic, locked, as the critic: K 1.1, a 0, b 1", "크리틱, 철회 없음, 크리틱의 설정: K 1.1, a 0, b 1"),
        ("-0.0021 (-0.0062 to 0.0020)", "-0.0021 (-0.0062 ~ 0.0020)"),
        ("made by hand", "made by hand"),
    ],
)
def test_phrases_are_said_as_they_are_put_together(english: str, korean: str) -> None:
    assert say_report("ko", english) == korean
