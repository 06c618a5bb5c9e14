"""Refine: move every point of a line onto the middle of its ink, read from the grey profile across the line.

The skeleton knows the middle to half a pixel; the centroid of the profile knows it to a tenth. The weight of
a sample is the least ink on the way to it from the middle, so that a neighbouring line beyond a valley does
not pull.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

STEP = 0.5
"""Distance in px between two samples of a profile."""
FOOT, CORE = 0.25, 0.65
"""Share of a profile's peak from which on ink counts: for its width, and for its middle. Bleed-through, grain and a
line that comes near are faint, and pull at the foot of a profile only."""
GAUSSIAN = (0.403, 0.244, 0.0545)
"""Weights of a profile and of its neighbours on each side, sigma 1 px."""


def resample(points: np.ndarray, spacing: float = 1.0) -> np.ndarray:
    """(n, c) line with its points `spacing` px apart (a little more or less, so that both ends stay).

    The first two columns are x and y; further columns are interpolated with them.
    """
    return resample_all([points], spacing)[0]


def resample_all(lines: list[np.ndarray], spacing: float = 1.0) -> list[np.ndarray]:
    """`resample` for many lines in one pass: pages have hundreds, most of them short."""
    if not lines:
        return []
    sizes = np.array([len(line) for line in lines])
    points = np.vstack(lines)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    step = np.zeros(len(points))
    step[1:] = np.hypot(points[1:, 0] - points[:-1, 0], points[1:, 1] - points[:-1, 1])
    # The step from one line to the next is no ink; any positive step keeps the common arc length rising.
    step[first] = 1.0
    arc = np.cumsum(step)
    start, length = arc[first], arc[first + sizes - 1] - arc[first]
    count = np.where(length > 0, np.maximum(2, np.rint(length / spacing).astype(np.int64) + 1), 1)
    offset = np.cumsum(count) - count
    index = np.arange(int(count.sum())) - np.repeat(offset, count)
    wanted = np.repeat(start, count) + np.repeat(length / np.maximum(count - 1, 1), count) * index
    wanted = np.minimum(wanted, np.repeat(start + length, count))
    result = np.column_stack([np.interp(wanted, arc, column) for column in points.T])
    return np.split(result, offset[1:])


def smooth(points: np.ndarray, sigma: float) -> np.ndarray:
    """(n, 2) line smoothed along its length, sigma in points; its ends stay where they are."""
    return smooth_all([points], sigma)[0]


def smooth_all(lines: list[np.ndarray], sigma: float) -> list[np.ndarray]:
    """`smooth` for many lines in one pass."""
    if not lines or sigma <= 0:
        return lines
    reach = int(np.ceil(3 * sigma))
    padded, starts, total = [], [], 0
    for line in lines:
        # Point reflection at both ends: a straight line stays exactly what it is, and the ends do not move.
        pad = min(len(line) - 1, reach)
        before, after = 2 * line[:1] - line[pad:0:-1], 2 * line[-1:] - line[-2 : -pad - 2 : -1]
        if pad < reach:
            before = np.vstack([np.repeat(before[:1] if pad else line[:1], reach - pad, axis=0), before])
            after = np.vstack([after, np.repeat(after[-1:] if pad else line[-1:], reach - pad, axis=0)])
        padded += [before, line, after]
        starts.append(total + reach)
        total += len(line) + 2 * reach
    whole = gaussian_filter1d(np.vstack(padded), sigma, axis=0, radius=reach, mode="nearest")
    return [whole[start : start + len(line)] for start, line in zip(starts, lines, strict=True)]


def centre_on_ink(
    lines: list[np.ndarray], depth: np.ndarray, pen: float
) -> tuple[list[np.ndarray], np.ndarray]:
    """Lines (n, 2) moved to their ink's middle, and (sum n,) the ink's width there in px.

    depth: uint8 (h, w) flattened page. pen: px, the width that a profile is expected to have.
    """
    if not lines:
        return [], np.zeros(0)
    points = np.vstack(lines)
    ends = _ends_of([len(line) for line in lines])
    along = _directions(points, *ends)
    across = np.column_stack([-along[:, 1], along[:, 0]])
    half = max(2, int(np.ceil((0.75 * pen + 1.0) / STEP)))
    profile = _profiles(points, across, depth, half)
    shift = _middle(_averaged_along(profile, *ends), half)
    limit = 0.5 * pen
    moved = points + across * np.clip(shift, -limit, limit)[:, None]
    return np.split(moved, np.cumsum([len(line) for line in lines])[:-1]), _width(profile, half)


def _ends_of(lengths: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """(sum n,) rows of the first and of the last point of the line that a point is of."""
    last = np.cumsum(lengths) - 1
    return np.repeat(last - lengths + 1, lengths), np.repeat(last, lengths)


def _directions(points: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """(n, 2) unit directions along lines that lie one after the other, over two points to each side."""
    index = np.arange(len(points))
    step = points[np.minimum(index + 2, last)] - points[np.maximum(index - 2, first)]
    norm = np.hypot(step[:, 0], step[:, 1])
    # A line folded onto itself has no direction at the fold; any will do there.
    step[norm < 1e-9] = (1.0, 0.0)
    return step / np.where(norm < 1e-9, 1.0, norm)[:, None]


def _profiles(points: np.ndarray, across: np.ndarray, depth: np.ndarray, half: int) -> np.ndarray:
    """float32 (n, 2 half + 1): the page across each point, `STEP` px apart."""
    offsets = np.arange(-half, half + 1) * STEP
    x = (points[:, :1] + across[:, :1] * offsets).astype(np.float32)
    y = (points[:, 1:] + across[:, 1:] * offsets).astype(np.float32)
    profile = np.empty(x.shape, np.float32)
    # cv2.remap takes at most 32767 rows.
    for begin in range(0, len(x), 32000):
        part = slice(begin, begin + 32000)
        profile[part] = cv2.remap(
            depth, x[part], y[part], interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return profile


def _averaged_along(profile: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Profiles averaged with those of two points to each side on the same line: grain goes, the line's middle stays."""
    index = np.arange(len(profile))
    result = GAUSSIAN[0] * profile
    for reach, weight in enumerate(GAUSSIAN[1:], start=1):
        result += weight * profile[np.maximum(index - reach, first)]
        result += weight * profile[np.minimum(index + reach, last)]
    return result


def _middle(profile: np.ndarray, half: int) -> np.ndarray:
    """(n,) centroid of the ink across each point, in px from the point."""
    weight, _ = _ink(profile, half, floor=CORE)
    mass = weight.sum(axis=1)
    offsets = (np.arange(-half, half + 1) * STEP).astype(np.float32)
    return np.where(mass > 1e-6, weight @ offsets / np.maximum(mass, 1e-6), 0.0).astype(np.float64)


def _width(profile: np.ndarray, half: int) -> np.ndarray:
    """(n,) width in px that the ink across each point would have if it were as dark as in its middle."""
    weight, peak = _ink(profile, half, floor=FOOT)
    return (weight.sum(axis=1) * STEP / np.maximum((1 - FOOT) * peak, 1.0)).astype(np.float64)


def _ink(profile: np.ndarray, half: int, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2 half + 1) what stands above `floor` of the profile's own peak, and (n,) that peak.

    No sample weighs more than the least on the way to it from the middle.
    """
    peak = profile[:, half - 1 : half + 2].max(axis=1)
    above = np.maximum(profile - floor * peak[:, None], 0)
    right = np.minimum.accumulate(above[:, half:], axis=1)
    left = np.minimum.accumulate(above[:, half::-1], axis=1)
    return np.concatenate([left[:, :0:-1], right], axis=1), peak
