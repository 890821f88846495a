"""LPIPS, the perceptual loss: how far two pictures are apart in the features of VGG16 (Zhang et al. 2018).

Its weights do not come with this program. They are read from a safetensors file that has the names of the package
lpips (version 0.1 of the metric, net="vgg"): engine/train/README.md says how it is made.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from engine import cli
from engine.vqgan import VqganConfig
from engine.weights import DTYPES, check_finite, read_tensors, sha256

SHAPES = {  # the file: VGG16's convolutions, those of a resolution together, and a weight of each channel
    **{"net.slice1.0.weight": (64, 3, 3, 3), "net.slice1.0.bias": (64,)},
    **{"net.slice1.2.weight": (64, 64, 3, 3), "net.slice1.2.bias": (64,)},
    **{"net.slice2.5.weight": (128, 64, 3, 3), "net.slice2.5.bias": (128,)},
    **{"net.slice2.7.weight": (128, 128, 3, 3), "net.slice2.7.bias": (128,)},
    **{"net.slice3.10.weight": (256, 128, 3, 3), "net.slice3.10.bias": (256,)},
    **{"net.slice3.12.weight": (256, 256, 3, 3), "net.slice3.12.bias": (256,)},
    **{"net.slice3.14.weight": (256, 256, 3, 3), "net.slice3.14.bias": (256,)},
    **{"net.slice4.17.weight": (512, 256, 3, 3), "net.slice4.17.bias": (512,)},
    **{"net.slice4.19.weight": (512, 512, 3, 3), "net.slice4.19.bias": (512,)},
    **{"net.slice4.21.weight": (512, 512, 3, 3), "net.slice4.21.bias": (512,)},
    **{"net.slice5.24.weight": (512, 512, 3, 3), "net.slice5.24.bias": (512,)},
    **{"net.slice5.26.weight": (512, 512, 3, 3), "net.slice5.26.bias": (512,)},
    **{"net.slice5.28.weight": (512, 512, 3, 3), "net.slice5.28.bias": (512,)},
    **{"lin0.model.1.weight": (1, 64, 1, 1), "lin1.model.1.weight": (1, 128, 1, 1)},
    **{"lin2.model.1.weight": (1, 256, 1, 1), "lin3.model.1.weight": (1, 512, 1, 1)},
    **{"lin4.model.1.weight": (1, 512, 1, 1)},
}
SLICES = (("0", "2"), ("5", "7"), ("10", "12", "14"), ("17", "19", "21"), ("24", "26", "28"))
NOT_NEEDED = ("lins.", "scaling_layer.")  # the same weights a second time, and the two lines below
MEAN, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # ImageNet's, of pictures in [-1, 1]
SMALLEST = 2 ** (len(SLICES) - 1)  # pixels


@dataclass(frozen=True)
class Lpips:
    """Two lots of pictures (B, 3, S, S) in [-1, 1], S >= 16 -> their distances (B,). Its weights are never trained."""

    weights: Mapping[str, Tensor]  # as in SHAPES
    digest: str = ""  # of the file

    def __call__(self, pictures: Tensor, others: Tensor) -> Tensor:
        distance = torch.zeros(len(pictures), device=pictures.device)
        for i, (a, b) in enumerate(zip(self.features(pictures), self.features(others), strict=True)):
            weights = self.weights[f"lin{i}.model.1.weight"][0]
            distance = distance + ((a - b).square() * weights).sum(1).mean((1, 2))
        return distance

    def features(self, pictures: Tensor) -> list[Tensor]:
        """What the last layer of each resolution sees, (B, C, h, w), with length 1 at each place."""
        mean, scale = (pictures.new_tensor(values)[:, None, None] for values in (MEAN, SCALE))
        x, found = (pictures - mean) / scale, []
        for i, layers in enumerate(SLICES):
            x = F.max_pool2d(x, 2) if i else x
            for layer in layers:
                weight, bias = (self.weights[f"net.slice{i + 1}.{layer}.{kind}"] for kind in ("weight", "bias"))
                x = F.relu(F.conv2d(x, weight, bias, padding=1))
            found.append(F.normalize(x.float(), dim=1, eps=1e-10))
        return found


def choose_lpips(given: str, sizes: object, device: torch.device) -> Lpips | None:
    """LPIPS from the file that was given. None, and a line on stderr, if a VQGAN is trained without one.

    `sizes` is the config of the tokenizer that is trained, None for another model. ValueError unless it is a VQGAN's.
    """
    if not isinstance(sizes, VqganConfig):
        if given:
            raise ValueError(f"perceptual={given}: it is for a VQGAN tokenizer, of a recipe with style= (imagenet256)")
        return None
    if not given:
        print("without perceptual=FILE the perceptual loss is left out (engine/train/README.md)", file=sys.stderr)
        return None
    return read_lpips(cli.expand_path(given), sizes.image_size, device)


def read_lpips(file: Path, image_size: int, device: torch.device) -> Lpips:
    """LPIPS for pictures of this size with the weights of a file.

    FileNotFoundError if there is none. ValueError of one line for another file, and for pictures that are too small.
    """
    if image_size < SMALLEST:
        raise ValueError(f"perceptual={file}: image_size={image_size}, LPIPS needs {SMALLEST} pixels or more")
    if not file.is_file():
        raise FileNotFoundError(f"perceptual={file}: there is no such file")
    stored = read_tensors(file)
    tensors = {name: tensor for name, tensor in stored.items() if not name.startswith(NOT_NEEDED)}
    if odd := sorted(tensors.keys() ^ SHAPES.keys()):
        has = "lacks" if odd[0] in SHAPES else "holds"
        raise ValueError(f"perceptual={file} is not LPIPS with VGG16: it {has} {odd[0][:200]} (engine/train/README.md)")
    for name, shape in SHAPES.items():
        if tensors[name].shape != shape or tensors[name].dtype not in DTYPES:
            found = f"{tuple(tensors[name].shape)} of {str(tensors[name].dtype).removeprefix('torch.')}"
            raise ValueError(f"perceptual={file}: {name} is {found}, expected {shape} of float32")
    check_finite(f"perceptual={file}", tensors)
    return Lpips({name: tensor.float().to(device) for name, tensor in tensors.items()}, sha256(file))
