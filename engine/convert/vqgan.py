"""VQGAN tokenizers of PyTorch: taming-transformers' checkpoints, and LlamaGen's, which names the same layers otherwise.

Both name a level by its number, the finest 0; LlamaGen's decoder counts the other way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from engine.convert.table import Row, Table, apply_table, count, expand, make_empty, same, shape_of
from engine.vqgan import Vqgan

TRAINING_ONLY = ("loss.", "quantize.codebook_used")  # discriminator and perceptual net; which codes were seen lately


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where a kind of checkpoint has the parts of encoder and decoder."""

    level: str  # a level of the encoder
    block: str
    attention: str
    middle: tuple[str, str, str]  # block, attention, block
    decoder_level: str  # {level}: the finest is 0; {turn}: the coarsest is 0


TAMING = Layout(
    level="encoder.down.{level}",
    block="block.{i}",
    attention="attn.{i}",
    middle=("mid.block_1", "mid.attn_1", "mid.block_2"),
    decoder_level="decoder.up.{level}",
)
LLAMAGEN = Layout(
    level="encoder.conv_blocks.{level}",
    block="res.{i}",
    attention="attn.{i}",
    middle=("mid.0", "mid.1", "mid.2"),
    decoder_level="decoder.conv_blocks.{turn}",
)

ENDS: Table = {
    "to_code.weight": (same, "quant_conv.weight"),
    "to_code.bias": (same, "quant_conv.bias"),
    "from_code.weight": (same, "post_quant_conv.weight"),
    "from_code.bias": (same, "post_quant_conv.bias"),
}
CODER: Table = {
    "{coder}.conv_in.weight": (same, "{coder}.conv_in.weight"),
    "{coder}.conv_in.bias": (same, "{coder}.conv_in.bias"),
    "{coder}.norm_out.weight": (same, "{coder}.norm_out.weight"),
    "{coder}.norm_out.bias": (same, "{coder}.norm_out.bias"),
    "{coder}.conv_out.weight": (same, "{coder}.conv_out.weight"),
    "{coder}.conv_out.bias": (same, "{coder}.conv_out.bias"),
}
BLOCK: Table = {
    "{to}.norm1.weight": (same, "{at}.norm1.weight"),
    "{to}.norm1.bias": (same, "{at}.norm1.bias"),
    "{to}.conv1.weight": (same, "{at}.conv1.weight"),
    "{to}.conv1.bias": (same, "{at}.conv1.bias"),
    "{to}.norm2.weight": (same, "{at}.norm2.weight"),
    "{to}.norm2.bias": (same, "{at}.norm2.bias"),
    "{to}.conv2.weight": (same, "{at}.conv2.weight"),
    "{to}.conv2.bias": (same, "{at}.conv2.bias"),
}
SHORTCUT: Table = {
    "{to}.shortcut.weight": (same, "{at}.nin_shortcut.weight"),
    "{to}.shortcut.bias": (same, "{at}.nin_shortcut.bias"),
}
ATTENTION: Table = {
    "{to}.norm.weight": (same, "{at}.norm.weight"),
    "{to}.norm.bias": (same, "{at}.norm.bias"),
    "{to}.q.weight": (same, "{at}.q.weight"),
    "{to}.q.bias": (same, "{at}.q.bias"),
    "{to}.k.weight": (same, "{at}.k.weight"),
    "{to}.k.bias": (same, "{at}.k.bias"),
    "{to}.v.weight": (same, "{at}.v.weight"),
    "{to}.v.bias": (same, "{at}.v.bias"),
    "{to}.out.weight": (same, "{at}.proj_out.weight"),
    "{to}.out.bias": (same, "{at}.proj_out.bias"),
}
RESAMPLE: Table = {
    "{to}.conv.weight": (same, "{at}.conv.weight"),
    "{to}.conv.bias": (same, "{at}.conv.bias"),
}


def unit_length(codebook: Tensor) -> Tensor:
    """LlamaGen looks codes up by their direction."""
    return F.normalize(codebook, dim=-1)


