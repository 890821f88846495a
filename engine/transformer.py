"""The transformer trunk of generator and critic: a class token, then N tokens, with full attention."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import TrunkConfig
from engine.packed import Bf16Linear

CACHE = 2**21  # bytes of attention weights that a core works on at once


class ExplicitAttention(torch.autograd.Function):
    """torch's fused attention forwards. Backwards the explicit softmax, BLOCK matrices at a time.

    On a CPU torch's fused backward pass is the slowest part of attention. Plain autograd would keep all N x N
    matrices of a batch in memory; BLOCK of them fit the cache.
    """

    BLOCK = 14

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        ctx.save_for_backward(q, k, v)
        return F.scaled_dot_product_attention(q, k, v)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        shape, scale = grads[0].shape, grads[0].shape[-1] ** -0.5
        q, k, v, grad = (x.reshape(-1, *shape[2:]) for x in (*ctx.saved_tensors, grads[0]))  # (B * heads, n, dim)
        q = q * scale
        grad_q, grad_k, grad_v = (torch.empty_like(grad) for _ in range(3))
        for i in range(0, len(q), ExplicitAttention.BLOCK):
            part = slice(i, i + ExplicitAttention.BLOCK)
            weights = torch.bmm(q[part], k[part].transpose(1, 2)).softmax(-1)
            torch.bmm(weights.transpose(1, 2), grad[part], out=grad_v[part])
            through = torch.bmm(grad[part], v[part].transpose(1, 2))
            through = torch._softmax_backward_data(through, weights, -1, weights.dtype)
            torch.bmm(through, k[part], out=grad_q[part])
            torch.bmm(through.transpose(1, 2), q[part], out=grad_k[part])
        return (grad_q * scale).view(shape), grad_k.view(shape), grad_v.view(shape)


def explicit_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention (B, heads, n, dim). On a CPU, twice as fast as torch's fused one in bf16, half as fast in fp32.

    A few n x n matrices at a time, so that they stay in the cache: at n = 1025 all at once take over twice as long.
    """
    shape, n = q.shape, q.shape[2]
    q, k, v = (x.reshape(-1, *shape[2:]) for x in (q * shape[-1] ** -0.5, k.contiguous(), v))  # (B * heads, n, dim)
    at_once = len(q)
    if q.device.type == "cpu":
        at_once = torch.get_num_threads() * max(1, CACHE // (n * n * q.element_size()))
    if at_once >= len(q):
        return torch.bmm(torch.bmm(q, k.transpose(1, 2)).softmax(-1), v).view(shape)
    out = torch.empty_like(q)
    for i in range(0, len(q), at_once):
        part = slice(i, i + at_once)
        torch.bmm(torch.bmm(q[part], k[part].transpose(1, 2)).softmax(-1), v[part], out=out[part])
    return out.view(shape)


def default_explicit(dtype: torch.dtype, device: torch.device) -> bool:
    """The default attention for sampling, if it was not measured."""
    return dtype == torch.bfloat16 and device.type == "cpu"


class Attention(nn.Module):
    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        # Which attention is faster depends on machine and dtype.
        self.explicit = False  # in training; engine.train.probe measures it
        self.explicit_sampling: bool | None = None  # engine.precision measures it. None: default_explicit()

    def forward(self, x: Tensor) -> Tensor:
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)  # (B, heads, n, dim)
        return self.out(self.attend(q, k, v).transpose(1, 2).reshape(b, n, d))

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attention (B, heads, n, dim) with the kernel that was chosen."""
        if self.explicit and torch.is_grad_enabled():
            return ExplicitAttention.apply(q, k, v)  # type: ignore[no-any-return, no-untyped-call]
        if not torch.is_grad_enabled() and self._samples_explicitly(q):
            return explicit_attention(q, k, v)
        return F.scaled_dot_product_attention(q, k, v)

    def _samples_explicitly(self, q: Tensor) -> bool:
        if self.explicit_sampling is not None:
            return self.explicit_sampling
        return default_explicit(q.dtype, q.device)


def make_norm(config: TrunkConfig) -> nn.LayerNorm:
    """BERT's epsilon for its layers, torch's for ours."""
    return nn.LayerNorm(config.width, eps=1e-12 if config.norm == "post" else 1e-5)


def make_gelu(config: TrunkConfig) -> nn.GELU:
    """BERT, and so MaskGIT, approximate gelu by a tanh."""
    return nn.GELU("tanh" if config.norm == "post" else "none")


class Layer(nn.Module):
    """Pre-norm: x + attention(norm(x)), then x + mlp(norm(x)). Post-norm: norm(x + attention(x)), and so on."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.post_norm = config.norm == "post"
        self.norm1 = make_norm(config)
        self.attention = Attention(config)
        self.norm2 = make_norm(config)
        self.gelu: nn.Module = make_gelu(config)
        self.up = nn.Linear(config.width, config.mlp)
        self.down = nn.Linear(config.mlp, config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        if self.post_norm:
            x = self.norm1(x + self.dropout(self.attention(x)))
            return self.norm2(x + self.dropout(self._mlp(x)))
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self._mlp(self.norm2(x)))

    def _mlp(self, x: Tensor) -> Tensor:
        return self.down(self.gelu(self.up(x)))  # type: ignore[no-any-return]

    def use_bf16(self) -> None:
        """Convert matrices to bf16 once. The sums stay float32."""
        assert isinstance(self.gelu, nn.GELU)
        for owner, name in ((self.attention, "qkv"), (self.attention, "out"), (self, "up"), (self, "down")):
            gelu = self.gelu.approximate if name == "up" else None
            setattr(owner, name, Bf16Linear(getattr(owner, name), gelu))
        self.gelu = nn.Identity()  # `up` does it


