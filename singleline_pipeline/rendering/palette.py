"""The colours of every picture: a paper of its own, so that it reads on a light and on a dark page.

The eight colours of STROKES were searched for (CIEDE2000, Machado 2009 simulations of protanopia,
deuteranopia and tritanopia): the nearest two stay apart for every kind of colour vision, and each has a
contrast of 3 : 1 or more to the paper.
"""

from __future__ import annotations

PAPER = "#fdfcf8"
MAT = "#e6e2d8"  # behind thumbnails, so that white pages show their edges
INK = "#1f2430"
FAINT = "#6b6f78"  # captions, axes, whatever has no group
STROKES = ("#003ce1", "#eb3e86", "#0f4424", "#379fa2", "#af71fe", "#7a6938", "#700d56", "#8a9920")


def stroke_colour(index: int) -> str:
    """Colour of the stroke or group with this number, as #rrggbb; they come round after eight."""
    return STROKES[index % len(STROKES)]


def bgr(colour: str) -> tuple[int, int, int]:
    """The colour #rrggbb in OpenCV's order, 0 to 255."""
    red, green, blue = bytes.fromhex(colour[1:])
    return blue, green, red
