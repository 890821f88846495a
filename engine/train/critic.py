"""The critic's loss: which tokens of a filled picture are real (Token-Critic, Algorithm 1)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine import MASK
from engine.config import TrainConfig
from engine.contested import TokenScorer, critic_scorer, generator_scorer, measure_contested
from engine.critic import Critic
from engine.generator import Generator
from engine.train.generator import TokenSource, TokenTask, sample_masks, sample_sheet

MEASURED_PICTURES = 48  # pictures per split in a measurement
ONE_STEP = 1 / 18  # of a run, between the mask and the one before it, for a critic that sees it


class CriticTask(TokenTask):
    """The target is the mask itself: a sampled token counts as fake even if it equals the real one.

    With the target "wrong", an ablation, it counts as fake only if it differs.
    """

    name = "critic"
    model: Critic

    def __init__(self, model: Critic, generator: Generator, source: TokenSource, config: TrainConfig) -> None:
        super().__init__(model, source, config)
        self._frozen = [
            generator.eval().requires_grad_(False)
        ]  # in a list, so that it is not part of this task's state_dict

    def draw(self, rng: torch.Generator, size: int, num_tokens: int, device: torch.device) -> tuple[Tensor, ...]:
        """Masks (size, N) of two steps, and uniform numbers (size, N, fillings)."""
        masked, before = sample_masks(rng, size, num_tokens, ONE_STEP, device)
        return masked, before, torch.rand(size, num_tokens, self.config.fillings, generator=rng).to(device)

    def loss(self, iteration: int, rng: torch.Generator, *batch: Tensor) -> tuple[Tensor, dict[str, float]]:
        tokens, labels, masked, before, u = batch
        with torch.no_grad():
            states = self._frozen[0].states(tokens.masked_fill(masked, MASK), labels)
            logits = self._frozen[0].logits(states[masked]).float()
        fillings = self.config.fillings
        filled, masked = _fill(tokens, masked, logits, u[masked]), masked.repeat(fillings, 1)
        real = ~masked if self.config.target == "mask" else filled == tokens.repeat(fillings, 1)
        out = self.model(filled, labels.repeat(fillings), masked, before.repeat(fillings, 1)).float()
        loss = F.binary_cross_entropy_with_logits(out, real.float())
        right = ((out.detach() > 0) == real).float().mean()
        return loss, {"loss": float(loss.detach()), "accuracy": float(right)}

    @torch.no_grad()
    def measure(self, averaged: nn.Module) -> dict[str, float]:
        """Contested AUC of critic and generator with half of the tokens hidden, for each held-out split."""
        figures = {}
        generator = self._frozen[0]
        scorers: dict[str, TokenScorer] = {"critic": critic_scorer(averaged), "generator": generator_scorer(generator)}
        for split in self.source.pictures.held_out:
            tokens, labels = self.source.read_split(split, MEASURED_PICTURES)
            cell = measure_contested(tokens, labels, generator, scorers, fraction=0.5)
            for name in scorers:
                figures[f"auc_{split}_{name}"] = cell.auc(name)
                figures[f"sampled_{split}_{name}"] = cell.sampled(name)
        return figures

    def make_sheet(self, averaged: nn.Module) -> np.ndarray:
        classes = len(self.source.pictures.classes)
        return sample_sheet(self._frozen[0], self.source.tokenizer, classes, critic=averaged)


def _fill(tokens: Tensor, masked: Tensor, logits: Tensor, u: Tensor) -> Tensor:
    """Tokens (fillings * B, N): the M hidden ones sampled from logits (M, V) by inverse CDF of u (M, fillings)."""
    cdf = logits.softmax(-1).cumsum(-1)
    sampled = torch.searchsorted(cdf, u * cdf[:, -1:], right=True).clamp_max(logits.shape[1] - 1)  # (M, fillings)
    filled = tokens.repeat(u.shape[1], 1)
    filled[masked.repeat(u.shape[1], 1)] = sampled.T.flatten()
    return filled
