"""Rules: straight lines from one edge of the paper to the other, printed or shadows, are no drawing.

Ruled and squared paper has many at even distances; the shadow along the edge of a sheet is one near the edge.
Other straight lines are left: somebody drew them. What lies on a rule and is darker than it stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from singleline_pipeline.scans.cropping import Box

BLOCKS = 32
"""Parts of a rule that are looked at one by one."""
FAINTEST_RULE = 7
"""255ths of the paper's light that a rule takes away, as a mean over a block, to be seen."""
REACH_SHARE = 0.0025
"""Half the width of a rule, as a share of the paper's longer side, that is looked at."""
STEEPEST = 0.008
"""Slope of the rules of an upright page."""
SUPPORT = 0.75
"""Share of its blocks in which a rule is seen."""
FEWEST, EVEN, EVEN_SHARE = 5, 0.12, 0.75
"""Rules of a ruled paper at least; how far from even their distances are, in distances; for which share of
them."""
EDGE_SHARE = 0.025
"""Distance from the edge of the paper, as a share of its side, within which one line is its shadow."""
DARKER, DARKER_BY = 1.3, 12
"""Ink on a rule is darker than the rule by this factor, and by so many 255ths."""


def remove_rules(depth: np.ndarray, paper: Box) -> None:
    """Take rules out of a flattened page, uint8 (h, w), changed in place. paper: box of the sheet."""
    x0, y0, x1, y1 = paper
    page = depth[y0:y1, x0:x1]
    if min(page.shape) < 8 * BLOCKS:
        return
    reach = max(2, round(REACH_SHARE * max(page.shape)))
    height, width = page.shape
    views = (page, page.T)
    # Whole pixels a block: what is left over at the end is less than a block, and cv2 is ten times as fast.
    columns, rows = width // BLOCKS * BLOCKS, height // BLOCKS * BLOCKS
    across = cv2.resize(page[:, :columns], (BLOCKS, height), interpolation=cv2.INTER_AREA)
    down = cv2.resize(page[:rows], (width, BLOCKS), interpolation=cv2.INTER_AREA)
    found = [_find(across, columns, reach), _find(np.ascontiguousarray(down.T), rows, reach)]
    ruled = any(_are_even(rules.middle) for rules in found)
    for view, rules in zip(views, found, strict=True):
        margin = EDGE_SHARE * len(view)
        printed = ruled | (rules.middle < margin) | (rules.middle > len(view) - margin)
        _remove(view, rules.rows[printed], reach)


@dataclass
class _Rules:
    """middle: (n,) row in the middle of the page. rows: (n, BLOCKS) row in each block."""

    middle: np.ndarray
    rows: np.ndarray


def _find(blocks: np.ndarray, width: int, reach: int) -> _Rules:
    """Rows that are ridges all the way from left to right, with one common slope.

    blocks: uint8 (h, BLOCKS) mean of each row in each block. width: of the page in px.
    """
    height = len(blocks)
    padded = cv2.copyMakeBorder(blocks, reach, reach, 0, 0, cv2.BORDER_REFLECT_101)
    ridge = cv2.subtract(blocks, cv2.max(padded[: -2 * reach], padded[2 * reach :]))
    seen = cv2.dilate((ridge > FAINTEST_RULE).astype(np.uint8), np.ones((3, 1), np.uint8))
    most = int(np.ceil(STEEPEST * width / 2))
    # Without so much as this there is none at any slope, and most pages have none.
    if cv2.dilate(seen, np.ones((2 * most + 1, 1), np.uint8)).sum(axis=1).max() < SUPPORT * BLOCKS:
        return _Rules(np.zeros(0), np.zeros((0, BLOCKS), np.intp))
    trials = np.arange(-most, most + 1, 2) / (BLOCKS / 2)
    along = np.arange(BLOCKS) - (BLOCKS - 1) / 2
    padded = np.pad(seen, ((most + 1, most + 1), (0, 0)))
    best, support = 0.0, np.zeros(height)
    for slope in trials:
        shift = np.rint(slope * along).astype(int) + most + 1
        moved = [padded[start : start + height, block] for block, start in enumerate(shift.tolist())]
        trial = np.mean(moved, axis=0)
        if (trial >= SUPPORT).sum() > (support >= SUPPORT).sum():
            best, support = float(slope), trial
    runs = np.flatnonzero(np.diff(np.concatenate([[0], support >= SUPPORT, [0]]).astype(int)))
    middle = (runs[::2] + runs[1::2] - 1) / 2
    # In each block the ridge itself, which wanders about the straight line as paper does on the glass.
    window = np.arange(-reach, reach + 1)
    straight = np.rint(middle[:, None] + best * along).astype(int)
    near = np.clip(straight[:, :, None] + window, 0, height - 1)
    peak = ridge[near, np.arange(BLOCKS)[None, :, None]].argmax(axis=2)
    rows = cv2.medianBlur((peak - reach).astype(np.float32), 5) if len(middle) else peak
    return _Rules(middle, np.clip(straight + rows, 0, height - 1))


def _are_even(middle: np.ndarray) -> bool:
    """Whether the rows of rules lie at one distance from each other, or at multiples of it."""
    if len(middle) < FEWEST:
        return False
    gaps = np.diff(middle)
    steps = gaps / np.median(gaps)
    return bool(np.mean((np.abs(steps - np.rint(steps)) < EVEN) & (steps > 0.5)) >= EVEN_SHARE)


def _remove(page: np.ndarray, rules: np.ndarray, reach: int) -> None:
    """Clear what is no darker than the rules along their (n, BLOCKS) rows."""
    if len(rules) == 0:
        return
    height, width = page.shape
    block = width // BLOCKS
    centres = (np.arange(BLOCKS) + 0.5) * block
    x = np.arange(width)
    window = np.arange(-reach, reach + 1)[:, None]
    places, tones = [], []
    for rows in rules:
        row = np.rint(np.interp(x, centres, rows)).astype(np.intp)
        y = np.clip(row + window, 0, height - 1)
        places.append(y)
        tones.append(np.median(page[y, x][:, : block * BLOCKS].reshape(len(y), BLOCKS, -1), axis=2))
    # A line drawn along a rule is darker than the rules are elsewhere.
    usual = np.median(np.stack(tones), axis=(0, 2))[:, None]
    for y, tone in zip(places, tones, strict=True):
        tone = np.minimum(tone, DARKER * usual + DARKER_BY)
        tone = np.stack([np.interp(x, centres, line) for line in tone])
        band = page[y, x]
        band[(tone > FAINTEST_RULE) & (band <= DARKER * tone + DARKER_BY)] = 0
        page[y, x] = band
