"""The commands: one line for a mistake, and on the real weights the same bits whichever way they are asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine import MASK, cli
from engine import sample as sample_command
from engine.bench import __main__ as bench_command
from engine.bench import shared
from engine.data import __main__ as data_command
from engine.device import prepare
from engine.evaluate import __main__ as evaluate_command
from engine.session import Session
from engine.step import Step, Trace
from engine.train import __main__ as train_command
from tests.tiny import make_pack

ROOT = Path(__file__).resolve().parent.parent
BAD = [
    ("rule=greedy", "critic-locked"),
    ("label=Cars", "Smileys"),
    ("pack=nowhere", "emoji"),
    ("colour=red", "noise_K"),
    ("noise_K=.nan", "finite"),
    ("temp_a=.inf", "finite"),
    ("temp_b=-1", "0 to 4"),
    ("steps=0", "1 to 256"),
    ("steps=257", "1 to 256"),
    ("steps=two", "number"),
    ("n=0", "1 to"),
    ("seed=-1", "0 to 4294967295"),
    ("seed=4294967296", "0 to 4294967295"),
    ("matched=maybe", "true or false"),
    ("device=tpu", "cuda"),
    ("label=${oc.env:HOME}", "interpolation"),
    ("greedy", "key=value"),
    ("out=", "expected a value"),
    ("label=#1", "unknown label '#1'"),
    ("seed=1" + "0" * 400, "finite"),
    ("n=100000", "trace=false"),
    ("threads=-1", "0 to 1024"),
    ("pack=" + "x" * 300, "name too long"),
]


@pytest.mark.parametrize(("word", "says"), BAD)
def test_a_mistake_is_one_line_and_exit_code_2(
    word: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(sample_command.main, [f"out={tmp_path / 'out'}", word])
    out, err = capsys.readouterr()
    assert ended.value.code == 2 and not out
    assert err.startswith("error: ") and err.count("\n") == 1 and says in err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("command", [sample_command, evaluate_command, train_command, bench_command, data_command])
def test_every_command_has_help_and_refuses_an_unknown_key(
    command: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as helped:
        cli.run(command.main, ["--help"])
    name = command.__name__.removesuffix(".__main__")
    assert helped.value.code == 0 and f"python -m {name}" in capsys.readouterr().out
    refused = subprocess.run([sys.executable, "-m", name, "nonsense=1"], cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1 and "nonsense" in refused.stderr


@pytest.mark.parametrize("main", [evaluate_command.main, train_command.main, bench_command.main])
def test_an_unknown_action_is_refused(main: object, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(main, ["nonsense"])  # type: ignore[arg-type]
    assert ended.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_what_a_common_pass_gains_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "SECONDS", 0.2)
    session = Session.open(make_pack(tmp_path / "tiny").path, "cpu", threads=1)
    forward, decode = session.generator.forward, session.tokenizer.decode
    monkeypatch.setattr(
        session.generator,
        "forward",
        lambda *x: torch.cat([forward(*(one[i : i + 1] for one in x)) for i in range(len(x[0]))]),
    )
    monkeypatch.setattr(session.tokenizer, "decode", lambda codes: decode(codes) + len(codes))
    found: Any = shared.shared_figures(session)
    assert set(found["equal"]) == set(found["gain"]) == {"generator", "critic", "decoder"}
    for name, equal in (("generator", True), ("decoder", False)):  # one that takes each alone, one that counts them
        assert found["equal"][name] == dict.fromkeys(shared.BATCHES, equal)
    assert all(
        0 < gain[size] < 100 for gain in (*found["gain"].values(), found["step_gain"]) for size in shared.BATCHES
    )


@pytest.mark.parametrize("ask", [torch.empty, np.empty, bytearray])
def test_too_little_memory_is_one_line_and_exit_code_2(ask: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(lambda argv: ask(10**15), [])
    err = capsys.readouterr().err
    assert ended.value.code == 2 and err.startswith("error: out of memory") and err.count("\n") == 1
    with pytest.raises(RuntimeError, match="another"):
        cli.run(lambda argv: (_ for _ in ()).throw(RuntimeError("another")), [])


@pytest.mark.slow
def test_pictures_and_trace_are_the_sessions(session: Session, tmp_path: Path) -> None:
    words = [f"pack={session.pack.path}", "rule=critic", "label=Food", "seed=11", "n=2", "steps=6", f"out={tmp_path}"]
    sample_command.main(words)
    trace = Trace.from_json((tmp_path / "trace.json").read_text())
    config = session.settings(rule="critic", label="Food", seed=11, n=2, steps=6)
    steps = list(session.run(config))
    assert [step.digest() for step in trace.steps] == [step.digest() for step in steps]
    assert trace.labels == ("Food", "Food") and trace.made_by["weights"] == session.pack.fingerprint()
    for i, picture in enumerate(session.decode(steps[-1].proposal)):
        assert np.array_equal(np.asarray(Image.open(tmp_path / f"{i:04d}.png")), picture)
    assert (tmp_path / "sheet.png").is_file()
    json.loads((tmp_path / "trace.json").read_text(), parse_constant=lambda name: pytest.fail(name))


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["maskgit", "critic"])
def test_alone_in_a_batch_streamed_or_branched_the_bits_are_the_same(session: Session, rule: str) -> None:
    config = session.settings(rule=rule, label="Animals", seed=3, n=3, steps=8)
    batch = list(session.run(config))
    stream = session.run(config, samples=[1])
    streamed: list[Step] = []
    for step in stream:
        streamed.append(step)
        session.decode(step.proposal)  # what the page does between two steps
    assert [step.digest() for step in streamed] == [step.only(1).digest() for step in batch]
    branch = session.run(config, samples=[1], start=batch[5].tokens[1:2], first_step=5)
    assert [step.digest() for step in branch] == [step.digest() for step in streamed[5:]]


def test_an_accelerator_rounds_neither_products_nor_convolutions() -> None:
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    prepare("cpu")
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32


def test_encoding_scoring_and_decoding_check_what_they_get(session: Session) -> None:
    white = np.full((1, 64, 64, 3), 255, np.uint8)
    tokens = session.encode(white)
    assert session.decode(tokens).mean() > 250
    scores = session.score(tokens, session.classes[0])
    assert scores.shape == (1, 256) and ((scores >= 0) & (scores <= 1)).all()
    for wrong in (white[:, :32], white.astype(float)):
        with pytest.raises(ValueError, match="expected uint8"):
            session.encode(wrong)
    for bad in (tokens[:, :9], tokens + 5000, np.full_like(tokens, MASK)):
        with pytest.raises(ValueError, match="expected"):
            session.decode(bad)
    with pytest.raises(ValueError, match="unknown label"):
        session.score(tokens, "nothing")


@pytest.mark.parametrize(("does", "status"), [("print(f'-> {argv[0]}')", 0), ("open(argv[0])", 2)])
def test_a_name_that_is_not_utf_8_ends_no_command(does: str, status: int) -> None:
    code = f"import sys; from engine import cli; cli.run(lambda argv: {does}, sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", code, b"caf\xe9"], cwd=ROOT, capture_output=True)
    said = done.stdout + done.stderr
    assert done.returncode == status and b"codec" not in said and b"caf" in said and said.count(b"\n") == 1
    assert cli.to_printable("caf\udce9 é") == "caf\\xe9 é"
