"""Drawings as models read them: checked stroke-3 arrays, padded batches, the scale of a dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from singleline_pipeline.sketch_models.errors import DatasetError

_ROWS_AT_ONCE = 8192
_LIKE_SCALE = 3.0  # factor; a dataset simplified twice as coarsely is still of a model's scale


class DrawingBatch(NamedTuple):
    """Drawings padded to the longest: rows past a drawing's length are zero and must never be read."""

    points: Tensor  # (b, t, 3) float32: dx, dy in file units, 1 where the pen lifts after the point
    lengths: Tensor  # (b,) int64


def check_drawings(drawings: Sequence[np.ndarray], where: str) -> list[np.ndarray]:
    """The drawings as float32 (n, 3) arrays, each checked.

    where: what the drawings are called in messages, such as "train".
    Raises DatasetError that names the first bad row and says what to do.
    """
    checked = []
    for row, drawing in enumerate(drawings):
        name = f"{where} drawing {row}"
        try:
            array = np.asarray(drawing, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise DatasetError(f"{name} is not an array of numbers: {error}") from error
        if array.ndim == 2 and array.shape[1] == 5:
            raise DatasetError(
                f"{name} is stroke-5 (5 columns). Give stroke-3: dx, dy and 1 where the pen lifts, without the padding."
            )
        if array.ndim != 2 or array.shape[1] != 3:
            raise DatasetError(f"{name} has shape {array.shape}; stroke-3 is (points, 3): dx, dy, lift_pen.")
        if len(array) == 0:
            raise DatasetError(f"{name} is empty. Take it out of the dataset.")
        if not np.isfinite(array).all():
            point = int(np.argmin(np.isfinite(array).all(axis=1)))
            raise DatasetError(
                f"{name} has a value that is not a number at point {point}. Mend or remove it."
            )
        if not np.isin(array[:, 2], (0, 1)).all():
            point = int(np.argmin(np.isin(array[:, 2], (0, 1))))
            raise DatasetError(
                f"{name} has {array[point, 2]:g} for the pen at point {point}; only 0 (down) and 1 (lifts) exist."
            )
        checked.append(array)
    return checked


def check_lengths(drawings: Sequence[np.ndarray], where: str, max_points: int) -> None:
    """Raise DatasetError for the first drawing of more than so many points, by its row.

    A batch is as large in memory as its longest drawing, and cutting it would teach a model to end in mid-stroke.
    """
    for row, drawing in enumerate(drawings):
        if len(drawing) > max_points:
            raise DatasetError(
                f"{where} drawing {row} has {len(drawing)} points, more than the {max_points} that a training takes. "
                "Simplify it (singleline_pipeline.geometry.simplify_to_budget), split it into several drawings, or "
                "raise max_points where there is memory for it."
            )


def batches_of_like_length(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of drawings, the longest first, as many at once as fit into a batch of 8192 rows; at least one."""
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])
    while order:
        size = max(1, _ROWS_AT_ONCE // (lengths[order[-1]] + 1))
        yield order[-size:]
        order = order[:-size]


def pad_offsets(offsets: Sequence[np.ndarray]) -> Tensor:
    """Offsets (n, 2) of each drawing of a batch, padded with zeros: (b, t, 2)."""
    return pad_sequence([torch.from_numpy(one) for one in offsets], batch_first=True)


def pad_drawings(drawings: Sequence[np.ndarray]) -> DrawingBatch:
    """A batch of (n, 3) arrays."""
    lengths = torch.tensor([len(drawing) for drawing in drawings], dtype=torch.int64)
    points = torch.zeros(len(drawings), int(lengths.max()), 3)
    for row, drawing in enumerate(drawings):
        points[row, : len(drawing)] = torch.from_numpy(np.asarray(drawing, dtype=np.float32))
    return DrawingBatch(points, lengths)


def offset_scale(drawings: Sequence[np.ndarray]) -> float:
    """The standard deviation of dx and dy pooled over all rows, in file units: the models' unit of length."""
    offsets = np.concatenate([drawing[:, :2] for drawing in drawings]).astype(np.float64)
    scale = float(offsets.std())
    if scale == 0:
        raise DatasetError(
            "Every point of the train split lies in the same place: there is nothing to learn."
        )
    return scale


def scale_warning(scale: float, drawings: Sequence[np.ndarray]) -> str:
    """What is to be said of drawings whose unit of length is not that of a model; nothing where it is.

    scale: of the model's config; drawings: stroke-3 arrays (n, 3)
    """
    own = float(np.concatenate([drawing[:, :2] for drawing in drawings]).astype(np.float64).std())
    if scale / _LIKE_SCALE <= own <= scale * _LIKE_SCALE:
        return ""
    return (
        f"These drawings are on another scale than those that the model was trained on: their offsets deviate by "
        f"{own:.3g} file units, the model's by {scale:.3g}. Its score on them says little: bring them to its scale "
        "(200 units to a drawing's longer side is usual)."
    )


def canvas_size(drawings: Sequence[np.ndarray]) -> float:
    """The median longer side of the drawings, in file units."""
    sides = []
    for drawing in drawings:
        positions = np.cumsum(drawing[:, :2].astype(np.float64), axis=0)
        sides.append(float(np.ptp(positions, axis=0).max()))
    return max(float(np.median(sides)), 1e-6)


def fingerprint(splits: Mapping[str, Sequence[np.ndarray]]) -> str:
    """SHA-256 over all drawings with their splits, for data that come without a fingerprint of their own."""
    digest = hashlib.sha256()
    for split in sorted(splits):
        for drawing in splits[split]:
            digest.update(f"{split} {len(drawing)}\n".encode())
            digest.update(np.ascontiguousarray(drawing, dtype="<f4").tobytes())
    return digest.hexdigest()
