"""A script that stands in the page before Gradio's own: what is given to `launch(head=)` runs after them."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.assets import script

BEFORE = b"<head>"


class Opening:
    """Middleware that puts assets/js/opening.js at the head of each page of HTML."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._head = BEFORE + f"<script>\n{script('opening')}</script>".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message | None = None  # held back until the length of the body is known

        async def sent(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(Headers(raw=message["headers"])):
                start = message
                return
            if start is not None and not message.get("more_body"):
                message["body"] = message["body"].replace(BEFORE, self._head, 1)
                MutableHeaders(raw=start["headers"])["content-length"] = str(len(message["body"]))
            if start is not None:
                await send(start)
                start = None
            await send(message)

        await self._app(scope, receive, sent)


def _is_page(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers
