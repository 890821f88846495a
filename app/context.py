"""What one server shares between its requests: packs, runs, a GPU that it may borrow; and the language of who asks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.packs import Packs
from app.runs import Runs
from app.text import wrong
from app.text.words import ENGLISH, Words, choose_language, words
from engine.cli import format_error

if TYPE_CHECKING:
    from app.zerogpu import LentGpu


@dataclass(frozen=True, kw_only=True)
class Context:
    """Every feature takes it as its first argument."""

    packs: Packs
    runs: Runs = field(default_factory=Runs)
    gpu: LentGpu | None = None  # of a host that lends one for each run
    language: str = ENGLISH

    @property
    def words(self) -> Words:
        return words(self.language)

    def say(self, error: Exception) -> str:
        """Return what is wrong, on one line."""
        return format_error(wrong.say(error, self.language))

    def speaking(self, accepted: str) -> Context:
        """Return the same for one request, in the first known language of an Accept-Language header."""
        return dataclasses.replace(self, language=choose_language(accepted))
