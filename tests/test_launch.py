"""The page's server as a program: it starts and ends whatever the machine's variables and folders are like."""

from __future__ import annotations

import errno
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from app.packs import Packs
from app.server.environment import use_private_folder
from app.tools.browser import PAGE_READY, run_page, serve_page
from engine.pack import Pack
from launch import free_port, main
from tests.pages import PATIENCE, open_drawer
from tests.tiny import make_whole_pack

ROOT = Path(__file__).resolve().parent.parent
NOBODY = "127.0.0.1:9"  # a port at which nobody listens
UNDER = "/sub/path"
DATA = ("data:", "blob:")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
USUAL = {name: value for name, value in os.environ.items() if name.lower() not in ("no_proxy", "gradio_temp_dir")}


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return make_whole_pack(tmp_path_factory.mktemp("packs") / "tiny")


@contextmanager
def launched(pack: Pack, *words: str, **variables: str) -> Iterator[str]:
    """The address that launch.py says. Afterwards Ctrl-C must end it, and it must have complained of nothing."""
    command = [sys.executable, "launch.py", "--no-browser", "--pack", str(pack.path), "--threads", "1"]
    command += ["--dtype", "float32", *words]  # it does not measure first which one is faster
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env={**USUAL, **variables}, **pipes) as server:
        assert server.stdout
        try:
            said = ""
            while "Ctrl-C" not in said and (line := server.stdout.readline()):
                said += line
            if "Ctrl-C" in said:
                yield said[said.index("http") :].split()[0]
            server.send_signal(signal.SIGINT)
            _, wrong = server.communicate(timeout=PATIENCE / 1000)
        finally:
            server.kill()
    assert (server.returncode, wrong) == (0, "") and "Ctrl-C" in said


def got(address: str) -> int:
    """The status that the page's own address answers with, of no proxy."""
    where = urlsplit(address)
    assert where.hostname
    answered = http.client.HTTPConnection(where.hostname, where.port, timeout=PATIENCE / 1000)
    answered.request("GET", where.path)
    return answered.getresponse().status


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "proxies"), [("::1", ("http", "socks5", "socks")), ("::", ("socks", "http", "socks5"))]
)
def test_neither_proxies_nor_other_users_nor_a_missing_home_keep_it_from_starting(
    pack: Pack, tmp_path: Path, host: str, proxies: tuple[str, ...]
) -> None:
    host = host if has_ipv6() else "0.0.0.0"
    others = tmp_path / "gradio"
    others.write_text("")  # in its place nothing can be stored, whoever asks
    given = {name: f"{proxy}://{NOBODY}" for name, proxy in zip(PROXIES, 2 * proxies, strict=True)}
    variables = {**given, "TMPDIR": str(tmp_path), "HOME": "/dev/null"}
    with launched(pack, "--host", host, **variables) as address:
        own = [path for path in tmp_path.iterdir() if path.name.startswith("token-critic-")]
        assert got(address) == 200 and len(own) == 1 and own[0].stat().st_mode & 0o77 == 0
    assert list(tmp_path.iterdir()) == [others]


