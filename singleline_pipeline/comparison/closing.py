"""Where a drawing closes: how near its end comes to its beginning, and to line that was drawn long before.

A pen that follows a face comes back to where it left; a model that has forgotten where that was ends beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from singleline_pipeline.comparison.spread import Estimate
from singleline_pipeline.geometry import from_stroke3

RECENT = 0.2
"""Line that was drawn within this length before the end, as a share of the drawing's longer side, is not earlier.
No end of a single line is farther from earlier line than that."""

_RESAMPLES = 200


@dataclass(frozen=True)
class Closing:
    """Distances in percent of the drawing's longer side; None where there is no earlier line.

    to_start: from the last point to the first
    to_earlier_line: from the last point to the nearest line that was drawn before the `RECENT` last of it
    """

    to_start: float
    to_earlier_line: float | None


def closing(stroke3: np.ndarray) -> Closing | None:
    """Of a drawing (n, 3); None where it has no size."""
    strokes = from_stroke3(stroke3)
    points = np.concatenate(strokes)
    side = float(np.ptp(points, axis=0).max())
    if side == 0:
        return None
    end = points[-1]
    to_start = 100 * float(np.linalg.norm(end - points[0])) / side

    starts = np.concatenate([stroke[:-1] for stroke in strokes])
    steps = np.concatenate([np.diff(stroke, axis=0) for stroke in strokes])
    lengths = np.linalg.norm(steps, axis=1)
    # Line that lies before a segment's end; of the segment that reaches into the recent line, its earlier part.
    before = np.cumsum(lengths)
    earlier = before[-1] - RECENT * side if len(before) else 0.0
    kept = before - lengths < earlier
    if not kept.any():
        return Closing(to_start, None)
    starts, steps, lengths, before = starts[kept], steps[kept], lengths[kept], before[kept]
    share = np.clip((earlier - (before - lengths)) / np.where(lengths > 0, lengths, 1), 0, 1)
    steps = steps * share[:, None]
    squares = np.vecdot(steps, steps)
    along = np.clip(np.vecdot(end - starts, steps) / np.where(squares > 0, squares, 1), 0, 1)
    nearest = np.linalg.norm(starts + along[:, None] * steps - end, axis=1).min()
    return Closing(to_start, 100 * float(nearest) / side)


def distribution_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The Wasserstein distance of order 1 between two samples of numbers, in their unit."""
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(first, second))


def wasserstein_estimate(values: np.ndarray, reference: np.ndarray, rng: np.random.Generator) -> Estimate:
    """The Wasserstein distance of values (n,) to those of the data (m,), its spread by bootstrap of both."""
    value = distribution_distance(values, reference)
    if min(len(values), len(reference)) < 2:
        return Estimate(value, None, None, None, len(values))
    resampled = [
        distribution_distance(rng.choice(values, len(values)), rng.choice(reference, len(reference)))
        for _ in range(_RESAMPLES)
    ]
    return Estimate(value, float(np.std(resampled, ddof=1)), None, None, len(values))


def wasserstein_floor(
    values: np.ndarray, reference: np.ndarray, size: int, rng: np.random.Generator
) -> Estimate:
    """What is left of the distance where there is no difference but that of one draw from another: the mean over draws
    of `size` at most, and half of them at most, from the values of other drawings (n,), and its deviation from draw to
    draw."""
    size = min(size, -(-len(values) // 2))
    drawn = [
        distribution_distance(rng.choice(values, size, replace=False), reference) for _ in range(_RESAMPLES)
    ]
    return Estimate(float(np.mean(drawn)), float(np.std(drawn, ddof=1)), None, None, size)
