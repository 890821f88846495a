"""The checkpoints of Halton-MaskGIT (valeoai/Halton-MaskGIT), from PyTorch.

Its table of classes has one more for "no class", which guidance needs and this program does not have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from engine.adaln import AdaLnGenerator
from engine.config import TokenizerSizes
from engine.convert.table import Row, Table, apply_table, count, expand, make_empty, rows, same, shape_of
from engine.vqgan import VqganConfig

HEADS = {384: 6, 768: 12, 1024: 16, 1152: 16}  # by width: tiny, base, large, xlarge. No shape says how many there are
UNUSED = ("head.weight",)  # the table of tokens by another name


def stack(*matrices: Tensor) -> Tensor:
    """Matrices of query, key and value, each (D, D) -> (3 D, D)."""
    return torch.cat(matrices)


LAYER: Table = {
    "trunk.layers.{i}.modulation.weight": (same, "transformer.layers.{i}.mlp.1.weight"),
    "trunk.layers.{i}.modulation.bias": (same, "transformer.layers.{i}.mlp.1.bias"),
    "trunk.layers.{i}.norm1.weight": (same, "transformer.layers.{i}.ln1.weight"),
    "trunk.layers.{i}.attention.qkv.weight": (
        stack,
        "transformer.layers.{i}.attn.wq.weight",
        "transformer.layers.{i}.attn.wk.weight",
        "transformer.layers.{i}.attn.wv.weight",
    ),
    "trunk.layers.{i}.attention.out.weight": (same, "transformer.layers.{i}.attn.wo.weight"),
    "trunk.layers.{i}.norm2.weight": (same, "transformer.layers.{i}.ln2.weight"),
    "trunk.layers.{i}.gate.weight": (same, "transformer.layers.{i}.ff.w1.weight"),
    "trunk.layers.{i}.down.weight": (same, "transformer.layers.{i}.ff.w2.weight"),
    "trunk.layers.{i}.up.weight": (same, "transformer.layers.{i}.ff.w3.weight"),
}


def transformer_table(layers: int, codes: int) -> dict[str, Row]:
    """Names of AdaLnGenerator <- names of Halton-MaskGIT."""
    table: dict[str, Row] = {
        "token.weight": (same, "tok_emb.weight"),
        "trunk.label.weight": (rows(slice(-1)), "cls_emb.weight"),
        "trunk.position": (same, "pos_emb.weight"),
        "trunk.registers": (same, "reg_tokens.weight"),
        "trunk.norm.weight": (same, "last_norm.norm_final.weight"),
        "trunk.bias": (same, "last_norm.norm_final.bias"),
        "trunk.modulation.weight": (same, "last_norm.mlp.1.weight"),
        "trunk.modulation.bias": (same, "last_norm.mlp.1.bias"),
        "bias": (rows(slice(codes)), "head.bias"),
    }
    for i in range(layers):
        table |= expand(LAYER, i=i)
    return table


def read_grid(file: object, source: Mapping[str, Tensor]) -> int:
    """Tokens on a side of the transformer's pictures."""
    positions = shape_of(file, source, "pos_emb.weight", 2)[0]
    if math.isqrt(positions) ** 2 != positions:
        raise ValueError(f"{file} has {positions} positions: expected a square")
    return math.isqrt(positions)


def read_transformer(
    file: object, source: Mapping[str, Tensor], tokenizer: TokenizerSizes, heads: int = 0
) -> tuple[AdaLnGenerator, int]:
    """The generator, over the codes of that tokenizer, and how many classes it has. `heads` 0: as HEADS says."""
    assert isinstance(tokenizer, VqganConfig)
    vocabulary, width = shape_of(file, source, "tok_emb.weight", 2)
    if vocabulary != tokenizer.codes + 1:
        raise ValueError(f"{file} has {vocabulary - 1} codes, the tokenizer {tokenizer.codes}")
    if not heads and width not in HEADS:
        raise ValueError(f"{file} is {width} wide: say how many heads=N it has, no shape does")
    if "head.weight" in source and not torch.equal(source["head.weight"], source["tok_emb.weight"]):
        raise ValueError(f"{file}: head.weight differs from tok_emb.weight, with which it is tied")
    classes = shape_of(file, source, "cls_emb.weight", 2)[0] - 1
    layers = count(source, "transformer.layers.{i}.")
    mlp = shape_of(file, source, "transformer.layers.0.ff.w1.weight", 2)[0]
    registers = shape_of(file, source, "reg_tokens.weight", 2)[0]
    sizes = {"layers": layers, "width": width, "heads": heads or HEADS[width], "mlp": mlp, "registers": registers}
    model = make_empty(file, "generator", {**sizes, "norm": "adaptive"}, tokenizer, classes)
    assert isinstance(model, AdaLnGenerator)
    table = transformer_table(layers, tokenizer.codes)
    model.load_state_dict(apply_table(file, source, table, model.state_dict(), UNUSED), assign=True)
    return model, classes
