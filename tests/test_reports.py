"""Reports: drawn once, taken up after a kill, and never mixed with what others made."""

from __future__ import annotations

import dataclasses
import json
import shutil
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.checks import checks_digest
from engine.classifier import extract_features
from engine.config import SampleConfig
from engine.data.pictures import save_pictures
from engine.distance import nearest_distance
from engine.distributed import Group
from engine.evaluate import __main__ as command
from engine.evaluate import exact
from engine.evaluate import samples as sample_store
from engine.evaluate.behaviour import rule_digest
from engine.evaluate.evaluator import Evaluator
from engine.evaluate.report import MUST_MATCH, Report, has_same_sources, read_report
from engine.evaluate.samples import SampleStore, digest_sources
from engine.evaluate.sweep import MAX_WIDENINGS, ROUNDS, SETTINGS_PER_WIDENING, best_settings, list_rows, set_presets
from engine.evaluate.table1 import compare_rows
from engine.generator import Generator
from engine.pack import Pack, open_pack, save_model, save_tokens, write_config
from engine.reports import read_chart, shown_rows
from engine.rules import RULES, Halton
from engine.session import Session, available_packs
from tests.shipped import opened
from tests.tiny import make_whole_pack


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pack:
    monkeypatch.chdir(tmp_path)
    return make_whole_pack(tmp_path / "tiny")


def samples(pack: Pack, store: Path, workers: int = 1) -> SampleStore:
    session = Session.open(pack.path, "cpu", 1)
    return SampleStore(session=session, pictures=pack.pictures(), store=store, workers=workers)


def test_draws_are_taken_up_and_do_not_depend_on_who_shares_the_work(pack: Pack, tmp_path: Path) -> None:
    one, two = samples(pack, tmp_path / "one", workers=1), samples(pack, tmp_path / "two", workers=2)
    config = one.session.settings(rule="maskgit", steps=3, n=45)
    whole = one.tokens(config)
    assert whole.shape == (45, 16) and np.array_equal(whole, two.tokens(config))
    files = sorted((tmp_path / "two").rglob("*.npy"))
    assert len(files) == 3
    files[1].unlink()
    np.save(files[0], np.load(files[0]) * 0)  # what is there is not drawn again
    content = files[2].read_bytes()
    for damaged in (content[:50], content.replace(b"(5, ", b"(10000000000000, ")):  # what is damaged is
        files[2].write_bytes(damaged)
        again = two.tokens(config)
        assert not again[:20].any() and np.array_equal(again[20:], whole[20:])


@dataclasses.dataclass(frozen=True)
class InThread(Group):
    """One of two ranks that are threads of this process."""

    given: list[Any] = dataclasses.field(default_factory=list)
    meeting: threading.Barrier | None = None

    def gather(self, value: Any) -> list[Any]:
        assert self.meeting is not None
        self.given[self.rank] = value
        self.meeting.wait(60)
        found = list(self.given)
        self.meeting.wait(60)
        return found


def test_samples_are_measured_part_by_part_by_all_ranks(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = samples(pack, tmp_path)
    tokens = np.random.default_rng(0).integers(0, 16, (45, 16)).astype(np.uint16)
    images = alone.decode(tokens)
    parts = [extract_features(alone.session.classifier, images[first : first + 7]) for first in range(0, 45, 7)]
    features, logits = (np.concatenate(some) for some in zip(*parts, strict=True))
    expected = (features, logits, nearest_distance(images, alone.train_reconstructed))
    decoded: list[int] = []
    decode = SampleStore.decode
    monkeypatch.setattr(SampleStore, "decode", lambda self, some: decoded.append(len(some)) or decode(self, some))
    monkeypatch.setattr(sample_store, "PART", 7)
    given, meeting = [None, None], threading.Barrier(2)
    groups = [InThread(rank, 2, given=given, meeting=meeting) for rank in (0, 1)]
    first, second = (dataclasses.replace(alone, group=group) for group in groups)
    first.__dict__["reconstructed"] = second.__dict__["reconstructed"] = alone.reconstructed
    with ThreadPoolExecutor(1) as pool:
        helping = pool.submit(second.help)
        found = (*first.features(tokens), first.distances(tokens))
        first.group.first(None)
        helping.result()
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(found[:2], expected[:2], strict=True))
    assert found[2] == pytest.approx(expected[2], rel=1e-5)
    assert sorted(decoded) == [3, 3, *[7] * 12]


