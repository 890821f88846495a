"""A rule of 25 lines, with two parameters of its own, is found everywhere: nothing else knows rules by name."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from torch import Tensor, arange

from app.context import Context
from app.features.exports import export_run
from app.features.presets import FIRST, play_preset
from app.features.replay import replay
from app.packs import Packs
from app.tools.browser import run_page, serve_page
from engine import sample
from engine.evaluate import __main__ as evaluate
from engine.evaluate.behaviour import rule_digest
from engine.evaluate.report import read_report
from engine.pack import Pack
from engine.rule import Proposal, Rule, parameter
from engine.rules import RULES
from engine.schedule import SCHEDULES
from tests.fakes_app import new_context, run
from tests.pages import PATIENCE, UNFOLDED
from tests.tiny import make_whole_pack


@dataclass(frozen=True, kw_only=True)
class Centre(Rule):
    """The middle of the picture first."""

    pull: float = parameter(
        1.0, "how strongly the middle draws", low=0, high=4, values=(0.5, 1.0), symbol="π", kind="score"
    )
    shake: float = parameter(
        0.2, "uniform noise at the start", low=0, high=2, values=(0.0, 0.2), symbol="σ", kind="ranking"
    )

    name = "centre"
    label = "Centre first"

    def scores(self, proposal: Proposal) -> Tensor:
        at = (arange(self.num_tokens) / self.num_tokens - 0.5).abs() * self.pull
        return (1 - at).expand(len(proposal.filled), -1)

    def own_ranked(self, scores: Tensor, proposal: Proposal) -> Tensor:
        u = proposal.noise.uniform(proposal.s, "rank", scores.shape[1:], scores.device)
        return scores + self.shake * self.t_over_T(proposal.s) * u


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pack:
    monkeypatch.setitem(RULES, Centre.name, Centre)
    monkeypatch.chdir(tmp_path)
    return make_whole_pack(tmp_path / "tiny")


def test_it_has_25_lines() -> None:
    assert len(inspect.getsource(Centre).splitlines()) <= 25


def test_a_new_rule_is_in_the_commands(pack: Pack, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        sample.main(["--help"])
    said = capsys.readouterr().out
    assert "pull" in said and "how strongly the middle draws; 0 to 4, 1; centre" in said
    sample.main([f"pack={pack.path}", "rule=centre", "pull=0.5", "steps=3", "n=2", "out=out"])
    settings = json.loads(Path("out/trace.json").read_text())["settings"]
    assert (settings["rule"], settings["pull"], settings["shake"]) == ("centre", 0.5, 0.2)
    for wrong in ("pull=5", "shake=-1", "pull=x", "eta=1"):
        with pytest.raises(ValueError, match=wrong.split("=")[0]):
            sample.main([f"pack={pack.path}", "rule=centre", wrong, "out=out"])


@pytest.mark.slow
def test_a_new_rule_is_in_the_reports(pack: Pack) -> None:
    words = [f"pack={pack.path}", "rules=centre", "steps=3", "out=report"]
    evaluate.main(["sweep", *words, "settings=[5,2,1]", "pictures=[16,16,16]"])
    found = read_report(Path("report/sweep.json"))
    assert found["best"][0]["settings"].keys() == {"shake", "temp_a", "temp_b", "pull"}
    assert len({row["settings"]["shake"] for row in found["rows"]}) > 1
    assert Path("report/sweep-centre-3.png").is_file()
    evaluate.main(["table1", *words, "n=16"])
    table = Path("report/table1.md").read_text()
    assert "| Centre first | σ 0.2, a 0, b 1, π 1 | 3 | 3 | 16 |" in table


def test_runs_that_were_stored_before_a_new_rule_open_after_it(monkeypatch: pytest.MonkeyPatch, packs: Packs) -> None:
    context = new_context()
    file = export_run(context, run(context)[0]["run"], "json", "all", 0)[1]
    monkeypatch.setitem(RULES, Centre.name, Centre)
    opened, recorded = list(replay(new_context(), file)), list(play_preset(Context(packs=packs), FIRST))
    assert opened[-1]["why"] == "opened" and recorded[-1]["why"] == "recorded"
    for begin in (opened[0], recorded[0]):
        assert [begin["ask"][f"{name}_{lane}"] for lane in (1, 2) for name in ("pull", "shake")] == [1.0, 0.2] * 2


def test_a_new_rule_leaves_what_is_stored_of_the_others(pack: Pack) -> None:
    before = {name: rule_digest(name, "cosine") for name in RULES}
    rule_digest.cache_clear()
    del RULES[Centre.name]
    try:
        assert all(rule_digest(name, "cosine") == before[name] for name in RULES)
    finally:
        RULES[Centre.name] = Centre
    assert len(set(before.values())) == len(before)


def test_what_changes_no_sample_changes_no_digest_and_what_does_does(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other values for a sweep, another default, another help; and a schedule only for those that take it."""
    before = {name: rule_digest("centre", name) for name in ("cosine", "root")}

    @dataclass(frozen=True, kw_only=True)
    class Same(Centre):
        pull: float = parameter(0.3, "another help", low=0, high=9, values=(0.1,), symbol="x", kind="score")

    monkeypatch.setitem(RULES, "centre", Same)
    monkeypatch.setitem(SCHEDULES, "root", lambda done: 1 - done)
    rule_digest.cache_clear()
    try:
        assert rule_digest("centre", "cosine") == before["cosine"] and rule_digest("centre", "root") != before["root"]
    finally:
        rule_digest.cache_clear()


@pytest.fixture
def address(pack: Pack) -> Iterator[str]:
    with serve_page(Packs(pack.path, others=[])) as address:
        yield address


def test_a_new_rule_is_on_the_page_and_in_a_link(address: str, browser: Any) -> None:
    def visit(url: str) -> Any:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        page.add_init_script(UNFOLDED)
        page.goto(url)
        page.wait_for_function("() => window.tokenCritic?.state.planned")
        return page

    page = visit(address)
    page.select_option("#tc-settings-1 .tc-x-rule select", label="Centre first")
    page.wait_for_function("() => tokenCritic.state.planned.lanes[0].settings.rule === 'centre'")
    control = page.locator("#tc-settings-1 .block.tc-x-pull")
    control.wait_for(state="visible")
    assert page.locator("#tc-settings-1 .block.tc-x-shake").is_visible()
    assert not page.locator("#tc-settings-1 .block.tc-x-choice_temperature").is_visible()
    assert "π" in control.inner_text()
    control.locator("input[type=range]").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => tokenCritic.state.planned.lanes[0].settings.pull === 0.95")
    control.locator(".tc-ask").click()
    assert "how strongly the middle draws" in page.locator(".tc-explained").inner_text()
    page.keyboard.press("Escape")
    run_page(page)
    link = page.evaluate("() => tokenCritic.address.address")
    asked = parse_qs(urlparse(link).query)
    assert asked["rule_1"] == ['"centre"'] and asked["pull_1"] == ["0.95"]
    other = visit(link)
    other.wait_for_function("() => tokenCritic.state.run.why === 'done'")
    assert other.evaluate("() => tokenCritic.state.shown.lanes[0].settings.pull") == 0.95
    assert "exactly" in other.text_content(".tc-notice")
