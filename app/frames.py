"""Pack a Step into a frame: plain values for JSON, arrays as base64 of their little-endian bytes."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from engine.step import ARRAYS, TOP, Step

MAX_PNG_SIDE = 128  # pixels: the page enlarges small pictures, where the blocks of a JPEG would show
JPEG_QUALITY = 90
Frame = dict[str, Any]  # one line of JSON of a run
MAX_SHARE = 65535  # a probability of 1 as a whole number
DTYPES = {  # of the arrays of a step, as they are sent
    "tokens": "<i4",
    "proposal": "<i4",
    "scores": "<f4",
    "ranked": "<f4",
    "state": "u1",
    "confidence": "<f4",
    "top_tokens": "<u2",
    "top_probs": "<u2",
}


def pack_step(step: Step, picture: np.ndarray) -> Frame:
    """Pack the first sample of a step. `picture` is its decoded proposal, uint8 (S, S, 3)."""
    arrays = {name: getattr(step, name) for name in DTYPES}
    arrays["top_probs"] = np.round(step.top_probs * MAX_SHARE)  # shown with two digits
    return {
        "s": step.s,
        "steps": step.steps,
        "temperature": step.temperature,
        **{name: encode_array(array[0], DTYPES[name]) for name, array in arrays.items()},
        "digest": step.digest(),
        "picture": to_data_url(picture),
    }


def unpack_step(frame: Mapping[str, Any]) -> Step:
    """Invert `pack_step`. It rounds the probabilities of the likeliest tokens."""
    arrays: dict[str, Any] = {
        name: np.frombuffer(base64.b64decode(frame[name]), dtype).astype(ARRAYS[name])[None]
        for name, dtype in DTYPES.items()
    }
    for name in TOP:
        arrays[name] = arrays[name].reshape(*arrays["state"].shape, -1)
    arrays["top_probs"] = arrays["top_probs"] / np.float32(MAX_SHARE)
    return Step(**{name: frame[name] for name in ("s", "steps", "temperature")}, **arrays)


def read_picture(frame: Mapping[str, Any]) -> np.ndarray:
    """Return the decoded proposal of a packed step, uint8 (S, S, 3)."""
    content = base64.b64decode(frame["picture"].partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def to_data_url(picture: np.ndarray) -> str:
    """Encode a picture, uint8 (H, W, 3), for the browser: PNG while small, JPEG above."""
    image = Image.fromarray(picture)
    if max(image.size) <= MAX_PNG_SIDE:
        return encode_image(image, "PNG", compress_level=1)
    return encode_image(image, "JPEG", quality=JPEG_QUALITY)


def encode_image(image: Image.Image, kind: str, **options: int) -> str:
    """Encode a picture as a data URL of one of Pillow's kinds, with that kind's options."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"


def encode_array(array: np.ndarray, dtype: str) -> str:
    """Encode an array as base64 of its bytes in that dtype."""
    return base64.b64encode(array.astype(dtype).tobytes()).decode()
