"""Threshold: which pixels are ink, at half the height of the line they belong to.

Half of a line's own height is where its edge truly lies, however faint the pen was there. Two levels keep
faint stretches of a line (they hang on to dark ones) and refuse bleed-through (it does not).
"""

from __future__ import annotations

import cv2
import numpy as np

from singleline_pipeline.tracing.pieces import pieces_of

FAINTEST_INK = 20
"""Share of the paper's light, in 255ths, that the faintest pencil takes away."""
NOISE_FACTOR = 6.0


def ink_level(depth: np.ndarray, ignore: np.ndarray | None = None) -> float | None:
    """Typical height in 255ths of the ridges of ink on a flattened page; None where there is nothing but
    noise.

    depth: uint8 (h, w), as flatten gives it. ignore: bool (h, w), regions whose darkness is no ink (the
    binder). Ridges rather than all pixels are counted: thin pens never reach their full darkness over most
    of their width.
    """
    counts = np.bincount(depth[::4, ::4].ravel(), minlength=256)
    # Median absolute deviation, times 1.4826: the standard deviation of normal noise.
    off = np.abs(np.arange(256) - _median(counts))
    noise = 1.4826 * _median(np.bincount(off, counts, minlength=256))
    floor = max(FAINTEST_INK, NOISE_FACTOR * noise)
    smooth = cv2.GaussianBlur(depth, (3, 3), 0.7)
    ridge = (smooth > floor) & (smooth >= cv2.dilate(smooth, np.ones((3, 3), np.uint8)))
    if ignore is not None:
        ridge &= ~ignore
    heights = smooth.ravel()[np.flatnonzero(ridge)].astype(np.float64)
    if len(heights) < 12:
        return None
    # Bleed-through and grain form a class of their own; where the two classes are close, all of it is ink.
    cut = _otsu(heights)
    faint, strong = heights[heights <= cut], heights[heights > cut]
    if len(faint) and len(strong) >= 0.05 * len(heights) and faint.mean() < 0.45 * strong.mean():
        return float(np.median(strong))
    return float(np.median(heights))


def ink_mask(depth: np.ndarray, level: float, reach: int) -> np.ndarray:
    """uint8 (h, w), 1 on ink. level: from ink_level; reach: px within which a pixel looks for its line's
    ridge."""
    smooth = cv2.GaussianBlur(depth, (3, 3), 0.6)
    side = 2 * reach + 1
    ridge = cv2.dilate(smooth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    # Between 0.28 and 0.5 of the page's ink level: a faded line keeps its own half height, noise finds no
    # foothold.
    low, high = round(0.28 * level), round(0.5 * level)
    by_ridge = np.clip(np.arange(256) // 2, low, high).astype(np.uint8)
    weak = (smooth > cv2.LUT(ridge, by_ridge)).view(np.uint8)
    pieces = pieces_of(weak)
    anchored = np.zeros(pieces.count, bool)
    anchored[pieces.label[smooth.ravel()[pieces.ink] > high]] = True
    weak.ravel()[pieces.ink] = anchored[pieces.label]
    return weak


def _median(counts: np.ndarray) -> int:
    """The lower median of values 0, 1, 2 ... that occur so many times."""
    up_to = np.cumsum(counts)
    return int(np.searchsorted(up_to, up_to[-1] / 2))


def _otsu(values: np.ndarray) -> float:
    """The cut that leaves two classes of the least variance within them (Otsu 1979)."""
    histogram = np.bincount(values.astype(np.intp), minlength=256).astype(np.float64)
    weight = np.cumsum(histogram)
    mass = np.cumsum(histogram * np.arange(256))
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mass[-1] * weight - mass * weight[-1]) ** 2 / (weight * (weight[-1] - weight))
    return float(np.nanargmax(np.where(np.isfinite(between), between, -1)))
