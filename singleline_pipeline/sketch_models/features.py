"""What a model reads of a row: offset, pen, the last few steps, where on the canvas it lies, how much is drawn."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

_WAVELENGTHS = (2.0, 1.0, 0.5, 0.25, 0.125)  # of the position's sines, in canvases
WINDOW = 4  # steps that a row tells of, its own included
_LEAST_LENGTH = 0.02  # scales; keeps the logarithm of a step of length zero finite


class Rows(NamedTuple):
    """Rows of drawings that a model reads; lengths in file units."""

    offset: Tensor  # (b, t, 2)
    pen: Tensor  # (b, t, 3), one-hot: down, lifted, start of the drawing
    position: Tensor  # (b, t, 2), after the offset
    order: Tensor  # (b, t, 1), points up to and with this one
    recent: (
        Tensor  # (b, t, WINDOW, 3), the last steps, this one first: dx, dy, 1 where it was drawn; else zeros
    )


def feature_size(absolute_position: bool) -> int:
    """Number of features of a row."""
    return 6 + 3 + 3 * WINDOW + (2 + 4 * len(_WAVELENGTHS) if absolute_position else 0)


def recent_steps(offset: Tensor, drawn: Tensor, before: Tensor | None = None) -> Tensor:
    """The last steps of each row, (b, t, WINDOW, 3).

    offset: (b, t, 2); drawn: (b, t), 1 where the pen was on the paper
    before: (b, WINDOW, 3), what the row before the first of these would say; nothing where it is None
    """
    steps = torch.cat([offset, drawn.unsqueeze(-1)], dim=-1)
    if before is None:
        before = steps.new_zeros(len(steps), WINDOW, 3)
    joint = torch.cat([before.flip(1), steps], dim=1)
    rows = steps.shape[1]
    return torch.stack([joint[:, WINDOW - back : WINDOW - back + rows] for back in range(WINDOW)], dim=2)


def heading(rows: Rows) -> Tensor:
    """Unit vectors (b, t, 2) along which the pen moves while it goes on; (1, 0) where it starts from rest.

    A line's next offset lies much the same way about the direction that it comes from, whichever way that points.
    In coordinates that turn with it, a model need not learn this for each direction anew.
    """
    length = rows.offset.norm(dim=-1, keepdim=True)
    moving = (rows.recent[..., :1, 2] > 0) & (rows.pen[..., :1] > 0) & (length > 0)
    ahead = torch.cat([torch.ones_like(length), torch.zeros_like(length)], dim=-1)
    return torch.where(moving, rows.offset / length.clamp(min=1e-6), ahead)


def into_frame(frame: Tensor, offsets: Tensor) -> Tensor:
    """Offsets (..., 2) in coordinates whose first axis is the unit vector frame (..., 2)."""
    cos, sin = frame.unbind(-1)
    x, y = offsets.unbind(-1)
    return torch.stack([cos * x + sin * y, cos * y - sin * x], dim=-1)


def out_of_frame(frame: Tensor, offsets: Tensor) -> Tensor:
    """The inverse of `into_frame`."""
    return into_frame(frame * frame.new_tensor([1.0, -1.0]), offsets)


def row_features(
    rows: Rows, frame: Tensor, *, scale: float, canvas: float, max_points: int, absolute_position: bool
) -> Tensor:
    """Features of rows, (b, t, feature_size); see `SketchConfig` for the numbers.

    frame: (b, t, 2), in which the last steps are told, `heading(rows)` or (1, 0)

    The position comes as coordinates and as sines of several wavelengths (Vaswani et al. 2017, in the plane), for a
    product of sines tells how far two points lie apart: that is how attention finds where a line can close. The
    order tells when a drawing is due to end, which a recurrent state counts badly.
    """
    turned = into_frame(frame.unsqueeze(-2), rows.recent[..., :2]) / scale
    length = (rows.offset.norm(dim=-1, keepdim=True) / scale + _LEAST_LENGTH).log()
    parts = [
        rows.offset / scale, rows.pen, rows.order / max_points, frame, length, turned.flatten(-2),
        rows.recent[..., 2],
    ]  # fmt: skip
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
    offset, lift = points.split([2, 1], dim=-1)
    # A step is drawn unless the pen was lifted after the point before it, or there was none.
    drawn = functional.pad(1 - lift[..., 0], (1, 0))[:, : points.shape[1]]
    order = torch.arange(1, points.shape[1] + 1, device=points.device, dtype=points.dtype)
    return Rows(
        offset, pen_one_hot(points[..., 2]), offset.cumsum(1),
        order.view(1, -1, 1).expand(len(points), -1, 1), recent_steps(offset, drawn),
    )  # fmt: skip


def with_start_row(points: Tensor, position: Tensor | None = None, order: Tensor | None = None) -> Rows:
    """The points of drawings (b, t, 3) as t + 1 rows: first the one that stands for the start.

    position: (b, 2) where the start lies; order: (b,) points that are counted before it; zero where they are None
    """
    batch = len(points)
    start = points.new_tensor([0.0, 0.0, 1.0]).expand(batch, 1, 3)
    nothing = points.new_zeros(batch, 1, 2)
    rows = point_rows(points)
    joined = Rows(
        torch.cat([nothing, rows.offset], dim=1),
        torch.cat([start, rows.pen], dim=1),
        torch.cat([nothing, rows.position], dim=1),
        torch.cat([nothing[..., :1], rows.order], dim=1),
        torch.cat([rows.recent.new_zeros(batch, 1, WINDOW, 3), rows.recent], dim=1),
    )
    if position is not None:
        joined = joined._replace(position=joined.position + position.unsqueeze(1))
    if order is not None:
        joined = joined._replace(order=joined.order + order.to(points.dtype).view(-1, 1, 1))
    return joined


def next_row(last: Rows, offset: Tensor, lift: Tensor) -> Rows:
    """The row of a point that was just drawn, after the last of these rows: offset (b, 2), lift (b,)."""
    offset = offset.unsqueeze(1)
    return Rows(
        offset,
        pen_one_hot(lift.to(offset.dtype)).unsqueeze(1),
        last.position[:, -1:] + offset,
        last.order[:, -1:] + 1,
        recent_steps(offset, last.pen[:, -1:, 0], last.recent[:, -1]),
    )
