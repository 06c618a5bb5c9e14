"""Coverage: ink that no line passes tells where a line was led out of a crossing and back.

The skeleton of a blot says nothing of a narrow turn that lies on other lines: the smoothest pairs of arms cut
it off. What then stands out of the drawn lines by more than the pen's own ink is a tip that they must reach.
"""

from __future__ import annotations

import cv2
import numpy as np

BUMP = 0.45
"""Distance in pen widths by which ink may stand out of a line's own."""
DIRECTIONS = np.array([(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)])


class Coverage:
    """Where lines pass over the ink of a page.

    mask: uint8 (h, w). outside: lines (n, 2) that stay. crossings: of each crossing the lines within it, which
    may be drawn otherwise. pen: px.
    """

    def __init__(
        self, mask: np.ndarray, outside: list[np.ndarray], crossings: list[list[np.ndarray]], pen: float
    ) -> None:
        self._mask, self._pen = mask, pen
        self._owner = np.zeros(mask.shape, np.uint16)
        _draw(self._owner, outside, 1, (0, 0))
        for number, lines in enumerate(crossings):
            _draw(self._owner, lines, number + 2, (0, 0))

    def look_at(self, number: int, around: np.ndarray) -> Surroundings:
        """The ink around a crossing. around: (m, 2) points of it."""
        height, width = self._mask.shape
        margin = 1.5 * self._pen
        x0, y0 = np.maximum(np.floor(around.min(axis=0) - margin).astype(int), 0)
        x1, y1 = np.minimum(np.ceil(around.max(axis=0) + margin).astype(int) + 1, (width, height))
        part = (slice(y0, y1), slice(x0, x1))
        return Surroundings(self._owner[part], number + 2, self._mask[part], np.array([x0, y0]), self._pen)


class Surroundings:
    """The ink around a crossing, and the lines over it."""

    def __init__(self, owner: np.ndarray, own: int, mask: np.ndarray, corner: np.ndarray, pen: float) -> None:
        self._mask, self._corner, self._pen = mask, corner, pen
        self._all = (owner == 0).astype(np.uint8)
        self._others = ((owner == 0) | (owner == own)).astype(np.uint8)

    def missed(self, lines: list[np.ndarray] | None = None) -> float:
        """Pen widths by which ink stands out of the lines, beyond a bump.

        lines: (n, 2) each, to draw within the crossing instead of those that are there.
        """
        return max(0.0, float(self._distance(lines).max(initial=0.0)) / self._pen - 0.5 - BUMP)

    def tips(self) -> np.ndarray:
        """(m, 2) points where a line may have turned, on the piece of ink that is missed most."""
        distance = self._distance(None)
        _, far, _, (x, y) = cv2.minMaxLoc(distance)
        bare = (distance > 0.5 * (0.5 * self._pen + far)).astype(np.uint8)
        _, labels = cv2.connectedComponents(bare)
        rows, columns = np.nonzero(labels == labels[y, x])
        pixels = np.column_stack([columns, rows])
        ends = np.vstack([[(x, y)], pixels[np.argmax(pixels @ DIRECTIONS.T, axis=0)]])
        # A line's end is half a pen within its ink.
        inked = cv2.copyMakeBorder(self._mask, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        inner = cv2.distanceTransform(inked, cv2.DIST_L2, 5)[1:-1, 1:-1] >= 0.42 * self._pen
        rows, columns = np.nonzero(inner)
        if len(rows) == 0:
            return np.zeros((0, 2))
        middle = np.column_stack([columns, rows])
        nearest = np.argmin(((ends[:, None] - middle[None]) ** 2).sum(axis=-1), axis=1)
        tips = middle[np.unique(nearest)]
        apart = np.hypot(*(tips[:, None] - tips[None]).transpose(2, 0, 1)) >= 0.6 * self._pen
        alike = ~apart & np.tri(len(tips), k=-1, dtype=bool)
        return tips[~alike.any(axis=1)] + self._corner.astype(np.float64)

    def _distance(self, lines: list[np.ndarray] | None) -> np.ndarray:
        """(h, w) px from the ink to the next line, 0 off the ink."""
        bare = self._all
        if lines is not None:
            bare = self._others.copy()
            _draw(bare, lines, 0, self._corner)
        return cv2.distanceTransform(bare, cv2.DIST_L2, 5) * self._mask


def _draw(
    image: np.ndarray, lines: list[np.ndarray], value: int, corner: np.ndarray | tuple[int, int]
) -> None:
    rounded = [np.rint(line - corner).astype(np.int32).reshape(-1, 1, 2) for line in lines if len(line)]
    cv2.polylines(image, rounded, False, value, 1, cv2.LINE_8)
