"""The packs of this server: opened when first asked for, then shared by all visitors."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from app.frames import data_url
from engine.session import Session, available_packs, pack_name, read_card
from engine.sheet import make_sheet

ACROSS = 32  # patches in a row of the sheet


class Packs:
    """`first` is opened at once, and its networks are loaded while the page is made; `others`, by default all
    under weights/, are offered beside it.

    All that torch computes for the page is computed on `worker`, one thread: OpenMP gives each thread
    that asks a team of its own, and as soon as teams hold more threads than there are cores they no
    longer wait for each other awake, which makes a pass on two cores a third slower.
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
        self.worker = ThreadPoolExecutor(1, "networks")
        self.first = pack_name(first)
        offered = [*(available_packs() if others is None else others), first]
        self._paths = {pack_name(one): one for one in offered}
        self._locks = {name: threading.Lock() for name in self._paths}
        self._sessions: dict[str, Session] = {}
        self._loads: dict[str, Future[None]] = {}
        self._broken: set[str] = set()
        self._faces: dict[str, list[str]] = {}
        self._patches: dict[str, dict[str, Any]] = {}
        self.session(self.first, loaded=False)

    @property
    def names(self) -> list[str]:
        """The first one first."""
        return [self.first, *(name for name in self._paths if name != self.first)]

    def session(self, name: object, *, loaded: bool = True) -> Session:
        """The opened pack of that name; unless it is to be `loaded`, perhaps before its networks are.

        ValueError for one that is not offered. What is wrong with a pack is for whoever runs the server;
        a visitor hears that it cannot be opened.
        """
        if not isinstance(name, str) or name not in self._paths:
            raise ValueError(f"unknown pack {name!r}: one of {', '.join(self.names)}")
        if name in self._broken:
            raise ValueError(f"pack {name!r} cannot be opened")
        try:
            session = self._open(name)
            if loaded:
                self._loads[name].result()
        except (ValueError, OSError) as error:
            if name == self.first:
                raise  # at the start: launch.py says it
            self._broken.add(name)
            print(f"pack {name}: {error}", file=sys.stderr)
            raise ValueError(f"pack {name!r} cannot be opened") from error
        return session

    def _open(self, name: str) -> Session:
        """Looked at; its networks are on their way."""
        with self._locks[name]:  # two visitors must not load the same weights twice
            if name not in self._sessions:
                how = (self._paths[name], self._device, self._threads, self._dtype)
                session = self.worker.submit(Session.open, *how, load=False).result()
                self._loads[name] = self.worker.submit(session.load)
                self._sessions[name] = session
            return self._sessions[name]

    def patches(self, name: object) -> dict[str, Any]:
        """What each token looks like: a sheet of square patches, ACROSS in a row, as a data URL, and a patch's side."""
        session = self.session(name)
        if session.pack.name not in self._patches:
            found = self.worker.submit(session.patches).result()
            url = data_url(make_sheet(found, columns=ACROSS, gap=0))
            self._patches[session.pack.name] = {"sheet": url, "side": found.shape[1], "across": ACROSS}
        return self._patches[session.pack.name]

    def card(self, name: str) -> str:
        """How the pack was made and measured, as Markdown; "" where it does not say."""
        return read_card(self._paths[name])

    def faces(self, name: str) -> list[str]:
        """A picture of each class as a data URL: the first of its own."""
        if name not in self._faces:
            images = self.session(name, loaded=False).class_pictures()
            self._faces[name] = [data_url(image) for image in images]
        return self._faces[name]
