"""Quality of a tokenizer: PSNR of its reconstructions, and use and entropy of its codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.psnr import psnr
from engine.session import Session


def measure_tokenizer(session: Session) -> dict[str, Any]:
    """PSNR by split and class, entropy of the codes of white patches, and the share of codes used.

    A code is used if it occurs in any picture of the pack. The training log has another share, `codes_alive`: codes
    that are not about to restart. It is near 1 as long as codes restart.
    """
    pictures = session.pack.pictures()
    images = pictures.read(np.arange(len(pictures)))
    tokens = session.encode(images)
    decoded = session.decode(tokens)
    used = len(np.unique(tokens)) / session.tokenizer.config.codes
    splits = {
        split: {
            **_both(images, decoded, pictures.splits == split),
            "classes": {
                name: _both(images, decoded, (pictures.splits == split) & (pictures.labels == label))
                for label, name in enumerate(pictures.classes)
                if ((pictures.splits == split) & (pictures.labels == label)).any()
            },
        }
        for split in dict.fromkeys(pictures.splits.tolist())
    }
    white = tokens[_white_patches(images, session.tokenizer.config.patch)]
    return {
        "codes_used": used,
        "token_entropy_nats": entropy(tokens),
        "white_patch_entropy_nats": entropy(white) if white.size else None,
        "white_patches": int(white.size),
        "splits": splits,
    }


def entropy(tokens: np.ndarray) -> float:
    """Entropy of the empirical distribution of codes, in nats."""
    _, counts = np.unique(tokens, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _both(images: np.ndarray, decoded: np.ndarray, chosen: np.ndarray) -> dict[str, Any]:
    images, decoded = images[chosen], decoded[chosen]
    everywhere = np.ones(images.shape[:3], bool)
    coloured = ~(images == 255).all(-1)
    return {
        "pictures": len(images),
        "psnr": psnr(images, decoded, everywhere),
        "psnr_nonwhite": psnr(images, decoded, coloured),
    }


def _white_patches(images: np.ndarray, patch: int) -> np.ndarray:
    """(M, N) bool: is every pixel of the token's patch white?"""
    m, size = images.shape[:2]
    grid = size // patch
    white = (images == 255).all(-1).reshape(m, grid, patch, grid, patch)
    return white.all((2, 4)).reshape(m, grid * grid)
