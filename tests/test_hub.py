"""Packs of the Hugging Face Hub: fetched once, checked, used without the network; what is no pack is refused."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from tqdm import tqdm

from engine.pack import hub, open_pack, write_config
from engine.pack.__main__ import main as command
from engine.session import Session, fetch_pack
from tests.fake_hub import FakeHub, serve_hub
from tests.tiny import make_whole_pack


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a pack."""
    root = make_whole_pack(tmp_path_factory.mktemp("made") / "tiny").path
    (root / "card.md").write_text("# Tiny\n")
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*") if file.is_file()}


@pytest.fixture
def server(files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """The Hub with that pack; what is fetched goes to a folder of the test."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with serve_hub({**files, "README.md": b"# Tiny", ".gitattributes": b""}) as hub:
        yield hub


def test_a_pack_is_fetched_once_and_then_used_without_the_network(server: FakeHub, files: dict[str, bytes]) -> None:
    folder = hub.fetch_pack("hub:me/tiny", server.address)
    fetched = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert fetched == files and open_pack(folder).name == "tiny"
    asked = len(server.asked)
    assert fetch_pack("hub:me/tiny") == folder and len(server.asked) == asked
    session = Session.open(folder, "cpu")
    *_, last = session.run(session.settings(rule="critic", steps=2))
    assert session.decode(last.proposal).shape == (1, 16, 16, 3)
    assert fetch_pack("emoji") == "emoji"


def test_a_broken_download_goes_on_where_it_ended(
    server: FakeHub, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = server.files.pop("critic.safetensors")
    server.listed["critic.safetensors"] = len(whole)
    with pytest.raises(OSError, match=r"hub:me/tiny"):
        hub.fetch_pack("hub:me/tiny", server.address)
    server.files["critic.safetensors"], server.asked = whole, []
    folder = hub.fetch_pack("hub:me/tiny", server.address)
    assert open_pack(folder).load("critic")
    again = [path for path in server.asked if path.endswith("tokenizer.safetensors")]
    assert len(again) <= 1, "asked whether it has changed, and not read again"


def bad_config(server: FakeHub) -> None:
    server.files["config.yaml"] = b"classes: 5\ntokenizer: {}"


def other_weights(server: FakeHub) -> None:
    server.files["generator.safetensors"] = server.files["generator.safetensors"][:-1] + b"x"


def without_critic(config: bytes) -> bytes:
    found = yaml.safe_load(config)
    del found["sha256"]["critic"]
    return yaml.safe_dump(found).encode()


WRONG: dict[str, tuple[Any, str]] = {
    "code": (lambda s: s.files.update({"model.py": b"import os"}), r"'model\.py', which is no file of a pack"),
    "pickle": (lambda s: s.files.update({"generator.bin": b"x"}), "no file of a pack"),
    "a path that leads out": (lambda s: s.files.update({"../../x.md": b"x"}), "no file of a pack"),
    "an absolute path": (lambda s: s.files.update({"/etc/x.json": b"x"}), "no file of a pack"),
    "a path of Windows": (lambda s: s.files.update({"data\\..\\..\\x.webp": b"x"}), "no file of a pack"),
    "a hidden folder": (lambda s: s.files.update({"data/.ssh/x.txt": b"x"}), "no file of a pack"),
    "a huge config": (lambda s: s.listed.update({"config.yaml": 2**30}), "the most is 1,048,576"),
    "terabytes": (lambda s: s.listed.update({"critic.safetensors": 2**42}), "too many for a pack"),
    "a negative size": (lambda s: s.listed.update({"critic.safetensors": -5}), r"critic\.safetensors has -5 bytes"),
    "many files": (lambda s: s.files.update({f"data/{i}.webp": b"" for i in range(6000)}), "too many for a pack"),
    "no generator": (lambda s: s.files.pop("generator.safetensors"), r"lacks generator\.safetensors"),
    "more than listed": (lambda s: s.bodies.update({"card.md": b"#" * 10**6}), "longer than the 7 bytes"),
    "less than listed": (lambda s: s.bodies.update({"card.md": b"#"}), "has 1 bytes"),
    "no pack's config": (bad_config, "is not a pack's config"),
    "other weights": (other_weights, r"generator\.safetensors is damaged or was exchanged"),
    "weights without a name": (
        lambda s: s.files.update({"config.yaml": without_critic(s.files["config.yaml"])}),
        r"critic\.safetensors: config\.yaml does not name it",
    ),
    "a name without weights": (
        lambda s: s.files.pop("critic.safetensors"),
        r"critic\.safetensors: config\.yaml names it, and it is not there",
    ),
    "no size": (lambda s: s.listed.update({"card.md": None}), "its listing is none"),
    "a size that is a word": (lambda s: s.listed.update({"card.md": "5"}), "its listing is none"),
    "a size that is a fraction": (lambda s: s.listed.update({"card.md": 5.5}), "its listing is none"),
    "no type": (lambda s: s.more.append({"path": "card.md", "size": 5, "oid": ""}), "its listing is none"),
    "no path": (lambda s: s.more.append({"type": "file", "size": 5, "oid": ""}), "its listing is none"),
    "a path that is a number": (
        lambda s: s.more.append({"type": "file", "path": 7, "size": 5, "oid": ""}),
        "its listing is none",
    ),
    "a number in the listing": (lambda s: s.more.append(5), "its listing is none"),
    "siblings that are numbers": (lambda s: s.info.update(siblings=[5]), "its listing is none"),
}


@pytest.mark.parametrize("how", WRONG)
def test_what_is_no_pack_is_one_line_and_leaves_none(server: FakeHub, tmp_path: Path, how: str) -> None:
    change, says = WRONG[how]
    change(server)
    with pytest.raises(ValueError, match=says) as refused:
        hub.fetch_pack("hub:me/tiny", server.address)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400
    kept = hub.packs_folder()
    assert not (kept / "me" / "tiny").exists()
    outside = [f for f in tmp_path.rglob("x.*") if f.is_file()]
    assert not outside


@pytest.mark.parametrize("name", ["hub:", "hub:tiny", "hub:../me/tiny", "hub:me/..", "hub:me/tiny/x", "hub:me/ti ny"])
def test_a_name_that_is_none_is_refused_before_anything_is_asked(server: FakeHub, name: str) -> None:
    with pytest.raises(ValueError, match="expected hub:OWNER/NAME"):
        hub.fetch_pack(name, server.address)
    assert not server.asked


def test_without_the_network_or_the_repository_it_is_one_line(server: FakeHub) -> None:
    with pytest.raises(OSError, match="hub:me/other") as unknown:
        hub.fetch_pack("hub:me/other", server.address)
    with pytest.raises(OSError, match="hub:me/tiny") as alone:
        hub.fetch_pack("hub:me/tiny", "http://127.0.0.1:9")
    assert all("\n" not in str(error.value) for error in (unknown, alone))


def test_a_file_that_comes_through_xet_is_counted_once() -> None:
    """The library reports the bytes that are written and, apart from them, those that the network takes."""
    from huggingface_hub.utils._xet_progress_reporting import XetDownloadProgressReporter

    with tqdm(total=100, file=io.StringIO()) as bar:
        options = {"reconstruction_desc": "card.md", "total": 100, "log_level": 20}
        progress = hub._bounded_progress(bar, "card.md", 100)
        with XetDownloadProgressReporter(**options, tqdm_class=progress) as reporter:
            for written in (40, 100):
                done = {"total_bytes_completed": written, "total_transfer_bytes_completed": 2 * written}
                rates = {"total_bytes_completion_rate": 1.0, "total_transfer_bytes_completion_rate": 1.0}
                reporter.update_progress(SimpleNamespace(total_bytes=100, **done, **rates))
        assert bar.n == 100


def test_a_pack_is_published_with_its_card_and_can_be_fetched(
    server: FakeHub, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    folder = hub.fetch_pack("hub:me/tiny", server.address)
    assert "/commit/" in hub.push_pack(open_pack(folder), "me/tiny", endpoint=server.address)
    readme = server.pushed.pop("README.md").decode()
    assert server.pushed == files
    assert readme.startswith("---\nlibrary_name: ") and "# Tiny" in readme and "--pack hub:me/tiny`" in readme
    (folder / "notes.py").write_text("import os")
    with pytest.raises(ValueError, match=r"notes\.py"):
        hub.push_pack(open_pack(folder), "me/tiny", endpoint=server.address)
    (folder / "notes.py").unlink()
    config = open_pack(folder).config
    hashes = {kind: digest for kind, digest in config["sha256"].items() if kind != "classifier"}
    write_config(folder, {**config, "sha256": hashes})
    server.pushed.clear()
    with pytest.raises(ValueError, match=r"classifier\.safetensors: config\.yaml does not name it"):
        hub.push_pack(open_pack(folder), "me/tiny", endpoint=server.address)
    assert not server.pushed, "what could not be fetched is not published"
    with pytest.raises(ValueError, match="expected OWNER/NAME"):
        command(["push", str(folder), "repo=tiny"])
    with pytest.raises(ValueError, match="expected push NAME repo="):
        command(["push", str(folder)])
