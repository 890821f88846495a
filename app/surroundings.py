"""What of the machine could keep the page from being served: its proxies, and folders that belong to others."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")
ALL = "*"


@contextmanager
def direct(host: str = "127.0.0.1", share: bool = False) -> Iterator[None]:
    """Around what imports Gradio or asks the page's own address: no proxy stands between.

    Gradio makes clients when it is imported, which fail where a proxy is of a kind that httpx does not know; so
    proxies are set aside for all hosts, but where a public link is asked for, which may need one.
    """
    names = (*LOOPBACK, host, f"[{host}]")
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    without = ",".join(filter(None, (given, *names))) if share else ALL
    with _environment(no_proxy=without, NO_PROXY=without):
        yield


@cache
def own_folder() -> None:
    """Before Gradio is imported: what it stores shall be in a folder that this user alone may read, gone at the end.

    Its own choice, $TMPDIR/gradio, belongs to whoever was first on the machine. OSError where there is no room.
    """
    place = os.environ.get("GRADIO_TEMP_DIR") or None
    try:
        if place:
            os.makedirs(place, exist_ok=True)
        folder = tempfile.mkdtemp(prefix="token-critic-", dir=place)
    except OSError as error:
        name = "GRADIO_TEMP_DIR" if place else "TMPDIR"
        raise OSError(f"{error}: let {name} name a folder that can be written and has room") from error
    os.environ["GRADIO_TEMP_DIR"] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Variables of this process, until the end of the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
