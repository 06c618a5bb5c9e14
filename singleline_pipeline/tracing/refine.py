"""Refine: move every point of a line onto the middle of its ink, read from the grey profile across the line.

The skeleton knows the middle to half a pixel; the centroid of the profile knows it to a tenth. The weight of a sample
is the least ink on the way to it from the middle, so that a neighbouring line beyond a valley does not pull.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

STEP = 0.5
"""Distance in px between two samples of a profile."""


def resample(points: np.ndarray, spacing: float = 1.0) -> np.ndarray:
    """(n, c) line with its points `spacing` px apart (a little more or less, so that both ends stay).

    The first two columns are x and y; further columns are interpolated with them.
    """
    if len(points) < 2:
        return points
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    if length[-1] == 0:
        return points[:1]
    count = max(2, round(float(length[-1]) / spacing) + 1)
    wanted = np.linspace(0, length[-1], count)
    return np.column_stack([np.interp(wanted, length, column) for column in points.T])


def smooth(points: np.ndarray, sigma: float) -> np.ndarray:
    """(n, 2) line smoothed along its length, sigma in points; its ends stay where they are."""
    if len(points) < 3 or sigma <= 0:
        return points
    # Point reflection at both ends: a straight line stays exactly what it is, and the ends do not shrink.
    pad = min(len(points) - 1, int(np.ceil(3 * sigma)))
    before = 2 * points[0] - points[pad:0:-1]
    after = 2 * points[-1] - points[-2 : -pad - 2 : -1]
    whole = np.vstack([before, points, after])
    return gaussian_filter1d(whole, sigma, axis=0, truncate=3, mode="nearest")[pad : pad + len(points)]


def centre_on_ink(
    lines: list[np.ndarray], depth: np.ndarray, pen: float
) -> tuple[list[np.ndarray], np.ndarray]:
    """Lines (n, 2) moved to their ink's middle, and (sum n,) the ink's width there in px.

    depth: uint8 (h, w) flattened page. pen: px, the width that a profile is expected to have.
    """
    if not lines:
        return [], np.zeros(0)
    lengths = [len(line) for line in lines]
    points = np.vstack(lines)
    along = np.vstack([_directions(line) for line in lines])
    across = np.column_stack([-along[:, 1], along[:, 0]])
    shift, width = _profile_middle(points, across, depth, reach=0.75 * pen + 1.0)
    limit = 0.5 * pen
    moved = points + across * np.clip(shift, -limit, limit)[:, None]
    return np.split(moved, np.cumsum(lengths)[:-1]), width


def _directions(line: np.ndarray) -> np.ndarray:
    """(n, 2) unit directions along a line, over two points to each side."""
    if len(line) < 2:
        return np.tile([1.0, 0.0], (len(line), 1))
    index = np.arange(len(line))
    step = line[np.minimum(index + 2, len(line) - 1)] - line[np.maximum(index - 2, 0)]
    norm = np.hypot(step[:, 0], step[:, 1])
    # A line folded onto itself has no direction at the fold; any will do there.
    step[norm < 1e-9] = (1.0, 0.0)
    return step / np.where(norm < 1e-9, 1.0, norm)[:, None]


def _profile_middle(
    points: np.ndarray, across: np.ndarray, depth: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) centroid of the ink across each point in px from the point, and (n,) its equivalent width in px."""
    half = max(2, int(np.ceil(reach / STEP)))
    offsets = np.arange(-half, half + 1) * STEP
    x = (points[:, :1] + across[:, :1] * offsets).astype(np.float32)
    y = (points[:, 1:] + across[:, 1:] * offsets).astype(np.float32)
    profile = np.empty(x.shape, np.float32)
    # cv2.remap takes at most 32767 rows.
    for first in range(0, len(x), 32000):
        part = slice(first, first + 32000)
        profile[part] = cv2.remap(
            depth, x[part], y[part], interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    peak = profile[:, half - 1 : half + 2].max(axis=1)
    profile -= 0.25 * peak[:, None]
    np.maximum(profile, 0, out=profile)
    right = np.minimum.accumulate(np.maximum(profile[:, half:], 0), axis=1)
    left = np.minimum.accumulate(profile[:, half::-1], axis=1)
    weight = np.concatenate([left[:, :0:-1], right], axis=1)
    mass = weight.sum(axis=1)
    middle = np.where(mass > 1e-6, weight @ offsets.astype(np.float32) / np.maximum(mass, 1e-6), 0.0)
    width = mass * STEP / np.maximum(0.75 * peak, 1.0)
    return middle.astype(np.float64), width.astype(np.float64)
