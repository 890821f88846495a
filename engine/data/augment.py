"""Augmentation: random crops and small random changes of a picture before it is encoded, against overfitting."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.config import TrainConfig
from engine.data.crop import TRIES, WIDEST

Rows = slice | np.ndarray  # some rows of a batch
ALL = slice(None)
TO_YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def augment(
    pictures: Tensor, config: TrainConfig, rng: torch.Generator, size: int | None = None, rows: Rows = ALL
) -> Tensor:
    """Shift, zoom and hue-rotate a share of pictures (B, 3, S, S) in [-1, 1], on their device. White fills the borders.

    The random draws do not depend on which changes are switched on. They are those of a batch of `size` pictures, of
    which `pictures` are the `rows`. Crops are drawn before (`draw_crops`), and cut when pictures are read.
    """
    b, device = len(pictures) if size is None else size, pictures.device
    chosen = torch.rand(b, generator=rng) < config.augment
    zoomed = chosen & (torch.rand(b, generator=rng) < 0.5)  # only half of them: zooming blurs a little
    zoom = 1 + config.zoom * (2 * torch.rand(b, generator=rng) - 1)
    angle = 2 * math.pi * config.hue * (2 * torch.rand(b, generator=rng) - 1)
    shifts = torch.randint(-config.shift, config.shift + 1, (b, 2), generator=rng)
    flipped = torch.rand(b, generator=rng) < 0.5
    chosen, zoomed, zoom, angle, shifts, flipped = (
        drawn[rows] for drawn in (chosen, zoomed, zoom, angle, shifts, flipped)
    )
    if config.zoom and bool(zoomed.any()):
        pictures, some = pictures.clone(), zoomed.to(device)
        pictures[some] = _zoom(pictures[some], zoom[zoomed].to(device))
    if config.hue:
        pictures = _turn_hue(pictures, angle * chosen)
    if config.flip:
        pictures = torch.where(flipped[:, None, None, None].to(device), pictures.flip(3), pictures)
    return _shift(pictures, (shifts * chosen[:, None]).to(device), config.shift) if config.shift else pictures


def draw_crops(b: int, least: float, rng: torch.Generator) -> np.ndarray:
    """Random crops (B, TRIES, 4) of at least the share `least` of a picture, as `engine.data.crop.place_crop` reads."""
    share = least + (1 - least) * torch.rand(b, TRIES, generator=rng)
    ratio = torch.exp(math.log(WIDEST) * (2 * torch.rand(b, TRIES, generator=rng) - 1))
    at = torch.rand(b, TRIES, 2, generator=rng)
    return torch.cat([share[..., None], ratio[..., None], at], 2).double().numpy()


def _zoom(pictures: Tensor, zoom: Tensor) -> Tensor:
    theta = torch.zeros(len(pictures), 2, 3, device=pictures.device)
    theta[:, 0, 0] = theta[:, 1, 1] = 1 / zoom
    with torch.autocast(pictures.device.type, enabled=False):  # bf16 would round the coordinates
        grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures - 1, grid, mode="bicubic", align_corners=False).add(1).clamp(-1, 1)


def _turn_hue(pictures: Tensor, angle: Tensor) -> Tensor:
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    turn = torch.stack([one, zero, zero, zero, cos, -sin, zero, sin, cos], -1).view(-1, 3, 3)
    with torch.autocast(pictures.device.type, enabled=False):  # bf16 would round the colours
        matrix = torch.linalg.inv(TO_YIQ) @ turn @ TO_YIQ  # (B, 3, 3); greys do not change
        return torch.einsum("bij,bjhw->bihw", matrix.to(pictures.device), pictures).clamp(-1, 1)


def _shift(pictures: Tensor, shifts: Tensor, largest: int) -> Tensor:
    """Pictures (B, 3, S, S) moved by shifts (B, 2) of at most `largest` pixels up and to the left."""
    padded = F.pad(pictures, (largest,) * 4, value=1.0)
    at = torch.arange(pictures.shape[-1], device=pictures.device) + largest
    rows, columns = (shifts[:, i, None] + at for i in (0, 1))  # (B, S)
    which = torch.arange(len(pictures), device=pictures.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2).contiguous()
