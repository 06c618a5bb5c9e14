"""Channel: a page in the one channel in which its ink is dark and its paper bright.

Grey for black ink on white paper. Yellow and orange are almost as bright as paper in grey, and dark in blue:
where a page has such colours, each pixel's darkest channel against the paper's colour takes the place of
grey. Light ink on dark paper is turned round.
"""

from __future__ import annotations

import cv2
import numpy as np

from singleline_pipeline.scans.shrinking import shrunk
from singleline_pipeline.tracing.flatten import SMALLEST_PAGE, as_grey

COLOURED = 0.2
"""Light in shares of the paper's that a pixel must lack in its darkest channel more than in grey to be of a
coloured pen; printed rules are paler."""
COLOURED_SHARE = 0.0004
"""Share of a page's pixels that such a pen covers at least."""
WIDEST_PEN = 24
"""Width in px from which on upwards what is coloured is no line."""
BRIGHT_PAPER = 200
"""Grey level from which on upwards nothing that stands out on paper can be lighter than it."""
LIGHTER = 30
"""Grey levels by which light ink is lighter than its paper."""
SMALL_SIDE, MEDIAN_SIDE = 550, 31
"""Longer side in px of the copy that ink is told from paper on, and side of the median that is its paper."""
RIM = 0.05
"""Share of the shorter side that is left out around the page."""


def ink_channel(image: np.ndarray) -> np.ndarray:
    """uint8 (h, w) of a uint8 (h, w), (h, w, 1) or (h, w, 3) BGR page. Raises TraceError for anything else."""
    grey = as_grey(image)
    light = _ink_is_light(grey)
    if image.ndim == 3 and image.shape[2] == 3:
        image = cv2.bitwise_not(image) if light else image
        paper = _paper_of_colours(image[::8, ::8])
        if paper is not None and _are_lines(image, paper):
            return _darkest(image, paper)
    return cv2.bitwise_not(grey) if light else grey


def _paper_of_colours(sample: np.ndarray) -> np.ndarray | None:
    """(3,) colour of the paper, BGR, where some of the page is darker in one channel than in grey, else None.

    sample: uint8 (h, w, 3), bright paper. A shadow dims all channels alike: it is no colour.
    """
    planes = [plane.astype(np.float32) for plane in cv2.split(sample)]
    paper = np.array([max(float(np.median(plane)), 1.0) for plane in planes])
    blue, green, red = (plane / np.float32(tone) for plane, tone in zip(planes, paper, strict=True))
    grey = 0.114 * blue + 0.587 * green + 0.299 * red
    coloured = np.mean(grey - np.minimum(np.minimum(blue, green), red) > COLOURED)
    return paper if coloured > COLOURED_SHARE else None


def _are_lines(image: np.ndarray, paper: np.ndarray) -> bool:
    """Whether colours are a pen's, and no hand at the edge of the page: narrower than any pen is wide."""
    small, factor = shrunk(image, SMALL_SIDE)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    colour = cv2.subtract(grey, _darkest(small, paper))
    side = 2 * round(WIDEST_PEN / factor / 2) + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    narrow = cv2.subtract(colour, cv2.morphologyEx(colour, cv2.MORPH_OPEN, disk))
    # A pen no wider than a pixel of the copy shows half of its colour there.
    return float(np.mean(narrow > 0.5 * COLOURED * paper.max())) > COLOURED_SHARE


def _darkest(image: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """uint8 (h, w): the channel that is darkest against the paper's, pixel by pixel."""
    planes = [
        cv2.convertScaleAbs(plane, alpha=float(paper.max() / tone))
        for plane, tone in zip(cv2.split(image), paper, strict=True)
    ]
    return cv2.min(cv2.min(planes[0], planes[1]), planes[2])


def _ink_is_light(grey: np.ndarray) -> bool:
    """Whether what stands out on the page is lighter than its paper: chalk on black, white pen on brown."""
    if np.median(grey[::8, ::8]) >= BRIGHT_PAPER or min(grey.shape) < SMALLEST_PAGE:
        return False
    small, _ = shrunk(grey, SMALL_SIDE)
    # Not the outermost: the lid around dark paper is lighter, and around bright paper darker, than any ink.
    height, width = small.shape
    rim = round(RIM * min(height, width))
    small = np.ascontiguousarray(small[rim : height - rim, rim : width - rim])
    paper = cv2.medianBlur(small, MEDIAN_SIDE)
    lighter = float(np.percentile(cv2.subtract(small, paper), 99.7))
    darker = float(np.percentile(cv2.subtract(paper, small), 99.7))
    return lighter > LIGHTER and lighter > 1.5 * darker
