"""The official checkpoints of MaskGIT (google-research/maskgit): transformer and tokenizer, from flax.

The vocabulary of the transformer has the codes, then the classes, then MASK; the class token stands first. Its logits
are over all of it, of which sampling takes those of the codes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from engine.convert.table import (
    Row,
    Table,
    apply_table,
    conv,
    count,
    expand,
    make_empty,
    rows,
    same,
    shape_of,
    transposed,
)
from engine.generator import Generator
from engine.vqgan import Vqgan, VqganConfig

WORDS = "Embed_0/word_embeddings/embedding"
POSITIONS = "Embed_0/position_embeddings/embedding"


def heads_out(kernel: Tensor) -> Tensor:
    """The kernel after attention, (heads, dim, D) -> (D, heads * dim)."""
    return kernel.flatten(0, 1).mT


def stack_kernels(*kernels: Tensor) -> Tensor:
    """Kernels of query, key and value, each (D, heads, dim) -> (3 D, D)."""
    return torch.cat([kernel.flatten(1).mT for kernel in kernels])


def stack_biases(*biases: Tensor) -> Tensor:
    """Biases of query, key and value, each (heads, dim) -> (3 D)."""
    return torch.cat([bias.flatten() for bias in biases])


ATTENTION = "TransformerLayer_{i}/Attention_0/self_attention"
LAYER: Table = {
    "trunk.layers.{i}.attention.qkv.weight": (
        stack_kernels,
        ATTENTION + "/query/kernel",
        ATTENTION + "/key/kernel",
        ATTENTION + "/value/kernel",
    ),
    "trunk.layers.{i}.attention.qkv.bias": (
        stack_biases,
        ATTENTION + "/query/bias",
        ATTENTION + "/key/bias",
        ATTENTION + "/value/bias",
    ),
    "trunk.layers.{i}.attention.out.weight": (heads_out, ATTENTION + "/out/kernel"),
    "trunk.layers.{i}.attention.out.bias": (same, ATTENTION + "/out/bias"),
    "trunk.layers.{i}.norm1.weight": (same, "TransformerLayer_{i}/Attention_0/attention_output_ln/scale"),
    "trunk.layers.{i}.norm1.bias": (same, "TransformerLayer_{i}/Attention_0/attention_output_ln/bias"),
    "trunk.layers.{i}.up.weight": (transposed, "TransformerLayer_{i}/Mlp_0/intermediate_output/kernel"),
    "trunk.layers.{i}.up.bias": (same, "TransformerLayer_{i}/Mlp_0/intermediate_output/bias"),
    "trunk.layers.{i}.down.weight": (transposed, "TransformerLayer_{i}/Mlp_0/layer_output/kernel"),
    "trunk.layers.{i}.down.bias": (same, "TransformerLayer_{i}/Mlp_0/layer_output/bias"),
    "trunk.layers.{i}.norm2.weight": (same, "TransformerLayer_{i}/Mlp_0/layer_output_ln/scale"),
    "trunk.layers.{i}.norm2.bias": (same, "TransformerLayer_{i}/Mlp_0/layer_output_ln/bias"),
}


def transformer_table(layers: int, codes: int) -> dict[str, Row]:
    """Names of Generator <- names of MaskGIT."""
    table: dict[str, Row] = {
        "token.weight": (rows(slice(codes), slice(-1, None)), WORDS),
        "trunk.label.weight": (rows(slice(codes, -1)), WORDS),
        "trunk.position": (same, POSITIONS),
        "trunk.norm.weight": (same, "Embed_0/embeddings_ln/scale"),
        "trunk.norm.bias": (same, "Embed_0/embeddings_ln/bias"),
        "dense.weight": (transposed, "MlmLayer_0/mlm_dense/kernel"),
        "dense.bias": (same, "MlmLayer_0/mlm_dense/bias"),
        "norm.weight": (same, "MlmLayer_0/mlm_ln/scale"),
        "norm.bias": (same, "MlmLayer_0/mlm_ln/bias"),
        "bias": (rows(slice(codes)), "MlmLayer_0/mlm_bias/bias"),
    }
    for i in range(layers):
        table |= expand(LAYER, i=i)
    return table


ENDS: Table = {
    "codebook": (same, "quantizer/codebook"),
    "encoder.conv_in.weight": (conv, "encoder/Conv_0/kernel"),
    "encoder.norm_out.weight": (same, "encoder/GroupNorm_0/scale"),
    "encoder.norm_out.bias": (same, "encoder/GroupNorm_0/bias"),
    "encoder.conv_out.weight": (conv, "encoder/Conv_1/kernel"),
    "encoder.conv_out.bias": (same, "encoder/Conv_1/bias"),
    "decoder.conv_in.weight": (conv, "decoder/Conv_0/kernel"),
    "decoder.conv_in.bias": (same, "decoder/Conv_0/bias"),
    "decoder.norm_out.weight": (same, "decoder/GroupNorm_0/scale"),
    "decoder.norm_out.bias": (same, "decoder/GroupNorm_0/bias"),
    "decoder.conv_out.weight": (conv, "decoder/Conv_{levels}/kernel"),
    "decoder.conv_out.bias": (same, "decoder/Conv_{levels}/bias"),
}
DOUBLE: Table = {
    "decoder.resample.{i}.conv.weight": (conv, "decoder/Conv_{n}/kernel"),
    "decoder.resample.{i}.conv.bias": (same, "decoder/Conv_{n}/bias"),
}
BLOCK: Table = {
    "{coder}.blocks.{i}.norm1.weight": (same, "{coder}/ResBlock_{i}/GroupNorm_0/scale"),
    "{coder}.blocks.{i}.norm1.bias": (same, "{coder}/ResBlock_{i}/GroupNorm_0/bias"),
    "{coder}.blocks.{i}.conv1.weight": (conv, "{coder}/ResBlock_{i}/Conv_0/kernel"),
    "{coder}.blocks.{i}.norm2.weight": (same, "{coder}/ResBlock_{i}/GroupNorm_1/scale"),
    "{coder}.blocks.{i}.norm2.bias": (same, "{coder}/ResBlock_{i}/GroupNorm_1/bias"),
    "{coder}.blocks.{i}.conv2.weight": (conv, "{coder}/ResBlock_{i}/Conv_1/kernel"),
}
SHORTCUT: Table = {"{coder}.blocks.{i}.shortcut.weight": (conv, "{coder}/ResBlock_{i}/Conv_2/kernel")}


def tokenizer_table(levels: int, blocks: int, expected: Mapping[str, Tensor]) -> dict[str, Row]:
    """Names of Vqgan <- names of MaskGIT's tokenizer. A block whose width changes has a shortcut."""
    table = expand(ENDS, levels=levels)
    for i in range(levels - 1):
        table |= expand(DOUBLE, i=i, n=i + 1)
    for coder in ("encoder", "decoder"):
        for i in range(blocks * (levels + 1)):
            table |= expand(BLOCK, coder=coder, i=i)
            if f"{coder}.blocks.{i}.shortcut.weight" in expected:
                table |= expand(SHORTCUT, coder=coder, i=i)
    return table


