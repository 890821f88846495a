"""The loss of our own tokenizer: reconstruction and commitment (VQ-VAE)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.config import TrainConfig
from engine.data.pictures import Pictures
from engine.tokenizer import Tokenizer
from engine.train.codebook import CodebookTask

COMMITMENT = 0.25


class TokenizerTask(CodebookTask):
    """Follows van den Oord et al. 2017 (appendix A.1), on unit-length codes (Yu et al. 2022)."""

    name = "tokenizer"
    model: Tokenizer

    def __init__(self, model: Tokenizer, pictures: Pictures, config: TrainConfig) -> None:
        super().__init__(model, pictures, config)
        model.cost.zero_()  # set again once the codes have settled

    def loss(self, iteration: int, rng: torch.Generator, *batch: Tensor) -> tuple[Tensor, dict[str, float]]:
        pictures = batch[0].contiguous(memory_format=torch.channels_last)
        vectors = self.model.vectors(pictures).float()
        tokens = self.assign_codes(iteration, rng, vectors)
        codes = self.model.codebook[tokens]
        decoded = self.model.decode_vectors(vectors + (codes - vectors).detach())  # straight through
        reconstruction = F.mse_loss(decoded.float(), pictures)
        commitment = (vectors - codes).pow(2).sum(-1).mean()
        figures = {"mse": float(reconstruction.detach()), "commitment": float(commitment.detach())}
        figures["codes_alive"] = self.count_alive()
        return reconstruction + 0.1 * COMMITMENT * commitment, figures

    def place(self, sums: Tensor) -> Tensor:
        return F.normalize(sums, dim=-1)

    def closeness(self, vectors: Tensor, codes: Tensor) -> Tensor:
        return (vectors * codes).sum(-1)

    def spread(self, vectors: Tensor) -> float:
        return 1.0

    def settle(self) -> None:
        """Set each code's cost to code_cost * -log(its share of all uses).

        Only late in the run: earlier, the cost would starve codes whose use still grows.
        """
        share = self.uses / self.uses.sum()
        self.model.cost.copy_(-self.config.code_cost * share.clamp_min(1e-8).log())
