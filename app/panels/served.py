"""Functions of the server that a component's script calls, and components that live of nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from app.assets import drawn


class Asking(gr.HTML):
    """A part of the page that asks the server for what it shows itself: its value says nothing."""

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
        return {"type": "object", "description": "nothing: it asks for what it shows itself"}


def served(name: str, answer: Callable[..., Any], count: int, otherwise: Any) -> Callable[[Any], Any]:
    """`answer` as the browser knows it: by its name, with its `count` arguments in one list; `otherwise` for others."""

    def called(given: Any) -> Any:
        return answer(*given) if isinstance(given, list) and len(given) == count else otherwise

    called.__name__ = name
    return called
