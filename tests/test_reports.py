"""Reports: drawn once, taken up after a kill, and never mixed with what others made."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.evaluate import __main__ as command
from engine.evaluate.draws import Draws
from engine.evaluate.judge import Judge
from engine.evaluate.report import read
from engine.evaluate.sweep import GRIDS, best, best_settings
from engine.pack import Pack, open_pack
from engine.session import Session
from tests.tiny import make_whole_pack


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pack:
    monkeypatch.chdir(tmp_path)
    return make_whole_pack(tmp_path / "tiny")


def draws(pack: Pack, store: Path, workers: int = 1) -> Draws:
    session = Session.open(pack.path, "cpu", 1)
    return Draws(session=session, pictures=pack.pictures(), store=store, workers=workers)


def call(*words: str) -> dict[str, object]:
    command.main(list(words))
    return {}


def test_draws_are_taken_up_and_do_not_depend_on_who_shares_the_work(pack: Pack, tmp_path: Path) -> None:
    one, two = draws(pack, tmp_path / "one", workers=1), draws(pack, tmp_path / "two", workers=2)
    config = one.session.settings(rule="maskgit", steps=3, n=45)
    whole = one.tokens(config)
    assert whole.shape == (45, 16) and np.array_equal(whole, two.tokens(config))
    files = sorted((tmp_path / "two").rglob("*.npy"))
    assert len(files) == 3
    files[1].unlink()
    np.save(files[0], np.load(files[0]) * 0)  # what is there is not drawn again
    again = two.tokens(config)
    assert not again[:20].any() and np.array_equal(again[20:], whole[20:])


def test_more_samples_begin_with_the_same_ones(pack: Pack, tmp_path: Path) -> None:
    mine = draws(pack, tmp_path / "store")
    few, many = (mine.tokens(mine.session.settings(rule="critic", steps=3, n=n)) for n in (20, 40))
    assert np.array_equal(few, many[:20]) and np.array_equal(mine.labels(20), mine.labels(40)[:20])


def test_labels_come_as_often_as_in_training(pack: Pack, tmp_path: Path) -> None:
    labels = draws(pack, tmp_path).labels(1000)
    train = pack.pictures().labels[pack.pictures().indices("train")]
    assert np.bincount(labels) == pytest.approx(1000 * np.bincount(train) / len(train), abs=2)


def test_other_settings_or_weights_are_other_draws(pack: Pack, tmp_path: Path) -> None:
    mine = draws(pack, tmp_path)
    config = mine.session.settings(rule="critic", steps=3)
    keys = {mine.key(mine.session.settings(rule="critic", steps=3, **more)) for more in ({}, {"seed": 1}, {"n": 2})}
    assert len(keys) == 2
    config_file = dict(pack.config)
    config_file["sha256"] = {**config_file["sha256"], "critic": "0" * 64}
    assert mine.key(config) != Draws(
        session=Session(
            pack=Pack(path=pack.path, config=config_file),
            device=mine.session.device,
            tokenizer=mine.session.tokenizer,
            generator=mine.session.generator,
            critic=mine.session.critic,
        ),
        pictures=mine.pictures,
        store=tmp_path,
    ).key(config)


def test_table1_from_the_command_line(pack: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["table1", f"pack={pack.path}", "n=40", "steps=3", "out=report", "rules=random,maskgit,critic"]
    command.main(words)
    printed = json.loads(capsys.readouterr().out)
    stored = read(tmp_path / "report" / "table1.json")
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
    assert printed["claim"]["fid_ratio_equal_steps"] == rows[2]["fid"] / rows[1]["fid"]
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"table1.json", "table1.md", "table1.png"}
    assert "Definitions" not in (tmp_path / "report" / "table1.md").read_text().splitlines()[0]
    shutil.rmtree("runs")
    command.main(words)  # nothing is drawn again
    assert not list(Path("runs").rglob("*.npy"))
    assert [r["tokens_sha256"] for r in read(tmp_path / "report" / "table1.json")["rows"]] == [
        r["tokens_sha256"] for r in rows
    ]


def test_a_report_of_other_weights_is_left_alone(pack: Pack, tmp_path: Path) -> None:
    words = ["table1", f"pack={pack.path}", "n=5", "steps=2", "out=report", "rules=halton"]
    command.main(words)
    file = tmp_path / "report" / "table1.json"
    content = read(file)
    content["weights_sha256"]["generator"] = "0" * 64
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="move it away"):
        command.main(words)
    assert json.loads(file.read_text()) == content
    file.write_text("{")
    with pytest.raises(ValueError, match="no report"):
        command.main(words)


def test_a_sweep_finds_settings_that_table1_uses(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRIDS, "critic", {"noise_K": (0.0, 1.0), "temp_a": (0.0,), "temp_b": (0.5, 2.0)})
    monkeypatch.setitem(GRIDS, "maskgit", {"choice_temperature": (0.0, 9.0)})
    words = [f"pack={pack.path}", "steps=3", "n=41", "finals=42", "keep=2", "rules=critic,maskgit", "preset=true"]
    command.main(["sweep", *words])
    content = read(pack.path / "reports" / "sweep.json")
    assert [row["round"] for row in content["rows"]] == 4 * ["first"] + 2 * ["last"] + 2 * ["first"] + 2 * ["last"]
    first = sorted(content["rows"][:4], key=lambda row: row["fid"])
    chosen = [{**row["settings"], "seed": 0} for row in content["rows"][4:6]]
    assert sorted(map(str, chosen)) == sorted(str({**row["settings"], "seed": 0}) for row in first[:2])
    assert {row["settings"]["seed"] for row in content["rows"]} == {1001, 1002}
    winner = content["best"][0]
    assert winner["settings"] == {
        k: min(content["rows"][4:6], key=lambda r: r["fid"])["settings"][k] for k in ("noise_K", "temp_a", "temp_b")
    }
    session = Session.open(pack.path, "cpu", 1)
    assert best_settings(session, "critic", 3) == winner["settings"] and best_settings(session, "critic", 4) == {}
    assert open_pack(pack.path).presets["critic"] == winner["settings"]
    assert session.settings(rule="critic").noise_K == winner["settings"]["noise_K"]
    assert (pack.path / "reports" / "sweep-critic-3.png").is_file()


def test_the_best_is_of_the_last_round() -> None:
    row = {"rule": "maskgit", "steps": 9, "n": 10, "settings": {"choice_temperature": 1.0}, "fid": 5.0}
    rows = [{**row, "round": "first", "fid": 1.0}, {**row, "round": "last"}]
    rows.append({**rows[1], "fid": 4.0, "settings": {"choice_temperature": 2.0}})
    assert best(rows)[0]["settings"] == {"choice_temperature": 2.0}
    assert best(rows)[0]["second"] == [{"choice_temperature": 1.0}] and "4.0" in best(rows)[0]["why"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["table1", "rules=foo"], "unknown rule 'foo'"),
        (["table1", "n=0"], "n=0"),
        (["table1", "dtype=half"], "unknown dtype"),
        (["sweep", "keep=0"], "keep=0"),
        (["sweep", "preset=1"], "preset=1"),
    ],
)
def test_mistakes_are_said_before_anything_is_drawn(pack: Pack, words: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        command.main([*words, f"pack={pack.path}"])
    assert not Path("runs").exists() and not (pack.path / "reports").exists()


def test_a_pack_without_a_classifier_says_how_to_get_one(pack: Pack) -> None:
    (pack.path / "classifier.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="classifier"):
        Judge.open(Session.open(pack.path, "cpu", 1), Path("runs"))


def test_the_small_report_of_the_shipped_pack_comes_out_again(session: Session, tmp_path: Path) -> None:
    """Bit for bit where this machine computes as the one that made it; elsewhere within the report's tolerance."""
    stored = read(session.pack.path / "reports" / "check" / "table1.json")
    words = ["n=40", "steps=4", "rules=random,critic", f"pack={session.pack.path}", f"out={tmp_path}"]
    command.main(["table1", *words, f"runs={tmp_path / 'runs'}"])
    again = read(tmp_path / "table1.json")
    for name in ("weights_sha256", "pictures_sha256", "definitions"):
        assert again[name] == stored[name]
    assert len(again["rows"]) == len(stored["rows"]) == 2
    for new, old in zip(again["rows"], stored["rows"], strict=True):
        if new["numerics"] == old["numerics"]:
            timed = {"seconds_per_picture": 0}
            assert {**new, **timed} == {**old, **timed}
        for name in ("fid", "kid", "is", "precision", "recall", "class_accuracy"):
            low, high = old[f"{name}_ci"]
            assert low <= new[name] <= high
