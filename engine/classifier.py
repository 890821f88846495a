"""A small ResNet that classifies pictures, for the evaluation. The sampler does not use it.

FID, KID, precision and recall are measured in its features. Its probabilities give the inception score,
class accuracy and rejection sampling (Token-Critic, section 4.1). It is trained on fine labels, so that its
features distinguish more than the generator's classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import ClassifierConfig

GROUPS = 8  # groups of channels in GroupNorm
BATCH = 64  # pictures; a fixed number, so that the bits of one picture's features do not depend on the others


class Classifier(nn.Module):
    """Pictures (B, 3, S, S) in [-1, 1] -> a logit for each fine label (B, L)."""

    def __init__(self, config: ClassifierConfig, labels: int) -> None:
        super().__init__()
        self.config = config
        width = config.base
        self.stem = nn.Conv2d(3, width, 5, stride=2, padding=2)
        blocks: list[nn.Module] = []
        for stage in range(config.stages):
            wide = config.base << stage
            for block in range(config.depth):
                blocks.append(Block(width, wide, stride=2 if stage and not block else 1))
                width = wide
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.GroupNorm(GROUPS, width)
        self.head = nn.Linear(width, labels)

    def features(self, pictures: Tensor) -> Tensor:
        """(B, D): the mean over the last grid, before the head."""
        return F.relu(self.norm(self.blocks(self.stem(pictures)))).mean((2, 3))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.features(pictures))


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut, norm and ReLU before each (He et al. 2016, "Identity mappings").

    Norms over groups of channels (Wu and He 2018): a picture's features do not depend on its batch.
    """

    def __init__(self, narrow: int, wide: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, narrow)
        self.first = nn.Conv2d(narrow, wide, 3, stride, padding=1)
        self.norm2 = nn.GroupNorm(GROUPS, wide)
        self.second = nn.Conv2d(wide, wide, 3, padding=1)
        self.shortcut = nn.Conv2d(narrow, wide, 1, stride) if (narrow, stride) != (wide, 1) else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(x))
        return self.shortcut(x) + self.second(F.relu(self.norm2(self.first(y))))


@torch.no_grad()
def extract_features(model: Classifier, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features (M, D) and logits (M, L), float32, of uint8 pictures (M, S, S, 3)."""
    device = model.head.weight.device
    features, logits = [], []
    for i in range(0, len(images), BATCH):
        part = images[i : i + BATCH]
        part = np.concatenate([part, part[-1:].repeat(BATCH - len(part), 0)])
        pictures = torch.from_numpy(part).permute(0, 3, 1, 2).to(device).float() / 127.5 - 1
        found = model.features(pictures)
        features.append(found[: len(images) - i].cpu().numpy())
        logits.append(model.head(found)[: len(images) - i].cpu().numpy())
    return np.concatenate(features), np.concatenate(logits)


def fine_to_class(fine_labels: Sequence[tuple[str, str]], classes: Sequence[str]) -> np.ndarray:
    """(L,) class index of each fine label (class, group)."""
    return np.array([classes.index(name) for name, _ in fine_labels])


def class_probabilities(logits: np.ndarray, of_class: np.ndarray, classes: int) -> np.ndarray:
    """(M, C): the probabilities of the fine labels, summed over each class. of_class (L,) is the class of each."""
    p = torch.from_numpy(logits).double().softmax(1).numpy()
    return p @ (of_class[:, None] == np.arange(classes))
