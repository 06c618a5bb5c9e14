"""The masses of a page: what is neither paper nor line. Washes, areas filled with the pen, hands, dark borders."""

from dataclasses import dataclass

import cv2
import numpy as np

from singleline_pipeline.embedding.paper import channel_range, relative_to

SHADE = 0.10
"""Darkness, relative to the paper, from which an area counts as mass: half of a thin grey wash."""

TINT = 0.07
"""Colour, relative to the paper, from which an area counts as mass however light it is."""

INK_DARK, INK_COLOUR = 0.5, 0.12
"""At least as dark as this in its core, and no more coloured, is the black of a pen and not a wash."""

EDGE = 0.035
"""Change of darkness and colour across its outline, within 1 % of the page, from which a mass has an edge. Vignettes
and uneven light have none."""

WIDEST_STRIP = 0.15
"""A strip along the whole of one side, up to this share of the page, is binder, gutter shadow or scanner lid."""


@dataclass(frozen=True)
class Masses:
    """Measures of a page's masses; see `PageStatistics` for what each one means."""

    share: float
    border: float
    solid: float
    colour: float
    darkness: float
    variety: float


NO_MASSES = Masses(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def measure_masses(lineless: np.ndarray, paper: np.ndarray, least: int) -> Masses:
    """Measure the masses of a page without its lines, on its `paper`, both uint8 (h, w, 3).

    A mass has at least `least` px and an edge. Strips along whole sides are left out. Shares are of the picture.
    """
    relative = relative_to(paper, lineless)
    blue, green, red = cv2.split(relative)
    light = cv2.add(cv2.add(blue, green, dtype=cv2.CV_16U), red, dtype=cv2.CV_16U)
    dark = 255 - cv2.convertScaleAbs(light, alpha=1 / 3)
    colour = channel_range(relative)
    mask = (dark > 255 * SHADE) | (colour > 255 * TINT)
    if not mask.any():
        return NO_MASSES
    inside = _inside_strips(mask)
    mask &= inside
    if not mask.any():
        return NO_MASSES

    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
    count = len(stats)
    sizes = stats[:, cv2.CC_STAT_AREA]
    edges = _edge_of_masses(labels, count, inside, cv2.add(dark, colour, dtype=cv2.CV_16U))
    large = (sizes >= least) & (edges > 255 * EDGE)
    large[0] = False
    if not large.any():
        return NO_MASSES

    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    at_border = np.zeros(count, bool)
    for edge in (labels[rows[0]], labels[rows[-1]], labels[:, columns[0]], labels[:, columns[-1]]):
        at_border[edge] = True
    # Means weighted by darkness itself, so that the soft edges of a black area do not make it a grey one.
    on = np.flatnonzero(mask.ravel())
    which, weight = labels.ravel()[on], np.maximum(dark.ravel()[on], 1.0)
    total = np.maximum(np.bincount(which, weight, count), 1.0)
    core_dark = np.bincount(which, weight * dark.ravel()[on], count) / total
    core_colour = np.bincount(which, weight * colour.ravel()[on], count) / total
    solid = large & ~at_border & (core_dark > 255 * INK_DARK) & (core_colour < 255 * INK_COLOUR)

    area = mask.size
    massed = (large & ~solid)[labels].view(np.uint8)
    if not massed.any():
        return Masses(0.0, 0.0, float(sizes[solid].sum()) / area, 0.0, 0.0, 0.0)
    return Masses(
        share=float(massed.mean()),
        border=float(sizes[large & at_border].sum()) / area,
        solid=float(sizes[solid].sum()) / area,
        colour=cv2.mean(colour, massed)[0] / 255,
        darkness=cv2.mean(dark, massed)[0] / 255,
        variety=float(np.linalg.norm(cv2.meanStdDev(relative, mask=massed)[1])) / 255,
    )


def _edge_of_masses(labels: np.ndarray, count: int, inside: np.ndarray, tone: np.ndarray) -> np.ndarray:
    """Return how much `tone` changes across each mass's outline, on average, float64 (count,).

    `tone` is uint16 (h, w), darkness and colour in 255ths.
    """
    window = np.ones((max(3, round(0.01 * max(tone.shape)) | 1),) * 2, np.uint8)
    change = cv2.morphologyEx(tone, cv2.MORPH_GRADIENT, window)
    # Where a mass is cut off, by a strip or the picture's border, it shows no outline of its own.
    covered = ((labels > 0) | ~inside).astype(np.uint8)
    outline = (labels > 0) & (cv2.erode(covered, np.ones((3, 3), np.uint8)) == 0)
    on_outline = labels[outline]
    length = np.bincount(on_outline, minlength=count)
    total = np.bincount(on_outline, change[outline], count)
    # A mass that fills the picture has no outline, and needs none.
    return np.where(length > 0, total / np.maximum(length, 1), np.inf)


def _inside_strips(mask: np.ndarray) -> np.ndarray:
    """Return where the page lies between the strips of mass that run along its four sides, bool (h, w).

    A strip reaches inwards along four fifths of its side and more: a gutter does, and the edge of the glass. A hand
    reaches in on a part of a side, and what lies beside a page askew is a wedge.
    """
    inside = np.ones_like(mask)
    for view, keep in (
        (mask, inside),
        (mask[:, ::-1], inside[:, ::-1]),
        (mask.T, inside.T),
        (mask[::-1].T, inside[::-1].T),
    ):
        length = view.shape[1]
        reach = np.where(view.all(axis=1), length, view.argmin(axis=1))
        strip = float(np.percentile(reach, 20))
        if 0 < strip < WIDEST_STRIP * length:
            # Half as much again, for elsewhere the strip is wider.
            keep[:, : round(1.5 * strip)] = False
    return inside
