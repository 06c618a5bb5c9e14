"""What a scan shows that is not the page's drawing: the binder, the page number, the dark beyond the paper.

Works on a small copy of the page (about 1100 px on its longer side), so it costs a few milliseconds at any
resolution. Nothing is cut here: boxes are reported in pixels of the scan, and the tracer decides what to do
with ink that runs into them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from singleline_pipeline.scans.errors import PageError
from singleline_pipeline.scans.shrinking import shrunk

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of the page; x1 and y1 are just outside."""

SMALL_SIDE = 1100
SMALLEST_SIDE = 64
"""Shorter side in px under which rings and digits could not be told apart, and nothing is looked for."""
BAND_SHARE = 0.075
"""Widest believable binder band, as a share of the page's shorter side."""
DARK_SHARE = 0.6
"""Share of a row from which on upwards its darkness is the scanner's lid."""
EDGE = 2
"""Rows of the small copy over which the edge of a sheet is blurred."""
SUDDEN = 0.6
FURTHEST_IN = 0.22
"""Share of the scan's width up to which the band of a sheet that lies askew may begin inside the scan."""


@dataclass(frozen=True)
class Margins:
    """Boxes in pixels of the page as scanned.

    paper: the sheet itself, without the dark of the scanner's lid around it (the whole scan as a rule).
    binder: the edge the rings run along, or None.
    rings: one box a ring, from top to bottom, holes included.
    number: box of the handwritten page number in a bottom corner, or None.
    """

    size: tuple[int, int]
    paper: Box
    binder: Literal["left", "right"] | None = None
    rings: tuple[Box, ...] = ()
    number: Box | None = None

    @property
    def band(self) -> Box | None:
        """The binder's band: full height, from the edge of the scan to the inner end of the rings."""
        if not self.rings:
            return None
        height, width = self.size
        if self.binder == "left":
            return (0, 0, max(box[2] for box in self.rings), height)
        return (min(box[0] for box in self.rings), 0, width, height)

    @property
    def content(self) -> Box:
        """The paper without the binder's band: where a drawing is expected, not where it must end."""
        x0, y0, x1, y1 = self.paper
        if self.band is not None and self.binder == "left":
            x0 = max(x0, self.band[2])
        if self.band is not None and self.binder == "right":
            x1 = min(x1, self.band[0])
        return (x0, y0, max(x0, x1), y1)

    def scaled(self, scale: float, shape: tuple[int, ...]) -> Margins:
        """The same on a page resized by `scale` to the shape (h, w)."""
        return Margins(
            size=(shape[0], shape[1]),
            paper=scaled_box(self.paper, scale, shape),
            binder=self.binder,
            rings=tuple(scaled_box(box, scale, shape) for box in self.rings),
            number=None if self.number is None else scaled_box(self.number, scale, shape),
        )


def corners_of(box: Box) -> np.ndarray:
    """(4, 2) the centres of a box's corner pixels, clockwise from its top left."""
    x0, y0, x1, y1 = box
    return np.array([(x0, y0), (x1 - 1, y0), (x1 - 1, y1 - 1), (x0, y1 - 1)], float)


def scaled_box(box: Box, scale: float, shape: tuple[int, ...]) -> Box:
    """A box on a page resized by `scale` to the shape (h, w): whole pixels that cover it."""
    x0, y0, x1, y1 = box
    return (
        int(x0 * scale),
        int(y0 * scale),
        min(shape[1], int(np.ceil(x1 * scale))),
        min(shape[0], int(np.ceil(y1 * scale))),
    )