def list_places(layout: Layout, levels: int, blocks: int) -> dict[str, list[str]]:
    """Where the parts of our encoder and decoder, in our order, are in the checkpoint."""
    places: dict[str, list[str]] = {}
    coarsest = levels - 1
    middle = {coder: [f"{coder}.{part}" for part in layout.middle] for coder in ("encoder", "decoder")}
    down = [layout.level.format(level=level) for level in range(levels)]
    up = [layout.decoder_level.format(level=coarsest - turn, turn=turn) for turn in range(levels)]
    places["encoder.blocks"] = [f"{at}.{layout.block.format(i=i)}" for at in down for i in range(blocks)]
    places["encoder.blocks"] += [middle["encoder"][0], middle["encoder"][2]]
    places["encoder.attentions"] = [f"{down[-1]}.{layout.attention.format(i=i)}" for i in range(blocks)]
    places["encoder.attentions"] += [middle["encoder"][1]]
    places["encoder.resample"] = [f"{at}.downsample" for at in down[:-1]]
    places["decoder.blocks"] = [middle["decoder"][0], middle["decoder"][2]]
    places["decoder.blocks"] += [f"{at}.{layout.block.format(i=i)}" for at in up for i in range(blocks + 1)]
    places["decoder.attentions"] = [middle["decoder"][1]]
    places["decoder.attentions"] += [f"{up[0]}.{layout.attention.format(i=i)}" for i in range(blocks + 1)]
    places["decoder.resample"] = [f"{at}.upsample" for at in up[:-1]]
    return places


def tokenizer_table(layout: Layout, levels: int, blocks: int, expected: Mapping[str, Tensor]) -> dict[str, Row]:
    """Names of Vqgan <- names of the checkpoint."""
    codebook = unit_length if layout is LLAMAGEN else same
    table: dict[str, Row] = {"codebook": (codebook, "quantize.embedding.weight"), **ENDS}
    for coder in ("encoder", "decoder"):
        table |= expand(CODER, coder=coder)
    parts = {"blocks": BLOCK, "attentions": ATTENTION, "resample": RESAMPLE}
    for kind, places in list_places(layout, levels, blocks).items():
        for i, at in enumerate(places):
            table |= expand(parts[kind.partition(".")[2]], to=f"{kind}.{i}", at=at)
            if f"{kind}.{i}.shortcut.weight" in expected:
                table |= expand(SHORTCUT, to=f"{kind}.{i}", at=at)
    return table


def read_tokenizer(file: object, source: Mapping[str, Tensor], grid: int = 0, image_size: int = 256) -> Vqgan:
    """The tokenizer, for grid x grid tokens, or for `image_size`. ValueError for another kind of checkpoint."""
    layout = LLAMAGEN if count(source, LLAMAGEN.level.format(level="{i}")) else TAMING
    codes, code_width = shape_of(file, source, "quantize.embedding.weight", 2)
    levels = count(source, layout.level.format(level="{i}") + ".")
    blocks = count(source, f"{layout.level.format(level=0)}.{layout.block}.")
    filters = shape_of(file, source, "encoder.conv_in.weight", 4)[0]
    firsts = [f"{layout.level.format(level=i)}.{layout.block.format(i=0)}.conv1.weight" for i in range(levels)]
    patch = 2 ** max(levels - 1, 0)
    sizes = {
        **{"image_size": grid * patch or image_size, "patch": patch, "codes": codes, "code_width": code_width},
        **{"style": "taming", "filters": filters, "blocks": blocks},
        "multipliers": " ".join(str(shape_of(file, source, name, 4)[0] // max(filters, 1)) for name in firsts),
        "latent": shape_of(file, source, "quant_conv.weight", 4)[1],
    }
    model = make_empty(file, "tokenizer", sizes)
    assert isinstance(model, Vqgan)
    expected = model.state_dict()
    table = tokenizer_table(layout, levels, blocks, expected)
    unused = [name for name in source if name.startswith(TRAINING_ONLY)]
    model.load_state_dict(apply_table(file, source, table, expected, unused), assign=True)
    return model