def test_more_samples_begin_with_the_same_ones(pack: Pack, tmp_path: Path) -> None:
    mine = samples(pack, tmp_path / "store")
    few, many = (mine.tokens(mine.session.settings(rule="critic", steps=3, n=n)) for n in (20, 40))
    assert np.array_equal(few, many[:20]) and np.array_equal(mine.labels(20), mine.labels(40)[:20])


def test_labels_come_as_often_as_training_draws_them(pack: Pack, tmp_path: Path) -> None:
    pictures = pack.pictures()
    weights = np.where(pictures.labels == 0, 0.5, 1).astype(np.float32)
    splits = np.array(["held" if i == 0 else "train" for i in range(len(pictures))])
    other = dataclasses.replace(pictures, weights=weights, splits=splits)
    mine = dataclasses.replace(samples(pack, tmp_path), pictures=other)
    assert np.bincount(mine.labels(850)) == pytest.approx([250, 600], abs=2)  # 5 pictures of half weight, 6 of whole
    assert mine.key(mine.session.settings(rule="random")) != samples(pack, tmp_path).key(
        mine.session.settings(rule="random")
    )


def test_other_settings_weights_or_arithmetic_are_other_draws(pack: Pack, tmp_path: Path) -> None:
    mine = samples(pack, tmp_path)
    config = mine.session.settings(rule="critic", steps=3)
    assert mine.key(config) == mine.key(dataclasses.replace(config, n=9))
    assert mine.key(config) != mine.key(dataclasses.replace(config, seed=1))
    critic = pack.load("critic")
    next(critic.parameters()).add_(0.1)
    other = save_model(Path(shutil.copytree(pack.path, tmp_path / "other" / pack.name)), "critic", critic)
    session = Session.open(other.path, "cpu", 1)
    assert mine.key(config) != dataclasses.replace(mine, session=session).key(config)
    greedy = mine.session.settings(rule="maskgit", steps=3)  # asks no critic
    assert mine.key(greedy) == dataclasses.replace(mine, session=session).key(greedy)
    write_config(pack.path, {**pack.config, "critic": {**pack.config["critic"], "share_offset": False}})
    untold = Session.open(pack.path, "cpu", 1)  # the same weights, not told how many tokens are new
    assert mine.key(config) != dataclasses.replace(mine, session=untold).key(config)
    in_bf16 = Session.open(pack.path, "cpu", 1, "bfloat16")
    assert mine.key(config) != dataclasses.replace(mine, session=in_bf16).key(config)


def test_in_bf16_trunks_say_nearly_the_same(session: Session) -> None:
    in_bf16 = Session.open(session.pack.path, "cpu", dtype="bfloat16")
    tokens = session.pack.tokens()[:2]
    labels = torch.zeros(2, dtype=torch.long)
    with torch.no_grad():
        for name in ("generator", "critic"):
            exact, near = getattr(session, name)(tokens, labels), getattr(in_bf16, name)(tokens, labels)
            assert near.dtype == torch.float32 and not torch.equal(exact, near)
            assert (exact - near).std() < 0.05 * exact.std()
    assert in_bf16.made_by()["dtype"] == "bfloat16" and session.made_by()["dtype"] == "float32"


