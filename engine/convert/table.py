"""Applies a table of names to a checkpoint: every source is used, every target filled, every shape checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from engine.models import build_model
from engine.vqgan import VqganConfig
from engine.weights import check_finite

Row = tuple[Any, ...]  # (function of the sources' tensors, name of a source, ...)
Table = Mapping[str, Row]  # target -> row


def same(x: Tensor) -> Tensor:
    return x


def transposed(x: Tensor) -> Tensor:
    """A dense kernel of flax (in, out) -> torch's (out, in)."""
    return x.mT


def conv(x: Tensor) -> Tensor:
    """A convolution's kernel of flax, HWIO -> torch's OIHW."""
    return x.permute(3, 2, 0, 1)


def rows(*parts: slice) -> Callable[[Tensor], Tensor]:
    """Some rows of a table, one part after the other."""
    return lambda x: torch.cat([x[part] for part in parts])


def expand(table: Table, **values: object) -> dict[str, Row]:
    """The same table with {i}, say, replaced in all names."""
    return {
        target.format(**values): (how, *(name.format(**values) for name in names))
        for target, (how, *names) in table.items()
    }


def apply_table(
    file: object, source: Mapping[str, Tensor], table: Table, expected: Mapping[str, Tensor], unused: Iterable[str] = ()
) -> dict[str, Tensor]:
    """The tensors of a model in float32: `expected` has its names and shapes.

    Of `unused` sources it is known that sampling does not need them. ValueError for a source that is missing or not
    known, for one of another shape, and for NaN or infinity.
    """
    wanted = {name for _, *names in table.values() for name in names}
    if missing := sorted(wanted - source.keys()):
        raise ValueError(f"{file} lacks {missing[0]}{_more(missing)}: it is another kind of checkpoint")
    if unknown := sorted(source.keys() - wanted - set(unused)):
        raise ValueError(
            f"{file} holds {unknown[0][:200]}{_more(unknown)}, which this kind of checkpoint does not have"
        )
    assert set(table) == set(expected), sorted(set(table) ^ set(expected))[:5]
    check_finite(str(file), {name: source[name] for name in wanted})
    return {
        target: _fill(file, target, how, [(name, source[name]) for name in names], expected[target].shape)
        for target, (how, *names) in table.items()
    }


def _fill(
    file: object, target: str, how: Callable[..., Tensor], given: list[tuple[str, Tensor]], shape: torch.Size
) -> Tensor:
    try:
        tensor = how(*(x for _, x in given))
    except (RuntimeError, IndexError):
        tensor = torch.empty(0)
    if tensor.shape != shape:
        name, x = given[0]
        raise ValueError(f"{file}: {name} is {tuple(x.shape)}, which does not give {tuple(shape)} for {target}")
    return tensor.float().contiguous()


def shape_of(file: object, source: Mapping[str, Tensor], name: str, dims: int) -> tuple[int, ...]:
    """The shape of a tensor that sizes are read off. ValueError if it is missing or has other dimensions."""
    if name not in source:
        raise ValueError(f"{file} lacks {name}: it is another kind of checkpoint")
    if source[name].dim() != dims:
        raise ValueError(f"{file}: {name} is {tuple(source[name].shape)}, expected {dims} dimensions")
    return tuple(source[name].shape)


def make_empty(
    file: object, kind: str, sizes: Mapping[str, Any], tokenizer: VqganConfig | None = None, classes: int = 1
) -> nn.Module:
    """A model of these sizes that takes no memory yet. ValueError for sizes that no model of ours has."""
    try:
        with torch.device("meta"):
            return build_model(kind, sizes, tokenizer or VqganConfig(), classes)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def count(source: Iterable[str], pattern: str) -> int:
    """How many different numbers stand at the place {i} of the names that begin with `pattern`."""
    before, _, after = pattern.partition("{i}")
    found = (re.match(f"{re.escape(before)}(\\d+){re.escape(after)}", name) for name in source)
    return len({match[1] for match in found if match})


def _more(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""
