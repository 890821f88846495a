"""Sheets of samples to look at, none chosen by hand: all classes for two rules, and a blind sheet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engine.evaluate.paper import PAPER_RULES
from engine.sample import draw_pictures
from engine.session import Session
from engine.sheet import make_sheet


def draw_sheets(session: Session, seeds: int, steps: int, out: Path) -> dict[str, Any]:
    """Write a sheet for each rule: a column per class, `seeds` rows. Sample i has class i mod C; all use seed 0."""
    out.mkdir(parents=True, exist_ok=True)
    files = {}
    classes = len(session.classes)
    configs = [session.settings(rule=rule, steps=steps, n=classes * seeds, seed=0) for rule in PAPER_RULES]
    for rule, config in zip(PAPER_RULES, configs, strict=True):
        images, _ = draw_pictures(session, config)
        file = out / f"sheet-{rule}.png"
        Image.fromarray(make_sheet(np.asarray(images), columns=classes)).save(file)
        files[rule] = str(file)
    return {"classes": list(session.classes), "seeds": seeds, "steps": steps, "files": files}


def draw_blind(session: Session, n: int, steps: int, out: Path) -> dict[str, Any]:
    """Write a sheet of n critic samples in random order, and their classes to another file."""
    out.mkdir(parents=True, exist_ok=True)
    config = session.settings(rule="critic", steps=steps, n=n, seed=2)
    images, _ = draw_pictures(session, config)
    order = np.random.Generator(np.random.Philox(2)).permutation(n)
    Image.fromarray(make_sheet(images[order], columns=10)).save(out / "blind.png")
    key = [session.classes[i % len(session.classes)] for i in order.tolist()]
    (out / "blind-key.json").write_text(json.dumps(key), encoding="utf-8")
    return {"sheet": str(out / "blind.png"), "key": str(out / "blind-key.json"), "n": n}
