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
from concurrent.futures import ThreadPoolExecutor
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
from app.features.replay import MAX_BYTES, replay
from app.features.settings import complete_controls
from app.frames import Frame
from app.server.body import JSON_TYPE, MAX_BODY, ClientGone, RequestError, media_type_of, parse_object, read_body
from app.server.endpoints import refuse
from app.server.errors import shorten
from app.server.memory import Trimmer
from app.server.places import MAX_RUNNING, Client, Places
from app.text.wrong import Wrong

PATH = "/run"
RUN_TYPE = "application/vnd.token-critic.run+json"  # of an exported file
WRITE_TIMEOUT = 10.0  # seconds that a client may take for a frame
KEEPALIVE_SECONDS = 15.0  # a waiting client gets a line after so much silence
HEADERS = ((b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))

Run = Iterator[Frame]


class RunStream:
    """The ASGI application at PATH."""

    def __init__(self, context: Context, places: Places | None = None) -> None:
        self._context = context
        self.places = places or Places()
        self._threads = ThreadPoolExecutor(MAX_RUNNING, "run")  # a run holds one while it waits for its turn
        self._trimmer = Trimmer()
        self.steps = 0  # that were sent, since the server was started

    @property
    def route(self) -> Route:
        return Route(PATH, self, methods=["POST"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response, client = LineResponse(request, send), Client.of(request)
        context = self._context.speaking(request.headers.get("accept-language", ""))
        try:
            start, computes = await self._prepare(context, request, client)
            async with self._place(response, client, computes), self._iterate(start()) as frames:
                async for frame in frames:  # an error before the first frame becomes an HTTP status
                    await response.write(frame)
                    self.steps += len(frame.get("steps", ()))
        except ClientGone:
            return
        except (RequestError, ValueError, FileNotFoundError) as error:
            if not response.started:
                return await refuse(error, context.language)(scope, receive, send)
            await response.end(shorten(error, context.language))
        except Exception:
            if response.started:
                await response.end(Wrong("errors.server_failed").say(context.language))
            raise  # to the guard, which prints it
        else:
            await response.end()

    async def _prepare(self, context: Context, request: Request, client: Client) -> tuple[Callable[[], Run], bool]:
        """Return what starts the run that is asked for, and whether it needs the networks.

        Raises RequestError or ValueError where it cannot be run.
        """
        visitor = client.visitor or client.address
        is_file = media_type_of(request) == RUN_TYPE
        body = await read_body(request, MAX_BYTES if is_file else MAX_BODY, (JSON_TYPE, RUN_TYPE))
        if is_file:
            return partial(replay, context, body, visitor), True
        given = dict(parse_object(body))
        if "recorded" in given:
            return partial(play_preset, context, given["recorded"]), False
        is_gallery, count = "count" in given, given.pop("count", None)
        controls = await run_in_threadpool(complete_controls, context, given)
        if is_gallery:
            return partial(draw_gallery, context, count, controls, visitor), True
        return partial(run_lanes, context, controls, visitor), True

    @asynccontextmanager
    async def _place(self, response: LineResponse, client: Client, computes: bool) -> AsyncIterator[None]:
        """Hold a place, unless nothing is computed. Clients get them in the order in which they came."""
        if not computes:
            yield
            return

        async def tell(before: int, seconds: float | None) -> None:
            await response.keep_alive({"kind": "waiting", "before": before, "seconds": seconds})

        async with self.places.take(client, tell):
            yield
        if not self.places.running:
            await run_in_threadpool(self._trimmer.trim)

    @asynccontextmanager
    async def _iterate(self, run: Run) -> AsyncIterator[AsyncIterator[Frame]]:
        """Iterate over the frames of a run without blocking the event loop. The run ends with the block."""
        loop = asyncio.get_running_loop()

        async def frames() -> AsyncIterator[Frame]:
            while (item := await loop.run_in_executor(self._threads, next, run, None)) is not None:
                yield item

        try:
            yield frames()
        finally:
            await asyncio.shield(loop.run_in_executor(self._threads, run.close))  # type: ignore[attr-defined]


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

    async def end(self, error: str = "") -> None:
        """End the response, with a last line that says what went wrong, if anything did."""
        with suppress(ClientGone):
            if error:
                await self.write({"kind": "error", "error": error})
            await self._send_message({"type": "http.response.body", "body": b""})

    async def _send_message(self, message: Message) -> None:
        try:
            await asyncio.wait_for(self._send(message), WRITE_TIMEOUT)
        except (TimeoutError, OSError) as error:
            raise ClientGone from error
