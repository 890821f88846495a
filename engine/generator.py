"""The generator (MaskGIT): masked tokens and a class -> logits over the codebook at every position."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from engine import MASK
from engine.config import TrunkConfig
from engine.transformer import Trunk, initialise, make_gelu, make_norm


class Generator(nn.Module):
    """p_theta(x_0 | x_t, c) of MaskGIT, section 3.2. Input and output share one embedding table."""

    def __init__(self, config: TrunkConfig, *, num_tokens: int, codes: int, classes: int) -> None:
        super().__init__()
        self.config = config
        self.codes = codes
        self.token = nn.Embedding(codes + 1, config.width)  # the last row is MASK
        self.trunk = Trunk(config, num_tokens, classes)
        self.dense = nn.Linear(config.width, config.width)
        self.norm = make_norm(config)
        self.gelu = make_gelu(config)
        self.bias = nn.Parameter(self.token.weight.new_zeros(codes))
        initialise(self)

    def states(self, tokens: Tensor, labels: Tensor) -> Tensor:
        """Trunk states (B, N, D) of tokens (B, N) with MASK where hidden, labels (B,)."""
        return self.trunk(self.token(tokens.where(tokens != MASK, self.codes)), labels)

    def logits(self, states: Tensor) -> Tensor:
        """Logits (..., V) of trunk states (..., D), for any selection of positions."""
        x = self.norm(self.gelu(self.dense(states)))
        return F.linear(x, self.token.weight[: self.codes], self.bias)

    def forward(self, tokens: Tensor, labels: Tensor) -> Tensor:
        """tokens (B, N) with MASK, labels (B,) -> logits (B, N, V)."""
        return self.logits(self.states(tokens, labels))
