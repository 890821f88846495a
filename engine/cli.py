"""What every command shares: `key=value` arguments, and one line and exit code 2 for a mistake."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException


def parse(
    argv: Sequence[str], usage: str, defaults: Mapping[str, Any], actions: Sequence[str] = ()
) -> tuple[str, dict[str, Any]]:
    """The action (first word, "" where a command has none) and the options merged over `defaults`.

    ValueError for no or an unknown action, or an unknown key; --help prints and exits.
    """
    if "--help" in argv or "-h" in argv:
        print(usage.strip())
        if defaults:
            print("\nKeys and their defaults:")
            print("\n".join(f"  {key}={'' if value is None else value}" for key, value in defaults.items()))
        raise SystemExit(0)
    given = overrides(argv, defaults)
    words = [word for word in argv if "=" not in word]
    action = words.pop(0) if actions and words else ""
    if words:
        raise ValueError(f"{words[0]!r} is not of the form key=value (see --help)")
    if actions and action not in actions:
        said = f"unknown action {action!r}" if action else "say what to do"
        raise ValueError(f"{said}: one of {', '.join(actions)} (see --help)")
    return action, {**defaults, **given}


def overrides(argv: Sequence[str], allowed: Mapping[str, Any]) -> dict[str, Any]:
    """The `key=value` words of `argv` as a flat dict; a key that is not in `allowed` is refused.

    A value whose default is a word is taken as it stands, any other is read as YAML.
    """
    given: dict[str, Any] = {}
    for word in argv:
        key, mark, text = word.partition("=")
        if not mark:
            continue
        if key not in allowed:
            raise ValueError(f"unknown key {key!r}: one of {', '.join(allowed)}")
        if "${" in text:
            raise ValueError(f"{key}: interpolation is not allowed, write the value itself")
        given[key] = text if isinstance(allowed[key], str) else _value(text)
        if allowed[key] and text == "":
            raise ValueError(f"{key}=: expected a value")
    return given


def _value(text: str) -> Any:
    """A word of the command line as YAML reads it; one that YAML cannot read, as it stands."""
    try:
        return OmegaConf.to_container(OmegaConf.create(f"v: {text}" if text else "v: null"))["v"]  # type: ignore[call-overload, index]
    except yaml.YAMLError:
        return text


def run(main: Callable[[list[str]], None], argv: list[str]) -> NoReturn:
    """Call `main`; a mistake of the user, or too little memory, becomes one line on stderr and exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: a name that it has no letters for ends nothing
    try:
        main(argv)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: no traceback at exit
        raise SystemExit(0) from None
    except (ValueError, OSError, yaml.YAMLError, OmegaConfBaseException) as error:
        print(f"error: {in_one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from error
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        print(f"error: out of memory: {in_one_line(error) or 'ask for less at once'}", file=sys.stderr)
        raise SystemExit(2) from error
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        raise SystemExit(130) from None
    raise SystemExit(0)


def _out_of_memory(error: Exception) -> bool:
    """Whether it is that, which torch says in the words of a RuntimeError: here is no torch to know it by its class."""
    words = ("out of memory", "DefaultCPUAllocator")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def in_one_line(error: Exception) -> str:
    """What is wrong, without the line breaks that a library's errors have."""
    return printable(" ".join(str(error).split()))


def printable(name: object) -> str:
    """A file's name as text that can be stored and printed: bytes of it that are no UTF-8 as \\xNN."""
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in str(name))


def path(text: str) -> Path:
    """A folder of a command's own, with ~ for the home folder. That of a user who is not there stays as it is."""
    return Path(os.path.expanduser(text))


def yes_or_no(name: str, value: object) -> None:
    """A switch of a command's own. ValueError where it is neither true nor false."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}={value!r}: expected true or false")


def whole(name: str, value: object, low: int, high: int) -> int:
    """A whole number of a command's own option. ValueError where it is none or out of range."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name}={value!r}: expected a whole number from {low} to {high}")
    return value
