"""Read YAML that somebody else wrote: bounded, plain, and with the line of whatever is wrong.

A reader takes a node of the document and returns its value, or raises Wrong with file and line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from app.text.wrong import Wrong

MAX_BYTES = 2**16
MAX_DEPTH, MAX_NODES = 12, 3000
PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}
SHOWN = 40  # characters of a wrong value in a message

Reader = Callable[["Source", yaml.Node], Any]


@dataclass(frozen=True, kw_only=True)
class Source:
    """The file that a document is from, by the name that messages call it."""

    name: str

    def error(self, where: yaml.Node | int, key: str, /, **values: Any) -> Wrong:
        """What is wrong at a line: `key` and `values` name its words (errors.lesson)."""
        return self.error_of(where, Wrong(f"errors.lesson.{key}", **values))

    def error_of(self, where: yaml.Node | int, wrong: Wrong) -> Wrong:
        line = where if isinstance(where, int) else where.start_mark.line + 1
        return Wrong("errors.lesson.at", file=self.name, line=line, wrong=wrong)


class Record(dict[str, Any]):
    """A mapping of a document; `lines` are those of its keys, and "" is that of the mapping itself."""

    lines: dict[str, int]


class Listing(list[Any]):
    """A list of a document, with the line of each item."""

    def __init__(self, items: Iterable[Any] = (), lines: Iterable[int] = ()) -> None:
        super().__init__(items)
        self.lines = list(lines)


def parse(text: str, source: Source) -> yaml.Node:
    """Return the document's root. Raises Wrong with the line for what is no plain YAML of moderate size.

    Aliases, tags and deep nesting are refused while the text is read, before anything is built from it.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise Wrong("errors.lesson.too_large", file=source.name, most=MAX_BYTES // 1024)
    try:
        _bound(text, source)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise source.error(line, "no_yaml", problem=error.problem or error.context) from error
    except yaml.YAMLError as error:  # a character that YAML does not have
        raise source.error(_line_of(text, getattr(error, "position", 0)), "character") from error
    if root is None:
        raise source.error(1, "empty")
    for node in _walk(root):
        if node.tag not in PLAIN:
            raise source.error(node, "tag", tag=node.tag[:SHOWN])
    return root


def _bound(text: str, source: Source) -> None:
    depth = nodes = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        assert event.start_mark is not None  # of an event that was parsed
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise source.error(line, "alias")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        nodes += isinstance(event, yaml.NodeEvent)
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise source.error(line, "too_deep" if depth > MAX_DEPTH else "too_many")


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
            raise source.error(node, "text", most=most)
        return str(value)

    return read


def whole(low: int, high: int) -> Reader:
    """A whole number from `low` to `high`."""

    def read(source: Source, node: yaml.Node) -> int:
        value = plain(source, node)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise source.error(node, "whole", value=_show(node), low=low, high=high)
        return value

    return read


def flag(source: Source, node: yaml.Node) -> bool:
    """true or false."""
    value = plain(source, node)
    if not isinstance(value, bool):
        raise source.error(node, "flag", value=_show(node))
    return value


def plain(source: Source, node: yaml.Node) -> Any:
    """A number, text, true or false."""
    if not isinstance(node, yaml.ScalarNode):
        raise source.error(node, "one_value")
    try:
        return yaml.SafeLoader("").construct_object(node)
    except ValueError as error:  # a number with more digits than Python reads
        raise source.error(node, "no_number", value=_show(node)) from error


def one_of(*choices: str) -> Reader:
    """One of these words."""

    def read(source: Source, node: yaml.Node) -> str:
        if node.value not in choices:
            raise source.error(node, "one_of", value=_show(node), known=", ".join(choices))
        return str(node.value)

    return read


def list_of(item: Reader, low: int, high: int) -> Reader:
    """A list of `low` to `high` of these."""

    def read(source: Source, node: yaml.Node) -> Listing:
        if not isinstance(node, yaml.SequenceNode) or not low <= len(node.value) <= high:
            raise source.error(node, "list", low=low, high=high)
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
            raise source.error(node, "names", most=most)
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
                raise source.error(key, "unknown_key", key=repr(name[:SHOWN]), known=", ".join(known))
            found[name], found.lines[name] = known[name](source, child), key.start_mark.line + 1
        if missing := [name for name in required if name not in found]:
            raise source.error(node, "missing", key=repr(missing[0]))
        return found

    return read


def _entries(source: Source, node: yaml.Node) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise source.error(node, "mapping")
    seen: set[str] = set()
    for key, child in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise source.error(key, "name")
        if key.value in seen:
            raise source.error(key, "twice", key=repr(key.value[:SHOWN]))
        seen.add(key.value)
        yield key.value, key, child


def _show(node: yaml.Node) -> str | Wrong:
    return repr(node.value[:SHOWN]) if isinstance(node, yaml.ScalarNode) else Wrong("errors.lesson.no_scalar")
