"""What a model reads of a point: its offset, the pen, and where on the canvas it lies."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_WAVELENGTHS = (2.0, 1.0, 0.5, 0.25, 0.125)  # of the position's sines, in canvases


def feature_size(absolute_position: bool) -> int:
    """Number of features of a row."""
    return 5 + (2 + 4 * len(_WAVELENGTHS) if absolute_position else 0)


def row_features(
    offset: Tensor, pen: Tensor, position: Tensor, *, scale: float, canvas: float, absolute_position: bool
) -> Tensor:
    """Features of rows.

    offset: (..., 2) file units; position: (..., 2) file units, after the offset
    pen: (..., 3) one-hot: down, lifted, start of the drawing
    returns: (..., feature_size)

    The position comes as coordinates and as sines of several wavelengths (Vaswani et al. 2017, in the plane), for a
    product of sines tells how far two points lie apart: that is how attention finds where a line can close.
    """
    parts = [offset / scale, pen]
    if absolute_position:
        relative = position / canvas
        turns = torch.cat([relative / wavelength for wavelength in _WAVELENGTHS], dim=-1) * (2 * math.pi)
        parts += [2 * relative - 1, turns.sin(), turns.cos()]
    return torch.cat(parts, dim=-1)


def pen_one_hot(lift: Tensor) -> Tensor:
    """lift (...,) of 0 and 1 -> (..., 3): down, lifted, start."""
    return torch.stack([1 - lift, lift, torch.zeros_like(lift)], dim=-1)


def with_start_row(points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Offset, pen and position of a drawing's rows, preceded by the row that stands for the start.

    points: (b, t, 3); returns (b, t + 1, 2), (b, t + 1, 3), (b, t + 1, 2)
    """
    batch = points.shape[0]
    offset = torch.cat([points.new_zeros(batch, 1, 2), points[..., :2]], dim=1)
    start = points.new_tensor([0.0, 0.0, 1.0]).expand(batch, 1, 3)
    pen = torch.cat([start, pen_one_hot(points[..., 2])], dim=1)
    return offset, pen, offset.cumsum(1)
