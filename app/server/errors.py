"""Turn errors of the engine into one line for the visitor. This is the only place that does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from engine.cli import format_error

MAX_LENGTH = 300  # characters of a message on the page


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
    """Wrap a handler: its ValueError and FileNotFoundError become a message on the page."""

    def call(*args: Any) -> Any:
        try:
            return handler(*args)
        except (ValueError, FileNotFoundError) as error:
            raise to_gradio_error(error) from error

    return call


def to_gradio_error(error: Exception) -> gr.Error:
    return gr.Error(shorten(error), print_exception=False)


def shorten(error: Exception) -> str:
    """Return what is wrong in one line that fits on the page, and can be sent: JSON may hold half a character."""
    text = format_error(error).encode(errors="replace").decode()
    return text[:MAX_LENGTH] + ("…" if len(text) > MAX_LENGTH else "")
