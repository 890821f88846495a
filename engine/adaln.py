"""The generator of Halton-MaskGIT (Besnier et al., ICLR 2025): the class scales and shifts every norm (adaLN, DiT).

Beside that, its layers have root-mean-square norms, normalised queries and keys, a gated MLP and no biases.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine import MASK
from engine.settings import check_fields, setting
from engine.transformer import Attention, Layer, Trunk

EPS = 1e-5


@dataclass(frozen=True, kw_only=True)
class AdaLnConfig:
    """The transformer of Halton-MaskGIT: engine.adaln."""

    layers: int = setting(24, "transformer layers", low=1, high=64)
    width: int = setting(1024, "width of the token vectors", low=8, high=4096, symbol="D")
    heads: int = setting(16, "attention heads", low=1, high=64)
    mlp: int = setting(2816, "width inside the gated MLP", low=8, high=16384)
    registers: int = setting(1, "tokens beside those of the picture", low=0, high=64)
    norm: str = setting("adaptive", "where the class enters: it scales and shifts every norm", choices=("adaptive",))

    def __post_init__(self) -> None:
        check_fields(self)
        if self.width % self.heads:
            raise ValueError(f"heads={self.heads}: expected a divisor of width={self.width}")


class AdaLnAttention(Attention):
    """Attention whose queries and keys are normalised, each over all heads together."""

    def __init__(self, config: AdaLnConfig) -> None:
        nn.Module.__init__(self)
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)
        self.explicit, self.explicit_sampling = False, None

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, -1)  # each (B, n, D)
        q, k = (F.rms_norm(one.float(), one.shape[-1:], eps=EPS).to(v.dtype) for one in (q, k))
        split = (one.unflatten(-1, (self.heads, -1)).transpose(1, 2) for one in (q, k, v))  # each (B, heads, n, dim)
        return self.out(self.attend(*split).transpose(1, 2).flatten(2))


class AdaLnLayer(Layer):
    """x + gate * attention(norm(x) * (1 + scale) + shift), then the same with the MLP; the class gives all six."""

    def __init__(self, config: AdaLnConfig) -> None:
        nn.Module.__init__(self)
        self.norm1 = nn.RMSNorm(config.width, eps=EPS)  # type: ignore[assignment]
        self.attention = AdaLnAttention(config)
        self.norm2 = nn.RMSNorm(config.width, eps=EPS)  # type: ignore[assignment]
        self.gate = nn.Linear(config.width, config.mlp, bias=False)
        self.up = nn.Linear(config.width, config.mlp, bias=False)
        self.down = nn.Linear(config.mlp, config.width, bias=False)
        self.modulation = nn.Linear(config.width, 6 * config.width)
        self.bf16 = False

    def use_bf16(self) -> None:
        self.bf16 = True
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.to(torch.bfloat16)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """x (B, n, D), condition (B, D) of the class. None: zeros, where only the time of a layer matters."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16):
            return self._forward(x, condition)

    def _forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        given = x.new_zeros(len(x), x.shape[-1]) if condition is None else condition
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(given)[:, None].chunk(6, -1)
        x = x + gate1 * self.attention(self.norm1(x) * (1 + scale1) + shift1)
        inner = self.norm2(x) * (1 + scale2) + shift2
        return x + gate2 * self.down(F.silu(self.gate(inner)) * self.up(inner))


class AdaLnTrunk(Trunk):
    """Token vectors (B, N, D) and classes (B,) -> states (B, N, D)."""

    def __init__(self, config: AdaLnConfig, num_tokens: int, classes: int) -> None:
        nn.Module.__init__(self)
        self.label = nn.Embedding(classes, config.width)
        self.position = nn.Parameter(torch.zeros(num_tokens, config.width))
        self.registers = nn.Parameter(torch.zeros(config.registers, config.width))
        self.layers = nn.ModuleList(AdaLnLayer(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.width, eps=EPS)  # type: ignore[assignment]
        self.bias = nn.Parameter(torch.zeros(config.width))
        self.modulation = nn.Linear(config.width, 2 * config.width)

    def use_bf16(self) -> None:
        """For sampling: matrix products of the layers in bf16."""
        for layer in self.layers:
            assert isinstance(layer, AdaLnLayer)
            layer.use_bf16()

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        condition = F.silu(self.label(labels))
        num_tokens = x.shape[1]
        x = torch.cat([x + self.position, self.registers.expand(len(x), -1, -1)], 1)
        for layer in self.layers:
            x = layer(x, condition)
        shift, scale = self.modulation(condition)[:, None].chunk(2, -1)
        return (self.norm(x[:, :num_tokens]) + self.bias) * (1 + scale) + shift


class AdaLnGenerator(nn.Module):
    """Masked tokens and a class -> logits over the codebook. Input and output share one embedding table."""

    def __init__(self, config: AdaLnConfig, *, num_tokens: int, codes: int, classes: int) -> None:
        super().__init__()
        self.config = config
        self.codes = codes
        self.token = nn.Embedding(codes + 1, config.width)  # the last row is MASK
        self.trunk = AdaLnTrunk(config, num_tokens, classes)
        self.bias = nn.Parameter(torch.zeros(codes))

    def states(self, tokens: Tensor, labels: Tensor) -> Tensor:
        """Trunk states (B, N, D) of tokens (B, N) with MASK where hidden, labels (B,)."""
        return self.trunk(self.token(tokens.where(tokens != MASK, self.codes)), labels)

    def logits(self, states: Tensor) -> Tensor:
        """Logits (..., V) of trunk states (..., D), for any selection of positions."""
        return F.linear(states, self.token.weight[: self.codes], self.bias)

    def forward(self, tokens: Tensor, labels: Tensor) -> Tensor:
        """tokens (B, N) with MASK, labels (B,) -> logits (B, N, V)."""
        return self.logits(self.states(tokens, labels))
