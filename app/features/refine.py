"""Refine a picture of the visitor's own: read it, and show what the model makes of it."""

from __future__ import annotations

import base64
import io
import threading

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from app.context import Context
from app.frames import Frame, encode_array, to_data_url
from app.text.words import name_class
from app.text.wrong import Wrong
from engine.data.decode import UNREADABLE, decode, in_one_scan

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MAX_SIDE, MAX_PIXELS = 8192, 16_000_000  # a small file can hold gigabytes of pixels
MAX_PIXELS_ONE_SCAN, MAX_PIXELS_SCANS = 50_000_000, 25_000_000  # of a JPEG, which is scaled while it is decoded
MAX_URL_LENGTH = 22_000_000  # characters of a data URL: 16 MB of file


DECODING = threading.BoundedSemaphore(2)


class TooLarge(Wrong):
    """The picture has more pixels than are decoded."""


def encode_picture(context: Context, pack: object, label: object, url: object) -> Frame:
    """Return the tokens of a picture (a data URL), their decoded picture and the critic's scores.

    Returns {"wrong": message} where the picture, the pack or the class is refused.
    """
    try:
        session = context.packs.session(pack or context.packs.first)
        config = session.settings(label=label)
        if session.critic is None:
            raise Wrong("own.no_critic")
        image = read_picture(read_data_url(url), session.tokenizer_config.image_size)
        tokens = context.packs.worker.submit(session.encode, image[None]).result()  # (1, N)
        shown = context.packs.worker.submit(session.decode, tokens).result()[0]
        scores = context.packs.worker.submit(session.score, tokens, config.label or "").result()[0]
    except ValueError as error:
        return {"wrong": context.say(error)}
    return {
        "label": name_class(context.words, config.label),
        "grid": session.tokenizer_config.grid,
        "tokens": tokens[0].tolist(),
        "picture": to_data_url(image),
        "shown": to_data_url(shown),
        "scores": encode_array(scores, "<f4"),
    }


def read_picture(content: bytes, size: int) -> np.ndarray:
    """Decode a file to uint8 (size, size, 3). Raises ValueError where it is unreadable or too large.

    Few are decoded at once: a small file can hold many pixels, and each decoding takes up to 200 MB.
    """
    with DECODING:
        return _decode(content, size)


def _decode(content: bytes, size: int) -> np.ndarray:
    most = MAX_PIXELS_ONE_SCAN if in_one_scan(content) else MAX_PIXELS_SCANS

    def check(image: Image.Image) -> None:
        limit = most if isinstance(image, JpegImageFile) else MAX_PIXELS
        if max(image.size) > MAX_SIDE or image.width * image.height > limit:
            raise TooLarge("own.too_large")

    try:
        return decode(io.BytesIO(content), size, FORMATS, check)
    except TooLarge:
        raise
    except UNREADABLE as error:
        raise Wrong("own.no_picture") from error


def read_data_url(url: object) -> bytes:
    """Return the bytes of a data URL. Raises ValueError where it is none."""
    if not isinstance(url, str) or not url.startswith("data:") or len(url) > MAX_URL_LENGTH:
        raise Wrong("own.no_picture")
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except ValueError as error:
        raise Wrong("own.no_picture") from error
