"""Thinning: ink down to lines one pixel wide, looking only at pixels whose surroundings have changed.

Zhang and Suen, "A fast parallel algorithm for thinning digital patterns" (1984): two passes take turns, one
takes pixels off the south-east of the ink, the other off its north-west. A pixel with two neighbours stays,
as Lü and Wang, "A comment on 'A fast parallel algorithm for thinning digital patterns'" (1986), have it:
diagonal lines would be eaten from their ends. A page is mostly paper, and most ink is settled after a few
turns, so that the cost is that of the ink's outlines and not of the page.
"""

from __future__ import annotations

import numpy as np

# Neighbours clockwise from the north, x and y: the paper's P2 to P9.
_AROUND = np.array([(0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1)])


def thin(mask: np.ndarray) -> np.ndarray:
    """uint8 (h, w), 0 or 1: the skeleton of an ink mask uint8 (h, w), 0 or 1."""
    height, width = mask.shape[0] + 2, mask.shape[1] + 2
    ink = np.zeros((height, width), np.uint8)
    ink[1:-1, 1:-1] = mask
    flat = ink.ravel()
    around = (_AROUND[:, 1] * width + _AROUND[:, 0]).astype(np.int64)
    alive = np.flatnonzero(flat.view(bool))
    # The pass in which a pixel's surroundings last changed; each pass looks back over both of the last two.
    changed = np.zeros(flat.size, np.int16)
    number = quiet = 0
    while quiet < 2:
        number += 1
        active = alive[changed[alive] >= number - 2] if number > 2 else alive
        code = np.zeros(len(active), np.uint8)
        for bit, step in enumerate(around.tolist()):
            code |= flat[active + step] << np.uint8(bit)
        gone = active[_REMOVED[(number + 1) % 2][code]]
        flat[gone] = 0
        for step in around.tolist():
            changed[gone + step] = number
        alive = alive[flat[alive] > 0] if len(gone) else alive
        quiet = 0 if len(gone) else quiet + 1
    return ink[1:-1, 1:-1]


def _removable() -> np.ndarray:
    """bool (2, 256): whether each pass removes a pixel with these neighbours, bit k being _AROUND[k]."""
    around = (np.arange(256)[:, None] >> np.arange(8)) & 1
    neighbours = around.sum(axis=1)
    rises = ((around == 0) & (np.roll(around, -1, axis=1) == 1)).sum(axis=1)
    north, east, south, west = around[:, 0], around[:, 2], around[:, 4], around[:, 6]
    border = (neighbours >= 3) & (neighbours <= 6) & (rises == 1)
    first = (north * east * south == 0) & (east * south * west == 0)
    second = (north * east * west == 0) & (north * south * west == 0)
    return np.stack([border & first, border & second])


_REMOVED = _removable()