@pytest.mark.slow
def test_a_machine_too_busy_to_answer_at_once_serves_the_page(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio.networking.url_ok", lambda url: False)  # what Gradio says of an answer in 3 seconds
    with serve_page(Packs(pack.path, threads=1)) as address:
        assert got(address) == 200


BENCH = """
import sys
from app.tools.bench import request_run
from app.tools.browser import open_browser, serve_page
from app.packs import Packs
with open_browser() as opened, serve_page(Packs(sys.argv[1], threads=1)) as address:
    page = opened.new_page()
    page.goto(address)
    page.wait_for_selector("#tc-run")
    *_, last = request_run(address, steps_1=2, steps_2=2)
    print(last["why"])
"""


@pytest.mark.browser  # in a process of its own
def test_benchmark_and_pictures_ask_the_page_past_a_proxy_too(pack: Pack) -> None:
    pytest.importorskip("playwright.sync_api")
    variables = {**USUAL, **{name: f"http://{NOBODY}" for name in PROXIES}}
    command = [sys.executable, "-c", BENCH, str(pack.path)]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_who_has_no_home_draws_figures_without_a_word(tmp_path: Path) -> None:
    code = "import io; from engine.plots import new_figure; new_figure().savefig(io.BytesIO())"
    variables = {**USUAL, "HOME": "/dev/null", "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True)
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (0, "", [])


def test_a_port_is_free_where_gradio_and_the_address_have_it_free() -> None:
    hosts = ["127.0.0.1", "0.0.0.0", *(["::1", "::"] if has_ipv6() else [])]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for host in hosts:
            with pytest.raises(OSError, match="taken"):
                free_port(host, taken.getsockname()[1])
    assert all(free_port(host, None) >= 7860 for host in hosts)
    with pytest.raises(OSError, match="no such address"):
        free_port("no-such-host.invalid", None)


@pytest.mark.parametrize("words", [["--root-path", "sub"], ["--root-path", "ftp://host/x"], ["--port", "0"]])
def test_a_word_that_cannot_be_meant_is_refused_in_a_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(words)
    said = capsys.readouterr().err.splitlines()
    assert refused.value.code == 2 and words[0] in said[-1] and "expected" in said[-1]


def test_without_room_for_temporary_files_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(**how: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.delenv("GRADIO_TEMP_DIR")
    monkeypatch.setattr("tempfile.mkdtemp", full)
    monkeypatch.setattr("launch.use_private_folder", use_private_folder.__wrapped__)
    assert main(["--no-browser"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "No space left" in said and "TMPDIR" in said


class Proxy(BaseHTTPRequestHandler):
    """Shows what is at `behind` under UNDER, and nothing else; passes on each part of an answer as it comes."""

    behind = ""
    strays: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        if not self.path.startswith(f"{UNDER}/"):
            self.strays.append(self.path)
            return self.send_error(204)  # a browser asks each host for its icon
        asked = http.client.HTTPConnection(self.behind)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {**self.headers, "X-Forwarded-Host": self.headers["Host"], "X-Forwarded-Proto": "http"}
        asked.request(self.command, self.path.removeprefix(UNDER), body, headers)
        answer = asked.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # who asked may have gone
            while part := answer.read1(2**16):
                self.wfile.write(part)
        asked.close()

    do_POST = do_GET

    def log_message(self, *what: Any) -> None:
        pass


@contextmanager
def proxied(address: str) -> Iterator[str]:
    """The page's address behind a proxy of its own."""
    Proxy.behind = urlsplit(address).netloc
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{UNDER}/"
        server.shutdown()


def test_all_of_the_page_works_at_a_path_of_a_proxy(pack: Pack, browser: Any) -> None:
    with launched(pack, "--root-path", UNDER) as inside, proxied(inside) as address:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        problems: list[str] = []
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith((address, *DATA)) else problems.append(r.url))
        page.goto(address)
        page.wait_for_function(PAGE_READY)
        run_page(page)  # /run, which streams
        assert page.evaluate("() => tokenCritic.state.run.why") == "done"
        open_drawer(page, "curves")  # an event of Gradio's queue
        page.wait_for_selector("#tc-curves .js-plotly-plot .legend")
        open_drawer(page, "share")
        page.select_option("[data-file=kind]", "json")
        with page.expect_download() as kept:  # a file that it made
            page.click("#tc-make")
        assert json.loads(Path(kept.value.path()).read_text())["lanes"]
        assert page.evaluate("() => tokenCritic.address.address").startswith(address)
        assert problems == [] and set(Proxy.strays) <= {"/favicon.ico"}
        assert got(inside) == 200


def test_a_server_that_starts_too_slowly_is_started_again(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradio gives up after five seconds, which a busy machine may need."""
    import gradio.http_server as server

    tries, run_in_thread = [], server.Server.run_in_thread

    def slow_at_first(self: Any) -> None:
        tries.append(self)
        if len(tries) < 3:
            raise server.ServerFailedToStartError("slow")
        run_in_thread(self)

    monkeypatch.setattr(server.Server, "run_in_thread", slow_at_first)
    with serve_page(Packs(pack.path, threads=1)) as address:
        assert got(address) == 200 and len(tries) == 3


def test_a_port_that_is_taken_meanwhile_is_no_end(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers that start together find the same one free."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        found = iter([other.getsockname()[1]])
        monkeypatch.setattr("launch.free_port", lambda host, asked: next(found, None) or free_port(host, asked))
        with serve_page(Packs(pack.path, threads=1)) as address:
            assert got(address) == 200
