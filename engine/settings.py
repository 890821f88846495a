"""Settings: dataclass fields with range and help text, and the check of their values.

OmegaConf reads the YAML, but does not check values. Its structured configs have no ranges, refuse 18.0 and 1e4 for
an int, and take "yes" and 1 for true. Their messages have three lines.
"""

from __future__ import annotations

import dataclasses
import math
import reprlib
from collections.abc import Collection
from dataclasses import field
from typing import Any


def setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Collection[str] = (),
    symbol: str = "",
    **more: Any,
) -> Any:
    """A dataclass field with help, range (inclusive), allowed words, the paper's symbol, and `more` metadata.

    The field has the type of its default. A default of None allows None or a word.
    """
    metadata = {"help": help, "low": low, "high": high, "choices": choices, "symbol": symbol, **more}
    return field(default=default, metadata=metadata)


def check_fields(config: Any) -> None:
    """Check all fields made by `setting`. ValueError for a value of the wrong type or out of range."""
    for spec in dataclasses.fields(config):
        if "help" not in spec.metadata:
            continue
        value = getattr(config, spec.name)
        valid = validate(spec, value)
        if valid is not value:
            object.__setattr__(config, spec.name, valid)


def validate(spec: dataclasses.Field[Any], value: Any) -> Any:
    """The value converted to the field's type. ValueError if it is of the wrong type or out of range."""
    kind = type(spec.default)
    shown = f"{spec.name}={short(value)}"
    if value is None and spec.default is None:
        return None
    if kind is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{shown}: expected true or false")
    elif kind in (int, float):
        value = _number(shown, kind, value)
        low, high = spec.metadata.get("low"), spec.metadata.get("high")
        if (low is not None and value < low) or (high is not None and value > high):
            upper = "" if high is None else f" to {high}"
            raise ValueError(f"{shown}: expected {'at least ' if high is None else ''}{low}{upper}")
    else:
        choices = spec.metadata.get("choices")
        if not isinstance(value, str) or (choices and value not in choices):
            expected = f"one of {', '.join(choices)}" if choices else "expected a word"
            raise ValueError(f"unknown {spec.name} {short(value)}: {expected}")
    return value


def short(value: Any) -> str:
    """The value as it is written, cut to what fits in a line.

    YAML can name a list that holds itself ten times over, ten levels deep: written out it would fill the memory.
    """
    brief = reprlib.Repr()
    brief.maxlevel, brief.maxstring, brief.maxother, brief.maxlong = 2, 80, 80, 80
    return brief.repr(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int larger than any float
        return False


def _number(shown: str, kind: type, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        raise ValueError(f"{shown[:80]}: expected a finite number")
    if kind is int:
        if value != int(value):
            raise ValueError(f"{shown}: expected a whole number")
        return int(value) if not isinstance(value, int) else value
    return value if isinstance(value, float) else float(value)
