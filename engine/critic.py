"""The critic (Token-Critic): all tokens of a picture and a class -> a logit of "real" for each token."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.config import CriticConfig
from engine.generator import Generator
from engine.transformer import Trunk, initialise, make_gelu, make_norm

FIRST_GAIN = 0.1  # the log odds of a generator overstate ten times which tokens are real


class Critic(nn.Module):
    """p_phi(m = 1 | x, c) of Token-Critic, section 3.2, as logits. Its input never has MASK.

    head "linear" is the paper's: a linear map of each state h_i. head "likelihood" applies the generator's
    head to each state, which gives a logit z_i[v] for each code v, and takes the log odds of the token:
    logit_i = gain * (z_i[token_i] - log sum over v != token_i of exp z_i[v]) + linear(h_i).

    With `share_offset` the network's logits are for a picture with half of its tokens sampled. Given `masked`,
    it adds the log odds of the known share of real tokens. In training the network then need not estimate
    this share. In sampling the scores become the right probabilities for step t.

    With `sees_mask` each token carries whether it was hidden one step earlier, as an embedding that is added.
    """

    def __init__(self, config: CriticConfig, *, num_tokens: int, codes: int, classes: int) -> None:
        super().__init__()
        self.config = config
        self.token = nn.Embedding(codes, config.width)
        self.trunk = Trunk(config, num_tokens, classes)
        self.linear = nn.Linear(config.width, 1)
        if config.sees_mask:
            self.hidden_before = nn.Embedding(2, config.width)
        if config.head == "likelihood":
            self.dense = nn.Linear(config.width, config.width)
            self.norm = make_norm(config)
            self.gelu = make_gelu(config)
            self.readout = nn.Linear(config.width, codes)
            self.gain = nn.Parameter(torch.tensor(FIRST_GAIN))
        initialise(self)

    def forward(
        self, tokens: Tensor, labels: Tensor, masked: Tensor | None = None, masked_before: Tensor | None = None
    ) -> Tensor:
        """tokens (B, N) without MASK, labels (B,) -> logits (B, N). Only the count of masked (B, N) bool is used.

        masked_before (B, N) bool is what `sees_mask` shows: which tokens were hidden one step earlier. None: all.
        """
        embedded = self.token(tokens)
        if self.config.sees_mask:
            before = torch.ones_like(tokens) if masked_before is None else masked_before.long()
            embedded = embedded + self.hidden_before(before)
        states = self.trunk(embedded, labels)
        logits = self.linear(states)[..., 0]
        if self.config.head == "likelihood":
            z = self.readout(self.norm(self.gelu(self.dense(states))))
            own = tokens[..., None]
            others = z.scatter(-1, own, -torch.inf).logsumexp(-1)
            logits = logits + self.gain * (z.gather(-1, own)[..., 0] - others)
        if masked is not None and self.config.share_offset:
            hidden = masked.sum(1, keepdim=True)
            logits = logits + torch.log((masked.shape[1] - hidden + 0.5) / (hidden + 0.5))
        return logits

    @torch.no_grad()
    def start_from(self, generator: Generator) -> None:
        """Copy the generator's trunk, tables and head, which already know what fits where.

        A critic with fewer layers gets the first ones.
        """
        own = self.trunk.state_dict()
        self.trunk.load_state_dict({k: v for k, v in generator.trunk.state_dict().items() if k in own})
        codes = generator.codes
        self.token.weight.copy_(generator.token.weight[:codes])
        if self.config.head == "likelihood":
            self.dense.load_state_dict(generator.dense.state_dict())
            self.norm.load_state_dict(generator.norm.state_dict())
            self.readout.weight.copy_(generator.token.weight[:codes])
            self.readout.bias.copy_(generator.bias)
            self.linear.weight.zero_()
