"""What a model reads of a row: the offset, the pen, where on the canvas it lies, and how much has been drawn."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

_WAVELENGTHS = (2.0, 1.0, 0.5, 0.25, 0.125)  # of the position's sines, in canvases


class Rows(NamedTuple):
    """Rows of drawings that a model reads; lengths in file units."""

    offset: Tensor  # (b, t, 2)
    pen: Tensor  # (b, t, 3), one-hot: down, lifted, start of the drawing
    position: Tensor  # (b, t, 2), after the offset
    order: Tensor  # (b, t, 1), points up to and with this one


def feature_size(absolute_position: bool) -> int:
    """Number of features of a row."""
    return 6 + (2 + 4 * len(_WAVELENGTHS) if absolute_position else 0)


def row_features(
    rows: Rows, *, scale: float, canvas: float, max_points: int, absolute_position: bool
) -> Tensor:
    """Features of rows, (b, t, feature_size); see `SketchConfig` for the numbers.

    The position comes as coordinates and as sines of several wavelengths (Vaswani et al. 2017, in the plane), for a
    product of sines tells how far two points lie apart: that is how attention finds where a line can close. The
    order tells when a drawing is due to end, which a recurrent state counts badly.
    """
    parts = [rows.offset / scale, rows.pen, rows.order / max_points]
    if absolute_position:
        relative = rows.position / canvas
        turns = torch.cat([relative / wavelength for wavelength in _WAVELENGTHS], dim=-1) * (2 * math.pi)
        parts += [2 * relative - 1, turns.sin(), turns.cos()]
    return torch.cat(parts, dim=-1)


def pen_one_hot(lift: Tensor) -> Tensor:
    """lift (...,) of 0 and 1 -> (..., 3): down, lifted, start."""
    return torch.stack([1 - lift, lift, torch.zeros_like(lift)], dim=-1)


def point_rows(points: Tensor) -> Rows:
    """The points of drawings (b, t, 3) as rows."""
    offset = points[..., :2]
    order = torch.arange(1, points.shape[1] + 1, device=points.device, dtype=points.dtype)
    return Rows(
        offset,
        pen_one_hot(points[..., 2]),
        offset.cumsum(1),
        order.view(1, -1, 1).expand(len(points), -1, 1),
    )


def with_start_row(points: Tensor) -> Rows:
    """The points of drawings (b, t, 3) as t + 1 rows: first the one that stands for the start."""
    start = points.new_tensor([0.0, 0.0, 1.0]).expand(len(points), 1, 3)
    nothing = points.new_zeros(len(points), 1, 2)
    rows = point_rows(points)
    return Rows(
        torch.cat([nothing, rows.offset], dim=1),
        torch.cat([start, rows.pen], dim=1),
        torch.cat([nothing, rows.position], dim=1),
        torch.cat([nothing[..., :1], rows.order], dim=1),
    )


def next_row(last: Rows, offset: Tensor, lift: Tensor) -> Rows:
    """The row of a point that was just drawn, after the last of these rows: offset (b, 2), lift (b,)."""
    offset = offset.unsqueeze(1)
    return Rows(
        offset,
        pen_one_hot(lift.to(offset.dtype)).unsqueeze(1),
        last.position[:, -1:] + offset,
        last.order[:, -1:] + 1,
    )
