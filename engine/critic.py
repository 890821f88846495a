"""The critic (Token-Critic): a whole picture of tokens and a class -> how real each token is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import CriticConfig
from engine.generator import Generator
from engine.transformer import Trunk, initialise


class Critic(nn.Module):
    """p_phi(m = 1 | x, c) of Token-Critic, section 3.2, as logits. Never sees MASK.

    head "linear": the paper's, one number read off each state. head "match": the state, through
    the generator's own head, says what it expects at its place, and the token is held against it:
    logit = <expected_i, readout[token_i]> + bias[token_i] + linear(h_i).

    With `share_offset` these logits are those of a picture of which half is sampled. Told which places
    are new, it adds the log odds of any token being real: in training, so that the network need not find
    out how many are sampled; in sampling, where that is known, so that scores are probabilities of x_t.
    """

    def __init__(self, config: CriticConfig, *, places: int, codes: int, classes: int) -> None:
        super().__init__()
        self.config = config
        self.token = nn.Embedding(codes, config.width)
        self.trunk = Trunk(config, places, classes)
        self.linear = nn.Linear(config.width, 1)
        if config.head == "match":
            self.dense = nn.Linear(config.width, config.width)
            self.norm = nn.LayerNorm(config.width)
            self.readout = nn.Embedding(codes, config.width)
            self.bias = nn.Parameter(torch.zeros(codes))
        initialise(self)

    def forward(self, tokens: Tensor, labels: Tensor, masked: Tensor | None = None) -> Tensor:
        """tokens (B, N) all visible, labels (B,) -> logits (B, N). Of masked (B, N) bool only the count is used."""
        states = self.trunk(self.token(tokens), labels)
        logits = self.linear(states)[..., 0]
        if self.config.head == "match":
            expected = self.norm(F.gelu(self.dense(states)))
            logits = logits + (expected * self.readout(tokens)).sum(-1) + self.bias[tokens]
        if masked is not None and self.config.share_offset:
            hidden = masked.sum(1, keepdim=True)
            logits = logits + torch.log((masked.shape[1] - hidden + 0.5) / (hidden + 0.5))
        return logits

    @torch.no_grad()
    def start_from(self, generator: Generator) -> None:
        """Take over the generator's trunk, tables and head: it already knows what fits where."""
        self.trunk.load_state_dict(generator.trunk.state_dict())
        codes = generator.codes
        self.token.weight.copy_(generator.token.weight[:codes])
        if self.config.head == "match":
            self.dense.load_state_dict(generator.dense.state_dict())
            self.norm.load_state_dict(generator.norm.state_dict())
            self.readout.weight.copy_(generator.token.weight[:codes])
            self.bias.copy_(generator.bias)
            self.linear.weight.zero_()
