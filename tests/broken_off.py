"""Trainings that are broken off at any moment: python -m tests.broken_off kill|disk COUNT FOLDER

Each sitting is the command itself, in a process that is forked from this one: nothing is imported anew.
  kill      kill -9 at a random moment of the start, of training, of saving
  disk      FOLDER is a small file system of its own; all but a random number of its bytes is taken
Then a tokenizer's, by which a pack is begun: each of its files is the one before which it ends, or has no room.
Prints one JSON object:
  broken        sittings that were broken off
  saving        of these, how many while a checkpoint was written
  lost          how often no checkpoint could be read, or an older one than before was the newest
  wrong_ends    other ends than by kill -9; of a full disk: than exit code 2 and a last line that says so
  whole         runs that came to their end in pieces
  different     of these, how many are not the run in one piece, to the bit: weights, average, optimisers, log
  control_lost  `lost` where checkpoints are saved in place, over the last one: has to be more than 0
  begun         the same counts of the tokenizer; lost: or what its pack says it has could not be read; different: or
                its pack is another
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from contextlib import redirect_stderr, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from engine import cli
from engine.pack import open_pack
from engine.train import __main__ as command
from engine.train import loop
from engine.train.checkpoint import load_checkpoint
from engine.train.probe import Probe
from tests.tiny import TOKENIZER, TRUNK, make_folder, make_pack

ITERATIONS = 24
PROBE = Probe(dtype="float32", explicit_attention=True, gflops={}, attention_ms={})  # a measured one may differ
ROOM = 300_000  # bytes that are free at most; a checkpoint has 84,000, and three are there at a time
MOST_OF_CONTROL = 20  # sittings
PATIENCE = 120  # seconds
STORED = (  # what a tokenizer's command puts into its pack, in this order; config.yaml at the begin and at the end
    *("0000.webp", "0001.webp", "index.csv", "config.yaml"),
    *("tokenizer.safetensors", "config.yaml", "tokens.safetensors"),
)
PAGE = 4096  # bytes of a disk that a file takes at least


class Sittings:
    """One run after another in FOLDER/parts, broken off and continued; FOLDER/whole is the same in one piece."""

    kind = "generator"

    def __init__(self, folder: Path, save: Callable[..., None] | None = None) -> None:
        self.folder, self.parts, self.save = folder, folder / "parts" / "tiny" / self.kind, save
        self.counts = dict.fromkeys(("broken", "saving", "lost", "wrong_ends", "whole", "different"), 0)
        self._before = 0
        self._make()
        if self.wait(self.start("whole")) != 0:
            raise RuntimeError((folder / "said").read_text())

    def _make(self) -> None:
        make_pack(self.folder / "tiny")
        make_folder(self.folder / "own")

    def start(self, runs: str = "parts", dies_before: str = "") -> int:
        """Begin a sitting, which ends before it puts a file of that name in place. Returns the id of its process."""
        if child := os.fork():
            return child
        code = 1
        try:
            with open(self.folder / "said", "w", encoding="utf-8") as said, redirect_stderr(said):
                loop.time = SimpleNamespace(monotonic=lambda: 1e6 * time.monotonic())  # type: ignore[attr-defined]
                command.measure_machine = lambda *_: PROBE  # type: ignore[attr-defined]
                if dies_before:
                    die_before(dies_before)
                if self.save:
                    loop.save_checkpoint = self.save  # type: ignore[attr-defined]
                sys.stdout = said
                cli.run(command.main, self._words(runs))
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            os._exit(code)

    def _words(self, runs: str) -> list[str]:
        words = ["generator", f"pack={self.folder / 'tiny'}", f"data={self.folder / 'own'}", "threads=1"]
        words += [f"runs={self.folder / runs}", f"iterations={ITERATIONS}", "batch=2", "micro_batch=2", "warmup=2"]
        return [*words, "evaluate_every=1000", *(f"{name}={value}" for name, value in TRUNK.items())]

    def wait(self, child: int) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def done(self) -> int:
        """Iterations of the newest checkpoint that can be read; -1 where there are some and none can."""
        try:
            found = load_checkpoint(self.parts, quiet=True)
        except ValueError:
            return -1
        return int(found[1]["iteration"]) if found else 0

    def partials(self) -> set[str]:
        """Checkpoints that are being written, and those that earlier sittings have left half written."""
        return {one.name for one in self.parts.glob(".partial-*")}

    def saved(self) -> int:
        """When a checkpoint was last written: a larger number than before, once there is a new one."""
        return max((_modified(one) for one in self.parts.glob("[0-9]*/state.json")), default=0)

    def end(self, child: int, expected: int, left: AbstractSet[str] = frozenset()) -> None:
        """Wait for the end of a sitting. Look at what it has left, beside the half written ones that were there."""
        ended = self.wait(child)
        said = (self.folder / "said").read_text().splitlines()
        if ended == 0:
            return self._compare()
        self.counts["broken"] += 1
        self.counts["saving"] += bool(self.partials() - left)
        self.counts["wrong_ends"] += ended != expected or (ended == 2 and not says_full(said))
        done = self.done()
        self.counts["lost"] += done < self._before
        self._before = max(done, 0)

    def _compare(self) -> None:
        """Is a run that has come to its end the run in one piece? Then a new one can begin."""
        self.counts["whole"] += 1
        ours, theirs = self.parts, self.folder / "whole" / "tiny" / self.kind
        self.counts["different"] += not (same_tensors(ours, theirs) and same_log(ours, theirs))
        shutil.rmtree(self.folder / "parts")
        self._before = 0


class BegunSittings(Sittings):
    """The same of a tokenizer. `disk` has its packs: DISK/parts, and DISK/whole in one piece."""

    kind = "tokenizer"

    def __init__(self, folder: Path, disk: Path) -> None:
        self.disk = disk
        super().__init__(folder)

    def _make(self) -> None:
        make_folder(self.folder / "own")

    def _words(self, runs: str) -> list[str]:
        words = ["tokenizer", f"pack={self.disk / runs / 'tiny'}", f"data={self.folder / 'own'}", "threads=1"]
        words += [f"runs={self.folder / runs}", "iterations=3", "batch=2", "micro_batch=2", "warmup=2"]
        return [*words, "evaluate_every=1000", *(f"{name}={value}" for name, value in vars(TOKENIZER).items())]

    def end(self, child: int, expected: int, left: AbstractSet[str] = frozenset()) -> None:
        super().end(child, expected, left)
        self.counts["lost"] += not can_be_used(self.disk / "parts" / "tiny")

    def _compare(self) -> None:
        super()._compare()
        ours, theirs = (stored_files(self.disk / runs / "tiny") for runs in ("parts", "whole"))
        self.counts["different"] += not ours or ours != theirs
        shutil.rmtree(self.disk / "parts")


def can_be_used(path: Path) -> bool:
    """Whether all that a pack says it has can be read. One that is not begun says nothing."""
    if not (path / "config.yaml").is_file():
        return True
    try:
        pack = open_pack(path)
        return bool(pack.pictures()) and (not pack.has("tokenizer") or bool(pack.load("tokenizer")))
    except (ValueError, OSError):
        return False


def stored_files(path: Path) -> dict[str, bytes]:
    """The files of a pack, but for the beginnings of files that a killed command has left."""
    files = (file for file in path.rglob("[!.]*") if file.is_file())
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


def die_before(name: str) -> None:
    """End this process by kill -9 when it is about to put a file of that name in place."""
    replace = os.replace

    def dying(source: Path, target: Path) -> None:
        if target.name == name:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)

    os.replace = dying  # type: ignore[assignment]


def kill(sittings: Sittings, count: int, until_lost: bool = False) -> None:
    """Break off so many sittings by kill -9, or fewer where it ends with the first checkpoint that is lost."""
    dice, counts = random.Random(0), sittings.counts
    while counts["broken"] < count and not (until_lost and counts["lost"]):
        left, saved = sittings.partials(), sittings.saved()
        child = sittings.start()
        moment = dice.choice(("start", "training", "saving", "saving"))
        if moment != "start":
            _await(lambda child=child, saved=saved: has_ended(child) or sittings.saved() > saved)
        wait = time.monotonic() + dice.uniform(0, 0.4)
        _await(lambda child=child, wait=wait: has_ended(child) or time.monotonic() > wait)
        if moment == "saving":
            _await(lambda child=child, left=left: has_ended(child) or bool(sittings.partials() - left))
        os.kill(child, signal.SIGKILL)
        sittings.end(child, -signal.SIGKILL, left)


def fill(sittings: Sittings, count: int) -> None:
    """Break off so many sittings by a full disk."""
    dice, filler = random.Random(0), sittings.folder / "filler"
    while sittings.counts["broken"] < count:
        take_all_but(filler, dice.randrange(ROOM))
        child = sittings.start()
        _await(lambda child=child: has_ended(child))
        filler.unlink()
        sittings.end(child, 2)


def begin_and_kill(sittings: BegunSittings) -> None:
    """Break off sittings by kill -9, each before it puts the next file in place."""
    for name in STORED:
        sittings.end(sittings.start(dies_before=name), -signal.SIGKILL)
    sittings.end(sittings.start(), 0)


def begin_and_fill(sittings: BegunSittings) -> None:
    """Break off sittings by a full disk, each with room for one more of STORED, up to config.yaml at the end."""
    filler, weights = sittings.disk / "filler", sittings.disk / "whole" / "tiny" / "tokenizer.safetensors"
    for pages in (0, 1, 1, 1, 1, -(-weights.stat().st_size // PAGE)):  # what is stored anew leaves its old room
        take_all_but(filler, pages * PAGE)
        child = sittings.start()
        _await(lambda child=child: has_ended(child))
        filler.unlink()
        sittings.end(child, 2)
    sittings.end(sittings.start(), 0)


def says_full(said: list[str]) -> bool:
    """The last line says it; of all others none does: the progress bar is one line."""
    return bool(said) and said[-1].startswith("error: ") and "No space left" in said[-1] and "Traceback" not in said


def save_in_place(folder: Path, tensors: Iterable[tuple[str, Tensor]], state: dict[str, Any]) -> None:
    """As one should not: over the last checkpoint, file by file."""
    target = folder / "00000001"
    target.mkdir(parents=True, exist_ok=True)
    content = save({name: tensor.contiguous().clone() for name, tensor in tensors})
    (target / "state.json").write_text(json.dumps({**state, "parts": 1}))
    with open(target / "part-000.safetensors", "wb", buffering=0) as out:
        out.write(content[:4000])
        with TemporaryDirectory(prefix=".partial-", dir=folder):  # shows that it is saved: half of it, so far
            time.sleep(0.02)
        out.write(content[4000:])


def same_tensors(ours: Path, theirs: Path) -> bool:
    (mine, _), (other, _) = load_checkpoint(ours) or ({}, {}), load_checkpoint(theirs) or ({}, {})
    return bool(mine) and mine.keys() == other.keys() and all(torch.equal(mine[name], other[name]) for name in mine)


def same_log(ours: Path, theirs: Path) -> bool:
    return _figures(ours) == _figures(theirs)


def _figures(run: Path) -> list[dict[str, Any]]:
    """All that a run has logged, but for how fast it was."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name not in ("pictures_s", "mfu")} for row in rows]


