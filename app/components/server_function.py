"""Server functions: what a component's script calls by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from app.assets import drawn


class FetchPanel(gr.HTML):
    """A component whose script fetches its data from one server function. Its value is not used."""

    def __init__(
        self,
        files: Sequence[str],
        mount: str,
        words: Mapping[str, Any],
        function: Callable[[Any], Any],
        **props: Any,
    ) -> None:
        super().__init__(
            **drawn(files, f"{mount}(element, server, words)", words=words),
            server_functions=[function],
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "nothing: it fetches its data itself"}


def server_function(name: str, function: Callable[..., Any], num_args: int, default: Any) -> Callable[[Any], Any]:
    """Wrap a function for the browser, which calls it by `name` with a list of its arguments.

    It returns `default` for anything else than a list of `num_args`.
    """

    def call(args: Any) -> Any:
        return function(*args) if isinstance(args, list) and len(args) == num_args else default

    call.__name__ = name
    return call
