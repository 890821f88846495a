"""The texts agree with the reports: each number in them is read from one, or it is said where else it is from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.text.words import FOLDER
from engine.evaluate import __main__ as command
from engine.evaluate.ratios import load_table, measure_ratios
from tests.quotes import FIGURE, NO_FIGURE, PLACE, ROOT, TABLE, filled, one_line, section, sentences

RATIO = re.compile(r"\{([^{}\[\]/]+) / ([^{}\[\]]+)\[")  # of two rows, in quotes.yaml
TEXTS = pytest.mark.parametrize("text", TABLE["texts"], ids=lambda text: text["file"])


@TEXTS
def test_each_quoted_number_is_the_one_of_the_report(text: Mapping[str, Any]) -> None:
    found = section(text["file"], text["section"])
    wrong = [said for _, said in sentences(text) if said not in found]
    assert not wrong, f"{text['file']} does not say, as the reports do:\n" + "\n".join(wrong)


@TEXTS
def test_each_number_of_the_text_is_covered(text: Mapping[str, Any]) -> None:
    """By a sentence of quotes.yaml, or by one that says where else it is from."""
    found = section(text["file"], text["section"])
    for said in [*(said for _, said in sentences(text)), *map(one_line, text["elsewhere"])]:
        assert said in found, f"{text['file']} does not say {said!r} any more: take it out of quotes.yaml"
        found = found.replace(said, "…")
    found = NO_FIGURE.sub("…", found)
    loose = [found[max(0, one.start() - 60) : one.end() + 20] for one in FIGURE.finditer(found)]
    assert not loose, f"{text['file']}: numbers that no line of quotes.yaml reads from a report:\n" + "\n".join(loose)


@TEXTS
def test_no_number_of_a_report_is_written_out_in_a_template(text: Mapping[str, Any]) -> None:
    """Else it would be compared with itself."""
    for template, _ in sentences(text):
        assert not FIGURE.search(NO_FIGURE.sub("", PLACE.sub("", template))), template


def test_a_wrong_number_is_found_and_so_is_one_that_nobody_reads() -> None:
    row = {"fid": 0.6791, "fid_ci": [0.589, 0.7712], "near": 0.0151, "lead": 0.0926, "lead_ci": [0.0856, 0.0983]}
    assert filled("FID {[fid]:.2f~}, {[near]:.1p} %, {[lead]:+.3f~}", row) == (
        "FID 0.68 (0.59–0.77), 1.5 %, +0.093 (+0.086 to +0.098)"
    )
    assert filled("{[fid]:-.2f}", row) == "0.59–0.77"
    loose = "FID 0.69, 13 and 8 % of 180, `a=0.1`, [here](x-1.2/y) in version 1.2, 18 steps"
    assert FIGURE.findall(NO_FIGURE.sub("…", loose)) == ["0.69", "13", "8"]


def test_the_page_quotes_no_figure_of_a_report() -> None:
    """It reads its numbers from recordings, weights and reports; the card, which it shows, is among the texts above."""
    of_reports = ("results", "reports")  # names of figures, and places for them
    for file in (one for one in FOLDER.glob("*/*") if one.suffix in (".yaml", ".md") and one.stem not in of_reports):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert not re.search(r"\b(FID|KID|AUC)\b", line), line.strip()


def _find_report(row: str) -> tuple[str, str]:
    """The folder of a quoted row's report, and the row's name in it."""
    prefix = max((one for one in TABLE["reports"] if row.startswith(one)), key=len)
    return TABLE["reports"][prefix], row.removeprefix(prefix).strip()


def test_a_command_prints_the_ratios(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder, other = (ROOT / TABLE["reports"][prefix] for prefix in ("", "paper"))
    command.main(["ratios", f"out={folder}", f"against={other}"])
    printed = json.loads(capsys.readouterr().out)
    assert printed == measure_ratios(folder, other)
    beside, alone = printed["critic 18"], measure_ratios(folder, folder)["critic 18"]
    assert beside["critic 18"]["n"] == 5000 and alone["critic-locked 18"]["n"] == 2000 and "critic 18" not in alone
    assert alone["maskgit 35"] == load_table(folder)["claim"]["equal_passes"]
    compared = cache(lambda one, other: measure_ratios(ROOT / one, ROOT / other))
    quotes = one_line((ROOT / "tests" / "quotes.yaml").read_text(encoding="utf-8"))
    for mine, theirs in set(RATIO.findall(quotes)):
        (report, row), (against, over) = _find_report(mine), _find_report(theirs)
        assert compared(report, against)[row][over], f"{mine} / {theirs}"
    with pytest.raises(FileNotFoundError, match="table1"):
        measure_ratios(folder, ROOT / "tests")
    (tmp_path / "table1.json").write_text(json.dumps({**load_table(folder), "pictures_sha256": "of others"}))
    with pytest.raises(ValueError, match="do not compare"):
        measure_ratios(folder, tmp_path)
