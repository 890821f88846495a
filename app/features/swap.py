"""Swap tokens of a finished picture by hand: what the decoder paints of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.context import Context
from app.frames import to_data_url
from app.text.wrong import Wrong
from engine.session import Session


def decode_tokens(context: Context, pack: object, tokens: object) -> dict[str, Any]:
    """Return the picture (a data URL) of a whole grid of tokens. Raises ValueError for tokens that are none."""
    session = context.packs.session(pack)
    codes = read_tokens(session, tokens)
    return {"picture": to_data_url(context.packs.worker.submit(session.decode, codes).result()[0])}


def read_tokens(session: Session, tokens: object) -> np.ndarray:
    """Return the tokens of one picture, a list, as int64 (1, N). Raises ValueError for tokens that are none."""
    if not isinstance(tokens, list) or len(tokens) != session.num_tokens or any(type(one) is not int for one in tokens):
        raise ValueError(f"tokens: expected a list of {session.num_tokens} whole numbers")
    most = session.tokenizer_config.codes - 1
    if not all(0 <= one <= most for one in tokens):
        raise Wrong("stage.swap.none", most=most)
    return np.array([tokens], np.int64)
