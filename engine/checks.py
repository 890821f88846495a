"""Checks that decide from the pixels of a picture whether it breaks a rule of its style.

    identicon   the cells are plainly ground or filled, each row has a filled one, left mirrors right, one colour
    skin, hair  no two tones of the style are both in the picture
    eyes        both eyes are the same part

Tolerances are meant to accept the errors of a tokenizer and to find a wrong patch. Whether they do is measured: the
report holds the false alarms of each check and style.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import yaml

import engine.data.avatars
from engine.data.pictures import Pictures

FILE = Path(engine.data.avatars.__file__).with_name("exact.yaml")

# Their names are part of checks_digest(): a new name makes stored reports invalid.
EDGE = 2  # pixels at the rim of a cell; its patch is shared with the neighbour
GROUND = 60  # RGB distance to white. A nearer cell is ground; the palest of the style's colours is 206 away
STRAY = 0.8  # 0: a square of 2 x 2 pixels has the colour of its cell, 1: of the other kind, as in a wrong patch
SAME_COLOUR = 20  # RGB distance of a filled cell to the mean; the style's nearest two colours are 33 apart
SEEN = 0.005  # share of a picture. A colour that covers less may be a blend at an edge
OFTEN, EVER = 8, 3  # real pictures. A colour that OFTEN occurs with one tone only belongs to it; EVER makes it known
NEAR = 24  # RGB distance. A nearer pixel has a known colour; a good tokenizer errs about so much on flat areas
CLEAR = 20  # RGB distance. A tone's colour this near to a colour of other parts is not used
APART = 40  # RGB distance of two tones. Nearer ones may be a tokenizer's error
AREA = 0.015  # share of the picture that each of two tones covers, in pixels whose four neighbours have it, too
SAME_CELL = 60  # RGB distance of two cells. Equal cells stay below 52 even with a tokenizer of other pictures

Recipe = Mapping[str, Any]


class Check(Protocol):
    """One rule of one style."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The kinds of fault, the columns of `faults`."""
        ...

    def faults(self, images: np.ndarray) -> np.ndarray:
        """(M, parts) bool: the faults of each picture uint8 (M, S, S, 3)."""
        ...

    def differ(self, one: Recipe, other: Recipe) -> bool:
        """Would a picture joined from halves of the two be faulty?"""
        ...


def checks_digest() -> str:
    """SHA-256 of the table of styles and the tolerances above."""
    tolerances = {name: value for name, value in globals().items() if name.isupper() and isinstance(value, int | float)}
    return hashlib.sha256(FILE.read_bytes() + json.dumps(tolerances, sort_keys=True).encode()).hexdigest()


def open_checks(pictures: Pictures) -> dict[str, dict[str, Check]]:
    """Check -> class -> the check for it. ValueError for pictures without recipes, which are not avatars."""
    table = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    if not pictures.recipes or not any(name in styles for styles in table.values() for name in pictures.classes):
        raise ValueError(
            "exact figures need pictures whose parts are known, as python -m engine.data avatars draws them: "
            "this pack's are none"
        )
    return {
        check: {
            name: _open_check(check, how, pictures, name) for name, how in styles.items() if name in pictures.classes
        }
        for check, styles in table.items()
    }


def _open_check(check: str, how: Any, pictures: Pictures, name: str) -> Check:
    """Make the check of one class from its line in exact.yaml."""
    if check == "identicon":
        return Identicon(**how)
    if check == "eyes":
        return Eyes(**how)
    chosen = pictures.indices("train")
    chosen = chosen[pictures.labels[chosen] == pictures.classes.index(name)]
    return Tones.of(pictures.read(chosen), [json.loads(pictures.recipes[i]) for i in chosen], how)


