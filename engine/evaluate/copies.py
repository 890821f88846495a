"""Do samples copy training pictures? Distances to the nearest one, beside those among real pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.evaluate.sheets import RULES
from engine.sample import draw
from engine.session import Session

AT_ONCE = 500  # pictures
NEAR = 10.0  # root mean square difference per channel, of 255, below which two pictures look the same


def measure_copies(session: Session, n: int, steps: int) -> dict[str, Any]:
    """Per rule: share of samples nearer than NEAR to a training picture (as the tokenizer shows it)."""
    pictures = session.pack.pictures()
    configs = [session.settings(rule=rule, steps=steps, n=n, seed=1) for rule in RULES]
    if not pictures.held_out or not len(pictures.indices("train")):
        raise ValueError(f"pack {session.pack.name!r} carries no pictures of both kinds, trained on and held out")
    train = session.decode(session.encode(pictures.read(pictures.indices("train"))))
    share = -(-n // len(pictures.held_out))
    held_out = np.concatenate([pictures.spread(split, share) for split in pictures.held_out])
    real = session.decode(session.encode(pictures.read(held_out)))
    result: dict[str, Any] = {"near": NEAR, "n": n, "held_out_pictures": _summary(nearest(real, train))}
    for rule, config in zip(RULES, configs, strict=True):
        images, _ = draw(session, config)
        result[rule] = _summary(nearest(images, train))
    return result


def nearest(images: np.ndarray, reference: np.ndarray | None = None) -> np.ndarray:
    """(M,) root mean square difference of each picture to the nearest reference picture, on a 0..255 scale.

    Without a reference: to the nearest other one of the pictures themselves.
    """
    b = _flat(images if reference is None else reference)
    squares = (b**2).sum(1)
    result = []
    for i in range(0, len(images), AT_ONCE):
        a = _flat(images[i : i + AT_ONCE])
        squared = (a**2).sum(1)[:, None] + squares - 2 * a @ b.T
        if reference is None:
            squared[np.arange(len(a)), i + np.arange(len(a))] = np.inf
        result.append(squared.min(1))
    return np.sqrt(np.maximum(np.concatenate(result), 0) / b.shape[1])


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32)


def _summary(distance: np.ndarray) -> dict[str, float]:
    return {"near_share": float((distance < NEAR).mean()), "median": float(np.median(distance))}