class Trunk(nn.Module):
    """Token vectors (B, N, D) and classes (B,) -> states (B, N, D)."""

    def __init__(self, config: TrunkConfig, num_tokens: int, classes: int) -> None:
        super().__init__()
        self.config = config
        self.label = nn.Embedding(classes, config.width)
        self.position = nn.Parameter(torch.zeros(num_tokens + 1, config.width))
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = make_norm(config)  # pre-norm: of the states; post-norm: of the embeddings
        self.dropout = nn.Dropout(config.dropout if config.norm == "post" else 0.0)  # on the embeddings, as BERT

    def use_bf16(self) -> None:
        """For sampling: matrix products of the layers in bf16. Heads stay float32: they give probabilities."""
        for layer in self.layers:
            assert isinstance(layer, Layer)
            layer.use_bf16()

    def use_explicit_attention(self, *, explicit: bool) -> None:
        """Choose the attention for sampling: explicit products, or torch's fused kernel."""
        for layer in self.layers:
            assert isinstance(layer, Layer)
            layer.attention.explicit_sampling = explicit

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        x = torch.cat([self.label(labels)[:, None], x], 1) + self.position  # (B, 1 + N, D)
        post_norm = self.config.norm == "post"
        if post_norm:
            x = self.dropout(self.norm(x))
        for layer in self.layers:
            x = layer(x)
        return x[:, 1:] if post_norm else self.norm(x[:, 1:])


def initialise(model: nn.Module, std: float = 0.02) -> None:
    """Truncated normal with standard deviation 0.02 for all tables and matrices (MaskGIT), zero for biases."""
    for name, parameter in model.named_parameters():
        if parameter.dim() >= 2:
            nn.init.trunc_normal_(parameter, std=std, a=-2 * std, b=2 * std)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)


def use_attention(model: nn.Module, explicit: bool) -> None:
    """Choose the attention for training: explicit products in the backward pass, or torch's fused kernel."""
    for module in model.modules():
        if isinstance(module, Attention):
            module.explicit = explicit
