"""The thin ink of a page: how much there is, how dark and how sharp, how far a piece reaches, and rows of text."""

from dataclasses import dataclass

import cv2
import numpy as np

FAINTEST = 0.05
"""Darkness, relative to the paper around it, below which nothing counts as ink: grain, show-through, creases."""

SHARPEST_EDGE = 1.7
"""Width in px that the sharpest of edges measures here."""

ENOUGH = 4000
"""Pixels of ink that give a median or a percentile to 1 %."""

LETTER_HEIGHT = (0.004, 0.05)
"""Height of a letter or a word, as a share of the page's shorter side: 0.8 to 10 mm on a page of 20 cm."""


@dataclass(frozen=True)
class Ink:
    """Measures of a page's thin ink; see `PageStatistics` for what each one means."""

    share: float
    contrast: float
    reach: float
    blur: float
    text_likeness: float
    text_rows: int


def measure_ink(grey: np.ndarray, pen_limit: int, margin: float) -> Ink:
    """Measure the ink of a page, uint8 (h, w), that is narrower than `pen_limit` px, inside its `margin`."""
    height, width = grey.shape
    closed = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((pen_limit, pen_limit), np.uint8))
    top, left = round(margin * height), round(margin * width)
    inside = np.s_[top : height - top, left : width - left]
    whole, grey, closed = grey, grey[inside], closed[inside]

    depth = cv2.subtract(closed, grey)
    relative = cv2.divide(depth, np.maximum(closed, 1), dtype=cv2.CV_32F)
    # The closing takes the brightest grain for paper, so that bare paper has a depth too: its median, and its spread.
    some = relative[::8, ::8]
    grain = float(np.median(some))
    spread = 1.5 * float(np.median(np.abs(some - grain)))
    faintest = max(FAINTEST, grain + 6 * spread)
    strong = _places(relative > faintest)
    if not len(strong):
        return Ink(0.0, 0.0, 0.0, 0.0, 0.0, 0)
    contrast = float(np.median(relative.ravel()[_some(strong)]))
    ink = (relative > max(faintest, 0.4 * contrast)).view(np.uint8)

    labels, stats = pieces_of(ink)
    pieces = stats[1:]
    diagonal = float(np.hypot(height, width))
    reach = float(np.hypot(pieces[:, cv2.CC_STAT_WIDTH], pieces[:, cv2.CC_STAT_HEIGHT]).max()) / diagonal
    in_rows, rows = _rows_of_text(ink, labels, pieces, min(height, width))
    return Ink(
        share=cv2.countNonZero(ink) / ink.size,
        contrast=contrast,
        reach=reach,
        blur=1000 * _edge_width(whole, (top, left), depth, ink) / diagonal,
        text_likeness=in_rows,
        text_rows=rows,
    )


def pieces_of(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 8-connected pieces of a mask, uint8 (h, w): int32 (h, w) labels and OpenCV's statistics of each.

    OpenCV's own choice of algorithm takes three times as long as this one.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(mask, 8, cv2.CV_32S, cv2.CCL_GRANA)
    return labels, stats


def _places(mask: np.ndarray) -> np.ndarray:
    return np.flatnonzero(mask.ravel())


def _some(places: np.ndarray) -> np.ndarray:
    """Return every so many of some places, for what `ENOUGH` of them tell as well as all."""
    return places[:: max(1, len(places) // ENOUGH)]


def _edge_width(page: np.ndarray, corner: tuple[int, int], depth: np.ndarray, ink: np.ndarray) -> float:
    """Return the width in px of the sharpest edges of the ink: its depth over the steepest slope towards it.

    The slope is Sobel's, taken over 2 px, so that the sharpest edge there can be measures nearly that: it counts as 0.

    Args:
        page: uint8 (h, w).
        corner: Row and column of the page where `depth` and `ink` begin.
        depth: How much darker than the paper it is, uint8 (h', w').
        ink: 1 where there is ink, uint8 (h', w').
    """
    inked = _some(_places(ink.view(bool)))
    rows, columns = np.divmod(inked, ink.shape[1])
    # Some places are asked for, and not all. Where the page ends, none is: the margin is not measured.
    middle = (rows + corner[0]) * page.shape[1] + columns + corner[1]
    flat, down = page.ravel(), page.shape[1]
    above_left, above, above_right, left, right, below_left, below, below_right = (
        flat.take(middle + step, mode="clip").astype(np.float32)
        for step in (-down - 1, -down, 1 - down, -1, 1, down - 1, down, down + 1)
    )
    falling, rising = below_right - above_left, above_right - below_left
    slope_x = falling + rising + 2 * (right - left)
    slope_y = falling - rising + 2 * (below - above)
    slope = np.sqrt(np.percentile(slope_x**2 + slope_y**2, 95)) / 8
    width = np.percentile(depth.ravel()[inked], 95) / max(float(slope), 1e-3)
    return float(np.sqrt(max(width**2 - SHARPEST_EDGE**2, 0.0)))


def _rows_of_text(ink: np.ndarray, labels: np.ndarray, pieces: np.ndarray, side: int) -> tuple[float, int]:
    """Return the share of the ink that stands in rows of small pieces, and how many rows there are.

    Pieces of a letter's height are smeared sideways by a letter or two: those of a line of text run together into a
    band that is long and no higher than they are; those of a drawing do not.
    """
    heights = pieces[:, cv2.CC_STAT_HEIGHT]
    lettered = (
        (heights >= LETTER_HEIGHT[0] * side)
        & (heights <= LETTER_HEIGHT[1] * side)
        & (pieces[:, cv2.CC_STAT_WIDTH] <= 12 * heights)
    )
    if lettered.sum() < 4:
        return 0.0, 0
    letter = float(np.median(heights[lettered]))
    small = np.r_[False, lettered].take(labels).view(np.uint8)
    smear = np.ones((1, round(2.5 * letter) | 1), np.uint8)
    bands = cv2.morphologyEx(small, cv2.MORPH_CLOSE, smear)
    band_of, stats = pieces_of(bands)

    first = np.full(len(pieces) + 1, 0)
    flat_labels, flat_bands = labels.ravel(), band_of.ravel()
    on = _places(small.view(bool))
    first[flat_labels[on]] = flat_bands[on]
    members = np.bincount(first[1:][lettered], minlength=len(stats))
    row = (
        (members >= 4)
        & (stats[:, cv2.CC_STAT_WIDTH] >= 8 * letter)
        & (stats[:, cv2.CC_STAT_HEIGHT] <= 2.5 * letter)
    )
    row[0] = False
    in_rows = pieces[lettered & row[first[1:]], cv2.CC_STAT_AREA].sum()
    return float(in_rows / pieces[:, cv2.CC_STAT_AREA].sum()), int(row.sum())