def read_tokenizer(file: object, source: Mapping[str, Tensor], grid: int) -> Vqgan:
    """The tokenizer, for pictures of grid x grid tokens. ValueError for another kind of checkpoint."""
    codes, code_width = shape_of(file, source, "quantizer/codebook", 2)
    filters = shape_of(file, source, "encoder/Conv_0/kernel", 4)[3]
    levels = count(source, "decoder/Conv_{i}/") - 1
    blocks = count(source, "encoder/ResBlock_{i}/") // max(levels + 1, 1)
    firsts = [f"encoder/ResBlock_{level * blocks}/Conv_0/kernel" for level in range(levels)]
    sizes = {
        **{"image_size": grid * 2 ** max(levels - 1, 0), "patch": 2 ** max(levels - 1, 0)},
        **{"codes": codes, "code_width": code_width, "style": "maskgit", "filters": filters, "blocks": blocks},
        "multipliers": " ".join(str(shape_of(file, source, name, 4)[3] // max(filters, 1)) for name in firsts),
    }
    model = make_empty(file, "tokenizer", sizes)
    assert isinstance(model, Vqgan)
    expected = model.state_dict()
    model.load_state_dict(apply_table(file, source, tokenizer_table(levels, blocks, expected), expected), assign=True)
    return model


def read_grid(file: object, source: Mapping[str, Tensor]) -> int:
    """Tokens on a side of the transformer's pictures."""
    positions = shape_of(file, source, POSITIONS, 2)[0]
    if math.isqrt(positions - 1) ** 2 != positions - 1:
        raise ValueError(f"{file} has {positions} positions: expected one more than a square")
    return math.isqrt(positions - 1)


def read_transformer(file: object, source: Mapping[str, Tensor], tokenizer: VqganConfig) -> tuple[Generator, int]:
    """The generator, over the codes of that tokenizer, and how many classes it has."""
    vocabulary, width = shape_of(file, source, WORDS, 2)
    _, heads, _ = shape_of(file, source, ATTENTION.format(i=0) + "/query/kernel", 3)
    mlp = shape_of(file, source, "TransformerLayer_0/Mlp_0/intermediate_output/kernel", 2)[1]
    layers, classes = count(source, "TransformerLayer_{i}/"), vocabulary - tokenizer.codes - 1
    if classes < 1:
        raise ValueError(
            f"{file} has a vocabulary of {vocabulary}, too few for the {tokenizer.codes} codes of this tokenizer"
        )
    sizes = {"layers": layers, "width": width, "heads": heads, "mlp": mlp, "norm": "post"}
    model = make_empty(file, "generator", sizes, tokenizer, classes)
    assert isinstance(model, Generator)
    table = transformer_table(layers, tokenizer.codes)
    model.load_state_dict(apply_table(file, source, table, model.state_dict()), assign=True)
    return model, classes
