"""Spot the fakes: the critic's training example as a game."""

from __future__ import annotations

import numpy as np

from app.context import Context
from app.frames import Frame, encode_array, to_data_url
from app.text.words import name_class, picture_names
from engine.critic_example import make_critic_example


def deal(context: Context, pack: object, seed: object, fraction: object) -> Frame:
    """Return one round of the game, or {"wrong": message}. `fraction` is the share of sampled tokens."""
    try:
        session = context.packs.session(pack or context.packs.first)
        config = session.settings(rule="maskgit", seed=seed)
        if not isinstance(fraction, float):
            raise ValueError(f"fraction={str(fraction)[:40]}: expected a share between 0 and 1")
        example = context.packs.worker.submit(make_critic_example, session, config.seed, fraction).result()
        tokens = np.stack([example.filled, example.real])  # (2, N)
        filled, real = context.packs.worker.submit(session.decode, tokens).result()
    except (ValueError, FileNotFoundError) as error:
        return {"wrong": context.say(error)}
    names = picture_names(context.language).get(session.pack.name, {})
    return {
        "name": names.get(example.name, example.name),
        "label": name_class(context.words, example.label),
        "grid": session.tokenizer_config.grid,
        "fake": encode_array(example.hidden & (example.real != example.filled), "u1"),
        "scores": encode_array(example.scores, "<f4"),
        "same": int((example.hidden & (example.real == example.filled)).sum()),
        "filled": to_data_url(filled),
        "real": to_data_url(real),
    }
