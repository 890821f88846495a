"""Stream a run over HTTP: POST /run with the controls as JSON. The response has one frame per line of JSON.

Everything else on the page is an event of Gradio's queue. A run is not: Gradio's server polls for news twenty times
a second, and its page visits all controls each time. With a browser on the same two cores a run took a tenth longer.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from app.frames import Frame
from app.server.errors import shorten

PATH = "/run"
MAX_RUNNING = 2  # more runs only slow each other down: they share one device
MAX_WAITING = 64
MAX_BODY = 2**20  # bytes of a request; one with an own picture has 2 KB
WRITE_TIMEOUT = 10.0  # seconds that a client may take for a frame
POLL_SECONDS = 1.0  # how often a waiting client's connection is checked
KEEPALIVE_SECONDS = 15.0  # a waiting client gets a line after so much silence
MEDIA_TYPE = "application/json"  # a page of another host cannot send it without the browser's permission check
HEADERS = ((b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))


class RequestError(Exception):
    """(HTTP status, message)"""


class ClientGone(Exception):
    """The client does not read the response any more."""


class RunStream:
    """The ASGI application at PATH.

    `complete` checks the controls of a request and returns the values of all controls. `run` takes these values
    and yields (frame, run id). Both raise ValueError for wrong values.
    """

    def __init__(
        self,
        complete: Callable[[Mapping[str, Any]], Sequence[Any]],
        run: Callable[..., Iterator[tuple[Frame, str]]],
    ) -> None:
        self._complete, self._run = complete, run
        self._slots = asyncio.Semaphore(MAX_RUNNING)
        self._num_waiting = 0

    @property
    def route(self) -> Route:
        return Route(PATH, self, methods=["POST"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = LineResponse(request, send)
        try:
            values = await run_in_threadpool(self._complete, await _read_body(request))
            async with self._slot(response), _iterate(self._run(*values)) as frames:
                async for frame in frames:  # an error before the first frame becomes an HTTP status
                    await response.write(frame)
        except ClientGone:
            return
        except (RequestError, ValueError, FileNotFoundError) as error:
            status, message = error.args if isinstance(error, RequestError) else (422, shorten(error))
            if not response.started:
                return await JSONResponse({"error": message}, status)(scope, receive, send)
            with suppress(ClientGone):
                await response.write({"kind": "error", "error": message})
        await send({"type": "http.response.body", "body": b""})

    @asynccontextmanager
    async def _slot(self, response: LineResponse) -> AsyncIterator[None]:
        """Hold one of the slots. Clients get them in the order in which they came."""
        if self._slots.locked():
            await self._wait(response)
        else:
            await self._slots.acquire()
        try:
            yield
        finally:
            self._slots.release()

    async def _wait(self, response: LineResponse) -> None:
        """Wait for a slot. Raises RequestError where too many wait, and ClientGone."""
        if self._num_waiting >= MAX_WAITING:
            raise RequestError(503, f"{MAX_WAITING} runs are waiting already: try again in a minute")
        slot = asyncio.ensure_future(self._slots.acquire())
        self._num_waiting += 1
        try:
            while not slot.done():
                await asyncio.wait({slot}, timeout=POLL_SECONDS)
                if not slot.done():
                    await response.keep_alive()
        except BaseException:
            if not slot.cancel():
                self._slots.release()
            raise
        finally:
            self._num_waiting -= 1


class LineResponse:
    """A response of JSON lines. Its methods raise ClientGone where the client has left, or reads too slowly."""

    def __init__(self, request: Request, send: Send) -> None:
        self._request, self._send = request, send
        self._last_write = time.monotonic()
        self.started = False

    async def keep_alive(self) -> None:
        """Write a line now and then while no frame comes: proxies close a silent connection."""
        if await self._request.is_disconnected():
            raise ClientGone
        if time.monotonic() - self._last_write > KEEPALIVE_SECONDS:
            await self.write({"kind": "waiting"})

    async def write(self, frame: Frame) -> None:
        if await self._request.is_disconnected():
            raise ClientGone
        if not self.started:
            self.started = True
            await self._send_message({"type": "http.response.start", "status": 200, "headers": HEADERS})
        body = json.dumps(frame, separators=(",", ":")).encode() + b"\n"
        await self._send_message({"type": "http.response.body", "body": body, "more_body": True})
        self._last_write = time.monotonic()

    async def _send_message(self, message: Message) -> None:
        try:
            await asyncio.wait_for(self._send(message), WRITE_TIMEOUT)
        except (TimeoutError, OSError) as error:
            raise ClientGone from error


@asynccontextmanager
async def _iterate(run: Iterator[tuple[Frame, str]]) -> AsyncIterator[AsyncIterator[Frame]]:
    """Iterate over the frames of a run without blocking the event loop. The run ends with the block."""

    async def frames() -> AsyncIterator[Frame]:
        while (item := await run_in_threadpool(next, run, None)) is not None:
            yield item[0]

    try:
        yield frames()
    finally:
        await asyncio.shield(run_in_threadpool(run.close))  # type: ignore[attr-defined]


async def _read_body(request: Request) -> Mapping[str, Any]:
    """Return the JSON object of a request. Raises RequestError where it is none."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != MEDIA_TYPE:
        raise RequestError(415, f"expected Content-Type: {MEDIA_TYPE}")
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise RequestError(413, f"more than {MAX_BODY} bytes")
    except ClientDisconnect as error:
        raise ClientGone from error
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise RequestError(422, f"no JSON: {shorten(error)}") from error
    if not isinstance(found, dict):
        raise RequestError(422, "expected a JSON object: the controls by name")
    return found