@dataclass(frozen=True, kw_only=True)
class Identicon:
    """A mirrored pattern of square cells, in one colour on white."""

    cells: int
    side: int
    first: int

    parts = ("cells", "rows", "symmetry", "colour")

    def faults(self, images: np.ndarray) -> np.ndarray:
        return np.array([self._faults(image.astype(np.float32)) for image in images], bool).reshape(len(images), 4)

    def _faults(self, image: np.ndarray) -> list[bool]:
        inner = self._cell_interiors(image)
        means = inner.mean((2, 3))  # (cells, cells, 3)
        filled = np.linalg.norm(255 - means, axis=-1) > GROUND
        if not filled.any():
            return [False, True, False, False]
        colour = means[filled].mean(0)
        away = np.linalg.norm(means[filled] - colour, axis=-1)
        return [
            self._has_stray_square(image, filled, colour),
            bool(~filled.any(1).all()),
            bool((filled != filled[:, ::-1]).any()),
            bool((away > SAME_COLOUR).any()),
        ]

    def _cell_interiors(self, image: np.ndarray) -> np.ndarray:
        """The pixels of each cell without its rim, (cells, cells, side - 2 EDGE, side - 2 EDGE, 3)."""
        square = slice(self.first, self.first + self.cells * self.side)
        cells = image[square, square].reshape(self.cells, self.side, self.cells, self.side, 3).swapaxes(1, 2)
        return cells[:, :, EDGE:-EDGE, EDGE:-EDGE]

    def _has_stray_square(self, image: np.ndarray, filled: np.ndarray, colour: np.ndarray) -> bool:
        """Is a square of 2 x 2 pixels filled in a ground cell, or ground in a filled one? Borders and rims count."""
        half = len(image) // 2
        wanted = np.zeros((half, half), bool)
        square = slice(self.first // 2, self.first // 2 + self.cells * self.side // 2)
        wanted[square, square] = filled.repeat(self.side // 2, 0).repeat(self.side // 2, 1)
        axis = colour - 255
        small = image.reshape(half, 2, half, 2, 3).mean((1, 3))
        on_the_way = (small - 255) @ axis / (axis @ axis)  # 0 ground, 1 the colour
        return bool((np.abs(on_the_way - wanted) > STRAY).any())

    def differ(self, one: Recipe, other: Recipe) -> bool:
        return one != other


@dataclass(frozen=True, kw_only=True)
class Eyes:
    """Two eyes made of the same cells."""

    side: int
    left: Sequence[int]
    right: Sequence[int]
    compared: Sequence[str]

    parts = ("eyes",)

    def faults(self, images: np.ndarray) -> np.ndarray:
        count, size = images.shape[:2]
        grid = size // self.side
        means = images.reshape(count, grid, self.side, grid, self.side, 3).mean((2, 4), dtype=np.float32)
        one, other = (self._eye(means, *at) for at in (self.left, self.right))
        return (np.linalg.norm(one - other, axis=-1) > SAME_CELL).any(1, keepdims=True)

    def _eye(self, means: np.ndarray, row: int, column: int) -> np.ndarray:
        """(M, compared cells, 3)"""
        seen = np.array([[mark == "x" for mark in line] for line in self.compared])
        return means[:, row : row + seen.shape[0], column : column + seen.shape[1]][:, seen]

    def differ(self, one: Recipe, other: Recipe) -> bool:
        return bool(one["eyes"] != other["eyes"])


@dataclass(frozen=True, kw_only=True)
class Tones:
    """The colours of a style's real pictures, and which of them belong to a single tone."""

    part: str  # of the recipe
    tones: tuple[str, ...]  # as "#rrggbb"
    colours: np.ndarray  # (P, 3) float32
    owners: np.ndarray  # (P,) index into tones, -1 for a colour that belongs to no single tone

    @classmethod
    def of(cls, images: np.ndarray, recipes: Sequence[Recipe], part: str) -> Tones:
        """Learn the colours: one that occurs only together with one tone belongs to that tone."""
        tones = tuple(sorted({recipe[part] for recipe in recipes if part in recipe}))
        seen: dict[int, Counter[int]] = defaultdict(Counter)
        for image, recipe in zip(images, recipes, strict=True):
            values, counts = np.unique(image.astype(np.int64) @ [1 << 16, 1 << 8, 1], return_counts=True)
            tone = tones.index(recipe[part]) if part in recipe else -1
            for value in values[counts >= SEEN * image.shape[0] * image.shape[1]].tolist():
                seen[value][tone] += 1
        known = [(value, by) for value, by in seen.items() if by.total() >= EVER]
        colours = np.array([[value >> 16, value >> 8 & 255, value & 255] for value, _ in known], np.float32)
        own = np.array([next(iter(by)) if len(by) == 1 and by.total() >= OFTEN else -1 for _, by in known])
        distance = np.linalg.norm(colours[:, None] - colours, axis=-1)
        doubtful = (distance[:, own < 0] < CLEAR).any(1)
        return cls(part=part, tones=tones, colours=colours, owners=np.where(doubtful, -1, own))

    @property
    def parts(self) -> tuple[str, ...]:
        return ("tones",)

    def faults(self, images: np.ndarray) -> np.ndarray:
        covers = np.array([self._tone_areas(image) > AREA for image in images], bool).reshape(
            len(images), len(self.tones)
        )
        return np.einsum("mi,ij,mj->m", covers, self._distinct_tones, covers, dtype=np.int64)[:, None] > 0

    @cached_property
    def _distinct_tones(self) -> np.ndarray:
        """(T, T) bool: which pairs of tones differ by APART or more."""
        values = np.array([[int(tone[at : at + 2], 16) for at in (1, 3, 5)] for tone in self.tones], np.float32)
        apart: np.ndarray = np.linalg.norm(values[:, None] - values, axis=-1) >= APART
        return apart

    def _tone_areas(self, image: np.ndarray) -> np.ndarray:
        """(T,) share of the picture inside areas of each tone's own colours."""
        pixels = image.reshape(-1, 3).astype(np.float32)
        nearest = ((self.colours**2).sum(1) - 2 * pixels @ self.colours.T).argmin(1)
        near = ((pixels - self.colours[nearest]) ** 2).sum(1) <= NEAR**2
        tone = np.where(near, self.owners[nearest], -1).reshape(image.shape[:2])
        middle = tone[1:-1, 1:-1]
        beside = (tone[:-2, 1:-1], tone[2:, 1:-1], tone[1:-1, :-2], tone[1:-1, 2:])
        inside = np.logical_and.reduce([other == middle for other in beside]) & (middle >= 0)
        return np.bincount(middle[inside], minlength=len(self.tones)) / tone.size

    def differ(self, one: Recipe, other: Recipe) -> bool:
        if self.part not in one or self.part not in other:
            return False
        return bool(self._distinct_tones[self.tones.index(one[self.part]), self.tones.index(other[self.part])])
