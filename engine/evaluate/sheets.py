"""A sheet of every class by seeds for two rules, not chosen by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engine.sample import draw, sheet
from engine.session import Session

RULES = ("maskgit", "critic")


def draw_sheets(session: Session, seeds: int, steps: int, out: Path) -> dict[str, Any]:
    """One row a seed, one column a class: sample i has class i mod C, all from seed 0."""
    out.mkdir(parents=True, exist_ok=True)
    classes = len(session.classes)
    files = {}
    for rule in RULES:
        config = session.settings(rule=rule, steps=steps, n=classes * seeds, seed=0)
        images, _ = draw(session, config)
        file = out / f"sheet-{rule}.png"
        Image.fromarray(sheet(np.asarray(images), columns=classes)).save(file)
        files[rule] = str(file)
    return {"classes": list(session.classes), "seeds": seeds, "steps": steps, "files": files}