@pytest.mark.slow
def test_table1_from_the_command_line(pack: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["table1", f"pack={pack.path}", "n=40", "steps=3", "out=report", "rules=random,maskgit,critic"]
    command.main(words)
    printed = json.loads(capsys.readouterr().out)
    stored = read_report(tmp_path / "report" / "table1.json")
    rows = stored["rows"]
    assert [(r["rule"], r["steps"], r["passes"], r["matched"]) for r in rows] == [
        ("random", 3, 3, False),
        ("maskgit", 3, 3, False),
        ("critic", 3, 5, False),
        ("maskgit", 5, 5, False),
        ("maskgit", 3, 3, True),
        ("maskgit", 8, 8, False),
        ("critic", 8, 15, False),
    ]
    for row in rows:
        assert row["n"] == 40 and row["fid_ci"][0] < row["fid"] < row["fid_ci"][1] and row["seconds_per_picture"] > 0
        assert row["dtype"] == "float32" and row["made_by"]["threads"] == 1
    equal = printed["claim"]["equal_steps"]
    assert equal["n"] == 40 and equal["fid_ratio"] == rows[2]["fid"] / rows[1]["fid"]
    assert equal["fid_ratio_ci"][0] <= equal["fid_ratio"] <= equal["fid_ratio_ci"][1]
    assert printed["claim"]["equal_passes"]["kid_difference"] == rows[2]["kid"] - rows[3]["kid"]
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"table1.json", "table1.md", "table1.png"}
    capsys.readouterr()
    command.main(["classes", f"pack={pack.path}", "out=report"])
    found = json.loads(capsys.readouterr().out)
    for name, row in (("random 3", rows[0]), ("critic 3", rows[2])):
        of_row = [rows_of_class[name] for rows_of_class in found.values()]
        assert sum(one["n"] for one in of_row) == 40
        assert sum(one["n"] * one["share"] for one in of_row) == pytest.approx(40 * row["class_accuracy"])
    table = (tmp_path / "report" / "table1.md").read_text().splitlines()
    assert len([line for line in table if line.startswith("| ")]) == 1 + 7 and "K 0.3, a 0, b 1" in table[4]
    shutil.rmtree("runs")
    command.main(words)  # nothing is drawn again
    assert not list(Path("runs").rglob("*.npy"))
    assert [r["tokens_sha256"] for r in read_report(tmp_path / "report" / "table1.json")["rows"]] == [
        r["tokens_sha256"] for r in rows
    ]
    command.main([*words[:2], "n=20", "steps=3", "out=report", "rules=random"])  # its table is of its own rows
    assert "MaskGIT" not in (tmp_path / "report" / "table1.md").read_text()
    assert len(read_report(tmp_path / "report" / "table1.json")["rows"]) == 8
    chart = read_chart(tmp_path / "report", "table1")
    assert chart is not None and [row["rule"] for row in chart.rows] == ["random"], "and its chart"
    capsys.readouterr()
    command.main(["classes", f"pack={pack.path}", "out=report"])
    assert {name for one in json.loads(capsys.readouterr().out).values() for name in one} == {"random 3"}


