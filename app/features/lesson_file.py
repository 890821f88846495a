"""Read YAML that somebody else wrote: bounded, plain, and with the line of whatever is wrong.

A reader takes a node of the document and returns its value, or raises ValueError with file and line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

MAX_BYTES = 2**16
MAX_DEPTH, MAX_NODES = 12, 3000
PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}
SHOWN = 40  # characters of a wrong value in a message

Reader = Callable[["Source", yaml.Node], Any]


@dataclass(frozen=True, kw_only=True)
class Source:
    """The file that a document is from, by the name that messages call it."""

    name: str

    def error(self, where: yaml.Node | int, message: str) -> ValueError:
        line = where if isinstance(where, int) else where.start_mark.line + 1
        return ValueError(f"{self.name}, line {line}: {message}")


class Record(dict[str, Any]):
    """A mapping of a document; `lines` are those of its keys, and "" is that of the mapping itself."""

    lines: dict[str, int]


class Listing(list[Any]):
    """A list of a document, with the line of each item."""

    def __init__(self, items: Iterable[Any] = (), lines: Iterable[int] = ()) -> None:
        super().__init__(items)
        self.lines = list(lines)


def parse(text: str, source: Source) -> yaml.Node:
    """Return the document's root. Raises ValueError with the line for what is no plain YAML of moderate size.

    Aliases, tags and deep nesting are refused while the text is read, before anything is built from it.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise ValueError(f"{source.name}: larger than {MAX_BYTES // 1024} KB")
    try:
        _bound(text, source)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise source.error(mark.line + 1 if mark else 1, f"no YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:  # a character that YAML does not have
        raise source.error(_line_of(text, getattr(error, "position", 0)), "no YAML: a character it forbids") from error
    if root is None:
        raise source.error(1, "empty")
    for node in _walk(root):
        if node.tag not in PLAIN:
            raise source.error(node, f"a tag, {node.tag[:SHOWN]}: write plain text and numbers")
    return root


def _bound(text: str, source: Source) -> None:
    depth = nodes = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        assert event.start_mark is not None  # of an event that was parsed
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise source.error(line, "an anchor or alias (& or *): write it out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        nodes += isinstance(event, yaml.NodeEvent)
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise source.error(line, "nested too deeply" if depth > MAX_DEPTH else "too many values")


def _walk(node: yaml.Node) -> Iterator[yaml.Node]:
    yield node
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _walk(child)
    if isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            yield key
            yield from _walk(child)


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def words(most: int) -> Reader:
    """Text of 1 to `most` characters."""

    def read(source: Source, node: yaml.Node) -> str:
        value = node.value.strip() if isinstance(node, yaml.ScalarNode) else None
        if not value or len(value) > most:
            raise source.error(node, f"expected text of 1 to {most} characters")
        return str(value)

    return read


def whole(low: int, high: int) -> Reader:
    """A whole number from `low` to `high`."""

    def read(source: Source, node: yaml.Node) -> int:
        value = plain(source, node)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise source.error(node, f"{_show(node)}: expected a whole number from {low} to {high}")
        return value

    return read


def flag(source: Source, node: yaml.Node) -> bool:
    """true or false."""
    value = plain(source, node)
    if not isinstance(value, bool):
        raise source.error(node, f"{_show(node)}: expected true or false")
    return value


def plain(source: Source, node: yaml.Node) -> Any:
    """A number, text, true or false."""
    if not isinstance(node, yaml.ScalarNode):
        raise source.error(node, "expected one value")
    try:
        return yaml.SafeLoader("").construct_object(node)
    except ValueError as error:  # a number with more digits than Python reads
        raise source.error(node, f"{_show(node)}: no number") from error


def one_of(*choices: str) -> Reader:
    """One of these words."""

    def read(source: Source, node: yaml.Node) -> str:
        if node.value not in choices:
            raise source.error(node, f"{_show(node)}: expected one of {', '.join(choices)}")
        return str(node.value)

    return read


def list_of(item: Reader, low: int, high: int) -> Reader:
    """A list of `low` to `high` of these."""

    def read(source: Source, node: yaml.Node) -> Listing:
        if not isinstance(node, yaml.SequenceNode) or not low <= len(node.value) <= high:
            raise source.error(node, f"expected a list of {low} to {high}")
        lines = [child.start_mark.line + 1 for child in node.value]
        return Listing([item(source, child) for child in node.value], lines)

    return read


def map_of(item: Reader, most: int) -> Reader:
    """A mapping of at most so many names to these."""

    def read(source: Source, node: yaml.Node) -> Record:
        found = Record()
        found.lines = {"": node.start_mark.line + 1}
        for name, key, child in _entries(source, node):
            found[name], found.lines[name] = item(source, child), key.start_mark.line + 1
        if len(found) > most:
            raise source.error(node, f"expected at most {most} names")
        return found

    return read


def record(required: Mapping[str, Reader], optional: Mapping[str, Reader] | None = None) -> Reader:
    """A mapping with these keys and no other."""
    known = {**required, **(optional or {})}

    def read(source: Source, node: yaml.Node) -> Record:
        found = Record()
        found.lines = {"": node.start_mark.line + 1}
        for name, key, child in _entries(source, node):
            if name not in known:
                raise source.error(key, f"unknown key {name[:SHOWN]!r}: one of {', '.join(known)}")
            found[name], found.lines[name] = known[name](source, child), key.start_mark.line + 1
        if missing := [name for name in required if name not in found]:
            raise source.error(node, f"no {missing[0]!r}")
        return found

    return read


def _entries(source: Source, node: yaml.Node) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise source.error(node, "expected names with values (name: value)")
    seen: set[str] = set()
    for key, child in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise source.error(key, "expected a name before the colon")
        if key.value in seen:
            raise source.error(key, f"{key.value[:SHOWN]!r} is here twice")
        seen.add(key.value)
        yield key.value, key, child


def _show(node: yaml.Node) -> str:
    return repr(node.value[:SHOWN]) if isinstance(node, yaml.ScalarNode) else "a list or a mapping"
