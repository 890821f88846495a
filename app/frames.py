"""Step -> packed frame: plain values for JSON, arrays as base64 of their little-endian bytes."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from engine.step import Step

EXACT_UP_TO = 128  # pixels: smaller pictures are enlarged on the page, where a JPEG's blocks would show
QUALITY = 90
SHARES = 65535  # a probability of 1 as a whole number


def pack(step: Step, picture: np.ndarray) -> dict[str, Any]:
    """The first picture of a step; `picture` is its decoded proposal, uint8 (S, S, 3)."""
    return {
        "s": step.s,
        "steps": step.steps,
        "temperature": step.temperature,
        "tokens": packed(step.tokens[0], "<i4"),
        "proposal": packed(step.proposal[0], "<i4"),
        "scores": packed(step.scores[0], "<f4"),
        "ranked": packed(step.ranked[0], "<f4"),
        "state": packed(step.state[0], "u1"),
        "confidence": packed(step.confidence[0], "<f4"),
        "top_tokens": packed(step.top_tokens[0], "<u2"),
        "top_probs": packed(np.round(step.top_probs[0] * SHARES), "<u2"),  # shown with two digits
        "digest": step.digest(),
        "picture": data_url(picture),
    }


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
