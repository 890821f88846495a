"""What one server shares between all its requests: the packs and the runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.packs import Packs
from app.runs import Runs


@dataclass(frozen=True, kw_only=True)
class Context:
    """Every feature takes it as its first argument."""

    packs: Packs
    runs: Runs = field(default_factory=Runs)
