"""Numbers as short text, for data that lie inside a page: base64 of small integers."""

import base64
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from singleline_pipeline import geometry


def pack_numbers(values: Sequence[int] | NDArray[np.integer], kind: str) -> str:
    """Whole numbers of a little-endian numpy type (`<u2`) as base64."""
    return base64.b64encode(np.asarray(values, np.dtype(kind)).tobytes()).decode()


def pack_drawings(drawings: Sequence[Sequence[np.ndarray]], step: float) -> str:
    """Drawings as base64; the packed line lies within 1.5 `step` (units of the canvas) of the drawn one.

    Each drawing is its number of strokes, then for each stroke its number of points and that many moves (dx, dy) in
    whole steps, the first from the end of the stroke before, of the drawing's first stroke from (0, 0). All are
    variable-length integers (LEB128), moves zigzag-coded: one of up to 63 steps takes a byte.
    """
    numbers: list[NDArray[np.int64]] = []
    for strokes in drawings:
        numbers.append(np.array([len(strokes)]))
        pen = np.zeros(2, np.int64)
        for stroke in strokes:
            points = np.rint(geometry.simplify(stroke, step) / step).astype(np.int64)
            points = points[np.r_[True, (np.diff(points, axis=0) != 0).any(axis=1)]]
            moves = np.diff(points, axis=0, prepend=pen[None])
            numbers += [np.array([len(points)]), (moves << 1 ^ moves >> 63).ravel()]
            pen = points[-1]
    return base64.b64encode(_varints(np.concatenate([np.zeros(0, np.int64), *numbers]))).decode()


def _varints(values: NDArray[np.int64]) -> bytes:
    """LEB128: seven bits a byte, the lowest first, the eighth says that more follow. Values below 2^28."""
    shifts = np.arange(0, 28, 7)
    parts = values[:, None] >> shifts & 127
    size = np.maximum((values[:, None] >> shifts > 0).sum(axis=1), 1)
    place = np.arange(len(shifts))
    parts |= (place < size[:, None] - 1) << 7
    return parts[place < size[:, None]].astype(np.uint8).tobytes()