def _modified(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:  # an old checkpoint that was just removed
        return 0


def take_all_but(filler: Path, free: int) -> None:
    """Let a file take the disk."""
    with open(filler, "wb", buffering=0) as out:
        with suppress(OSError):
            while True:
                out.write(bytes(2**16))
        out.truncate(max(0, out.tell() - free))


def has_ended(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _await(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not happens():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.001)


def main(argv: list[str]) -> None:
    how, count, folder = argv[0], int(argv[1]), Path(argv[2])
    torch.set_num_threads(1)
    sittings = Sittings(folder / "run")
    (kill if how == "kill" else fill)(sittings, count)
    sittings.end(sittings.start(), 0)
    found: dict[str, Any] = {**sittings.counts}
    if how == "kill":
        control = Sittings(folder / "control", save_in_place)
        kill(control, MOST_OF_CONTROL, until_lost=True)
        found["control_lost"] = control.counts["lost"]
    shutil.rmtree(sittings.folder)  # a small disk has no room for both
    with TemporaryDirectory() as elsewhere:  # beside the pack nothing is on the small disk, to be what it is full for
        begun = BegunSittings(Path(elsewhere), folder)
        (begin_and_kill if how == "kill" else begin_and_fill)(begun)
        found["begun"] = begun.counts
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
