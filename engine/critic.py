"""The critic (Token-Critic): a whole picture of tokens and a class -> how real each token is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import CriticConfig
from engine.generator import Generator
from engine.transformer import Trunk, initialise

FIRST_GAIN = 0.1  # a generator's log odds are ten times too sure of which tokens it did not sample itself


class Critic(nn.Module):
    """p_phi(m = 1 | x, c) of Token-Critic, section 3.2, as logits. Never sees MASK.

    head "linear": the paper's, one number read off each state. head "likelihood": the state, through
    the generator's own head, says how likely each code is at its place, and the token's log odds count:
    logit = gain * (said_i[token_i] - log sum of exp said_i over all other codes) + linear(h_i).

    With `share_offset` these logits are those of a picture of which half is sampled. Told which places
    are new, it adds the log odds of any token being real: in training, so that the network need not find
    out how many are sampled; in sampling, where that is known, so that scores are probabilities of x_t.
    """

    def __init__(self, config: CriticConfig, *, num_tokens: int, codes: int, classes: int) -> None:
        super().__init__()
        self.config = config
        self.token = nn.Embedding(codes, config.width)
        self.trunk = Trunk(config, num_tokens, classes)
        self.linear = nn.Linear(config.width, 1)
        if config.head == "likelihood":
            self.dense = nn.Linear(config.width, config.width)
            self.norm = nn.LayerNorm(config.width)
            self.readout = nn.Linear(config.width, codes)
            self.gain = nn.Parameter(torch.tensor(FIRST_GAIN))
        initialise(self)

    def forward(self, tokens: Tensor, labels: Tensor, masked: Tensor | None = None) -> Tensor:
        """tokens (B, N) all visible, labels (B,) -> logits (B, N). Of masked (B, N) bool only the count is used."""
        states = self.trunk(self.token(tokens), labels)
        logits = self.linear(states)[..., 0]
        if self.config.head == "likelihood":
            said = self.readout(self.norm(F.gelu(self.dense(states))))
            own = tokens[..., None]
            others = said.scatter(-1, own, -torch.inf).logsumexp(-1)
            logits = logits + self.gain * (said.gather(-1, own)[..., 0] - others)
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
        if self.config.head == "likelihood":
            self.dense.load_state_dict(generator.dense.state_dict())
            self.norm.load_state_dict(generator.norm.state_dict())
            self.readout.weight.copy_(generator.token.weight[:codes])
            self.readout.bias.copy_(generator.bias)
            self.linear.weight.zero_()
