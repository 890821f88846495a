"""What stands before the whole server: who may ask, for what, how much, how often, and how an error is answered.

It wraps the application after Gradio has built it, so that it comes before Gradio's own middleware.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
import socket
import sys
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.body import BODY_SECONDS, LARGE_BODIES, MAX_BODY
from app.text.words import choose_language
from app.text.wrong import Wrong

LOCAL_NAMES = ("localhost", "testserver")  # the second is what test clients call a server
BYTES_PER_SECOND = 2**18  # a large body gets a second more for each of so many bytes
MAX_HELD = 2**28  # bytes of all large bodies together, each held until it is answered
RATE, BURST = 40.0, 400.0  # posts a second of one address, which a whole lecture hall may share, and at once
MAX_ADDRESSES = 10_000  # whose posts are counted
API = "/gradio_api"
EXPORT = "/export"  # a GET that costs as much as a post
# Gradio's routes that the page, its clients and the page of its API use. All others are refused.
GRADIO_ROUTES = re.compile(
    r"/(config/?|favicon\.ico|theme\.css|robots\.txt|manifest\.json|pwa_icon(/\d+)?|openapi\.json"
    r"|(static|assets|svelte)/.+"
    rf"|{API[1:]}/(info/?|openapi\.json|startup-events|queue/(join|data|status)|run/[\w-]+/?|api/[\w-]+/?|call/.+|cancel"
    r"|reset/?|heartbeat/[\w-]+|app_id|mcp(/.*)?))?"
)
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors {frames}"
)  # Gradio makes functions from text, hence 'unsafe-eval'
NO_FRAMES, SPACE_FRAMES = "'self'", "'self' https://huggingface.co https://*.hf.space"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a server lets in."""

    hosts: frozenset[str] = frozenset()  # names, beside this machine's own; ".example.org" is all below it, "*" any
    own_paths: frozenset[str] = frozenset()  # of the page's own routes, as "/run"
    own_prefixes: tuple[str, ...] = ()  # of those that go on, as "/modules/"
    frames: str = NO_FRAMES  # who may show the page in a frame
    trusts_proxy: bool = False  # whether whoever connects says whom it asks for; a proxy on this machine always may


@dataclass(kw_only=True)
class Counts:
    """What the guard has done, for /metrics."""

    requests: int = 0
    refused: dict[int, int] = field(default_factory=dict)  # by status
    failed: int = 0  # errors that were not expected
    held: int = 0  # bytes of large bodies


class Refusal(Exception):
    """(HTTP status, what is wrong: a message, or a Wrong)"""


class Guard:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # address -> posts left, when that was
        self.counts = Counts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":  # the page uses no websocket
            return await send({"type": "websocket.close", "code": 1003})
        self.counts.requests += 1
        answer = _Answer(send, self._limits.frames, Headers(scope=scope).get("accept-language", ""))
        body = _Body(receive, LARGE_BODIES.get(scope["path"], MAX_BODY), self.counts)
        try:
            address = self._address(scope)
            self._check(scope, address)
            await self._app(_without_page(self._behind_proxy(scope, address)), body.receive, answer.send)
        except Refusal as error:
            await self._refuse(answer, error)
        except Exception as error:  # the one place where whatever goes wrong becomes a line
            if body.refusal is not None:  # the application has met it
                return await self._refuse(answer, body.refusal)
            self.counts.failed += 1
            print(f"{scope['method']} {scope['path'][:80]!r}: {_describe(error)}", file=sys.stderr)
            await self._refuse(answer, _refusal_of(scope))
        finally:
            self.counts.held -= body.held

    async def _refuse(self, answer: _Answer, refusal: Refusal) -> None:
        status, reason = refusal.args
        self.counts.refused[status] = self.counts.refused.get(status, 0) + 1
        if not answer.started:
            await answer.refuse(status, reason)

    def _check(self, scope: Scope, address: str) -> None:
        """Raise Refusal for a request that is not let in."""
        headers, path = Headers(scope=scope), scope["path"]
        host = headers.get("host", "")
        if not self._is_own_name(_name_of(host)):
            raise Refusal(421, "this server does not go by that name: start it with --allow-host NAME to let it in")
        origin = headers.get("origin")
        if origin and scope["method"] not in ("GET", "HEAD") and not self._is_same_site(origin, headers):
            raise Refusal(403, "a page of another site may not use this server")
        if not self._is_known(path):
            raise Refusal(404, "there is nothing here")
        length, most = headers.get("content-length", ""), LARGE_BODIES.get(path, MAX_BODY)
        if length.isdecimal() and int(length) > most:
            raise Refusal(413, Wrong("errors.too_large", most=most))
        if (scope["method"] not in ("GET", "HEAD") or path == EXPORT) and not self._may_post(address):
            raise Refusal(429, Wrong("errors.too_often"))

    def _is_known(self, path: str) -> bool:
        own = path in self._limits.own_paths or path.startswith(self._limits.own_prefixes)
        return own or GRADIO_ROUTES.fullmatch(path) is not None

    def _is_same_site(self, origin: str, headers: Headers) -> bool:
        """A proxy may have another name for the server than the visitor has."""
        forwarded = headers.get("x-forwarded-host", "").partition(",")[0].strip()
        try:
            site = urlsplit(origin).netloc
        except ValueError:
            return False
        return (bool(site) and site in (headers.get("host"), forwarded)) or "*" in self._limits.hosts

    def _is_own_name(self, name: str) -> bool:
        """Numbers are always let in: a hostile page can give its own name to this address, but not a number."""
        if name in (*LOCAL_NAMES, *self._limits.hosts) or "*" in self._limits.hosts or _is_number(name):
            return True
        return any(name.endswith(one) for one in self._limits.hosts if one.startswith("."))

    def _may_post(self, address: str) -> bool:
        """A bucket for each address, which fills again (token bucket)."""
        now = time.monotonic()
        left, then = self._buckets.pop(address, (BURST, now))
        left = min(BURST, left + RATE * (now - then))
        self._buckets[address] = (max(left - 1, 0.0), now)
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return left >= 1

    def _address(self, scope: Scope) -> str:
        """Who asks; of a proxy that is trusted, whom it asks for."""
        address = scope["client"][0] if scope.get("client") else ""
        forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).rpartition(",")[2].strip()
        return _network(forwarded if forwarded and self._trusts(address) else address)

    def _trusts(self, address: str) -> bool:
        return self._limits.trusts_proxy or is_loopback(address)

    def _behind_proxy(self, scope: Scope, address: str) -> Scope:
        """The scope as the visitor sees the server: its address, and the path at which a proxy shows the page."""
        connected = scope.get("client") or ("", 0)
        scope = {**scope, "client": (address, connected[1])}
        prefix = Headers(scope=scope).get("x-forwarded-prefix", "").rstrip("/")
        if self._trusts(connected[0]) and re.fullmatch(r"(/[\w.~-]+)+", prefix):
            return {**scope, "root_path": prefix}
        return scope


