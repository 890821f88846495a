"""Step -> packed frame: plain values for JSON, arrays as base64 of their little-endian bytes."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from engine.step import ARRAYS, TOP, Step

EXACT_UP_TO = 128  # pixels: smaller pictures are enlarged on the page, where a JPEG's blocks would show
QUALITY = 90
SHARES = 65535  # a probability of 1 as a whole number
KINDS = {  # of the arrays of a step, as they are sent
    "tokens": "<i4",
    "proposal": "<i4",
    "scores": "<f4",
    "ranked": "<f4",
    "state": "u1",
    "confidence": "<f4",
    "top_tokens": "<u2",
    "top_probs": "<u2",
}


def pack(step: Step, picture: np.ndarray) -> dict[str, Any]:
    """The first picture of a step; `picture` is its decoded proposal, uint8 (S, S, 3)."""
    arrays = {name: getattr(step, name) for name in KINDS}
    arrays["top_probs"] = np.round(step.top_probs * SHARES)  # shown with two digits
    return {
        "s": step.s,
        "steps": step.steps,
        "temperature": step.temperature,
        **{name: packed(array[0], KINDS[name]) for name, array in arrays.items()},
        "digest": step.digest(),
        "picture": data_url(picture),
    }


def unpack(frame: Mapping[str, Any]) -> Step:
    """The inverse of `pack`, but for the five likeliest tokens' probabilities, which it rounds."""
    arrays: dict[str, Any] = {
        name: np.frombuffer(base64.b64decode(frame[name]), kind).astype(ARRAYS[name])[None]
        for name, kind in KINDS.items()
    }
    for name in TOP:
        arrays[name] = arrays[name].reshape(*arrays["state"].shape, -1)
    arrays["top_probs"] = arrays["top_probs"] / np.float32(SHARES)
    return Step(**{name: frame[name] for name in ("s", "steps", "temperature")}, **arrays)


def data_url(picture: np.ndarray) -> str:
    """An image for the browser: PNG while small, JPEG above."""
    out = io.BytesIO()
    exact = max(picture.shape[:2]) <= EXACT_UP_TO
    if exact:
        Image.fromarray(picture).save(out, "PNG", compress_level=1)
    else:
        Image.fromarray(picture).save(out, "JPEG", quality=QUALITY)
    return f"data:image/{'png' if exact else 'jpeg'};base64,{base64.b64encode(out.getvalue()).decode()}"


def packed(array: np.ndarray, kind: str) -> str:
    """An array as base64 of its bytes in that type."""
    return base64.b64encode(array.astype(kind).tobytes()).decode()
