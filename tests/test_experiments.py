"""The experiments: measured once, taken up again, and summed up by what their rows say."""

from __future__ import annotations

import dataclasses
import json
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.config import SampleConfig
from engine.data.pictures import save_pictures
from engine.distributed import ALONE
from engine.evaluate import __main__ as command
from engine.evaluate.evaluator import Evaluator
from engine.evaluate.experiments import EXPERIMENTS, ablate, steps
from engine.evaluate.experiments.accept import choose_surest, pool_size
from engine.evaluate.experiments.calibration import bin_scores, expected_error
from engine.evaluate.experiments.experiment import describe, format_report, list_unsearched, say_ratio
from engine.evaluate.experiments.refine import FRACTIONS
from engine.evaluate.paper import REPORTED
from engine.evaluate.report import has_same_sources, read_report
from engine.evaluate.samples import digest_sources
from engine.pack import Pack, open_pack, save_tokens
from engine.reports import EXPERIMENTS as CHARTS
from engine.reports import KID, read_chart, shown_rows
from engine.session import Session, available_packs
from tests.shipped import opened
from tests.tiny import make_whole_pack

COMMITTED = [
    (pack, name)
    for pack in available_packs()
    for name in EXPERIMENTS
    if (Path("weights") / pack / "reports" / f"{name}.json").is_file()
]
SHIPPED = {
    "emoji": {"steps", "curve", "rejection", "refine", "ablate", "calibration"},
    "avatars": {"steps", "rejection", "refine", "calibration", "tradeoff"},
}
ROWS = {"steps": 9, "curve": 42, "rejection": 15, "refine": 6, "calibration": 5}
RECIPE = "layers=2 width=16 heads=2 mlp=32 iterations=4 batch=2 micro_batch=2 warmup=1 evaluate_every=4"


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pack:
    """A tiny pack, a third of whose pictures are held out."""
    monkeypatch.chdir(tmp_path)
    own = make_whole_pack(tmp_path / "tiny")
    pictures = own.pictures()
    splits = np.array(["held" if i % 3 == 0 else "train" for i in range(len(pictures))])
    save_pictures(dataclasses.replace(pictures, splits=splits), own.path / "data")
    save_tokens(own, pictures.read(np.arange(len(pictures))))
    return open_pack(own.path)


def test_no_report_was_lost() -> None:
    assert {pack: {name for of, name in COMMITTED if of == pack} for pack in available_packs()} == SHIPPED


def run(name: str, pack: Pack, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    few = ["steps=3"] if "steps" in command.READS[name] else []
    command.main([name, f"pack={pack.path}", "n=40", "out=report", *few, *more])
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_an_experiment_is_measured_once_and_summed_up(
    name: str, pack: Pack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "COUNTS", (2, 3, 5))
    printed = run(name, pack, capsys)
    content = read_report(Path(f"report/{name}.json"), EXPERIMENTS[name].figure)
    assert len(content["rows"]) == ROWS[name] and len(printed["findings"]) == 2
    chart = read_chart(Path("report"), name)
    assert chart is not None and list(chart.findings[:2]) == printed["findings"] and len(chart.rows) == ROWS[name]
    text, unsearched = Path(f"report/{name}.md").read_text(), content["unsearched"]
    assert bool(unsearched) == (name in ("curve", "rejection")) == ("No search at so many steps" in text)
    assert (chart.floor is not None) == (name != "calibration") == ("As many real pictures" in text)
    assert {file.name for file in Path("report").iterdir()} == {f"{name}.json", f"{name}.md", f"{name}.png"}
    shutil.rmtree("runs", ignore_errors=True)
    again = run(name, pack, capsys)
    assert again == printed and not list(Path("runs").rglob("*.npy")), "nothing is drawn again"
    assert read_report(Path(f"report/{name}.json"), EXPERIMENTS[name].figure) == content


@pytest.mark.slow
def test_critics_of_an_ablation_are_trained_alike_but_for_one_thing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pack = make_whole_pack(tmp_path / "tiny")
    monkeypatch.setattr(ablate, "VARIANTS", {ablate.BASE: (), "half the layers": ("layers={half}",)})
    monkeypatch.setenv("WORLD_SIZE", "2")  # as accelerate launch sets it: the trainings must not wait for another
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setattr(command, "join_group", lambda _: nullcontext(ALONE))
    run("ablate", pack, capsys, f"training={RECIPE}")
    rows = read_report(Path("report/ablate.json"))["rows"]
    rules, critics = ([row for row in rows if row["series"] == name] for name in (ablate.OF_RULES, ablate.OF_CRITICS))
    assert [(row["rule"], row["passes"]) for row in rules] == [
        ("maskgit", 3),
        ("critic", 5),
        ("critic-locked", 5),
        ("self-revoking", 5),
        ("maskgit", 5),
    ]
    assert [row["point"] for row in critics] == [ablate.BASE, "half the layers"]
    assert len({row["made_of"]["critic"] for row in (*critics, rules[1])}) == 3, "three other critics"
    (folder,) = Path("runs/tiny/ablate").iterdir()  # named after the models that the critics are trained beside
    trained = [open_pack(folder / name / "tiny").config["critic"] for name in ("as-shipped", "half-the-layers")]
    assert [one["layers"] for one in trained] == [2, 1]
    with pytest.raises(ValueError, match="could not be trained"):
        run("ablate", pack, capsys, "training=layers=nonsense", "seed=1")


def test_an_experiment_needs_a_critic_and_other_noise_than_the_search(pack: Pack) -> None:
    words = [f"pack={pack.path}", "n=40", "out=report"]
    with pytest.raises(ValueError, match="sweep's"):
        command.main(["steps", *words, "seed=1001"])
    config = {name: value for name, value in pack.config.items() if name != "critic"}
    (pack.path / "critic.safetensors").unlink()
    (pack.path / "config.yaml").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="no critic"):
        command.main(["steps", *words])


