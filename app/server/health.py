"""GET /healthz: does the server answer? GET /metrics: figures of its use, as Prometheus reads them."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.context import Context

if TYPE_CHECKING:
    from app.server.guard import Guard
    from app.server.stream import RunStream

FORMAT = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "token_critic_"


class Health:
    """Both answers. `shows`: whether the figures may be read."""

    def __init__(self, context: Context, stream: RunStream, shows: bool = False) -> None:
        self._context, self._stream, self._shows = context, stream, shows
        self._begun = time.time()
        self.guard: Guard | None = None

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The application with these two answers before its own."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("path")
            if scope["type"] == "http" and path in ("/healthz", "/metrics"):
                return await self._answer(Request(scope, receive))(scope, receive, send)
            await app(scope, receive, send)

        return answer

    def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return Response(status_code=405)
        if request.url.path == "/healthz":
            return Response(json.dumps({"status": "ok"}), media_type="application/json")
        if not self._shows:
            return Response('{"error": "start the server with --metrics"}', 404, media_type="application/json")
        return PlainTextResponse(self.text(), media_type=FORMAT)

    def text(self) -> str:
        """All figures, one a line."""
        places, runs = self._stream.places, self._context.runs
        lines = []
        for name, kind, help, value in (
            ("start_time_seconds", "gauge", "when the server was started", self._begun),
            ("runs_running", "gauge", "runs under way", places.running),
            ("runs_active", "gauge", "the same, and those of typed endpoints", runs.active),
            ("runs_waiting", "gauge", "runs that wait for a place", places.waiting),
            ("runs_kept", "gauge", "runs in memory", len(runs)),
            ("runs_total", "counter", "runs that were begun", runs.begun),
            ("steps_total", "counter", "steps and pictures that were sent", self._stream.steps),
            ("wait_seconds_total", "counter", "time that runs waited for a place", places.waited),
            ("runs_refused_total", "counter", "runs for which there was no place", places.refused),
            ("threads", "gauge", "threads of the process", threading.active_count()),
            ("open_files", "gauge", "open files and connections", count_open_files()),
            ("resident_bytes", "gauge", "memory of the process", count_resident_bytes()),
        ):
            lines += _metric(name, kind, help, {"": value})
        if self.guard is not None:
            counts = self.guard.counts
            refused = {f'status="{status}"': count for status, count in sorted(counts.refused.items())}
            lines += _metric("requests_total", "counter", "requests", {"": counts.requests})
            lines += _metric("requests_refused_total", "counter", "requests that the guard refused", refused)
            lines += _metric("requests_failed_total", "counter", "errors that were not expected", {"": counts.failed})
        return "\n".join(lines) + "\n"


def _metric(name: str, kind: str, help: str, values: Mapping[str, float]) -> list[str]:
    full = PREFIX + name
    shown = [f"{full}{f'{{{labels}}}' if labels else ''} {value}" for labels, value in values.items()]
    return [f"# HELP {full} {help}", f"# TYPE {full} {kind}", *shown]


def count_open_files() -> int:
    """-1 where the system does not say it."""
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return -1


def count_resident_bytes() -> int:
    """-1 where the system does not say it."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return -1
