"""Maps of an embedding: thousands of points in one small SVG.

matplotlib would spend 90 bytes on a point, or pixels on all of them. Here a group is one path of lines
without length, which round and square caps turn into dots: 8 bytes a point, and sharp at any size.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .canvas import RenderError, check_strokes, place
from .palette import FAINT, INK, PAPER, STROKES, stroke_colour
from .svg import document, number, text_line

NO_GROUP = "unlabelled"
MOST_POINTS = 5000  # 60 kB at the most

_SIDE = 460  # pixels of the square that the points fill
_GRID = 999  # whole steps along it
_LEGEND = 180
_ROW = 18


def scatter_svg(points: npt.ArrayLike, labels: Sequence[str], *, title: str = "") -> str:
    """A map: points (n, 2), x right and y up, one colour a group, with a legend that counts them.

    Groups have their colours in the order of their names, after eight groups squares follow dots, then
    rings; points whose label is empty or "unlabelled" are grey and lie below the others. Of more than 5000
    points every second, third, ... is shown, and the title says so; the legend counts all.
    """
    xy = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if len(labels) != len(xy):
        raise RenderError(f"There are {len(labels)} labels for {len(xy)} points.")
    bad = ~np.isfinite(xy).all(axis=1)
    if bad.any():
        row = int(bad.argmax())
        raise RenderError(f"{title or 'The map'}: point {row} is ({xy[row, 0]}, {xy[row, 1]}).")
    names = np.array([label or NO_GROUP for label in labels], dtype=object)
    groups = sorted(set(names) - {NO_GROUP}, key=_natural)
    if NO_GROUP in names:
        groups.append(NO_GROUP)

    every = max(1, -(-len(xy) // MOST_POINTS))
    if every > 1:
        title = f"{title} (1 of {every} points shown)".lstrip()
    # Upside down, for y points down in SVG.
    placed = place(check_strokes([xy * [1, -1]]), _GRID, _GRID, 20)[0] if len(xy) else xy
    shown = np.arange(len(xy)) % every == 0
    size = float(np.clip(400 / max(1, len(xy)) ** 0.5, 8, 20))

    clouds, rows = [], []
    for index, name in enumerate(groups):
        members = names == name
        colour = FAINT if name == NO_GROUP else stroke_colour(index)
        shape = 0 if name == NO_GROUP else index // len(STROKES)
        clouds.append(_marks(placed[members & shown], size, colour, shape))
        y = 48 + index * _ROW
        rows.append(_marks(np.array([[_SIDE + 18.0, y - 4]]), 9, colour, shape))
        rows.append(text_line(_SIDE + 30, y, f"{name} ({members.sum()})", INK, 11, _LEGEND - 40))
    if not len(xy):
        rows.append(text_line(_SIDE / 2 - 25, _SIDE / 2, "no points", FAINT, 11, _SIDE))
    cloud = "".join(reversed(clouds))  # grey, which comes last in the legend, is painted first
    scale = number(_SIDE / _GRID, 4)
    body = (
        f'{text_line(10, 20, title, INK, 14, _SIDE + _LEGEND - 20)}<g transform="translate(0 28)scale({scale})">'
        f"{cloud}</g>{''.join(rows)}"
    )
    return document(_SIDE + _LEGEND, max(_SIDE + 36, 48 + len(groups) * _ROW), body, title=title)


def _marks(points: np.ndarray, size: float, colour: str, shape: int) -> str:
    """Points as dots, squares or rings of this diameter; equal marks are written once."""
    grid = np.unique(np.rint(points).astype(int), axis=0)
    if len(grid) == 0:
        return ""
    first, steps = grid[0], np.diff(grid, axis=0)
    data = f"M{first[0]} {first[1]}h0" + "".join(f"m{x} {y}h0" for x, y in steps.tolist())
    cap = "square" if shape % 3 == 1 else "round"
    width = size * 0.85 if shape % 3 == 1 else size
    marks = f'<path d="{data}" stroke="{colour}" stroke-width="{number(width)}" stroke-linecap="{cap}"/>'
    if shape % 3 == 2:
        marks += (
            f'<path d="{data}" stroke="{PAPER}" stroke-width="{number(size / 2)}" stroke-linecap="round"/>'
        )
    return marks


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts "cluster 2" before "cluster 10"."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
