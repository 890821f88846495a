"""Turn errors of the engine into one line for the visitor. This is the only place that does."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from engine.cli import format_error

MAX_LENGTH = 300  # characters of a message on the page
FAILED = "the server failed: see what it prints"  # of what was not expected; who runs it reads a line there


class CheckedBlocks(gr.Blocks):
    """gr.Blocks that refuses a call with a wrong number of values.

    Gradio answers too few values with a traceback, and accepts too many.
    """

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        if len(inputs) != len(block_fn.inputs):
            expected = sum(not block.skip_api for block in block_fn.inputs)  # a caller does not give a State
            message = f"/{block_fn.api_name} takes {expected} values, not {len(inputs)}"
            raise to_gradio_error(ValueError(message))


def report_errors(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a handler: its errors over what was given become a message on the page."""

    def call(*args: Any) -> Any:
        with _reported():
            return handler(*args)

    return call


def report_typed_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a typed endpoint: its name, types and text stay what Gradio shows of it."""

    @functools.wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        with _reported():
            return function(*args, **given)

    @functools.wraps(function)
    def stream(*args: Any, **given: Any) -> Any:
        with _reported():
            yield from function(*args, **given)

    return stream if inspect.isgeneratorfunction(function) else call


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except (ValueError, FileNotFoundError, OverflowError) as error:
        raise to_gradio_error(error) from error


def to_gradio_error(error: Exception) -> gr.Error:
    return gr.Error(shorten(error), print_exception=False)


def shorten(error: Exception) -> str:
    """Return what is wrong in one line that fits on the page, and can be sent: JSON may hold half a character."""
    text = format_error(error).encode(errors="replace").decode()
    return text[:MAX_LENGTH] + ("…" if len(text) > MAX_LENGTH else "")
