"""Packs on the Hugging Face Hub: fetched, checked and kept here; published from here.

What a repository may hold is a list: nothing else is fetched, and a repository that has something else is refused. A
pack that has been fetched is used without the network. RELIABILITY: sizes are bounded before and while they are read.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from engine.data.pictures import MAX_INDEX, MAX_SHEET
from engine.models import KINDS
from engine.pack import MAX_CONFIG, Pack, open_pack
from engine.weights import check_hash

PREFIX = "hub:"
REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w.-]+)?")
ALLOWED = {  # file of a pack -> its largest size in bytes
    r"config\.yaml": MAX_CONFIG,
    r"card\.md": 2**20,
    rf"({'|'.join(KINDS)})\.safetensors": 8 * 2**30,
    r"data/index\.csv": MAX_INDEX,
    r"data/[A-Za-z0-9_-]+\.webp": MAX_SHEET,
    r"data/tokens\.safetensors": 2**28,
    r"data/[A-Za-z0-9_-]+\.txt": 2**20,
    r"reports/([A-Za-z0-9_-]+/)?[A-Za-z0-9_-]+\.(json|md|png|svg|pdf)": 2**24,
}
HUBS_OWN = (".gitattributes", "README.md")  # every repository has them; a pack needs neither
MAX_FILES, MAX_BYTES = 5000, 16 * 2**30


def fetch_pack(name: str, endpoint: str | None = None) -> Path:
    """The folder of the pack hub:OWNER/NAME or hub:OWNER/NAME@REVISION. It is fetched if it is not here yet.

    ValueError or OSError, of one line, for a repository that is no pack, is damaged, or cannot be reached.
    """
    wanted = name.removeprefix(PREFIX)
    if not REPO.fullmatch(wanted):
        raise ValueError(f"{name[:200]}: expected hub:OWNER/NAME, or hub:OWNER/NAME@REVISION")
    folder = packs_folder() / wanted
    if (folder / "config.yaml").is_file():
        print(f"{name} is here already: {folder}; remove it to fetch it anew", file=sys.stderr)
        return folder
    partial = folder.with_name(f".{folder.name}.partial")
    with _one_line(name):
        _download(wanted, partial, endpoint)
    try:
        _check_weights(open_pack(partial))
    except ValueError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    shutil.rmtree(partial / ".cache", ignore_errors=True)  # the library's notes
    os.replace(partial, folder)
    return folder


def packs_folder() -> Path:
    """Where packs of the Hub are kept: in the Hub's own cache, as HF_HOME or XDG_CACHE_HOME say."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(os.environ.get("HF_HOME") or cache).expanduser() / "token-critic"


def check_listing(sizes: Mapping[str, int]) -> list[str]:
    """The files of a repository that belong to the pack. ValueError for any other file, and for a huge one."""
    if len(sizes) > MAX_FILES or sum(sizes.values()) > MAX_BYTES:
        raise ValueError(f"it has {len(sizes):,} files of {sum(sizes.values()):,} bytes, too many for a pack")
    for path, size in sizes.items():
        limit = next((most for pattern, most in ALLOWED.items() if re.fullmatch(pattern, path)), None)
        if path not in HUBS_OWN and limit is None:
            raise ValueError(f"it holds {path[:200]!r}, which is no file of a pack")
        if limit is not None and not 0 <= size <= limit:
            raise ValueError(f"its {path} has {size:,} bytes, the most is {limit:,}")
    if missing := {"config.yaml", "tokenizer.safetensors", "generator.safetensors"} - sizes.keys():
        raise ValueError(f"it lacks {min(missing)}")
    return [path for path in sizes if path not in HUBS_OWN]


def _download(wanted: str, partial: Path, endpoint: str | None) -> None:
    """Download the files of one commit into a folder. What a broken download has left there is used again."""
    from huggingface_hub import HfApi  # here: it takes half a second, which those without it need not wait

    repo, _, revision = wanted.partition("@")
    api = HfApi(endpoint=endpoint)
    commit, sizes = _list_files(api, repo, revision)
    files = check_listing(sizes)
    files.sort(key=lambda path: path != "config.yaml")  # the first: a pack that is none costs no more
    total = sum(sizes[path] for path in files)
    with tqdm(total=total, unit="B", unit_scale=True, desc=f"fetching {repo}", file=sys.stderr) as bar:
        for path in files:
            progress = _bounded_progress(bar, path, sizes[path])
            api_options: dict[str, Any] = {"local_dir": partial, "tqdm_class": progress}
            file = Path(api.hf_hub_download(repo, path, revision=commit, **api_options))
            if file.stat().st_size != sizes[path]:
                raise ValueError(f"its {path} has {file.stat().st_size:,} bytes, the listing says {sizes[path]:,}")
            if path == "config.yaml":
                open_pack(partial)


