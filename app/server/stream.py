"""Stream a run over HTTP: POST /run. The response has one frame per line of JSON, as the frames are computed.

Every run comes this way, and the body says which one:
- {control: value, ...}: a live run; what is not given is as the page has it at first;
- {..., "count": n}: n pictures of each lane, for one seed after another;
- {"recorded": name}: a preset's recording;
- the content of an exported file, as RUN_TYPE: that run.

It is no event of Gradio's queue: Gradio's server polls for news twenty times a second, and its page visits all controls
each time. With a browser on the same two cores a run took a tenth longer.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from app.context import Context
from app.features.compare import run_lanes
from app.features.gallery import draw_gallery
from app.features.presets import play_preset
from app.features.replay import replay
from app.features.settings import complete_controls
from app.frames import Frame
from app.server.body import JSON_TYPE, MAX_BODY, ClientGone, RequestError, media_type_of, parse_object, read_body
from app.server.endpoints import refuse
from app.server.errors import shorten

PATH = "/run"
RUN_TYPE = "application/vnd.token-critic.run+json"  # of an exported file
MAX_FILE = 8 * 2**20  # bytes
MAX_RUNNING = 2  # more runs only slow each other down: they share one device
MAX_WAITING = 64
WRITE_TIMEOUT = 10.0  # seconds that a client may take for a frame
POLL_SECONDS = 1.0  # how often a waiting client's connection is checked
KEEPALIVE_SECONDS = 15.0  # a waiting client gets a line after so much silence
HEADERS = ((b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))

Run = Iterator[Frame]


class RunStream:
    """The ASGI application at PATH."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._slots = asyncio.Semaphore(MAX_RUNNING)
        self._num_waiting = 0

    @property
    def route(self) -> Route:
        return Route(PATH, self, methods=["POST"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = LineResponse(request, send)
        try:
            start, computes = await self._prepare(request)
            async with self._slot(response, computes), _iterate(start()) as frames:
                async for frame in frames:  # an error before the first frame becomes an HTTP status
                    await response.write(frame)
        except ClientGone:
            return
        except (RequestError, ValueError, FileNotFoundError) as error:
            if not response.started:
                return await refuse(error)(scope, receive, send)
            with suppress(ClientGone):
                await response.write({"kind": "error", "error": shorten(error)})
        await send({"type": "http.response.body", "body": b""})

    async def _prepare(self, request: Request) -> tuple[Callable[[], Run], bool]:
        """Return what starts the run that is asked for, and whether it needs the networks.

        Raises RequestError or ValueError where it cannot be run.
        """
        is_file = media_type_of(request) == RUN_TYPE
        body = await read_body(request, MAX_FILE if is_file else MAX_BODY, (JSON_TYPE, RUN_TYPE))
        if is_file:
            return partial(replay, self._context, body), True
        given = dict(parse_object(body))
        if "recorded" in given:
            return partial(play_preset, self._context, given["recorded"]), False
        is_gallery, count = "count" in given, given.pop("count", None)
        controls = await run_in_threadpool(complete_controls, self._context, given)
        if is_gallery:
            return partial(draw_gallery, self._context, count, controls), True
        return partial(run_lanes, self._context, controls), True

    @asynccontextmanager
    async def _slot(self, response: LineResponse, computes: bool) -> AsyncIterator[None]:
        """Hold one of the slots, unless nothing is computed. Clients get them in the order in which they came."""
        if not computes:
            yield
            return
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
                    await response.keep_alive({"kind": "waiting", "running": self._context.runs.active})
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

    async def keep_alive(self, line: Frame) -> None:
        """Write a line at first, and now and then while no frame comes: proxies close a silent connection."""
        if await self._request.is_disconnected():
            raise ClientGone
        if not self.started or time.monotonic() - self._last_write > KEEPALIVE_SECONDS:
            await self.write(line)

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
async def _iterate(run: Run) -> AsyncIterator[AsyncIterator[Frame]]:
    """Iterate over the frames of a run without blocking the event loop. The run ends with the block."""

    async def frames() -> AsyncIterator[Frame]:
        while (item := await run_in_threadpool(next, run, None)) is not None:
            yield item

    try:
        yield frames()
    finally:
        await asyncio.shield(run_in_threadpool(run.close))  # type: ignore[attr-defined]