def test_a_row_that_was_measured_stays_when_the_rest_is_not(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["table1", f"pack={pack.path}", "n=5", "steps=2", "out=report", "rules=halton,random"]
    whole = Evaluator.measure_row
    monkeypatch.setattr(
        Evaluator, "measure_row", lambda self, config: 1 / 0 if config.rule == "random" else whole(self, config)
    )
    with pytest.raises(ZeroDivisionError):
        command.main(words)
    monkeypatch.setattr(
        Evaluator, "measure_row", lambda self, config: 1 / 0 if config.rule == "halton" else whole(self, config)
    )
    command.main(words)
    rows = read_report(Path("report/table1.json"))["rows"]
    assert [row["rule"] for row in rows] == ["halton", "random"] and all(row["seconds_per_picture"] for row in rows)


def test_until_all_is_measured_anew_a_report_shows_what_it_showed(tmp_path: Path) -> None:
    shared = {"weights_sha256": {}, "pictures_sha256": "", "definitions": {}}

    def row(rule: str, weights: str, n: int = 5) -> dict[str, Any]:
        settings = {"rule": rule, "steps": 2, "matched": False, "n": n, "dtype": "float32", "settings": {}}
        return {**settings, "made_of": {"generator": weights}, "outputs": {}, "kid": 0.1}

    older = [row("maskgit", "a"), row("critic", "a"), row("maskgit", "a", n=4)]
    report = Report(tmp_path / "report.json", shared)
    report.content["rows"] = list(older)
    report.show(older[:2])
    report.save()
    report = Report(tmp_path / "report.json", shared)
    first = report.get_or_measure(row("maskgit", "b"), lambda: row("maskgit", "b"))
    with pytest.raises(ZeroDivisionError):
        report.get_or_measure(row("critic", "b"), lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    assert shown_rows(read_report(report.file)) == older[:2]
    again = Report(tmp_path / "report.json", shared)
    assert again.get_or_measure(row("maskgit", "b"), lambda: pytest.fail("measured again")) == first
    again.show([first, again.get_or_measure(row("critic", "b"), lambda: row("critic", "b"))])
    assert again.rows == [row("maskgit", "b"), row("critic", "b"), older[2]]


def test_no_row_has_more_steps_than_can_be(pack: Pack) -> None:
    session = Session.open(pack.path, "cpu", 1)
    rows = [
        (cell.rule, cell.steps)
        for cell in list_rows(session, ("maskgit", "critic"), 5, 200, 0, "maskgit")
        if not cell.matched
    ]
    assert rows == [("maskgit", 200), ("critic", 200), ("maskgit", 8), ("critic", 8)]


def test_intervals_need_5_pictures_that_were_trained_on(pack: Pack, tmp_path: Path) -> None:
    session, whole = Session.open(pack.path, "cpu", 1), pack.pictures()

    def evaluator(count: int) -> Evaluator:
        some = whole.subset(whole.pick_evenly("train", count))
        save_pictures(some, pack.path / "data")
        save_tokens(pack, some.read(np.arange(count)))
        return Evaluator.open(session, tmp_path / "draws")

    with pytest.raises(ValueError, match="too few pictures"):
        evaluator(4)
    row = evaluator(5).measure_row(session.settings(rule="random", steps=2, n=40))
    assert all(np.isfinite(row["precision_ci"]))


def test_fids_over_different_numbers_are_not_compared() -> None:
    mine = {"n": 5000, "fid": 3.0, "fid_first": 4.0, "kid": 0.1, "without_group": {}}
    assert compare_rows(mine, {**mine, "n": 64}) == {}
    assert compare_rows(mine, {**mine, "n": 2000, "fid_first": 8.0})["fid_ratio"] == 0.5
    assert compare_rows(mine, {**mine, "fid": 6.0})["fid_ratio"] == 0.5


def test_a_report_of_other_weights_is_left_alone(pack: Pack, tmp_path: Path) -> None:
    words = ["table1", f"pack={pack.path}", "n=5", "steps=2", "out=report", "rules=halton"]
    command.main(words)
    file = tmp_path / "report" / "table1.json"
    content = read_report(file)
    content["weights_sha256"]["classifier"] = "0" * 64
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="move it away"):
        command.main(words)
    assert json.loads(file.read_text()) == content
    file.write_text("{")
    with pytest.raises(ValueError, match="no report"):
        command.main(words)


def without_seconds(row: Mapping[str, Any]) -> dict[str, Any]:
    """They are measured again for the whole table."""
    return {name: value for name, value in row.items() if name != "seconds_per_picture"}


def test_rows_of_another_generator_or_rule_are_measured_again_and_no_others(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["table1", f"pack={pack.path}", "n=5", "steps=2", "out=report", "rules=halton,critic-locked"]
    command.main(words)
    before = read_report(Path("report/table1.json"))["rows"]
    critic = pack.load("critic")
    next(critic.parameters()).add_(0.1)
    save_model(pack.path, "critic", critic)
    command.main(words)
    halton, locked = read_report(Path("report/table1.json"))["rows"]
    assert without_seconds(halton) == without_seconds(before[0]), "another critic leaves what asks none"
    assert locked["made_of"]["critic"] != before[1]["made_of"]["critic"]
    with monkeypatch.context() as changed:
        changed.setattr(Halton, "own_count", lambda self, s, now: now - 1)
        rule_digest.cache_clear()
        command.main(words)
        again, same = read_report(Path("report/table1.json"))["rows"]
    rule_digest.cache_clear()
    assert again["made_of"]["rule"] != halton["made_of"]["rule"]
    assert without_seconds(same) == without_seconds(locked)
    monkeypatch.setattr(Generator, "logits", lambda self, states: 2 * states @ self.token.weight[: self.codes].T)
    command.main(words)
    assert not has_same_sources(read_report(Path("report/table1.json"))["rows"][1], same), (
        "nor is another network the same"
    )


@pytest.mark.slow
def test_a_sweep_finds_settings_that_table1_uses(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """KID is low at K = 5, a = 0.1, b = 1.1 in the first rounds, and at one of the next best in the last."""

    def row(self: Evaluator, config: SampleConfig) -> dict[str, Any]:
        own = config.parameters
        if "choice_temperature" in own:
            far = abs(own["choice_temperature"] - 15)  # beyond the values that are named
        else:
            far = abs(own["noise_K"] - 5) / 4 + abs(own["temp_a"] - 0.1) + abs(own["temp_b"] - 1.1)
        last = config.seed == ROUNDS[-1].seed and far > 0
        return {**self.identity(config), "kid": far - 10 * last, "passes": config.passes}

    monkeypatch.setattr(Evaluator, "_measure_kid", row)
    words = [f"pack={pack.path}", "settings=[60,6,3]", "pictures=[20,24,40]"]
    command.main(["sweep", *words, "rules=critic", "steps=3", "preset=true"])
    content = read_report(pack.path / "reports" / "sweep.json")
    winner = content["best"][0]
    tried = [[row["settings"] for row in content["rows"] if row["settings"]["seed"] == one.seed] for one in ROUNDS]
    assert [len(some) for some in tried] == winner["settings_tried"] and len(tried[0]) == 60
    assert {row["n"] for row in content["rows"]} == {20, 24, 40}
    near = {"noise_K": 5.0, "temp_a": 0.1, "temp_b": 1.1}
    assert any(near.items() <= one.items() for one in tried[0]), "neighbours of the best lead there"
    assert any(near.items() <= one.items() for one in tried[2]) and winner["settings"] != near
    assert winner["at_an_end"] == [] and winner["pictures"] == sum(row["n"] for row in content["rows"])
    command.main(["sweep", *words, "rules=maskgit", "steps=2", "preset=true"])
    content = read_report(pack.path / "reports" / "sweep.json")
    other = content["best"][1]
    assert content["best"][0] == winner and other["rule"] == "maskgit"
    assert other["settings"]["choice_temperature"] > 12, "it goes beyond the values that the rule names"
    before = len(content["rows"])
    command.main(["sweep", *words, "rules=maskgit", "steps=2"])  # nothing is measured again
    assert len(read_report(pack.path / "reports" / "sweep.json")["rows"]) == before
    again = open_pack(pack.path)
    assert best_settings(again, "critic", 3) == winner["settings"] and best_settings(again, "critic", 4) == {}
    assert again.presets == {"critic": winner["settings"], "maskgit": other["settings"]}
    assert Session.open(pack.path, "cpu", 1).settings(rule="critic").parameters == winner["settings"]
    found = list_rows(Session.open(pack.path, "cpu", 1), ("maskgit", "critic"), 20, 2, 0, "maskgit")
    plain, matched = (
        next(one for one in found if one.rule == "maskgit" and one.matched is kind) for kind in (False, True)
    )
    assert plain.parameters == other["settings"] and "choice_temperature" not in matched.parameters
    assert {file.name for file in (pack.path / "reports").iterdir()} == {
        "sweep.json",
        "sweep-critic-3.png",
        "sweep-maskgit-2.png",
    }
    weights = Pack(path=pack.path, config={**pack.config, "sha256": {**pack.config["sha256"], "critic": "0" * 64}})
    with pytest.raises(ValueError, match="other weights"):
        best_settings(weights, "critic", 3)
    assert best_settings(weights, "maskgit", 2) == other["settings"], "another critic changes nothing for MaskGIT"
    with pytest.raises(ValueError, match="other weights"):
        set_presets(weights, content["best"])


def test_a_search_that_cannot_try_all_combinations_tries_all_values(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Self-revoking names 54 combinations. The first 36 of them leave out one K."""
    monkeypatch.setattr(
        Evaluator,
        "_measure_kid",
        lambda self, config: {**self.identity(config), "kid": config.parameters["noise_K"], "passes": config.passes},
    )
    words = [f"pack={pack.path}", "settings=[36,2,1]", "pictures=[20,24,40]", "rules=self-revoking", "steps=2"]
    command.main(["sweep", *words, "out=report"])
    rows = [row for row in read_report(Path("report/sweep.json"))["rows"] if row["n"] == 20]
    for name, spec in RULES["self-revoking"].parameters().items():
        assert {row["settings"][name] for row in rows} >= set(spec.metadata["values"]), name


def test_rows_of_older_weights_leave_a_search_and_a_preset_keeps_its_schedule(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Evaluator, "_measure_kid", lambda self, config: {**self.identity(config), "kid": 0.1, "passes": config.passes}
    )
    presets = {"halton": {"temp_a": 0.5}, "random": {"schedule": "linear", "temp_b": 0.7}}
    write_config(pack.path, {**pack.config, "presets": presets})
    words = [f"pack={pack.path}", "settings=[2,1,1]", "pictures=[20,24,40]", "steps=2", "preset=true"]
    command.main(["sweep", *words, "rules=halton,random"])
    file = pack.path / "reports" / "sweep.json"
    content = read_report(file)
    found = open_pack(pack.path)
    assert found.presets["random"] == {"schedule": "linear", **content["best"][1]["settings"]}
    assert best_settings(found, "random", 2) == content["best"][1]["settings"]
    kept = [row for row in content["rows"] if row["rule"] == "random"]
    older = [{**row, "made_of": {**row["made_of"], "generator": "0" * 64}, "n": 99} for row in content["rows"]]
    file.write_text(json.dumps({**content, "rows": [*content["rows"], *older]}))
    command.main(["sweep", *words, "rules=random"])
    rows = read_report(file)["rows"]
    assert [row for row in rows if row["rule"] == "random"] == kept
    assert sum(row["n"] == 99 for row in rows) == sum(row["rule"] == "halton" for row in older), "others stay"


def test_a_sweep_leaves_the_ends_of_what_was_tried_where_it_may(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """KID falls without end with the choice temperature: it is widened as often as may be, and then said to be open."""
    monkeypatch.setattr(
        Evaluator,
        "_measure_kid",
        lambda self, config: {
            **self.identity(config),
            "kid": -config.parameters["choice_temperature"],
            "passes": config.passes,
        },
    )
    words = [f"pack={pack.path}", "settings=[30,6,3]", "pictures=[20,24,40]", "rules=maskgit", "steps=2", "out=report"]
    command.main(["sweep", *words])
    found = read_report(Path("report/sweep.json"))["best"][0]
    assert "choice_temperature" in found["at_an_end"] and found["settings"]["choice_temperature"] > 20
    assert found["settings_tried"][0] == 30 + MAX_WIDENINGS * SETTINGS_PER_WIDENING


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["table1", "rules=foo"], "unknown rule 'foo'"),
        (["table1", "n=0"], "n=0"),
        (["table1", "dtype=half"], "unknown dtype"),
        (["sweep", "settings=[0,1,1]"], "settings=0"),
        (["sweep", "pictures=7"], "pictures=7"),
        (["sweep", "n=9"], "pictures="),
        (["table1", "micro_batch=-1"], "micro_batch=-1"),
        (["sweep", "preset=1"], "preset=1"),
        (["table1", "seed=1001"], "seed=1001"),
        (["table1", "seed=-1"], "seed=-1"),
        (["steps", "rules=maskgit"], "steps does not read rules=: it takes .* n, seed"),
        (["table1", "threads=2"], "table1 does not read threads="),
    ],
)
def test_mistakes_are_said_before_anything_is_drawn(pack: Pack, words: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        command.main([*words, f"pack={pack.path}"])
    assert not Path("runs").exists() and not (pack.path / "reports").exists()


def test_a_pack_without_a_classifier_says_how_to_get_one(pack: Pack) -> None:
    (pack.path / "classifier.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="classifier"):
        command.main(["table1", f"pack={pack.path}"])


@pytest.mark.slow
def test_the_small_report_of_the_shipped_pack_comes_out_again(session: Session, tmp_path: Path) -> None:
    """The same samples where this machine's networks compute as those of the one that made it, and the figures of the
    same samples but for rounding, since their arithmetic is not among what `numerics` compares. Elsewhere within the
    report's tolerance.

    Made by: python -m engine.evaluate table1 n=40 steps=2 rules=random,critic out=weights/emoji/reports/check
    """
    stored = read_report(session.pack.path / "reports" / "check" / "table1.json")
    (tmp_path / "table1.json").write_text(json.dumps({**stored, "rows": []}))  # what real pictures get takes long
    words = ["n=40", "steps=2", "rules=random,critic", f"pack={session.pack.path}", f"out={tmp_path}"]
    command.main(["table1", *words, f"runs={tmp_path / 'runs'}"])
    again = read_report(tmp_path / "table1.json")
    for name in ("weights_sha256", "pictures_sha256", "definitions"):
        assert again[name] == stored[name], "make the stored report again"
    assert len(again["rows"]) == len(stored["rows"]) == 2
    for new, old in zip(again["rows"], stored["rows"], strict=True):
        assert new["settings"] == old["settings"], "make the stored report again"
        if new["numerics"] == old["numerics"]:
            for name in ("passes", "n", "dtype", "tokens_sha256"):
                assert new[name] == old[name]
            for name in ("fid", "fid_first", "kid", "is", "nearest"):
                assert new[name] == pytest.approx(old[name], rel=1e-3)
            for name in ("precision", "recall", "class_accuracy", "near"):  # a picture may stand at the very edge
                assert new[name] == pytest.approx(old[name], abs=1.01 / old["n"])
        for name in ("fid", "kid", "is", "precision", "recall", "class_accuracy"):
            low, high = old[f"{name}_ci"]
            assert low <= new[name] <= high


@pytest.mark.parametrize(
    ("pack_name", "name"),
    [
        *(("emoji", name) for name in ("table1", "sweep", "check/table1")),
        *(("avatars", name) for name in ("table1", "sweep", "exact")),
    ],
)
def test_the_shipped_reports_are_of_the_shipped_weights_pictures_and_rules(pack_name: str, name: str) -> None:
    evaluator = opened(pack_name)
    pack = evaluator.session.pack
    report = read_report(pack.path / "reports" / f"{name}.json", "checks" if name == "exact" else "kid")
    shared = evaluator.provenance(judged=name != "exact")
    if name == "exact":
        shared["definitions"] = {**exact.DEFINITIONS, "checks_sha256": checks_digest()}
    assert [report[key] for key in MUST_MATCH] == [json.loads(json.dumps(shared[key])) for key in MUST_MATCH]
    for row in [*report["rows"], *report.get("best", [])]:
        schedule = row["settings"].get("schedule", "cosine")
        assert row["made_of"] == digest_sources(pack, row["rule"], schedule), f"{row['rule']}: measure it again"


@pytest.mark.parametrize("pack_name", available_packs())
@pytest.mark.parametrize("name", ["auc", "tokenizer"])
def test_shipped_figures_that_a_command_only_prints_are_of_the_shipped_weights(pack_name: str, name: str) -> None:
    pack = open_pack(pack_name)
    report = json.loads((pack.path / "reports" / f"{name}.json").read_text(encoding="utf-8"))
    assert report["weights_sha256"] == {kind: pack.digest(kind) for kind in report["weights_sha256"]} != {}
    assert report["command"].startswith(f"python -m engine.evaluate {name}")


@pytest.mark.parametrize("name", ["table1", "sweep"])
@pytest.mark.parametrize("pack_name", available_packs())
def test_the_paper_s_critic_is_compared_with_the_shipped_generator(pack_name: str, name: str) -> None:
    evaluator = opened(pack_name)
    pack = evaluator.session.pack
    report, shared = read_report(pack.path / "reports" / "paper-critic" / f"{name}.json"), evaluator.provenance()
    assert [report[key] for key in MUST_MATCH] == [json.loads(json.dumps(shared[key])) for key in MUST_MATCH]
    sources = [row["made_of"] for row in report["rows"]]
    own = digest_sources(pack, "critic", "cosine")
    assert all({**one, "critic": own["critic"]} == own for one in sources), "all but the critic are the shipped ones"
    assert len({one["critic"] for one in sources} | {own["critic"]}) == 2, "one other critic"


@pytest.mark.parametrize("pack", available_packs())
def test_the_shipped_search_has_winners_that_the_page_starts_with(pack: str) -> None:
    found, presets = read_report(Path("weights") / pack / "reports" / "sweep.json"), open_pack(pack).presets
    searched = {(one["rule"], one["steps"]) for one in found["best"]}
    assert searched == {*((rule, 18) for rule in RULES), ("maskgit", 35), ("maskgit", 8), ("critic", 8)}
    assert [one["rule"] for one in found["best"] if one["at_an_end"]] == [], "the winners lie inside"
    for one in found["best"]:
        tried = [row["settings"] for row in found["rows"] if (row["rule"], row["steps"]) == (one["rule"], one["steps"])]
        for name, spec in RULES[one["rule"]].parameters().items():
            assert {row[name] for row in tried} >= set(spec.metadata["values"]), f"{one['rule']}: {name}"
        if one["steps"] == 18:
            assert presets[one["rule"]] == one["settings"]
