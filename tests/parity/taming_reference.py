"""A small VQGAN of taming-transformers' own code: a checkpoint as PyTorch Lightning stores it, its input and outputs.

    PYTHONPATH=FOLDER python tests/parity/taming_reference.py OUT

FOLDER has the package taming-transformers-rom1504, without its dependencies: `make parity`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from taming.modules.diffusionmodules.model import Decoder, Encoder
from torch import Tensor, nn

SIDE, CODES, CODE_WIDTH, LATENT = 8, 12, 4, 6
SIZES = {
    **{"ch": 32, "out_ch": 3, "ch_mult": (1, 2), "num_res_blocks": 1, "attn_resolutions": [SIDE // 2]},
    **{"in_channels": 3, "resolution": SIDE, "z_channels": LATENT, "double_z": False},
}


def few_valued(name: str, tensor: Tensor, rng: np.random.Generator) -> Tensor:
    """Weights of few different values, none at its default: the recorded checkpoint is small once compressed."""
    steps = torch.from_numpy(rng.choice([-2, -1, 1, 2], tuple(tensor.shape)).astype(np.float32))
    if tensor.dim() == 1:
        return (1 if "norm" in name and name.endswith("weight") else 0) + steps / 16
    return steps / 2 ** np.ceil(np.log2(1.6 * np.sqrt(tensor[0].numel())))


def write(out: Path) -> None:
    rng = np.random.Generator(np.random.Philox(11))
    model = nn.ModuleDict(
        {
            "encoder": Encoder(**SIZES),
            "decoder": Decoder(**SIZES),
            "quant_conv": nn.Conv2d(LATENT, CODE_WIDTH, 1),
            "post_quant_conv": nn.Conv2d(CODE_WIDTH, LATENT, 1),
        }
    ).eval()
    weights = {name: few_valued(name, tensor, rng) for name, tensor in model.state_dict().items()}
    model.load_state_dict(weights)
    codebook = torch.from_numpy(rng.integers(-8, 9, (CODES, CODE_WIDTH)).astype(np.float32)) / 8
    image = torch.from_numpy(rng.integers(0, 256, (2, SIDE, SIDE, 3)).astype(np.uint8))
    codes = torch.from_numpy(rng.integers(0, CODES, (2, (SIDE // 2) ** 2)))
    with torch.no_grad():
        vectors = model["quant_conv"](model["encoder"](image.permute(0, 3, 1, 2) / 127.5 - 1))
        encoded = torch.cdist(vectors.flatten(2).mT, codebook).argmin(-1)
        grid = codebook[codes].mT.unflatten(2, (SIDE // 2, SIDE // 2))
        decoded = model["decoder"](model["post_quant_conv"](grid))
    stored = {
        **weights,
        "quantize.embedding.weight": codebook,
        "loss.discriminator.main.0.weight": torch.zeros(2, 3, 4, 4),
    }
    torch.save({"epoch": 1, "global_step": 2, "state_dict": stored}, out / "taming.ckpt")
    arrays = {"image": image, "codes": codes, "vectors": vectors, "encoded": encoded, "decoded": decoded}
    np.savez_compressed(out / "taming.npz", **{name: value.numpy() for name, value in arrays.items()})


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write(folder)