def test_of_each_class_the_surest_are_kept() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 2])
    certainty = np.array([0.1, 0.9, 0.5, 0.2, 0.8, 0.7, 0.3, 0.6])
    kept = choose_surest(certainty, labels, np.array([0, 1, 1]))
    assert kept.tolist() == [1, 4, 5]
    assert choose_surest(certainty, labels, np.array([2, 2, 0])).tolist() == [1, 4, 7], "one of a rare class is missing"
    assert [pool_size(100, share) for share in (1, 0.5, 0.05)] == [100, 200, 2000]


def test_a_score_that_is_a_probability_has_no_calibration_error() -> None:
    rng = np.random.Generator(np.random.Philox(0))
    scores = rng.random((400, 256))
    real = rng.random((400, 256)) < scores
    assert expected_error(scores, real) < 0.005
    assert expected_error(scores**2, real) == pytest.approx(1 / 2 - 1 / 3, abs=0.01)
    bins = bin_scores(np.array([[0.05, 0.05, 0.95, 1.0]]), np.array([[False, True, True, True]]))
    assert bins == [{"score": 0.05, "share": 0.5, "tokens": 2}, {"score": 0.975, "share": 1.0, "tokens": 2}]


def test_refined_samples_are_refinements_of_those_samples(pack: Pack, tmp_path: Path) -> None:
    evaluator = Evaluator.open(Session.open(pack.path, "cpu", 1), tmp_path / "draws", 2)
    samples, session = evaluator.samples, evaluator.session
    first, critic = (session.settings(rule=rule, steps=4, n=45) for rule in ("maskgit", "critic"))
    before = samples.tokens(first)
    changed = [float((samples.refined(first, critic, share) != before).mean()) for share in FRACTIONS]
    assert 0 < changed[0] <= FRACTIONS[0] and changed == sorted(changed)
    again = samples.refined(first, critic, FRACTIONS[0])
    assert np.array_equal(again, samples.refined(first, critic, FRACTIONS[0]))


def test_intervals_of_what_is_kept_come_from_keeping_others(pack: Pack, tmp_path: Path) -> None:
    evaluator = Evaluator.open(Session.open(pack.path, "cpu", 1), tmp_path / "draws", 2)
    tokens = np.random.Generator(np.random.Philox(0)).integers(0, 16, (80, 16), np.uint16)
    labels, asked = evaluator.samples.labels(80), []

    def keep(some: np.ndarray) -> np.ndarray:
        asked.append(some)
        return some[: len(some) // 2]

    figures = evaluator.measure_tokens(tokens, labels, keep)
    assert figures["measured"] == 40 and figures["fid"] == evaluator.measure_tokens(tokens[:40], labels[:40])["fid"]
    assert {len(some) for some in asked} == {80, 76}, "a twentieth of all that were drawn is left out"


def test_ratios_compare_the_same_number_of_pictures() -> None:
    row = {"n": 5000, "measured": 50, "fid": 2.0, "kid": 0.1, "without_group": {}}
    assert say_ratio(row, {**row, "n": 100, "fid": 4.0}) == "0.50"
    with pytest.raises(AssertionError, match="number of pictures"):
        say_ratio(row, {**row, "measured": 60})


def test_every_experiment_has_a_chart_a_command_and_the_papers_figures() -> None:
    assert set(EXPERIMENTS) == set(CHARTS) == set(REPORTED) and EXPERIMENTS.keys() <= command.ACTIONS.keys()


@pytest.mark.parametrize(("pack_name", "name"), COMMITTED)
def test_committed_experiments_are_of_the_committed_weights_and_say_what_their_rows_say(
    pack_name: str, name: str
) -> None:
    experiment, folder = EXPERIMENTS[name], Path("weights") / pack_name / "reports"
    content = read_report(folder / f"{name}.json", experiment.figure)
    rows = shown_rows(content)
    assert content["findings"] == experiment.find(rows)
    on_faults = any("faults" in row for row in rows) and name not in ("refine", "tradeoff")  # these two have it inside
    assert len(content["findings"]) == 2 + on_faults
    evaluator = opened(pack_name)
    assert {**content, **json.loads(json.dumps(describe(experiment, evaluator.session.pack)))} == content
    assert (folder / f"{name}.md").read_text(encoding="utf-8") == format_report(experiment, rows, content)
    assert content["pictures_sha256"] == evaluator.provenance()["pictures_sha256"]
    assert content["unsearched"] == (list_unsearched(evaluator.session.pack, rows) if experiment.searched else [])
    if KID in experiment.columns:
        assert {one["n"] for one in content["perfect"]} == {row["measured"] for row in rows}
    for row in rows:
        made_of = digest_sources(evaluator.session.pack, row["rule"], row["settings"].get("schedule", "cosine"))
        if "critic" in row["settings"]:  # a critic that was trained for the comparison alone
            made_of["critic"] = row["made_of"]["critic"]
        assert row["made_of"] == made_of, f"{row['series']}, {row['point']}: measure it again"
    own = next(row for row in rows if "critic" not in row["settings"])
    config = SampleConfig(rule=own["rule"], steps=1)
    assert has_same_sources(own, {"made_of": own["made_of"], "outputs": evaluator.identity(config)["outputs"]})