def _list_files(api: Any, repo: str, revision: str) -> tuple[str, dict[str, int]]:
    """The newest commit of a revision, and the size of each of its files. The listing may be endless, or anything."""
    from huggingface_hub.hf_api import RepoFile

    sizes: dict[str, int] = {}
    try:
        commit = api.model_info(repo, revision=revision or None).sha
        for i, entry in enumerate(api.list_repo_tree(repo, revision=commit, recursive=True)):
            if i > 2 * MAX_FILES:
                raise ValueError("its listing does not end")
            if isinstance(entry, RepoFile):
                if type(entry.path) is not str or type(entry.size) is not int:
                    raise TypeError(f"path {entry.path}, size {entry.size}")
                sizes[entry.path] = entry.size
    except (AttributeError, KeyError, TypeError) as error:  # the library takes from an answer what should be there
        raise ValueError(f"its listing is none of files and their sizes: {error!r}") from error
    return commit, sizes


def _bounded_progress(total: tqdm[Any], path: str, limit: int) -> type[tqdm[Any]]:
    """A progress bar of one file that adds to `total`, and ends a download that is longer than announced.

    Where files come through Xet, the library would make a second bar of the bytes that the network takes, which differ
    from those of the file: it makes none for a class that takes them itself.
    """

    class Progress(tqdm):  # type: ignore[type-arg]
        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **{**options, "disable": True})
            self.received = int(options.get("initial") or 0)

        def update(self, n: float | None = 1) -> bool | None:
            self.received += int(n or 0)
            total.update(n)
            if self.received > limit:
                raise ValueError(f"its {path} is longer than the {limit:,} bytes that the listing says")
            return None

        def update_transfer(self, n: float | None = 1) -> None:
            pass

        def set_transfer_postfix_str(self, text: str = "", refresh: bool = True) -> None:
            pass

    return Progress


def _check_weights(pack: Pack) -> None:
    """ValueError unless the files of weights are those that config.yaml names, each with its hash."""
    there = {file.stem for file in pack.path.glob("*.safetensors")}
    named = {kind for kind in KINDS if pack.has(kind)}
    if there != named:
        wrong = "does not name it" if there - named else "names it, and it is not there"
        raise ValueError(f"{min(there - named or named - there)}.safetensors: config.yaml {wrong}")
    for kind in named:
        check_hash(pack.path / f"{kind}.safetensors", pack.digest(kind))


class _one_line:
    """Errors of the library and of the network as OSError or ValueError of one line that names the pack."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

        network = HfHubHTTPError.__mro__[1]  # the HTTP library's own error, whichever one the Hub's library uses
        if isinstance(error, HfHubHTTPError | EntryNotFoundError | network | OSError | ValueError):
            text = " ".join(str(error).split())[:300] or type(error).__name__
            wrong = ValueError if isinstance(error, ValueError) else OSError
            raise wrong(f"{self.name}: {text}") from error


def push_pack(pack: Pack, repo: str, *, private: bool = False, endpoint: str | None = None) -> str:
    """Publish a pack as a repository of models, its card as README.md. Returns its address.

    Who publishes is known from `hf auth login` or HF_TOKEN. ValueError if the pack cannot be fetched as it is.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    if not REPO.fullmatch(repo) or "@" in repo:
        raise ValueError(f"repo={repo[:200]}: expected OWNER/NAME")
    files = sorted(file for file in pack.path.rglob("*") if file.is_file())
    sizes = {file.relative_to(pack.path).as_posix(): file.stat().st_size for file in files}
    with _one_line(f"pack {pack.name!r}"):
        paths = check_listing(sizes)
    _check_weights(pack)
    operations = [CommitOperationAdd(path_in_repo=path, path_or_fileobj=pack.path / path) for path in paths]
    operations.append(CommitOperationAdd(path_in_repo="README.md", path_or_fileobj=make_card(pack, repo).encode()))
    api = HfApi(endpoint=endpoint)
    with _one_line(f"{PREFIX}{repo}"):
        api.create_repo(repo, private=private, exist_ok=True)
        commit = api.create_commit(repo, operations, commit_message=f"Pack {pack.name} {pack.version}".strip())
    return str(commit.commit_url)


def make_card(pack: Pack, repo: str) -> str:
    """The pack's card with the Hub's front matter, and how to open it from there."""
    card = pack.path / "card.md"
    text = card.read_text(encoding="utf-8") if card.is_file() else f"# {pack.name}\n"
    front = yaml.safe_dump({"library_name": "token-critic-explorer", "tags": ["maskgit", "token-critic"]})
    return f"---\n{front}---\n{text}\nOpen it: `python launch.py --pack {PREFIX}{repo}`\n"
