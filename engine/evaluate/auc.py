"""The contested AUC of a pack's critic and of its generator (engine.contested), on held-out pictures."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch

from engine.cli import expand_path
from engine.contested import Contested, TokenScorer, auc, critic_scorer, generator_scorer, measure_contested
from engine.data.emoji import concept_of
from engine.data.folder import read_folder
from engine.data.pictures import Pictures
from engine.session import Session

FRACTIONS = (0.25, 0.5, 0.75)
PART = 500  # pictures encoded or decoded at once
PAIRS = 50_000  # pairs of patches compared at once
CHANGES = (0.0, 8.0, 16.0, 32.0, 64.0)  # mean difference of a patch's pixels, of 255, from which a bin begins


def number_concepts(pictures: Pictures, indices: np.ndarray) -> np.ndarray:
    """(len(indices),) the same number for all skin tones of one emoji. Every other picture has its own."""
    number: dict[tuple[int, str], int] = {}
    names = ((int(pictures.labels[i]), concept_of(pictures.names[i])) for i in indices)
    return np.array([number.setdefault(name, len(number)) for name in names], np.int64)


def measure_auc(session: Session, n: int, data: str = "") -> dict[str, Any]:
    """Figures of a pack for each held-out split ("splits") and fraction hidden, with up to n pictures a split.

    The pictures are the pack's own, or those of the folder `data`.
    """
    if session.critic is None:
        raise ValueError(f"pack {session.pack.name!r} has no critic to measure")
    if not data and not session.pack.has_pictures:
        raise FileNotFoundError(f"pack {session.pack.name!r} carries no pictures: give data=FOLDER of class folders")
    pictures = _read_pictures(session, data) if data else session.pack.pictures()
    if not pictures.held_out:
        whose = data or f"pack {session.pack.name!r}"
        raise ValueError(f"{whose} holds no pictures that were not trained on: nothing to measure")
    scorers: dict[str, TokenScorer] = {
        "critic": critic_scorer(session.critic),
        "generator": generator_scorer(session.generator),
    }
    result: dict[str, Any] = {}
    for split in pictures.held_out:
        indices = pictures.pick_evenly(split, n)
        parts = [indices[first : first + PART] for first in range(0, len(indices), PART)]
        tokens = np.concatenate([session.encode(pictures.read(part)) for part in parts])
        real = torch.from_numpy(tokens).long()
        labels = torch.from_numpy(pictures.labels[indices]).to(session.device)
        concepts = number_concepts(pictures, indices)
        result[split] = {}
        for fraction in FRACTIONS:
            print(f"{split} {fraction}: {len(indices)} pictures", file=sys.stderr)
            cell = measure_contested(real.to(session.device), labels, session.generator, scorers, fraction=fraction)
            result[split][f"{fraction:g}"] = _row(session, cell, real.numpy(), concepts)
    return {"splits": result}


def _read_pictures(session: Session, data: str) -> Pictures:
    """The pictures of a folder, with the pack's classes."""
    return session.pack.match_classes(read_folder(expand_path(data), session.tokenizer_config.image_size))


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
    grid, patch = session.tokenizer.config.grid, session.tokenizer.config.patch
    middle = slice(grid // 2 * patch, (grid // 2 + 1) * patch)
    replaced = real[cell.picture, cell.position]
    codes = np.union1d(cell.filled, replaced)
    looks = []  # the patch of each code, in a picture of this code alone
    for first in range(0, len(codes), PART):
        flat = session.decode(np.repeat(codes[first : first + PART, None], session.num_tokens, 1))
        looks.append(flat[:, middle, middle].astype(np.float32))
    patches, change = np.concatenate(looks), np.empty(len(replaced), np.float32)
    for first in range(0, len(change), PAIRS):
        some = slice(first, first + PAIRS)
        mine, theirs = (patches[np.searchsorted(codes, which[some])] for which in (cell.filled, replaced))
        change[some] = np.abs(mine - theirs).mean((1, 2, 3))
    return change


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
