"""Places for runs: how many go at once, who waits in line, and how many one visitor may have."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from app.server.body import RequestError
from app.text.wrong import Wrong

MAX_RUNNING = 40  # each holds a thread and its steps; they take turns, so more would only make all slow
MAX_RUNNING_OF_ADDRESS = 32  # so that some places are left for others
MAX_WAITING = 64
MAX_OF_VISITOR = 4  # runs of one visitor, under way or waiting
MAX_OF_ADDRESS = 48  # of one address, which a whole lecture hall may share
POLL_SECONDS = 1.0  # how often a waiting client's connection is checked
REMEMBERED = 16  # ends of runs, from which the wait is estimated
VISITOR = re.compile(r"[\w-]{8,64}")  # what the page calls itself, made anew for each tab

Tell = Callable[[int, float | None], Awaitable[None]]  # how many are before, and the seconds that this may take


@dataclass(frozen=True, kw_only=True)
class Client:
    visitor: str  # "": it does not say who it is; then only what its address has counts
    address: str

    @classmethod
    def of(cls, request: Request) -> Client:
        """Who asks: by its address, and by what the page calls itself."""
        address = request.client.host if request.client else ""
        name = request.headers.get("x-visitor", "")
        return cls(visitor=f"{address} {name}" if VISITOR.fullmatch(name) else "", address=address)


class Places:
    """Used from the event loop alone."""

    def __init__(self, running: int = MAX_RUNNING, waiting: int = MAX_WAITING) -> None:
        self._most, self._most_waiting = running, waiting
        self._line: deque[tuple[asyncio.Future[None], str]] = deque()  # with the address that waits
        self._clients: Counter[str] = Counter()
        self._running_of: Counter[str] = Counter()  # by address
        self._ends: deque[float] = deque(maxlen=REMEMBERED)
        self.running = self.refused = 0
        self.waited = 0.0  # seconds, of all runs

    @property
    def waiting(self) -> int:
        return len(self._line)

    @asynccontextmanager
    async def take(self, client: Client, tell: Tell) -> AsyncIterator[None]:
        """Hold a place inside the block. While there is none, `tell` is called once a POLL_SECONDS.

        Raises RequestError where too many wait, or the client has too many runs, and what `tell` raises.
        """
        if self._is_full(client):
            await asyncio.sleep(1.5 * POLL_SECONDS)  # meanwhile those in line who have left are noticed
        self._check(client)
        owners = (f"visitor {client.visitor}", f"address {client.address}")
        self._clients.update(owners)
        try:
            began = time.monotonic()
            await self._wait(client.address, tell)
            self.waited += time.monotonic() - began
            try:
                yield
            finally:
                self._ends.append(time.monotonic())
                self._leave(client.address)
        finally:
            self._clients.subtract(owners)
            for owner in owners:
                if not self._clients[owner]:
                    del self._clients[owner]

    def _check(self, client: Client) -> None:
        refusal = None
        if client.visitor and self._clients[f"visitor {client.visitor}"] >= MAX_OF_VISITOR:
            refusal = RequestError(429, Wrong("errors.own_runs", most=MAX_OF_VISITOR))
        elif self._clients[f"address {client.address}"] >= MAX_OF_ADDRESS:
            refusal = RequestError(429, Wrong("errors.address_runs", most=MAX_OF_ADDRESS))
        elif self._is_full(client):
            refusal = RequestError(503, Wrong("errors.queue", most=self._most_waiting))
        if refusal is not None:
            self.refused += 1
            raise refusal

    async def _wait(self, address: str, tell: Tell) -> None:
        if self._has_place(address):
            self._enter(address)
            return
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((ticket, address))
        try:
            while not ticket.done():
                await asyncio.wait({ticket}, timeout=POLL_SECONDS)
                if not ticket.done():
                    before = self._line.index((ticket, address))
                    await tell(before, self._estimate(before))
        except BaseException:
            if ticket.done():
                self._leave(address)
            else:
                self._line.remove((ticket, address))
            raise

    def _is_full(self, client: Client) -> bool:
        return not self._has_place(client.address) and len(self._line) >= self._most_waiting

    def _has_place(self, address: str) -> bool:
        return self.running < self._most and self._running_of[address] < MAX_RUNNING_OF_ADDRESS

    def _enter(self, address: str) -> None:
        self.running += 1
        self._running_of[address] += 1

    def _leave(self, address: str) -> None:
        """Give a place that is free now to the first in line who may have it."""
        self.running -= 1
        self._running_of[address] -= 1
        if not self._running_of[address]:
            del self._running_of[address]
        for one in self._line:
            if self._has_place(one[1]):
                self._line.remove(one)
                self._enter(one[1])
                one[0].set_result(None)
                return

    def _estimate(self, before: int) -> float | None:
        """Seconds until as many and one more runs have ended, as far as the last ones tell."""
        if len(self._ends) < 2:
            return None
        return (time.monotonic() - self._ends[0]) / len(self._ends) * (before + 1)
