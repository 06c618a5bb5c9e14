"""Has a model learned drawings by heart? The nearest train drawing of each sample, in two ways.

What counts as near is said by held-out drawings, which nobody can have copied: a sample is suspected where it is nearer
to a train drawing than all but one in a hundred of them are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.sparse import csr_array

from singleline_pipeline.comparison.two_sample import distances
from singleline_pipeline.geometry import from_stroke3

GRID = 96
"""Cells of a drawing's longer side."""

TURNS = (-12.0, -6.0, 0.0, 6.0, 12.0)
"""Degrees that a drawing is turned by before it is laid over others: models learn from turned variants, and could copy
those."""

SUSPECT = 0.01
"""Share of held-out drawings that are nearer to a train drawing than a suspected sample."""

_BLOCK = 256


class LineMaps:
    """Drawings laid over each other on a grid, centred, each with its longer side at the same length.

    cells: share of a drawing's line in each cell, sparse (n, cells); away: distance of each cell from its line in
    percent of the longer side, (cells, n)
    """

    def __init__(self, drawings: Sequence[np.ndarray], turn: float = 0.0) -> None:
        """`turn`: degrees that the drawings are turned by first."""
        side = GRID + 1
        self.away = np.empty((side * side, len(drawings)), np.float32)
        shares, columns, ends = [], [], [0]
        for row, drawing in enumerate(drawings):
            found, counts = np.unique(_cells_of(drawing, turn), return_counts=True)
            shares.append(counts / counts.sum())
            columns.append(found)
            ends.append(ends[-1] + len(found))
            blank = np.ones(side * side, np.uint8)
            blank[found] = 0
            # Not cv2.distanceTransform: its precise one differs from call to call in the last digit.
            away = distance_transform_edt(blank.reshape(side, side))
            self.away[:, row] = away.ravel() * (100 / GRID)
        entries = np.concatenate(shares).astype(np.float32), np.concatenate(columns), ends
        self.cells = csr_array(entries, shape=(len(drawings), side * side))

    def chamfer(self, others: LineMaps) -> np.ndarray:
        """Chamfer distances (n, m) to other drawings (Barrow et al. 1977): how far a line's points are from the other
        line on average, the mean of both directions, in percent of the longer side."""
        return (self.cells @ others.away + (others.cells @ self.away).T) / 2


def _cells_of(drawing: np.ndarray, turn: float) -> np.ndarray:
    """Cells that the line of a drawing (n, 3) passes, one for every half cell of its length."""
    cosine, sine = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    strokes = [stroke @ np.array([[cosine, sine], [-sine, cosine]]) for stroke in from_stroke3(drawing)]
    points = np.concatenate(strokes)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = GRID / extent.max() if extent.max() > 0 else 0.0
    dense = []
    for stroke in strokes:
        placed = (stroke - low - extent / 2) * scale + GRID / 2
        steps = np.linalg.norm(np.diff(placed, axis=0), axis=1)
        along = np.concatenate([[0.0], np.cumsum(steps)])
        wanted = np.linspace(0, along[-1], max(1, round(2 * along[-1])) + 1)
        dense.append(np.column_stack([np.interp(wanted, along, placed[:, axis]) for axis in (0, 1)]))
    column, row = np.rint(np.concatenate(dense)).astype(np.int64).T
    return row * (GRID + 1) + column


@dataclass(frozen=True)
class Nearest:
    """The nearest train drawing of each of n drawings, (n,) each: its number, and how far it is."""

    index: np.ndarray
    distance: np.ndarray


def nearest_vectors(vectors: np.ndarray, train: np.ndarray) -> Nearest:
    """By Euclidean distance of vectors (n, d) to those of the train drawings (m, d)."""
    return _nearest(distances(vectors, train))


def nearest_lines(drawings: Sequence[np.ndarray], train: Sequence[np.ndarray]) -> Nearest:
    """By chamfer distance to the train drawings, turned as it fits best."""
    maps, parts = LineMaps(train), []
    for start in range(0, len(drawings), _BLOCK):
        block = drawings[start : start + _BLOCK]
        turned = [LineMaps(block, turn).chamfer(maps) for turn in TURNS]
        parts.append(np.min(turned, axis=0))
    return _nearest(np.concatenate(parts))


def _nearest(between: np.ndarray) -> Nearest:
    index = between.argmin(axis=1)
    return Nearest(index, between[np.arange(len(between)), index])


def threshold(held_out: Nearest) -> float:
    """The distance up to which a sample is suspected."""
    return float(np.quantile(held_out.distance, SUSPECT))
