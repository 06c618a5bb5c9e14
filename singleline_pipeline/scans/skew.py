"""Skew: how far a page lies turned on its scan, and the same page upright.

The edges of the sheet, the shadow along them and printed rules are straight over most of the page, lines of
a drawing are not. Such lines are looked for along all four sides of a small copy, up to STEEPEST degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np

from singleline_pipeline.scans.cropping import Box, corners_of
from singleline_pipeline.scans.shrinking import shrunk

STEEPEST = 9.0
"""Degrees up to which a page is turned upright; beyond that it has to be scanned again."""
STRAIGHT = 0.4
"""Degrees under which a page counts as upright: its rings and edges are still where they are looked for."""
SMALL_SIDE, POOL = 550, 4
"""Longer side in px of the small copy, and px of it that are one cell of the first search."""
STRIP = 0.25
"""Share of the width, or height, in which a side's line is looked for."""
STEP = 5
"""Grey levels over two px of the small copy that are an edge."""
SUPPORT, SHORTEST = 0.75, 0.35
"""Share of a line's length that must be edge, and share of the side that it is on the scan for."""
OFF_LINE = 0.8
"""Px of the small copy from the straight line up to which an edge belongs to it."""
AGREEMENT = 0.6
"""Degrees within which the lines of two sides say the same."""


