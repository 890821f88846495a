"""The packs of this server. Each is opened when it is first used, and shared by all visitors."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from app.frames import to_data_url
from app.text.wrong import Wrong
from app.turns import Turns
from engine.session import Session, available_packs, pack_fingerprint, pack_name, read_card
from engine.sheet import make_sheet

COLUMNS = 32  # patches in a row of the sheet


class Packs:
    """`first` is opened at once, and its networks load while the page is built. `others` are offered beside it.

    By default `others` are all packs under weights/.
    Torch computes everything for the page on `worker`, one thread. OpenMP gives each calling thread its own team.
    Once the teams have more threads than there are cores, they stop spinning while they wait, and a pass on two
    cores takes a third longer.
    """

    def __init__(
        self,
        first: str | Path = "emoji",
        device: str = "auto",
        threads: int = 0,
        others: Sequence[str | Path] | None = None,
        dtype: str = "float32",
    ) -> None:
        self._device, self._threads, self._dtype = device, threads, dtype
        self.worker = Turns()
        self.first = pack_name(first)
        offered = [*(available_packs() if others is None else others), first]
        self._paths = {pack_name(one): one for one in offered}
        self._locks = {name: threading.Lock() for name in self._paths}
        self._sessions: dict[str, Session] = {}
        self._loads: dict[str, Future[None]] = {}
        self._broken: set[str] = set()
        self._class_pictures: dict[str, list[str]] = {}
        self._patches: dict[str, dict[str, Any]] = {}
        self.session(self.first, loaded=False)

    @property
    def names(self) -> list[str]:
        """Names of all packs; `first` comes first."""
        return [self.first, *(name for name in self._paths if name != self.first)]

    def session(self, name: object, *, loaded: bool = True) -> Session:
        """Return the session of a pack. With `loaded=False` its networks may still be loading.

        Raises ValueError for an unknown pack. What is wrong with a pack is printed for whoever runs the server;
        a visitor only reads that it cannot be opened.
        """
        if not isinstance(name, str) or name not in self._paths:
            raise Wrong("errors.unknown_pack", name=repr(name), known=", ".join(self.names))
        if name in self._broken:
            raise Wrong("errors.broken_pack", name=repr(name))
        try:
            session = self._open(name)
            if loaded:
                self._loads[name].result()
        except (ValueError, OSError) as error:
            if name == self.first:
                raise  # at the start: launch.py prints it
            self._broken.add(name)
            print(f"pack {name}: {error}", file=sys.stderr)
            raise Wrong("errors.broken_pack", name=repr(name)) from error
        return session

    def _open(self, name: str) -> Session:
        """Read the pack, and start to load its networks."""
        with self._locks[name]:  # two visitors must not load the same weights twice
            if name not in self._sessions:
                options = (self._paths[name], self._device, self._threads, self._dtype)
                session = self.worker.submit(Session.open, *options, load=False).result()
                self._loads[name] = self.worker.submit(session.load)
                self._sessions[name] = session
            return self._sessions[name]

    def fingerprint(self, name: str) -> str:
        """Return a short hash that says which weights a pack samples with, "" for one that cannot be opened."""
        if name in self._sessions:
            return self._sessions[name].pack.fingerprint()
        try:
            return pack_fingerprint(self._paths[name])
        except (ValueError, OSError):
            return ""

    def patches(self, name: object) -> dict[str, Any]:
        """Return pictures of all tokens: a sheet of square patches (a data URL), their side and number, its columns."""
        session = self.session(name)
        if session.pack.name not in self._patches:
            patches = self.worker.submit(session.patches).result()
            url = to_data_url(make_sheet(patches, columns=COLUMNS, gap=0))
            side, codes = patches.shape[1], len(patches)
            self._patches[session.pack.name] = {"sheet": url, "side": side, "across": COLUMNS, "codes": codes}
        return self._patches[session.pack.name]

    def card(self, name: str) -> str:
        """Return how the pack was made and measured, as Markdown, or ""."""
        return read_card(self._paths[name])

    def class_pictures(self, name: str) -> list[str]:
        """Return a data URL for each class: its first picture, of the training split where there is one.

        "" for each in a pack without pictures.
        """
        if name not in self._class_pictures:
            session = self.session(name, loaded=False)
            images = session.class_pictures() if session.pack.has_pictures else ()
            self._class_pictures[name] = [to_data_url(image) for image in images] or [""] * len(session.classes)
        return self._class_pictures[name]
