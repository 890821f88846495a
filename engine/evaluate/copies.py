"""Do samples copy training pictures? Compares their distance to the nearest one with that of held-out pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.distance import nearest_distance
from engine.evaluate.paper import PAPER_RULES
from engine.sample import draw_pictures
from engine.session import Session

NEAR = 10.0  # root mean square difference, 0..255. Below it two pictures look the same


def measure_copies(session: Session, n: int, steps: int) -> dict[str, Any]:
    """For each rule: the share of samples nearer than NEAR to a reconstructed training picture, and the median."""
    pictures = session.pack.pictures()
    configs = [session.settings(rule=rule, steps=steps, n=n, seed=1) for rule in PAPER_RULES]
    if not pictures.held_out or not len(pictures.indices("train")):
        raise ValueError(f"pack {session.pack.name!r} carries no pictures of both kinds, trained on and held out")
    train = session.decode(session.encode(pictures.read(pictures.indices("train"))))
    share = -(-n // len(pictures.held_out))
    held_out = np.concatenate([pictures.pick_evenly(split, share) for split in pictures.held_out])
    real = session.decode(session.encode(pictures.read(held_out)))
    result: dict[str, Any] = {"near": NEAR, "n": n, "held_out_pictures": _summary(nearest_distance(real, train))}
    for rule, config in zip(PAPER_RULES, configs, strict=True):
        images, _ = draw_pictures(session, config)
        result[rule] = _summary(nearest_distance(images, train))
    return result


def _summary(distance: np.ndarray) -> dict[str, float]:
    return {"near_share": float((distance < NEAR).mean()), "median": float(np.median(distance))}
