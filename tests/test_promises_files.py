"""What app/RELIABILITY.md promises of files. TOKEN_CRITIC_FULL=1 (make soak) does it with the full numbers."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.features.exports import GIF_COLOURS, export_run
from app.features.replay import read_traces, replay
from engine import cli
from engine import sample as sample_command
from engine.rules import RULES
from engine.session import Session
from engine.step import ARRAYS, Step, digest_of
from tests.fakes_app import N, digests, finished, new_context
from tests.full import FULL
from tests.hostile_packs import IN_PLACE_OF_WEIGHTS, OTHERS, PICTURES, hostile_packs
from tests.test_exports import assert_animation_holds, assert_sheet_holds, open_image
from tests.tiny import make_whole_pack

FLIPS = 1000 if FULL else 60
EXPORTED = 500 if FULL else 20
SECONDS = 1.0  # until a hostile pack is refused


@pytest.mark.slow
def test_a_hostile_pack_is_refused_in_a_line_and_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    packs = hostile_packs(tmp_path / "packs", {**IN_PLACE_OF_WEIGHTS, **OTHERS})
    monkeypatch.chdir(tmp_path)
    worst, wrong = 0.0, {}
    capsys.readouterr()  # what was said while they were made
    for name, path in packs:
        begun = time.process_time()
        with pytest.raises(SystemExit) as ended:
            cli.run(sample_command.main, [f"pack={path}", "out=out", "device=cpu", "n=1", "steps=1"])
        seconds, said = time.process_time() - begun, capsys.readouterr().err
        worst = max(worst, seconds)
        if ended.value.code != 2 or not said.startswith("error: ") or said.count("\n") != 1 or seconds > SECONDS:
            wrong[name] = (ended.value.code, said[:200], seconds)
    assert wrong == {} and len(packs) >= 60
    assert sorted(file.name for file in tmp_path.iterdir()) == ["packs"], "nothing was run, nothing was written"
    print(f"{len(packs)} hostile packs refused, the slowest after {worst:.2f} s")


def test_hostile_pictures_are_refused_in_a_line_and_start_no_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sampling looks at no sheet; the page does where it begins."""
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was started"))
    for _, path in hostile_packs(tmp_path, PICTURES):
        session = Session.open(path, "cpu")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.run(lambda _, session=session: session.class_pictures(), [])
        said = capsys.readouterr().err
        assert ended.value.code == 2 and said.startswith(f"error: {path}/data/0000.webp: ") and said.count("\n") == 1


def test_every_flipped_byte_of_the_weights_is_caught(tmp_path: Path) -> None:
    pack = make_whole_pack(tmp_path / "tiny")
    dice = random.Random(0)
    files = [pack.path / f"{kind}.safetensors" for kind in ("tokenizer", "generator", "critic")]
    for i in range(FLIPS):
        file = files[i % len(files)]
        content = file.read_bytes()
        at = dice.randrange(len(content))
        file.write_bytes(content[:at] + bytes([content[at] ^ (1 << dice.randrange(8))]) + content[at + 1 :])
        with pytest.raises(ValueError, match=r"\.safetensors") as refused:
            Session.open(pack.path, "cpu")
        assert "\n" not in str(refused.value)
        file.write_bytes(content)
    Session.open(pack.path, "cpu")
    shutil.rmtree(pack.path)


def random_run(dice: random.Random) -> dict[str, Any]:
    """The controls of a run of two or three lanes."""
    steps = {"steps_1": dice.randrange(1, 12), "steps_2": dice.randrange(4, 12)}
    rules = {f"rule_{lane}": dice.choice(list(RULES)) for lane in (1, 2)}
    third: dict[str, Any] = {}
    if dice.random() < 0.3:
        third = {"third": {"lane": 1, "step": 3, "masked": dice.sample(range(N), 9)}, "rule_3": "critic"}
    return {"seed": dice.randrange(2**32), "label": dice.choice(("cat", "dog")), **steps, **rules, **third}


def same_step(ours: Step, theirs: Step) -> bool:
    return all(np.array_equal(getattr(ours, name), getattr(theirs, name), equal_nan=True) for name in (*ARRAYS, "s"))


def test_a_file_that_is_opened_again_holds_the_run_exactly() -> None:
    """PNG, WebP and JSON in turn; the JSON also replays to the same hash. A GIF has the frames, and few colours."""
    dice = random.Random(0)
    for i in range(EXPORTED):
        context, run_id = finished(**random_run(dice))
        kept = context.runs.get(run_id)
        assert kept is not None
        kind = ("json", "png", "webp", "json", "gif")[i % 5]
        _, content = export_run(context, run_id, kind, "all", 0)
        if kind == "png":
            assert_sheet_holds(kept, content, 1)
        elif kind == "webp":
            assert_animation_holds(kept, content)
        elif kind == "gif":
            image = open_image(content)
            assert image.n_frames == max(len(steps) for steps in kept.steps)
            assert len(image.convert("RGB").getcolors(2**24)) <= GIF_COLOURS
        else:
            _, traces = read_traces(content.decode())
            for steps, trace in zip(kept.steps, traces, strict=True):
                assert all(same_step(ours, theirs) for (ours, _), theirs in zip(steps, trace.steps, strict=True))
            frames = list(replay(new_context(), content))
            for lane, trace in enumerate(traces):
                assert digest_of(digests(frames, lane)) == trace.digest()
    print(f"{EXPORTED} files opened again, each equal to its run")