def find_margins(image: np.ndarray, beyond: np.ndarray | None = None) -> Margins:
    """Binder, page number and paper of a scan.

    image: uint8 (height, width) grey or (height, width, 3) BGR. beyond: bool (height, width), what was not on
    the scan, of a page that was turned upright. Raises PageError for anything else.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise PageError("A page must be a uint8 array of shape (height, width) or (height, width, 3).")
    if image.size == 0 or (image.ndim == 3 and image.shape[2] != 3):
        raise PageError(f"A page of shape {image.shape} holds no picture to look for margins in.")
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        return Margins(size=(height, width), paper=(0, 0, width, height))
    grey, factor = shrunk(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), SMALL_SIDE)
    if beyond is not None:
        beyond = cv2.resize(beyond.astype(np.uint8), grey.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    paper = _paper_box(grey, beyond)
    ink = _dark_marks(grey)
    # A sheet that lies askew, or within the scan, has its binder further in.
    adrift = beyond is not None or paper != (0, 0, grey.shape[1], grey.shape[0])
    binder, rings = _find_rings(ink[paper[1] : paper[3]], FURTHEST_IN if adrift else 0.0)
    rings = [(x0, y0 + paper[1], x1, y1 + paper[1]) for x0, y0, x1, y1 in rings]
    without_rings = ink.copy()
    for x0, y0, x1, y1 in rings:
        without_rings[y0:y1, x0:x1] = 0
    number = _find_number(without_rings, paper)

    def scaled(box: Box) -> Box:
        x0, y0, x1, y1 = (factor * value for value in box)
        # The last pixel of the copy stands for what is left over beyond it as well.
        x1, y1 = (width if box[2] == grey.shape[1] else x1), (height if box[3] == grey.shape[0] else y1)
        return (x0, y0, x1, y1)

    return Margins(
        size=(height, width),
        paper=scaled(paper),
        binder=binder,
        rings=tuple(scaled(box) for box in rings),
        number=None if number is None else scaled(number),
    )


def _paper_box(grey: np.ndarray, beyond: np.ndarray | None) -> Box:
    """The sheet within a dark surround: rows and columns at the rim that are mostly far darker than the
    middle, up to a sudden edge; the shadow of a gutter ends slowly.
    """
    height, width = grey.shape
    middle = grey[height // 4 : height - height // 4 or 1, width // 4 : width - width // 4 or 1]
    dark = grey < 0.45 * float(np.median(middle))
    on_scan = np.ones_like(dark) if beyond is None else ~beyond
    dark &= on_scan
    top, bottom = _within(grey, dark, on_scan)
    left, right = _within(grey.T, dark.T, on_scan.T)
    if top >= bottom or left >= right:
        return (0, 0, width, height)
    return (left, top, right, bottom)


def _within(grey: np.ndarray, dark: np.ndarray, on_scan: np.ndarray) -> tuple[int, int]:
    """First and end row of the sheet. dark, on_scan: bool (h, w)."""
    height = len(grey)
    sheet = np.flatnonzero(dark.sum(axis=1) < DARK_SHARE * on_scan.sum(axis=1))
    if len(sheet) == 0:
        return 0, 0

    def is_sudden(row: int, inwards: int) -> bool:
        """Whether an edge is more than a shadow is over so short a way."""
        outside, inside = (
            grey[place][on_scan[place]] for place in (row - EDGE * inwards, row + EDGE * inwards)
        )
        return len(outside) == 0 or float(np.median(outside)) < SUDDEN * float(np.median(inside))

    first, last = int(sheet[0]), int(sheet[-1])
    # The edge itself is blurred: half dark, as ink is.
    if EDGE <= first < height - EDGE:
        first = first + EDGE if is_sudden(first, 1) else 0
    if EDGE <= last < height - EDGE:
        last = last - EDGE if is_sudden(last, -1) else height - 1
    return first, last + 1


def _dark_marks(grey: np.ndarray) -> np.ndarray:
    """uint8 mask of marks narrower than a closing that covers rings and digits, clearly darker than their
    paper."""
    side = 2 * max(3, round(0.016 * max(grey.shape))) + 1
    # Replicated rims keep the shadow of the gutter in the closing; at a bare rim it would count as ink.
    rim = cv2.copyMakeBorder(grey, side, side, side, side, cv2.BORDER_REPLICATE)
    square = np.ones((side, side), np.uint8)
    paper = cv2.morphologyEx(rim, cv2.MORPH_CLOSE, square)[side:-side, side:-side]
    least = np.maximum(12, np.ceil(0.22 * np.arange(256))).astype(np.uint8)
    return (cv2.subtract(paper, grey) > cv2.LUT(paper, least)).view(np.uint8)


def _find_rings(ink: np.ndarray, furthest_in: float) -> tuple[Literal["left", "right"] | None, list[Box]]:
    """The side whose outer strip repeats itself from the top to the bottom of the page, and a box for each
    ring.

    furthest_in: share of the width up to which the strip may begin inside the scan.
    """
    best: tuple[tuple[float, int], Literal["left", "right"], list[Box]] | None = None
    height, width = ink.shape
    reach = max(4, round(BAND_SHARE * min(height, width)))
    sides: tuple[Literal["left", "right"], ...] = ("left", "right")
    for start in range(0, round(furthest_in * width) + 1, max(1, reach // 3)):
        for side in sides:
            found = _rings_on_the_left((ink if side == "left" else ink[:, ::-1])[:, start:], reach)
            if found is None:
                continue
            score, boxes = found
            boxes = [(start + x0, y0, start + x1, y1) for x0, y0, x1, y1 in boxes]
            if side == "right":
                boxes = [(width - x1, y0, width - x0, y1) for x0, y0, x1, y1 in boxes]
            if best is None or score > best[0]:
                best = (score, side, boxes)
    return (None, []) if best is None else (best[1], best[2])


def _rings_on_the_left(ink: np.ndarray, reach: int) -> tuple[tuple[float, int], list[Box]] | None:
    """How clear the rings are, and their boxes; None without binder.

    Clear is the share, to a tenth, of the ring positions where the common ring shape was found, and then its
    size: a strip that cuts the rings finds half of each as often.

    The rows' ink within the strip is periodic over the whole page: the period is the peak of its
    autocorrelation, the ring's shape is what most periods have in common, so that a drawing that runs into
    the band does not matter.
    """
    height, width = ink.shape
    strip = ink[:, :reach].astype(np.float32)
    rows = strip.sum(axis=1)
    if np.count_nonzero(rows) < 0.05 * height:
        return None
    rows = np.minimum(rows, np.percentile(rows[rows > 0], 90))
    rows = cv2.GaussianBlur(rows[:, None], (0, 0), 1.0)[:, 0]
    rows -= rows.mean()
    spectrum = np.fft.rfft(rows, 2 * height)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:height]
    correlation /= np.maximum(correlation[0], 1e-9) * (1 - np.arange(height) / height)
    shortest, longest = max(4, height // 60), height // 6
    if longest <= shortest + 2:
        return None
    # The first clear peak, not the highest: multiples of the period correlate as well.
    inner = correlation[shortest:longest]
    peaks = np.nonzero((inner >= np.roll(inner, 1)) & (inner >= np.roll(inner, -1)) & (inner > 0.3))[0]
    peaks = peaks[(peaks > 0) & (peaks < len(inner) - 1)]
    if len(peaks) == 0:
        return None
    strong = peaks[inner[peaks] > 0.8 * inner[peaks].max()]
    period = _refined_period(rows, float(shortest + strong[0]))

    centres = _ring_centres(rows, period)
    half = int(period // 2)
    patches = np.zeros((len(centres), 2 * half + 1, reach), np.float32)
    padded = cv2.copyMakeBorder(strip, half, half + 1, 0, 0, cv2.BORDER_CONSTANT, value=0)
    for k, centre in enumerate(centres):
        patches[k] = padded[centre : centre + 2 * half + 1]
    shape = patches.mean(axis=0) > 0.5
    if shape.sum() < 6:
        return None
    overlap = patches[:, shape].mean(axis=1)
    found = overlap > 0.5
    ys, xs = np.nonzero(shape)
    if found.mean() < 0.75 or len(centres) < 6 or xs.min() > 0.6 * reach or np.ptp(ys) > 0.8 * period:
        return None
    slack = 2
    boxes = [
        (
            max(0, int(xs.min()) - slack),
            max(0, centre - half + int(ys.min()) - slack),
            min(width, int(xs.max()) + 1 + slack),
            min(height, centre - half + int(ys.max()) + 1 + slack),
        )
        for centre in centres
    ]
    return (round(float(found.mean()), 1), int(shape.sum())), boxes


def _refined_period(rows: np.ndarray, period: float) -> float:
    """A period to a fraction of a pixel: the one whose comb collects the most from the whole column."""
    height = len(rows)
    lags = np.arange(height)
    trials = np.linspace(period - 1, period + 1, 41)
    power = [abs(np.sum(rows * np.exp(-2j * np.pi * lags / trial))) for trial in trials]
    return float(trials[int(np.argmax(power))])


def _ring_centres(rows: np.ndarray, period: float) -> list[int]:
    """Row of each ring: the comb's phase, then the local balance of the ink around each tooth."""
    height = len(rows)
    lags = np.arange(height)
    tone = np.sum(rows * np.exp(-2j * np.pi * lags / period))
    phase = (-np.angle(tone) / (2 * np.pi)) % 1.0
    centres = []
    reach = max(2, round(0.15 * period))
    weight = np.maximum(rows - rows.min(), 0)
    smooth = np.convolve(weight, np.ones(2 * max(1, round(0.12 * period)) + 1), mode="same")
    for tooth in np.arange(phase * period, height, period):
        low, high = max(0, round(tooth) - reach), min(height, round(tooth) + reach + 1)
        if high - low < 2:
            continue
        window = smooth[low:high]
        best = np.nonzero(window >= window.max() - 1e-6)[0]
        centres.append(low + round(float(best.mean())))
    return centres


