"""Functions of the server that a component's script calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def served(name: str, answer: Callable[..., Any], count: int, otherwise: Any) -> Callable[[Any], Any]:
    """`answer` as the browser knows it: by its name, with its `count` arguments in one list; `otherwise` for others."""

    def called(given: Any) -> Any:
        return answer(*given) if isinstance(given, list) and len(given) == count else otherwise

    called.__name__ = name
    return called
