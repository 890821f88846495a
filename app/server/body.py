"""Read the body of a request, within bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request

from app.features import refine, replay
from app.server.errors import shorten
from app.text.wrong import Wrong

MAX_BODY = 2**17  # bytes; a request with an own picture's tokens has 2 KB
LARGE_BODIES = {"/run": replay.MAX_BYTES, "/look": refine.MAX_URL_LENGTH + MAX_BODY}  # path -> bytes
MAX_NESTED = 10_000  # lists and objects in a request; each takes memory before it can be looked at
BODY_SECONDS = 10.0  # that a client may take to send it
JSON_TYPE = "application/json"  # a page of another host cannot send it without the browser's permission check


class RequestError(Exception):
    """A request that is refused with an HTTP status."""

    def __init__(self, status: int, reason: str | Wrong) -> None:
        self.status = status
        self.reason = reason if isinstance(reason, Wrong) else ValueError(reason)
        super().__init__(str(reason))


class ClientGone(Exception):
    """The client does not read the response any more."""


def media_type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(request: Request, max_bytes: int = MAX_BODY, media_types: tuple[str, ...] = (JSON_TYPE,)) -> bytes:
    """Return the body. Raises RequestError where it is too large or of another type, and ClientGone."""
    if media_type_of(request) not in media_types:
        raise RequestError(415, f"expected Content-Type: {' or '.join(media_types)}")
    body = bytearray()
    try:
        async for chunk in request.stream():  # the guard bounds the time
            body += chunk
            if len(body) > max_bytes:
                raise RequestError(413, Wrong("errors.too_large", most=max_bytes))
    except ClientDisconnect as error:
        raise ClientGone from error
    return bytes(body)


def parse_object(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object of a body; an empty body is an empty object. Raises RequestError for anything else."""
    if body.count(b"[") + body.count(b"{") > MAX_NESTED:
        raise RequestError(422, "no JSON that the page sends: a pile of lists")
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise RequestError(422, f"no JSON: {shorten(error)}") from error
    if not isinstance(found, dict):
        raise RequestError(422, "expected a JSON object: values by name")
    return found