def _find_number(ink: np.ndarray, paper: Box) -> Box | None:
    """A small group of digit-sized marks, alone in one of the bottom corners.

    Digits are 1 to 3.2 % of the page's longer side high, at most four stand in a row, and nothing larger
    than a digit touches them: a line of the drawing that passes through the corner is a larger piece of ink.
    """
    height, width = ink.shape
    longer, shorter = max(height, width), min(height, width)
    top = round(paper[3] - 0.075 * longer)
    count, _, stats, _ = cv2.connectedComponentsWithStats(
        ink[max(0, top - round(0.05 * longer)) :], connectivity=8
    )
    offset = max(0, top - round(0.05 * longer))
    corner = round(0.15 * shorter)
    pieces = []
    for x, y, w, h, area in stats[1:count]:
        y = y + offset
        if not (0.004 * longer <= h <= 0.034 * longer and w <= 0.07 * shorter and area >= 4):
            continue
        if y < top or not (x + w <= corner + paper[0] or x >= paper[2] - corner):
            continue
        pieces.append((int(x), int(y), int(x + w), int(y + h)))
    best: Box | None = None
    for seed in sorted(pieces, key=lambda box: (box[1] - box[3], box)):
        if seed[3] - seed[1] < 0.009 * longer:
            continue
        group = _row_of(seed, pieces, gap=round(0.012 * longer))
        box = (
            min(b[0] for b in group),
            min(b[1] for b in group),
            max(b[2] for b in group),
            max(b[3] for b in group),
        )
        if len(group) <= 6 and box[2] - box[0] <= 0.09 * shorter:
            best = box
            break
    if best is None:
        return None
    slack = 2
    return (
        max(0, best[0] - slack),
        best[1] - slack,
        min(width, best[2] + slack),
        min(height, best[3] + slack),
    )


def _row_of(seed: Box, pieces: list[Box], gap: int) -> list[Box]:
    """Pieces that stand beside the seed, one after the other with at most `gap` px between them."""
    group, rest, grew = [seed], [piece for piece in pieces if piece != seed], True
    while grew:
        grew = False
        for piece in list(rest):
            near = any(
                piece[0] <= member[2] + gap
                and piece[2] >= member[0] - gap
                and piece[1] <= member[3] + gap // 2
                and piece[3] >= member[1] - gap // 2
                for member in group
            )
            if near:
                group.append(piece)
                rest.remove(piece)
                grew = True
    return group
