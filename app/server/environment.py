"""The process environment that the page needs: no proxy to itself, and a temporary folder of its own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache

LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")
ALL = "*"


@contextmanager
def bypass_proxies(host: str = "127.0.0.1", share: bool = False) -> Iterator[None]:
    """Use no proxy inside the block: to import Gradio, or to request the page's own address.

    Gradio creates HTTP clients when it is imported, and these fail for proxies that httpx does not know. So all
    hosts are reached without a proxy, unless a public link is asked for (`share`), which may need one.
    """
    hosts = (*LOOPBACK, host, f"[{host}]")
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    no_proxy = ",".join(filter(None, (given, *hosts))) if share else ALL
    with _set_variables(no_proxy=no_proxy, NO_PROXY=no_proxy):
        yield


@contextmanager
def no_hot_reload() -> Iterator[None]:
    """Start no watcher of source files inside the block. On a Space Gradio starts one, which needs another package."""
    with _set_variables(SYSTEM="") if os.environ.get("SYSTEM") == "spaces" else nullcontext():
        yield


@cache
def use_private_folder() -> None:
    """Let Gradio store files in a new folder that only this user can read. It is removed at exit.

    Call this before Gradio is imported. Gradio's default, $TMPDIR/gradio, belongs to the machine's first user.
    Raises OSError where the folder cannot be made.
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
def _set_variables(**values: str) -> Iterator[None]:
    """Set environment variables inside the block."""
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
