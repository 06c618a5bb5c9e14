"""Bonds: which pieces of ink on a page are parts of one drawing, told from their boxes and their line.

What lies within another piece's box is a part of it, an eye of its face. Beyond that the blank strip between two
boxes decides. How wide a strip a drawing may hold within itself depends on what is on both sides of it: little ink
makes no drawing of its own; a hand that puts a drawing down in many pieces leaves gaps between them; and parts of a
drawing lie along each other more than they make it longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

INK_SCALE = 1.3
"""Ink of the smaller piece, in longer sides of the page, with which the strip shrinks to 1/e."""
MOST_INK = 2.5
"""Ink, in longer sides of the page, that is a whole drawing: more of it says no more."""
MOST_PIECES = 12
"""Pieces of the side with fewer of them, beyond which more of them say no more about the hand."""
STRIP_FLOOR = 0.01
"""Share of the page's longer side that is added to each strip: far under it, strips are all alike."""
INSIDE = 0.85
"""Share of a piece's box within another's, from which on upwards it is a part of it."""


@dataclass
class Pieces:
    """Pieces of ink, each one or several connected ones; lengths as shares of the page's longer side.

    box: (m, 4) x0, y0, x1, y1, of some area. ink: (m,) length of line. count: (m,) connected pieces, 0 where all
    went into another one.
    """

    box: NDArray[np.float64]
    ink: NDArray[np.float64]
    count: NDArray[np.float64]

    def bonds(self, index: int, apart: float) -> NDArray[np.float64]:
        """(m,) how strongly a piece is tied to each other one: more than 1 is one drawing.

        The widest strip that one drawing may hold, against the strip that there is. The widest is `apart` for ink of
        no length within the extent of another piece. It shrinks by e with each INK_SCALE of ink of the smaller one,
        grows with the root of the number of connected pieces on the side that has fewer, and shrinks as both
        together are longer than the longer one of them. Form and figures are those of a logistic regression on
        12,000 pairs of pieces on 720 pages, in which the exponents came out as 0.49 and -0.91.
        """
        mine = self.box[index]
        low, high = np.minimum(self.box[:, :2], mine[:2]), np.maximum(self.box[:, 2:], mine[2:])
        sides = self.box[:, 2:] - self.box[:, :2]
        overlap = sides + sides[index] - (high - low)
        strip = np.hypot(*np.clip(-overlap, 0, None).T)
        size = sides.max(axis=1)
        smaller = (size < size[index]) | ((size == size[index]) & (self.ink < self.ink[index]))
        ink = np.minimum(np.where(smaller, self.ink, self.ink[index]), MOST_INK)
        pieces = np.minimum(np.minimum(self.count, self.count[index]), MOST_PIECES)
        growth = (high - low).max(axis=1) / np.maximum(size, size[index])
        bond = apart * np.exp(-ink / INK_SCALE) * np.sqrt(pieces) / growth / (strip + STRIP_FLOOR)

        inside = np.clip(overlap, 0, None).prod(axis=1) / np.minimum(sides.prod(axis=1), sides[index].prod())
        bond[inside > INSIDE] = np.inf
        bond[self.count == 0] = 0
        bond[index] = 0
        return bond

    def merge(self, a: int, b: int) -> None:
        """Piece b becomes a part of piece a."""
        low, high = np.minimum(self.box[a, :2], self.box[b, :2]), np.maximum(self.box[a, 2:], self.box[b, 2:])
        self.box[a] = [*low, *high]
        self.ink[a] += self.ink[b]
        self.count[a], self.count[b] = self.count[a] + self.count[b], 0


def bind(pieces: Pieces, apart: float) -> NDArray[np.intp]:
    """(m,) the number of the drawing of each piece: that of one of its pieces. `pieces` hold the drawings then.

    The strongest bond is tied first, and what it ties is one piece from then on.
    """
    group = np.arange(len(pieces.ink))
    bond = np.array([pieces.bonds(index, apart) for index in group.tolist()])
    # The strongest bond of each piece, so that a page of a thousand marks is not searched anew for each of them.
    partner = bond.argmax(axis=1) if len(group) else group
    while len(group):
        before = bond[np.arange(len(group)), partner]
        one = int(before.argmax())
        if before[one] <= 1:
            break
        a, b = sorted((one, int(partner[one])))
        group[group == b] = a
        pieces.merge(a, b)
        bond[b], bond[:, b] = 0, 0
        bond[a] = bond[:, a] = pieces.bonds(a, apart)
        partner[bond[:, a] >= before] = a
        weaker = np.flatnonzero(((partner == a) | (partner == b)) & (bond[:, a] < before))
        weaker = np.union1d(weaker, [a, b])
        partner[weaker] = bond[weaker].argmax(axis=1)
    return group
