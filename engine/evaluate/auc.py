"""The contested AUC of a pack's critic and of its generator (engine.contested), on held-out pictures."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch

from engine.contested import Contested, TokenScorer, auc, critic_scorer, generator_scorer, measure_contested
from engine.data.emoji import concept_of
from engine.data.pictures import Pictures
from engine.session import Session

FRACTIONS = (0.25, 0.5, 0.75)
CHANGES = (0.0, 8.0, 16.0, 32.0, 64.0)  # mean difference of a patch's pixels, of 255, from which a bin begins


def number_concepts(pictures: Pictures, indices: np.ndarray) -> np.ndarray:
    """(len(indices),) the same number for all skin tones of one emoji. Every other picture has its own."""
    number: dict[tuple[int, str], int] = {}
    names = ((int(pictures.labels[i]), concept_of(pictures.names[i])) for i in indices)
    return np.array([number.setdefault(name, len(number)) for name in names], np.int64)


def measure_auc(session: Session, n: int) -> dict[str, Any]:
    """Figures of a pack for each held-out split and fraction hidden, with up to n pictures a split."""
    if session.critic is None:
        raise ValueError(f"pack {session.pack.name!r} has no critic to measure")
    pictures = session.pack.pictures()
    if not pictures.held_out:
        raise ValueError(f"pack {session.pack.name!r} holds no pictures that were not trained on: nothing to measure")
    scorers: dict[str, TokenScorer] = {
        "critic": critic_scorer(session.critic),
        "generator": generator_scorer(session.generator),
    }
    result: dict[str, Any] = {}
    for split in pictures.held_out:
        indices = pictures.pick_evenly(split, n)
        real = torch.from_numpy(session.encode(pictures.read(indices))).long()
        labels = torch.from_numpy(pictures.labels[indices]).to(session.device)
        concepts = number_concepts(pictures, indices)
        result[split] = {}
        for fraction in FRACTIONS:
            print(f"{split} {fraction}: {len(indices)} pictures", file=sys.stderr)
            cell = measure_contested(real.to(session.device), labels, session.generator, scorers, fraction=fraction)
            result[split][f"{fraction:g}"] = _row(session, cell, real.numpy(), concepts)
    return result


def _row(session: Session, cell: Contested, real: np.ndarray, concepts: np.ndarray) -> dict[str, Any]:
    intervals, lead = cell.intervals(concepts)
    row: dict[str, Any] = {
        "q": cell.q,
        "contested_share": 1 - cell.q,
        "pairs": len(cell.picture),
        "pictures": len(real),
        "concepts": len(np.unique(concepts)),
    }
    for name in cell.real:
        row[name] = {
            "contested": cell.auc(name),
            "contested_ci": intervals[name],
            "paired": cell.paired(name),
            "sampled": cell.sampled(name),
        }
    row["difference"] = row["critic"]["contested"] - row["generator"]["contested"]
    row["difference_ci"] = lead
    row["by_change"] = _by_change(cell, _changes(session, cell, real))
    return row


def _changes(session: Session, cell: Contested, real: np.ndarray) -> np.ndarray:
    """(M,) mean pixel difference, 0..255, of the patches of the sampled and of the real token."""
    codes = session.tokenizer.config.codes
    grid, patch = session.tokenizer.config.grid, session.tokenizer.config.patch
    flat = session.decode(
        np.repeat(np.arange(codes)[:, None], session.num_tokens, 1)
    )  # each code in a picture of this code alone
    middle = grid // 2 * patch
    patches = flat[:, middle : middle + patch, middle : middle + patch].astype(np.float32)
    return np.abs(patches[cell.filled] - patches[real[cell.picture, cell.position]]).mean((1, 2, 3))


def _by_change(cell: Contested, change: np.ndarray) -> list[dict[str, Any]]:
    bins = []
    for low, high in zip(CHANGES, (*CHANGES[1:], np.inf), strict=True):
        inside = (change >= low) & (change < high)
        if not inside.any():
            continue
        row: dict[str, Any] = {"from": low, "share": float(inside.mean())}
        for name in cell.real:
            row[name] = auc(cell.real[name][inside], cell.fake[name][inside])
        bins.append(row)
    return bins
