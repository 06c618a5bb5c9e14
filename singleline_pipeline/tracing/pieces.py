"""Pieces: connected ink, with the box and the area of each piece.

The boxes that OpenCV gives with its labels cost five times as much as the labels: it adds up every pixel of
the page, and nearly all of them are paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Pieces:
    """labels: int32 (h, w), 0 on paper. ink: (k,) flat numbers of the ink pixels, rising. label: (k,) theirs.
    count: labels, paper's included."""

    labels: np.ndarray
    ink: np.ndarray
    label: np.ndarray
    count: int

    @property
    def area(self) -> np.ndarray:
        """(count,) px of each piece; 0 for paper."""
        return np.bincount(self.label, minlength=self.count)

    @property
    def boxes(self) -> np.ndarray:
        """(count, 4) x0, y0, x1, y1 of each piece in px, x1 and y1 just outside; zeros for paper."""
        y, x = np.divmod(self.ink, self.labels.shape[1])
        boxes = np.zeros((self.count, 4), np.int64)
        across = np.argsort(x.astype(np.uint16), kind="stable")
        # Of several values for one piece the last one stays.
        for column, order, value in ((0, across[::-1], x), (2, across, x), (3, slice(None), y)):
            boxes[self.label[order], column] = value[order]
        boxes[self.label[::-1], 1] = y[::-1]
        boxes[1:, 2:] += 1
        return boxes

    def erase(self, mask: np.ndarray, gone: np.ndarray) -> None:
        """Take pieces out of the mask (uint8 (h, w), changed in place) and out of the labels. gone: bool (count,)."""
        lost = self.ink[gone[self.label]]
        mask.ravel()[lost] = 0
        self.labels.ravel()[lost] = 0


def pieces_of(mask: np.ndarray) -> Pieces:
    """Ink that touches by sides or corners. mask: uint8 (h, w), 0 or 1, contiguous."""
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    # A view of bools is ten times as fast to search as one of numbers.
    ink = np.flatnonzero(mask.view(bool))
    return Pieces(labels, ink, labels.ravel()[ink], count)
