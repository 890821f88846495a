"""The emoji pack's pictures, drawn from Noto Color Emoji (SIL OFL) and named by Unicode's list."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from engine.data.pictures import Pictures, read_from_memory

FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
NAMES = Path("/usr/share/unicode/emoji/emoji-test.txt")
FONT_SIZE, CANVAS, SIZE = 109, 136, 64  # the font's only bitmap size, its cell, and the pack's picture, in pixels
TONE_WEIGHT = 0.3  # else the five tones of each person would outnumber everything else
CONCEPT_SHARE, TONE_SHARE = 0.05, 0.10

GROUPS = {  # Unicode's group -> class
    "Smileys & Emotion": "Smileys",
    "Animals & Nature": "Animals",
    "Food & Drink": "Food",
    "Travel & Places": "Travel",
    "Activities": "Activities",
    "Objects": "Objects",
    "Symbols": "Symbols",
    "Flags": "Flags",
}
PEOPLE = {  # subgroups of "People & Body", which holds more than half of all emoji
    "person": "Person",
    "person-gesture": "Person",
    "person-role": "Roles",
    "person-fantasy": "Roles",
    "person-activity": "Action",
    "person-sport": "Action",
    "person-resting": "Action",
    "family": "Family",
    "person-symbol": "Symbols",
}
CLASSES = (
    *("Smileys", "Person", "Roles", "Action", "Family", "Hands & body", "Animals"),
    *("Food", "Travel", "Activities", "Objects", "Symbols", "Flags"),
)


class Emoji(NamedTuple):
    sequence: str
    name: str
    subgroup: str
    label: str

    @property
    def has_skin_tone(self) -> bool:
        return "skin tone" in self.name

    @property
    def concept(self) -> str:
        """The name without skin tones, the same for all tone variants."""
        return concept_of(self.name)


def concept_of(name: str) -> str:
    """An emoji's name without its skin tones: what all tone variants share."""
    base, _, rest = name.partition(": ")
    kept = [part for part in rest.split(", ") if part and "skin tone" not in part]
    return f"{base}: {', '.join(kept)}" if kept else base


def read_names(path: Path) -> Iterator[Emoji]:
    """Every fully-qualified emoji of Unicode's `emoji-test.txt`."""
    group = subgroup = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# group: "):
            group = line.removeprefix("# group: ").strip()
        elif line.startswith("# subgroup: "):
            subgroup = line.removeprefix("# subgroup: ").strip()
        elif "; fully-qualified" in line:
            codes, _, comment = line.partition(";")
            name = comment.partition("#")[2].strip().split(" ", 2)[2]  # picture, version, name
            sequence = "".join(chr(int(code, 16)) for code in codes.split())
            label = GROUPS.get(group) or PEOPLE.get(subgroup, "Hands & body")
            yield Emoji(sequence, name, subgroup, label)


def render_emoji(sequence: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """One emoji on white, uint8 (SIZE, SIZE, 3)."""
    canvas = Image.new("RGB", (CANVAS, CANVAS), "white")
    left, top, right, bottom = font.getbbox(sequence)
    corner = ((CANVAS - left - right) / 2, (CANVAS - top - bottom) / 2)
    ImageDraw.Draw(canvas).text(corner, sequence, font=font, embedded_color=True)
    return np.asarray(canvas.resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def assign_splits(emojis: list[Emoji]) -> list[str]:
    """Hold out 5 % of each class's concepts with all tones ("concept"), and 10 % of other toned emoji ("tone")."""
    concepts: dict[str, set[str]] = defaultdict(set)
    for emoji in emojis:
        concepts[emoji.label].add(emoji.concept)
    held = {
        (label, concept)
        for label, members in concepts.items()
        for concept in sorted(members, key=_hash_to_unit)[: max(1, round(CONCEPT_SHARE * len(members)))]
    }

    def split(emoji: Emoji) -> str:
        if (emoji.label, emoji.concept) in held:
            return "concept"
        return "tone" if emoji.has_skin_tone and _hash_to_unit(emoji.name) < TONE_SHARE else "train"

    return [split(emoji) for emoji in emojis]


def render_all(font_path: Path = FONT, names_path: Path = NAMES) -> Pictures:
    """All pictures with labels and splits. FileNotFoundError says which Debian package is missing."""
    for path, package in ((font_path, "fonts-noto-color-emoji"), (names_path, "unicode-data")):
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: install the package {package}")
    if not features.check("raqm"):
        raise ValueError("this Pillow has no raqm layout, which joined emoji need: pip install pillow")
    font = ImageFont.truetype(str(font_path), FONT_SIZE, layout_engine=ImageFont.Layout.RAQM)
    emojis = list(read_names(names_path))
    return Pictures(
        classes=CLASSES,
        labels=np.array([CLASSES.index(emoji.label) for emoji in emojis], np.int64),
        names=tuple(emoji.name for emoji in emojis),
        groups=tuple(emoji.subgroup for emoji in emojis),
        splits=np.array(assign_splits(emojis)),
        weights=np.array([TONE_WEIGHT if e.has_skin_tone else 1.0 for e in emojis], np.float32),
        size=SIZE,
        read=read_from_memory(np.stack([render_emoji(emoji.sequence, font) for emoji in emojis])),
    )


def _hash_to_unit(name: str) -> float:
    """Hash a name to a number in [0, 1), the same on every machine and in every version."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]) / 2**48
