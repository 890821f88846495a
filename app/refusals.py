"""The one place where an engine's refusal becomes a line for the visitor."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from engine.cli import format_error

LONGEST_LINE = 300


class Page(gr.Blocks):
    """Gradio's, which would answer a call with too few values by a traceback, and not mind too many."""

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        if len(inputs) != len(block_fn.inputs):
            wanted = sum(not block.skip_api for block in block_fn.inputs)  # a caller does not give what is State
            raise line(ValueError(f"/{block_fn.api_name} takes {wanted} values, not {len(inputs)}"))


def refusing(handler: Callable[..., Any], parameters: Sequence[str]) -> Callable[..., Any]:
    """The handler with ValueErrors told to the visitor in one line, under the parameter names of its API."""

    def stream(*given: Any) -> Iterator[Any]:
        try:
            yield from handler(*given)
        except (ValueError, FileNotFoundError) as error:
            raise line(error) from error

    def once(*given: Any) -> Any:
        try:
            return handler(*given)
        except (ValueError, FileNotFoundError) as error:
            raise line(error) from error

    told: Callable[..., Any] = stream if inspect.isgeneratorfunction(handler) else once
    if parameters:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        told.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in parameters])  # type: ignore[attr-defined]
    told.__name__ = getattr(handler, "__name__", "told")
    return told


def line(error: Exception) -> gr.Error:
    return gr.Error(in_short(error), print_exception=False)


def in_short(error: Exception) -> str:
    """What is wrong, in a line that fits on the page."""
    text = format_error(error)
    return text[:LONGEST_LINE] + ("…" if len(text) > LONGEST_LINE else "")
