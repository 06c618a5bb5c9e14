"""The binder, pixel by pixel: rings are taken out of the ink, lines that run between and across them stay.

All rings of a binder look alike, lines of a drawing do not: what a good part of the ring positions have in
common is ring. Lines lose the few pixels that they share with a ring and are bridged there later.
"""

from __future__ import annotations

import cv2
import numpy as np

from singleline_pipeline.scans.cropping import Box, Margins
from singleline_pipeline.tracing.pieces import pieces_of

PAD = 6
COMMON_SHARE = 0.18
"""Share of the ring positions at which a pixel must be dark to count as ring: rings are a little unlike each
other, a line of the drawing passes the same pixel of few of them."""


def remove_rings(mask: np.ndarray, margins: Margins, shortest_line: float) -> np.ndarray | None:
    """Take the rings out of the ink mask (uint8 (h, w), changed in place).

    shortest_line: px; what is left in the band and does not leave it must be at least this long to be a line.
    Returns uint8 (h, w) of where ink may hide under a ring, or None where there is no binder.
    """
    if not margins.rings or margins.band is None:
        return None
    height, width = mask.shape
    x0 = max(0, min(box[0] for box in margins.rings) - PAD)
    x1 = min(width, max(box[2] for box in margins.rings) + PAD)
    half = max(box[3] - box[1] for box in margins.rings) // 2 + 2 * PAD
    centres = [(box[1] + box[3]) // 2 for box in margins.rings]
    band = cv2.copyMakeBorder(mask[:, x0:x1], half, half, 0, 0, cv2.BORDER_CONSTANT, value=0)
    centres = _aligned(band, centres, half)
    patches = np.stack([band[c : c + 2 * half] for c in centres])
    ring = (patches.mean(axis=0) > max(COMMON_SHARE, 2.5 / len(centres))).astype(np.uint8)
    ring = cv2.dilate(ring, np.ones((5, 5), np.uint8))
    hidden_band = np.zeros_like(band)
    for centre in centres:
        rows = slice(centre, centre + 2 * half)
        hidden_band[rows] = np.maximum(hidden_band[rows], ring)
    hidden = np.zeros_like(mask)
    hidden[:, x0:x1] = hidden_band[half : half + height]
    mask[hidden > 0] = 0
    _drop_crumbs(mask, margins.band, shortest_line)
    return hidden


def _aligned(band: np.ndarray, centres: list[int], half: int) -> list[int]:
    """Rows of the ring positions, moved by at most PAD px so that the rings lie on top of each other."""
    last = len(band) - 2 * half
    centres = [int(np.clip(centre, 0, last)) for centre in centres]
    for _ in range(2):
        shape = np.stack([band[c : c + 2 * half] for c in centres]).mean(axis=0)
        moved = []
        for centre in centres:
            trials = range(max(0, centre - PAD), min(last, centre + PAD) + 1)
            moved.append(
                max(trials, key=lambda c: (float((band[c : c + 2 * half] * shape).sum()), -abs(c - centre)))
            )
        centres = moved
    return centres


def _drop_crumbs(mask: np.ndarray, band: Box, shortest_line: float) -> None:
    """Take out what the rings left behind: short pieces of ink that lie in the band and do not leave it."""
    x0, _, x1, _ = band
    left = x0 == 0
    slack = PAD
    x0, x1 = (0, min(mask.shape[1], x1 + slack)) if left else (max(0, x0 - slack), mask.shape[1])
    strip = np.ascontiguousarray(mask[:, x0:x1])
    pieces = pieces_of(strip)
    leaves = np.zeros(pieces.count, bool)
    leaves[pieces.labels[:, -1 if left else 0]] = True
    boxes = pieces.boxes
    longest = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    pieces.erase(strip, ~leaves & (longest < shortest_line))
    mask[:, x0:x1] = strip
