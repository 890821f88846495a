"""Typed endpoints, asked by Gradio's own client: those that are documented, with the same values as everywhere else."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.context import Context
from app.features.api import NAMES, make_functions
from app.packs import Packs
from engine.session import Session

gradio_client = pytest.importorskip("gradio_client")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def client(address: str) -> Any:
    return gradio_client.Client(address, verbose=False)


def test_the_endpoints_are_those_that_are_documented(client: Any) -> None:
    offered = client.view_api(return_format="dict", print_info=False)
    documented = re.findall(r"^\| `/(\w+)` \|", (ROOT / "app" / "README.md").read_text(encoding="utf-8"), re.M)
    assert {f"/{name}" for name in NAMES} == set(offered["named_endpoints"]) == {f"/{name}" for name in documented}
    assert offered["unnamed_endpoints"] == {}
    for one in offered["named_endpoints"].values():
        assert one["description"] and all(given["type"] for given in one["parameters"])


def test_a_run_streams_the_steps_of_the_engine(client: Any, session: Session) -> None:
    frames = list(client.submit(seed=5, steps=4, api_name="/run"))
    assert [frame["kind"] for frame in frames] == ["begin", *["steps"] * 4, "end"] and frames[-1]["why"] == "done"
    sent = [step["digest"] for frame in frames for step in frame.get("steps", []) if step["lane"] == 1]
    config = session.settings(rule="critic", label=session.classes[0], seed=5, steps=4)
    assert sent == [step.digest() for step in session.run(config)]
    file = client.predict(run=frames[0]["run"], api_name="/export")
    assert file["name"].endswith(".json") and base64.b64decode(file["content"]).startswith(b"{")


def test_a_picture_is_encoded_scored_refined_and_decoded(client: Any) -> None:
    pictures = client.predict(count=2, steps=3, left="random", api_name="/gallery")
    assert [(one["lane"], one["seed"]) for one in pictures] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    tokens = client.predict(picture=pictures[0]["picture"], api_name="/encode")
    scores = client.predict(tokens=tokens, api_name="/score")
    assert len(tokens) == len(scores) == 256 and all(0 <= one <= 1 for one in scores)
    refined = client.predict(tokens=tokens, fraction=0.25, api_name="/refine")
    changed = sum(one != other for one, other in zip(tokens, refined["tokens"], strict=True))
    assert 0 < changed < 256 and refined["score_before"] == pytest.approx(sum(scores) / 256, abs=1e-6)
    assert client.predict(tokens=refined["tokens"], api_name="/decode") == refined["picture"]


def test_a_refinement_takes_turns_step_by_step_and_can_be_ended(packs: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    context, add, tasks = Context(packs=packs), packs.worker.add, []

    def record(visitor: str, long: bool, fn: Any, *args: Any, **named: Any) -> Any:
        tasks.append((visitor, fn))
        return add(visitor, long, fn, *args, **named)

    monkeypatch.setattr(packs.worker, "add", record)
    functions = {one.__name__: one for one in make_functions(context)}
    packs.session("emoji")
    tasks.clear()
    functions["refine"]([1] * 256, fraction=1.0, pack="emoji")
    steps = sum(fn is next for _, fn in tasks)
    assert steps == packs.session("emoji").settings(rule="critic").steps + 1, "the last one finds that there is no more"
    assert {visitor for visitor, _ in tasks} == {"api"} and context.runs.active == 0
    context.runs.close()
    with pytest.raises(ValueError, match="stopped"):
        functions["refine"]([1] * 256, pack="emoji")


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("run", {"label": "nothing"}, "unknown label"),
        ("run", {"left": "nothing"}, "unknown rule"),
        ("run", {"steps": 1000}, "steps"),
        ("gallery", {"count": 1000}, "count"),
        ("score", {"tokens": [1, 2]}, "expected a list of 256 whole numbers"),
        ("score", {"tokens": [5000] * 256}, "whole number from 0 to 1023"),
        ("decode", {"tokens": ["a"] * 256}, "whole numbers"),
        ("refine", {"tokens": [1] * 256, "fraction": 7}, "fraction"),
        ("refine", {"tokens": [1] * 256, "fraction": "x"}, "fraction"),
        ("score", {"tokens": [1] * 256, "label": 7}, "expected a class"),
        ("encode", {"picture": "http://127.0.0.1/x.png"}, "picture"),
        ("encode", {"picture": "data:image/png;base64,AAAA"}, "picture"),
        ("export", {"run": "none"}, "no finished run"),
        ("decode", {"tokens": [1] * 256, "pack": "../emoji"}, "unknown pack"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(client: Any, name: str, given: dict[str, Any], says: str) -> None:
    with pytest.raises(Exception, match=says) as refused:
        client.predict(api_name=f"/{name}", **given)
    assert "\n" not in str(refused.value) and "site-packages" not in str(refused.value)


def test_the_example_of_the_readme_runs(address: str) -> None:
    text = (ROOT / "app" / "README.md").read_text(encoding="utf-8")
    example = next(code for code in re.findall(r"```python\n(.*?)```", text, re.S) if "gradio_client" in code)
    code = example.replace("http://127.0.0.1:7860/", address)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "begin []" and done.stdout.split()[-4:-2] == ["4", "256"]
