"""Questions that have one answer: POST /NAME with a JSON object, answered by one. And GET /export: a file of a run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.context import Context
from app.features.compare import get_patches, score_tokens, stop_run
from app.features.exports import EXPORTS, export_run
from app.features.gallery import find_nearest
from app.features.game import deal
from app.features.lessons import open_lesson
from app.features.refine import encode_picture
from app.features.results import read_results
from app.features.settings import open_link, resolve_controls
from app.features.swap import decode_tokens
from app.server.body import LARGE_BODIES, MAX_BODY, ClientGone, RequestError, parse_object, read_body
from app.server.errors import shorten

Answer = dict[str, Any]
QUESTIONS: dict[str, Callable[..., Answer]] = {
    "plan": resolve_controls,
    "linked": open_link,
    "stop": stop_run,
    "patches": get_patches,
    "score": score_tokens,
    "nearest": find_nearest,
    "deal": deal,
    "look": encode_picture,
    "decode": decode_tokens,
    "results": read_results,
    "lesson": open_lesson,
}
IMMEDIATE = {"stop"}  # it only sets a flag, and must not wait for a thread
SLOW = {"nearest", "look"}  # as exports are: others must not wait for them
MAX_AT_ONCE = 8  # slow ones that are answered at the same time, and as many others


def endpoint_routes(context: Context) -> list[Route]:
    questions = [Route(f"/{name}", partial(_answer, context, name), methods=["POST"]) for name in QUESTIONS]
    return [*questions, Route("/export", partial(_export, context))]


async def _answer(context: Context, name: str, request: Request) -> Response:
    context = context.speaking(request.headers.get("accept-language", ""))
    try:
        given = parse_object(await read_body(request, LARGE_BODIES.get(f"/{name}", MAX_BODY)))
        ask = _bind(partial(QUESTIONS[name], context), given)
        if name in IMMEDIATE:
            return JSONResponse(ask())
        return JSONResponse(await to_thread.run_sync(ask, limiter=_limiter(name in SLOW)))
    except ClientGone:
        return Response(status_code=400)  # nobody reads it
    except (RequestError, ValueError, FileNotFoundError) as error:
        return refuse(error, context.language)


def _bind(question: Callable[..., Answer], given: Mapping[str, Any]) -> Callable[[], Answer]:
    """The question with its arguments. Raises ValueError for a wrong name, or one that is missing."""
    try:
        inspect.signature(question).bind(**given)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return partial(question, **given)


async def _export(context: Context, request: Request) -> Response:
    context, query = context.speaking(request.headers.get("accept-language", "")), request.query_params
    run, kind, lanes, at, scale, paper = (query.get(name, first) for name, first in EXPORT_QUERY.items())
    try:
        position = int(at) if at.isdecimal() else 0
        make = partial(export_run, context, run, kind, lanes, position, scale, paper)
        name, content = await to_thread.run_sync(make, limiter=_limiter(slow=True))
    except ValueError as error:
        return refuse(error, context.language)
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(content, headers=headers, media_type=EXPORTS[kind].media_type)


@cache
def _limiter(slow: bool) -> CapacityLimiter:
    """Questions and exports have threads of their own: many of them must not stop all else that needs one."""
    return CapacityLimiter(MAX_AT_ONCE)


EXPORT_QUERY = {  # name -> what it is where it is not given
    "run": "",
    "kind": "json",
    "lanes": "all",
    "at": "0",
    "scale": "1",
    "paper": "a4",
}


def refuse(error: Exception, language: str) -> JSONResponse:
    """What is wrong, in one line."""
    status, reason = (error.status, error.reason) if isinstance(error, RequestError) else (422, error)
    return JSONResponse({"error": shorten(reason, language)}, status)
