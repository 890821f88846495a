"""What app/RELIABILITY.md promises of training. TOKEN_CRITIC_FULL=1 (make soak) does it with the full numbers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.broken_off import STORED
from tests.full import FULL

ROOT = Path(__file__).resolve().parent.parent
KILLS, FULL_DISKS = (100, 50) if FULL else (4, 2)
DISK = ("unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=4m none "$1" && shift && exec "$@"', "sh")  # of one's own


def has_own_disk(folder: Path) -> bool:
    """Whether this user may have a file system of its own. Some containers do not allow it."""
    if not hasattr(os, "fork") or not shutil.which("unshare"):
        return False
    return subprocess.run([*DISK, str(folder), "true"], capture_output=True).returncode == 0


def broken_off(how: str, count: int, folder: Path, *within: str) -> dict[str, Any]:
    command = [*within, sys.executable, "-m", "tests.broken_off", how, str(count), str(folder)]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=one_thread, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    print(how, done.stdout)
    found: dict[str, Any] = json.loads(done.stdout)
    for counts in (found, found["begun"]):
        assert counts["whole"] > 0 and not (counts["lost"] or counts["different"] or counts["wrong_ends"]), found
    return found


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 is of Unix")
def test_killed_at_any_moment_it_has_a_checkpoint_and_goes_on_to_the_bit(tmp_path: Path) -> None:
    found = broken_off("kill", KILLS, tmp_path)
    assert found["broken"] == KILLS and found["saving"] > KILLS / 10, found
    assert found["control_lost"] > 0, "what saves in place has to be found out"
    assert found["begun"]["broken"] == len(STORED)


@pytest.mark.slow
def test_a_full_disk_ends_it_with_a_line_and_it_goes_on_to_the_bit(tmp_path: Path) -> None:
    if not has_own_disk(tmp_path):
        pytest.skip("needs a small file system, which this user may not make")
    found = broken_off("disk", FULL_DISKS, tmp_path, *DISK, str(tmp_path))
    assert found["broken"] == FULL_DISKS and found["begun"]["broken"] == len(STORED) - 1
