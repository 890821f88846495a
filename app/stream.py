"""A run over HTTP: POST /run, the controls by name; the answer: its frames, a line of JSON each, as they are computed.

Not an event of Gradio's queue, as all else is: its server looks for news twenty times a second, and its page walks
over all controls at each of them. With a browser on the same two cores a run took a tenth longer that way.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from app.handlers import Frame, Handlers
from app.refusals import in_short

PATH = "/run"
RUNS_AT_ONCE = 2  # more would only slow each other down: they share one device
MOST_WAITING = 64
LARGEST = 2**20  # bytes of a question; one with a picture of one's own has 2 KB
STALLED = 10.0  # seconds that a reader may take for a frame
LOOK_EVERY = 1.0  # second, whether one who waits for a turn is still there
SILENT = 15.0  # seconds after which such a one is told to wait
KIND = "application/json"  # what a page of another host cannot send unasked
HEADERS = ((b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))


class Refused(Exception):
    """(HTTP status, line)"""


class Gone(Exception):
    """Nobody reads the answer any more."""


class Stream:
    """What answers at PATH, as an ASGI application."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers
        self._turns = asyncio.Semaphore(RUNS_AT_ONCE)
        self._waiting = 0

    @property
    def route(self) -> Route:
        return Route(PATH, self, methods=["POST"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = Answer(request, send)
        try:
            values = await run_in_threadpool(self._handlers.values, await _read(request))
            async with self._turn(answer), _frames(self._handlers.run(*values)) as frames:
                async for frame in frames:  # the first one only where nothing is refused
                    await answer.line(frame)
        except Gone:
            return
        except (Refused, ValueError, FileNotFoundError) as error:
            status, said = error.args if isinstance(error, Refused) else (422, in_short(error))
            if not answer.begun:
                return await JSONResponse({"error": said}, status)(scope, receive, send)
            with suppress(Gone):
                await answer.line({"kind": "error", "error": said})
        await send({"type": "http.response.body", "body": b""})

    @asynccontextmanager
    async def _turn(self, answer: Answer) -> AsyncIterator[None]:
        """One of the turns, waited for in line."""
        if self._turns.locked():
            await self._wait(answer)
        else:
            await self._turns.acquire()
        try:
            yield
        finally:
            self._turns.release()

    async def _wait(self, answer: Answer) -> None:
        """Refused where the line is full; Gone where the one who asked is."""
        if self._waiting >= MOST_WAITING:
            raise Refused(503, f"{MOST_WAITING} runs are waiting already: try again in a minute")
        turn = asyncio.ensure_future(self._turns.acquire())
        self._waiting += 1
        try:
            while not turn.done():
                await asyncio.wait({turn}, timeout=LOOK_EVERY)
                if not turn.done():
                    await answer.alive()
        except BaseException:
            if not turn.cancel():
                self._turns.release()
            raise
        finally:
            self._waiting -= 1


class Answer:
    """Lines of JSON to one who may have gone, or take none: Gone is raised then."""

    def __init__(self, request: Request, send: Send) -> None:
        self._request, self._put = request, send
        self._last = time.monotonic()
        self.begun = False

    async def alive(self) -> None:
        """Say so now and then while nothing else comes: proxies give up an answer that is silent."""
        if await self._request.is_disconnected():
            raise Gone
        if time.monotonic() - self._last > SILENT:
            await self.line({"kind": "waiting"})

    async def line(self, frame: Frame) -> None:
        if await self._request.is_disconnected():
            raise Gone
        if not self.begun:
            self.begun = True
            await self._sent({"type": "http.response.start", "status": 200, "headers": HEADERS})
        body = json.dumps(frame, separators=(",", ":")).encode() + b"\n"
        await self._sent({"type": "http.response.body", "body": body, "more_body": True})
        self._last = time.monotonic()

    async def _sent(self, message: Message) -> None:
        try:
            await asyncio.wait_for(self._put(message), STALLED)
        except (TimeoutError, OSError) as error:
            raise Gone from error


@asynccontextmanager
async def _frames(run: Iterator[tuple[Frame, str]]) -> AsyncIterator[AsyncIterator[Frame]]:
    """The frames of a run, each waited for on another thread; the run ends with the block."""

    async def each() -> AsyncIterator[Frame]:
        while (one := await run_in_threadpool(next, run, None)) is not None:
            yield one[0]

    try:
        yield each()
    finally:
        await asyncio.shield(run_in_threadpool(run.close))  # type: ignore[attr-defined]


async def _read(request: Request) -> Mapping[str, Any]:
    """What is asked for. Refused where it is no JSON object."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != KIND:
        raise Refused(415, f"expected Content-Type: {KIND}")
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST:
                raise Refused(413, f"more than {LARGEST} bytes")
    except ClientDisconnect as error:
        raise Gone from error
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise Refused(422, f"no JSON: {in_short(error)}") from error
    if not isinstance(found, dict):
        raise Refused(422, "expected a JSON object: the controls by name")
    return found