@dataclass(frozen=True)
class Turn:
    """From the scan to the upright page: turned about the middle, on a canvas that holds all of it.

    degrees: by which the page lies turned clockwise on the scan; 0 leaves everything as it is. shape: (h, w)
    of the scan.
    """

    degrees: float
    shape: tuple[int, int]

    def __bool__(self) -> bool:
        return self.degrees != 0

    @property
    def _matrix(self) -> tuple[np.ndarray, tuple[int, int]]:
        """(2, 3) affine map of points x, y to the upright page, and its size (w, h)."""
        height, width = self.shape
        angle = np.radians(-self.degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        size = np.ceil(np.abs(turn) @ (width, height)).astype(int)
        move = (size - 1) / 2 - turn @ ((width - 1) / 2, (height - 1) / 2)
        return np.column_stack([turn, move]), (int(size[0]), int(size[1]))

    def upright(self, image: np.ndarray) -> np.ndarray:
        """The scan turned upright; beyond its edges the outermost pixels go on."""
        if not self:
            return image
        matrix, size = self._matrix
        return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)

    def beyond(self, rim: int) -> np.ndarray:
        """bool (h, w) of the upright page: what was not on the scan, and a rim of so many px within it."""
        matrix, size = self._matrix
        height, width = self.shape
        corners = corners_of((rim, rim, width - rim, height - rim))
        on_scan = np.zeros((size[1], size[0]), np.uint8)
        cv2.fillConvexPoly(on_scan, np.rint(corners @ matrix[:, :2].T + matrix[:, 2]).astype(np.int32), 1)
        return on_scan == 0

    def to_scan(self, points: np.ndarray) -> np.ndarray:
        """Points (n, 2) of the upright page in px of the scan."""
        if not self:
            return points
        matrix, _ = self._matrix
        return (points - matrix[:, 2]) @ matrix[:, :2]

    def box_on_scan(self, box: Box) -> Box:
        """The box on the scan that holds a box of the upright page."""
        if not self:
            return box
        corners = self.to_scan(corners_of(box))
        height, width = self.shape
        low = np.clip(np.floor(corners.min(axis=0)), 0, (width, height))
        high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, (width, height))
        return (int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def find_turn(grey: np.ndarray) -> Turn:
    """How a page lies on its scan, uint8 (h, w). Upright where no straight line says otherwise."""
    height, width = grey.shape
    small, _ = shrunk(grey, SMALL_SIDE)
    if min(small.shape) < 16 * POOL:
        return Turn(0.0, (height, width))
    found = []
    for image, sign in ((small, -1.0), (np.ascontiguousarray(small.T), 1.0)):
        edge = np.zeros_like(image)
        edge[:, 1:-1] = cv2.absdiff(image[:, 2:], image[:, :-2])
        for side in (edge, edge[:, ::-1]):
            line = _line_along(side)
            if line is not None:
                slope, length = line
                found.append((np.degrees(np.arctan(slope)) * sign * (1 if side is edge else -1), length))
    degrees = _agreed(found)
    return Turn(degrees if abs(degrees) >= STRAIGHT else 0.0, (height, width))


def _agreed(found: list[tuple[float, float]]) -> float:
    """Degrees that most of the sides' lines say; a line that nothing agrees with must span the whole side.

    found: degrees of each line, and its length as a share of its side.
    """
    groups = [[one, other] for one, other in combinations(found, 2) if abs(one[0] - other[0]) < AGREEMENT]
    groups += [[line] for line in found if line[1] > 0.8]
    if not groups:
        return 0.0
    best = max(groups, key=lambda group: sum(length for _, length in group))
    return float(np.average([angle for angle, _ in best], weights=[length for _, length in best]))


def _line_along(edge: np.ndarray) -> tuple[float, float] | None:
    """Slope dx/dy of the straight edge along the left side, and the share of the side's length that it has.

    edge: uint8 (h, w), how much each pixel differs between its left and right.
    """
    strip = edge[:, : round(STRIP * edge.shape[1])]
    cells = cv2.dilate(strip, np.ones((POOL, POOL), np.uint8), anchor=(0, 0))[::POOL, ::POOL] > STEP
    rows, columns = cells.shape
    # No line has support where the rows that show an edge at all are too few.
    if cells.any(axis=1).mean() < SUPPORT * SHORTEST:
        return None
    reach = int(np.ceil(np.tan(np.radians(STEEPEST)) * rows / 2))
    slopes = np.arange(-reach, reach + 1) / (rows / 2)
    shifts = np.rint(slopes[:, None] * (np.arange(rows) - rows / 2)).astype(np.intp)
    width = columns + 2 * reach
    y, x = np.nonzero(cells)
    lines = x - shifts[:, y] + reach + width * np.arange(len(slopes))[:, None]
    hits = np.bincount(lines.ravel(), minlength=width * len(slopes)).reshape(-1, width)
    column = np.arange(-reach, columns + reach)[None, :, None] + shifts[:, None]
    on_scan = ((column >= 0) & (column < columns)).sum(axis=2)
    share = np.where(on_scan >= SHORTEST * rows, hits / np.maximum(on_scan, 1), 0)
    share[share < SUPPORT] = 0
    best = int(np.argmax(share * np.sqrt(on_scan)))
    if share.ravel()[best] == 0:
        return None
    angle, start = np.unravel_index(best, share.shape)
    return _fitted(strip, float(slopes[angle]), (float(start) - reach + 0.5) * POOL)


def _fitted(edge: np.ndarray, slope: float, middle: float) -> tuple[float, float] | None:
    """The line near x = middle + slope * (y - h / 2) through the strongest edge of each row, if it is
    straight."""
    height, width = edge.shape
    y = np.arange(height)
    window = np.arange(-2 * POOL, 2 * POOL + 1)
    start = np.rint(middle + slope * (y - height / 2)).astype(np.intp)
    x = start[:, None] + window
    inside = (x >= 0) & (x < width)
    values = np.where(inside, edge[y[:, None], np.clip(x, 0, width - 1)], 0).astype(np.float32)
    peak = values.argmax(axis=1)
    strong = values[y, peak] > STEP
    if strong.sum() < 0.5 * SHORTEST * height:
        return None
    # To a fraction of a pixel: the centre of the edge around its peak.
    near = np.abs(np.arange(len(window)) - peak[:, None]) <= 1
    weight = values * near
    at = (weight * x).sum(axis=1)[strong] / weight.sum(axis=1)[strong]
    y = y[strong].astype(float)
    half = len(y) // 2
    slope = float(np.median((at[half : 2 * half] - at[:half]) / (y[half : 2 * half] - y[:half])))
    offset = float(np.median(at - slope * y))
    for _ in range(3):
        on_line = np.abs(at - slope * y - offset) < OFF_LINE
        if on_line.sum() < 0.5 * SHORTEST * height:
            return None
        slope, offset = np.polyfit(y[on_line], at[on_line], 1)
    on_scan = ((slope * np.arange(height) + offset >= 0) & (slope * np.arange(height) + offset < width)).sum()
    share = float(on_line.sum() / max(on_scan, 1))
    return (float(slope), float(on_line.sum() / height)) if share > 0.8 * SUPPORT else None
