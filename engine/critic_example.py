"""One of the critic's training examples (Token-Critic, Algorithm 1): a real picture, some of its tokens sampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from engine.fill import fill_masked, rank_positions
from engine.noise import Noise
from engine.session import Session


@dataclass(frozen=True, kw_only=True)
class CriticExample:
    """A picture of the pack with some tokens sampled by the generator."""

    name: str  # of the picture
    label: str
    real: np.ndarray  # (N,) int32, the picture's own tokens
    filled: np.ndarray  # (N,) int32, the same with the hidden ones sampled
    hidden: np.ndarray  # (N,) bool
    scores: np.ndarray  # (N,) float32, the critic's probability that each token is real


@torch.no_grad()
def make_critic_example(session: Session, seed: int, fraction: float) -> CriticExample:
    """Hide a share of one picture's tokens and sample them at temperature 1.

    The picture is a held-out one if the pack has any. The critic is told how many tokens are sampled, as in
    its training. ValueError for a pack without critic or pictures, or a fraction outside 0..1.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction={fraction!r}: expected a share between 0 and 1")
    if session.critic is None:
        raise ValueError(f"pack {session.pack.name!r} has no critic to compare with")
    if not session.pack.has_tokens:
        raise ValueError(f"pack {session.pack.name!r} carries no pictures to choose from")
    pictures, tokens = session.pack.pictures(), session.pack.tokens()
    held_out = np.flatnonzero(pictures.splits != "train")
    choice = held_out if len(held_out) else np.arange(len(pictures))
    noise, N = Noise(seed, (0,)), session.num_tokens
    u = noise.uniform(0, "score", (N + 1,))[0]
    index = int(choice[int(float(u[0]) * len(choice))])
    hidden = (rank_positions(u[None, 1:]) < max(1, round(fraction * N))).to(session.device)
    real = tokens[index : index + 1].to(session.device)
    label = torch.tensor([int(pictures.labels[index])], device=session.device)
    filled = fill_masked(real, hidden, label, session.generator, noise)
    scores = session.critic(filled, label, hidden).sigmoid().cpu()
    return CriticExample(
        name=pictures.names[index],
        label=session.classes[int(label)],
        real=real[0].cpu().numpy().astype(np.int32),
        filled=filled[0].cpu().numpy().astype(np.int32),
        hidden=hidden[0].cpu().numpy(),
        scores=scores[0].float().numpy(),
    )