class _Body:
    """A request's body on its way in, within bounds of size and time, and of what large ones take together."""

    def __init__(self, receive: Receive, most: int, counts: Counts) -> None:
        self._receive, self._most, self._counts = receive, most, counts
        self._size, self._begun, self._whole = 0, time.monotonic(), False
        self.held = 0
        self.refusal: Refusal | None = None

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()  # a disconnect, in its time
        seconds = BODY_SECONDS + self._size / BYTES_PER_SECOND - (time.monotonic() - self._begun)
        try:
            message = await asyncio.wait_for(self._receive(), max(seconds, 0.001))
        except TimeoutError as error:
            self.refusal = Refusal(408, Wrong("errors.too_slow"))
            raise self.refusal from error
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            self._whole = not message.get("more_body")
            if self._size > self._most:
                self.refusal = Refusal(413, Wrong("errors.too_large", most=self._most))
                raise self.refusal
            if self._size > MAX_BODY:
                self._counts.held += self._size - self.held
                self.held = self._size
                if self._counts.held > MAX_HELD:
                    self.refusal = Refusal(503, Wrong("errors.too_many_large"))
                    raise self.refusal
        return message


class _Answer:
    """An answer on its way out: security headers are added, other sites' permissions taken away."""

    def __init__(self, send: Send, frames: str, accepted: str) -> None:
        self._send, self._accepted = send, accepted  # an Accept-Language header
        self._policy = POLICY.format(frames=frames)
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] >= 500 and message["status"] != 503:
                raise RuntimeError(f"status {message['status']}")  # Gradio's own failures
            self.started = True
            headers = MutableHeaders(raw=list(message["headers"]))
            for name in ("access-control-allow-origin", "access-control-allow-credentials"):
                if name in headers:
                    del headers[name]
            self._add_security(headers)
            message = {**message, "headers": headers.raw}
        await self._send(message)

    async def refuse(self, status: int, reason: str | Wrong) -> None:
        said = reason.say(choose_language(self._accepted)) if isinstance(reason, Wrong) else reason
        body = json.dumps({"error": said}).encode()
        headers = MutableHeaders({"content-type": "application/json", "content-length": str(len(body))})
        headers["connection"] = "close"  # what is left of the request is not read
        self._add_security(headers)
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})

    def _add_security(self, headers: MutableHeaders) -> None:
        headers["x-content-type-options"] = "nosniff"
        headers["referrer-policy"] = "same-origin"
        headers["permissions-policy"] = "camera=(), microphone=(), geolocation=()"
        if headers.get("content-type", "").startswith("text/html"):
            headers["content-security-policy"] = self._policy


def _without_page(scope: Scope) -> Scope:
    """Gradio takes `page` in the page's address for one of several pages. There is one, and it fails for any other."""
    if scope["path"] != "/" or b"page" not in scope["query_string"]:
        return scope
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return {**scope, "query_string": urlencode([one for one in query if one[0] != "page"]).encode("latin-1")}


def names_of_machine(host: str, allowed: Collection[str] = ()) -> frozenset[str]:
    """The names that a server goes by: where it listens, this machine's name, and those that are allowed."""
    own = socket.gethostname().lower()
    return frozenset({host.lower(), own, f"{own}.local", *(one.strip().lower() for one in allowed)} - {""})


def _network(address: str) -> str:
    """An address of IPv6 stands for its /64, of which one visitor may have all."""
    if ":" not in address or not _is_number(address):
        return address
    return str(ipaddress.ip_network(f"{address}/64", strict=False).network_address)


def _refusal_of(scope: Scope) -> Refusal:
    """What an unexpected error is answered with. Gradio fails so for what a client should not have sent."""
    if scope["path"].startswith(API):
        return Refusal(422, "that is no call of this page")
    return Refusal(500, Wrong("errors.server_failed"))


def _describe(error: BaseException) -> str:
    """The error at the root of others, in one line."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _name_of(host: str) -> str:
    """A Host header without its port."""
    name = host.partition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]
    return name.rstrip(".").lower()


def is_loopback(address: str) -> bool:
    return _is_number(address) and ipaddress.ip_address(address).is_loopback


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
