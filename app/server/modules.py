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

from app.assets import import_script, language_script, modules, modules_path, opening_script
from app.text.words import languages

FOREVER = "public, max-age=31536000, immutable"
CONFIG = "config.{language}.json"
HEAD, HEAD_END = b"<head>", b"</head>"
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {  # the smallest first
    "br": brotli.compress,
    "gzip": lambda content: gzip.compress(content, 9, mtime=0),
}


def module_route(configs: Mapping[str, Mapping[str, Any]]) -> Route:
    """GET modules/HASH/PATH. `configs` is what main.js reads beside itself, by language: words and first controls."""
    stated = {
        CONFIG.format(language=language): json.dumps(config, ensure_ascii=False).encode()
        for language, config in configs.items()
    }

    def serve(request: Request) -> Response:
        path = request.path_params["path"]
        if path in stated:  # its content is no part of the hash
            return _respond(request, stated[path], "application/json", "no-cache")
        if path not in modules():
            return Response("no such module", 404, media_type="text/plain")
        return _respond(request, modules()[path], "text/javascript", FOREVER)

    return Route(f"/{modules_path()}/{{path:path}}", serve)


class EarlyStart:
    """Middleware: the page fetches and starts the front end while Gradio's own scripts are on their way.

    Gradio adds what it is given for the head when it has started itself, which is too late. The head begins with links
    to all modules, so that they come at once, and with a script (assets/opening.js). At its end a script chooses the
    language, and imports the first module. A Link header would be too long: nginx takes 4 KB of headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        links = "".join(f'<link rel="modulepreload" href="{modules_path()}/{path}">' for path in modules())
        facts = f'data-languages="{" ".join(languages())}" data-modules="{modules_path()}"'
        self._parts = {
            HEAD: HEAD + f"{links}<script>\n{opening_script()}</script>".encode(),
            HEAD_END: f"<script {facts}>\n{language_script()}{import_script()};</script>".encode() + HEAD_END,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message | None = None  # held back until the length of the body is known

        async def send_with_script(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(Headers(raw=message["headers"])):
                start = message
                return
            if start is not None:
                if not message.get("more_body"):
                    for place, filled in self._parts.items():
                        message["body"] = message["body"].replace(place, filled, 1)
                    MutableHeaders(raw=start["headers"])["content-length"] = str(len(message["body"]))
                await send(start)
                start = None
            await send(message)

        await self._app(scope, receive, send_with_script if scope["type"] == "http" else send)


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
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers
