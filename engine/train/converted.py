"""What training does otherwise in a pack that was converted from a public checkpoint (engine.convert)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.data.pictures import Pictures
from engine.pack import Pack, write_config


def is_converted(pack: Pack) -> bool:
    return "converted_from" in pack.config


def size_like_generator(pack: Pack, sizes: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Sizes of a critic that starts from the pack's generator: the generator's, with as many layers or fewer.

    ValueError for a size in `given` that differs, or a generator whose layers no critic has.
    """
    theirs = pack.config.get("generator") or {}
    if not theirs:
        return dict(sizes)  # it is missing, which the pack says itself when it is opened
    if theirs.get("norm") == "adaptive":
        raise ValueError("init=generator: no critic has this generator's layers; give init=scratch")
    shared = {name: value for name, value in theirs.items() if name not in ("layers", "dropout")}
    for name, value in given.items():
        if value != shared.get(name, value):
            raise ValueError(f"{name}={value}: with init=generator the critic has the generator's, {shared[name]}")
    if given.get("layers", 0) > theirs["layers"]:
        raise ValueError(f"layers={given['layers']}: with init=generator at most the generator's {theirs['layers']}")
    return {**sizes, **shared, "layers": min(sizes["layers"], theirs["layers"])}


def match_classes(pack: Pack, pictures: Pictures) -> Pictures:
    """The pictures with a converted pack's classes (`Pack.match_classes`).

    A pack of a tokenizer alone takes the classes of the pictures.
    """
    if not is_converted(pack) or pictures.classes == pack.classes:
        return pictures
    if not pack.has("generator"):
        write_config(pack.path, {**pack.config, "classes": list(pictures.classes)})
        return pictures
    return pack.match_classes(pictures)
