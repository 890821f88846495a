"""Writes models in the layout of MaskGIT's official checkpoints, without flax. The names are written down anew here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgpack
import numpy as np
from torch import Tensor

from engine.generator import Generator
from engine.vqgan import Vqgan


def write_msgpack(file: Path, arrays: dict[str, np.ndarray]) -> Path:
    """{"params": nested dicts}, each array as ExtType 1 of (shape, dtype, bytes)."""
    tree: dict[str, Any] = {}
    for path, array in arrays.items():
        *folders, name = path.split("/")
        branch = tree
        for folder in folders:
            branch = branch.setdefault(folder, {})
        inner = (array.shape, array.dtype.name, array.tobytes("C"))
        branch[name] = msgpack.ExtType(1, msgpack.packb(inner, use_bin_type=True))
    file.write_bytes(msgpack.packb({"params": tree}, strict_types=True))
    return file


def of_transformer(model: Generator) -> dict[str, np.ndarray]:
    """The official arrays of a post-norm generator."""
    own = {name: _numpy(value) for name, value in model.state_dict().items()}
    codes, heads, width = model.codes, model.config.heads, model.config.width
    labels = own["trunk.label.weight"]
    words = np.concatenate([own["token.weight"][:codes], labels, own["token.weight"][codes:]])
    arrays = {
        "Embed_0/word_embeddings/embedding": words,
        "Embed_0/position_embeddings/embedding": own["trunk.position"],
        **_norm("Embed_0/embeddings_ln", own, "trunk.norm"),
        **_dense("MlmLayer_0/mlm_dense", own, "dense"),
        **_norm("MlmLayer_0/mlm_ln", own, "norm"),
        "MlmLayer_0/mlm_bias/bias": np.concatenate([own["bias"], np.zeros(len(labels) + 1, np.float32)]),
    }
    for i in range(model.config.layers):
        theirs, ours = f"TransformerLayer_{i}", f"trunk.layers.{i}"
        weight = own[f"{ours}.attention.qkv.weight"].reshape(3, heads, width // heads, width)
        bias = own[f"{ours}.attention.qkv.bias"].reshape(3, heads, width // heads)
        for j, name in enumerate(("query", "key", "value")):
            arrays[f"{theirs}/Attention_0/self_attention/{name}/kernel"] = weight[j].transpose(2, 0, 1)
            arrays[f"{theirs}/Attention_0/self_attention/{name}/bias"] = bias[j]
        out = own[f"{ours}.attention.out.weight"].T.reshape(heads, width // heads, width)
        arrays[f"{theirs}/Attention_0/self_attention/out/kernel"] = out
        arrays[f"{theirs}/Attention_0/self_attention/out/bias"] = own[f"{ours}.attention.out.bias"]
        arrays |= _norm(f"{theirs}/Attention_0/attention_output_ln", own, f"{ours}.norm1")
        arrays |= _dense(f"{theirs}/Mlp_0/intermediate_output", own, f"{ours}.up")
        arrays |= _dense(f"{theirs}/Mlp_0/layer_output", own, f"{ours}.down")
        arrays |= _norm(f"{theirs}/Mlp_0/layer_output_ln", own, f"{ours}.norm2")
    return arrays


def of_tokenizer(model: Vqgan) -> dict[str, np.ndarray]:
    """The official arrays of a tokenizer in MaskGIT's style."""
    own = {name: _numpy(value) for name, value in model.state_dict().items()}
    levels = len(model.config.widths)
    names = {"norm1": "GroupNorm_0", "conv1": "Conv_0", "norm2": "GroupNorm_1", "conv2": "Conv_1", "shortcut": "Conv_2"}
    ends = {"conv_in": "Conv_0", "norm_out": "GroupNorm_0"}
    arrays = {"quantizer/codebook": own.pop("codebook")}
    for name, value in own.items():
        coder, *path, kind = name.split(".")
        if path[0] == "blocks":
            place = f"ResBlock_{path[1]}/{names[path[2]]}"
        elif path[0] == "resample":
            place = f"Conv_{int(path[1]) + 1}"
        else:
            place = ends.get(path[0]) or ("Conv_1" if coder == "encoder" else f"Conv_{levels}")
        last = "bias" if kind == "bias" else "scale" if value.ndim == 1 else "kernel"
        arrays[f"{coder}/{place}/{last}"] = value.transpose(2, 3, 1, 0) if last == "kernel" else value
    return arrays


def _numpy(value: Tensor) -> np.ndarray:
    return value.detach().float().numpy()


def _norm(theirs: str, own: dict[str, np.ndarray], ours: str) -> dict[str, np.ndarray]:
    return {f"{theirs}/scale": own[f"{ours}.weight"], f"{theirs}/bias": own[f"{ours}.bias"]}


def _dense(theirs: str, own: dict[str, np.ndarray], ours: str) -> dict[str, np.ndarray]:
    return {f"{theirs}/kernel": own[f"{ours}.weight"].T, f"{theirs}/bias": own[f"{ours}.bias"]}
