"""For each class: in how many samples does the classifier find the requested class?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.evaluate.evaluator import Evaluator


def measure_classes(evaluator: Evaluator, rules: Sequence[str], n: int, steps: int, seed: int) -> dict[str, Any]:
    """For each class: its number of samples, and for each rule the share that is classified as requested.

    The samples are those of table1's rows with the same n.
    """
    labels = evaluator.samples.labels(n)
    right = {
        rule: evaluator.recognised(evaluator.session.settings(rule=rule, steps=steps, seed=seed, n=n)) for rule in rules
    }
    found: dict[str, Any] = {"n": n, "steps": steps, "classes": {}}
    for label, name in enumerate(evaluator.session.classes):
        mine = labels == label
        shares = {rule: float(one[mine].mean()) if mine.any() else None for rule, one in right.items()}
        found["classes"][name] = {"n": int(np.count_nonzero(mine)), **shares}
    return found
