"""The shipped packs, as tests of their reports need them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from engine.evaluate.evaluator import Evaluator
from engine.session import Session


@cache
def opened(pack: str) -> Evaluator:
    """The evaluator of a shipped pack, opened once for all of its reports."""
    return Evaluator.open(Session.open(pack, "cpu", 1), Path("unused"))
