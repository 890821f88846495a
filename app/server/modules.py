"""Serve the front end's modules from memory, compressed, under a path that holds their hash."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import brotli
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.assets import modules, modules_path

FOREVER = "public, max-age=31536000, immutable"
CONFIG = "config.json"
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {  # the smallest first
    "br": brotli.compress,
    "gzip": lambda content: gzip.compress(content, 9, mtime=0),
}


def module_route(config: Mapping[str, Any]) -> Route:
    """GET modules/HASH/PATH. `config` is what main.js reads beside itself: the page's words and first controls."""
    stated = json.dumps(config, ensure_ascii=False).encode()

    def serve(request: Request) -> Response:
        path = request.path_params["path"]
        if path == CONFIG:  # its content is no part of the hash
            return _respond(request, stated, "application/json", "no-cache")
        if path not in modules():
            return Response("no such module", 404, media_type="text/plain")
        return _respond(request, modules()[path], "text/javascript", FOREVER)

    return Route(f"/{modules_path()}/{{path:path}}", serve)


class ModulePreload:
    """Middleware: the page's answer names all modules, so the browser fetches them while Gradio starts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        links = [f"<{modules_path()}/{path}>; rel=modulepreload" for path in modules()]
        links.append(f"<{modules_path()}/{CONFIG}>; rel=preload; as=fetch; crossorigin=anonymous")
        self._link = ", ".join(links)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_links(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(Headers(raw=message["headers"])):
                MutableHeaders(raw=message["headers"])["link"] = self._link
            await send(message)

        await self._app(scope, receive, send_with_links if scope["type"] == "http" else send)


def _respond(request: Request, content: bytes, media_type: str, cache_control: str) -> Response:
    headers = {"cache-control": cache_control, "vary": "accept-encoding", "x-content-type-options": "nosniff"}
    accepted = {one.partition(";")[0].strip() for one in request.headers.get("accept-encoding", "").split(",")}
    encoding = next((name for name in ENCODINGS if name in accepted), None)
    if encoding:
        headers, content = {**headers, "content-encoding": encoding}, _compress(content, encoding)
    return Response(content, headers=headers, media_type=media_type)


@cache
def _compress(content: bytes, encoding: str) -> bytes:
    return ENCODINGS[encoding](content)


def _is_page(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith("text/html")
