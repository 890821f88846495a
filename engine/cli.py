"""What all commands share: `key=value` arguments, and one line and exit code 2 for a mistake."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

RENAMED = {  # old key -> new key. Old keys work in version 0.3, and go after it
    "lr": "lr_muon",
    "lr_rest": "lr_adamw",
    "micro": "micro_batch",
    "draws": "fillings",
}


class Arguments(NamedTuple):
    """What a command line says."""

    action: str  # its first word; "" for a command without actions
    options: dict[str, Any]  # all keys: given values, else defaults
    given: dict[str, Any]  # only the keys that were given


def parse(argv: Sequence[str], usage: str, defaults: Mapping[str, Any], actions: Sequence[str] = ()) -> Arguments:
    """Read a command line. ValueError for an unknown key, or for no or an unknown action; --help prints and exits."""
    if "--help" in argv or "-h" in argv:
        print(usage.strip())
        if defaults:
            print("\nKeys and their defaults:")
            print("\n".join(f"  {key}={'' if value is None else value}" for key, value in defaults.items()))
        raise SystemExit(0)
    given = _parse_keys(argv, defaults)
    words = [word for word in argv if "=" not in word]
    action = words.pop(0) if actions and words else ""
    if words:
        raise ValueError(f"{words[0]!r} is not of the form key=value (see --help)")
    if actions and action not in actions:
        problem = f"unknown action {action!r}" if action else "say what to do"
        raise ValueError(f"{problem}: one of {', '.join(actions)} (see --help)")
    return Arguments(action, {**defaults, **given}, given)


def _parse_keys(argv: Sequence[str], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The `key=value` words of a command line. ValueError for a key that is not in `defaults`.

    If the default is a string, the value is taken as it is. Otherwise it is read as YAML.
    """
    given: dict[str, Any] = {}
    for word in argv:
        old, mark, text = word.partition("=")
        if not mark:
            continue
        key = rename_key(old, defaults)
        if key not in defaults:
            raise ValueError(f"unknown key {key!r}: one of {', '.join(defaults)}")
        if "${" in text:
            raise ValueError(f"{key}: interpolation is not allowed, write the value itself")
        given[key] = text if isinstance(defaults[key], str) else _parse_value(text)
        if defaults[key] and text == "":
            raise ValueError(f"{key}=: expected a value")
    return given


def rename_key(key: str, known: Collection[str], quiet: bool = False) -> str:
    """The new name of a key that was renamed, with one line on stderr that says it. Any other key stays as it is."""
    new = RENAMED.get(key)
    if new is None or key in known or new not in known:
        return key
    if not quiet:
        print(f"{key}= is now called {new}=; the old name works in this version only", file=sys.stderr)
    return new


def _parse_value(text: str) -> Any:
    """A value as YAML reads it. A value that is not YAML stays a string."""
    try:
        return OmegaConf.to_container(OmegaConf.create(f"v: {text}" if text else "v: null"))["v"]  # type: ignore[call-overload, index]
    except yaml.YAMLError:
        return text


def run(main: Callable[[list[str]], None], argv: list[str]) -> NoReturn:
    """Call `main` and exit. A user's mistake, or too little memory, becomes one line on stderr and exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # print any file name, whatever the terminal's encoding
    try:
        main(argv)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: no traceback at exit
        raise SystemExit(0) from None
    except (ValueError, OSError, yaml.YAMLError, OmegaConfBaseException) as error:
        print(f"error: {format_error(error)}", file=sys.stderr)
        raise SystemExit(2) from error
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        print(f"error: out of memory: {format_error(error) or 'ask for less at once'}", file=sys.stderr)
        raise SystemExit(2) from error
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        raise SystemExit(130) from None
    raise SystemExit(0)


def _is_out_of_memory(error: Exception) -> bool:
    """torch raises a RuntimeError for it, known by its text. This module does not import torch."""
    words = ("out of memory", "DefaultCPUAllocator")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def format_error(error: Exception | str) -> str:
    """An error's message on one line: messages of libraries may have several."""
    return to_printable(" ".join(str(error).split()))


def to_printable(name: object) -> str:
    """A file name as text that can be stored and printed: each byte that is not UTF-8 becomes \\xNN."""
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in str(name))


def expand_path(text: str) -> Path:
    """A path from the command line, with ~ for the home folder. The ~name of an unknown user stays as it is."""
    return Path(os.path.expanduser(text))


def check_bool(name: str, value: object) -> None:
    """ValueError unless the value of an option is true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}={value!r}: expected true or false")


def check_integer(name: str, value: object, low: int, high: int) -> int:
    """The value of an option. ValueError unless it is an integer from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name}={value!r}: expected a whole number from {low} to {high}")
    return value
