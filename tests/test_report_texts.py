"""What reports say is said in Korean, too: all of the shipped ones, and what is seldom said."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.context import Context
from app.features import results
from app.features.results import read_results
from app.packs import Packs
from app.text.particles import JOINER
from app.text.reports import say_report
from app.text.words import ENGLISH, languages, words
from engine.pack import open_pack
from engine.reports import Chart, read_charts
from tests.test_languages import english_in
from tests.tiny import make_whole_pack

PHRASES = Path(__file__).parent / "fixtures" / "report_phrases.json"
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


@pytest.mark.parametrize(("english", "korean"), json.loads(PHRASES.read_text(encoding="utf-8")))
def test_what_is_seldom_said_is_put_together_right(english: str, korean: str) -> None:
    assert say_report("ko", english).replace(JOINER, "") == korean


def test_a_report_that_cannot_be_said_is_left_out(tmp_path: Path) -> None:
    pack = make_whole_pack(tmp_path / "tiny")
    (pack.path / "reports").mkdir()
    shutil.copy(open_pack("emoji").path / "reports" / "table1.json", pack.path / "reports")
    file, context = pack.path / "reports" / "table1.json", Context(packs=Packs(pack.path, threads=1, others=[]))
    content = json.loads(file.read_text(encoding="utf-8"))
    for findings in (["All is well."], [3], [None], [["a"]], ["a word, " * 2000], ["with passes, " * 150], 3):
        file.write_text(json.dumps({**content, "findings": findings}), encoding="utf-8")
        for language in languages():
            found = read_results(dataclasses.replace(context, language=language), "tiny")["charts"]
            assert all(isinstance(one, str) for chart in found for one in chart["findings"])
            assert len(found) == 2 or findings != ["All is well."]


def test_a_class_keeps_its_name_whatever_it_says() -> None:
    row = {"series": "MaskGIT, 18 steps", "point": "before", "class": "before"}
    chart = dataclasses.replace(CHARTS["emoji classes"], rows=[row])
    assert results._say(chart, "ko").rows[0]["point"] == "before"
