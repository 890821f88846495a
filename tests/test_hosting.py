"""Where others run it: a Space, a container, a service, behind a proxy. Each file says what is there."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from app.server.body import LARGE_BODIES
from tests.ports import find_port

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "app" / "deploy"


def front_matter() -> dict[str, Any]:
    found = re.match(r"---\n(.*?)\n---\n", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert found is not None
    return dict(yaml.safe_load(found[1]))


def instructions() -> list[tuple[str, str]]:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line and line[0] != "#")]


class Started:
    """launch.py in another process, until the block ends."""

    def __init__(self, folder: Path, words: list[str], port: int, **environment: str) -> None:
        self.port = port
        plain = {name: value for name, value in os.environ.items() if not name.startswith("GRADIO_")}
        command = [sys.executable, *words]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**plain, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Started:
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.get("healthz") == '{"status": "ok"}':
                    return self
            except OSError:
                time.sleep(0.2)
        self.process.kill()
        raise AssertionError(self.process.communicate()[0])

    def __exit__(self, *_: Any) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.said = self.process.communicate(timeout=60)[0]

    def get(self, path: str, **headers: str) -> str:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with urlopen(Request(f"http://127.0.0.1:{self.port}/{path}", headers=named), timeout=30) as answer:
            self.headers = answer.headers
            return str(answer.read().decode())


def test_the_readme_tells_a_space_what_is_installed_here() -> None:
    told = front_matter()
    assert told["sdk"] == "gradio" and (ROOT / told["app_file"]).is_file()
    assert told["sdk_version"] == importlib.metadata.version("gradio")
    assert f"gradio=={told['sdk_version']}" in (ROOT / "requirements.lock").read_text()
    assert (3, 11) <= tuple(map(int, told["python_version"].split("."))) < (3, 15) and told["license"] == "mit"
    assert len(told["short_description"]) <= 60 and told["title"] and told["emoji"]


@pytest.mark.slow
def test_it_starts_as_a_space_starts_it_and_may_be_framed_there() -> None:
    port = find_port()
    told = {"SPACE_ID": "someone/token-critic", "SYSTEM": "spaces", "GRADIO_SERVER_PORT": str(port)}
    with Started(ROOT, [front_matter()["app_file"]], port, GRADIO_SERVER_NAME="0.0.0.0", **told) as space:
        page = space.get("", Host="someone-token-critic.hf.space", X_Forwarded_Host="someone-token-critic.hf.space")
        assert "Token-Critic" in page and "https://*.hf.space" in space.headers["content-security-policy"]
    assert "Traceback" not in space.said and space.process.returncode == 0, space.said


@pytest.mark.slow
def test_what_the_container_copies_is_enough_to_start(tmp_path: Path) -> None:
    """Docker itself is not asked: its steps run in an empty folder, with the packages that are here."""
    for word, rest in instructions():
        if word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                place = tmp_path / target / Path(source).name if target == "./" else tmp_path / target
                copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
                copy(ROOT / source, place)
    command = json.loads(next(rest for word, rest in instructions() if word == "CMD"))
    port = find_port()
    words = [str(port) if one == "7860" else one for one in command[1:]]
    with Started(tmp_path, words, port) as page:
        assert json.loads(page.get("config", X_Forwarded_Prefix="/critic", X_Forwarded_Host="hall.example"))[
            "root"
        ].endswith("/critic")
    assert "Traceback" not in page.said and page.process.returncode == 0


def test_the_container_installs_what_is_pinned_and_runs_as_nobody() -> None:
    steps = dict(instructions())
    run = " ".join(rest for word, rest in instructions() if word == "RUN")
    assert "--constraint requirements.lock" in run and steps["USER"] == "token-critic"
    assert "/healthz" in steps["HEALTHCHECK"]
    text = "".join(file.read_text() for file in DEPLOY.iterdir())
    assert not re.search(r"(pypi|pytorch)\.org", text), "whose index is used is for whoever builds to say"


def test_the_proxy_passes_a_stream_on_and_the_services_start_what_is_there() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    context = (DEPLOY / services["page"]["build"]["context"]).resolve()
    assert context == ROOT and (context / services["page"]["build"]["dockerfile"]).is_file()
    assert (DEPLOY / services["proxy"]["volumes"][0].partition(":")[0]).is_file()
    proxy = (DEPLOY / "nginx.conf").read_text()
    for line in (
        "proxy_buffering off;",
        "proxy_buffer_size 16k;",
        "X-Forwarded-Host $http_host",
        "X-Forwarded-For",
        "X-Forwarded-Prefix",
    ):
        assert line in proxy
    taken = re.search(r"client_max_body_size (\d+)m;", proxy)
    assert taken is not None and int(taken[1]) * 2**20 >= max(LARGE_BODIES.values())
    unit = (DEPLOY / "token-critic.service").read_text()
    started = re.search(r"^ExecStart=\S+/python (.*)$", unit, re.M)
    assert started is not None
    for words in (started[1].split()[1:], services["page"]["command"][2:]):
        from launch import arguments

        assert arguments(words).no_browser
