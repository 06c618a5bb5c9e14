"""The same page scanned twice: in another light, cropped otherwise, a little askew.

Embeddings do not tell: two faces on the same paper are nearer to each other than a page to its scan in another light.
What a scan keeps is where the ink lies. So pictures become maps of ink, relative to the paper around it; pages whose
maps have nearly the same spectrum, which no shift changes, are laid over each other; and what then has its ink in the
same places is one page.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import scipy.fft

from singleline_pipeline.embedding.images import as_bgr, shrink_longer_side

SIDE = 256
"""Longer side, in px, of the pictures that are compared: thumbnails."""

LIKENESS = 0.8
"""Correlation of the ink of two pictures, laid over each other, from which they show one page. Made rescans have 0.97
and more, different pages at most 0.65 (lines of writing), so that a page that lay otherwise still has room."""

_MARGIN = (0.05, 0.08)
"""Share of height and width, at each side, that is not compared: the binder's rings are on every page."""

_SMALL = 64
"""Side in px of the maps that are tried at several angles and sizes."""

_ANGLES, _SIZES = (-4.0, -2.0, 0.0, 2.0, 4.0), (0.94, 1.0, 1.06)
"""Degrees and factors that are tried. What lies between them is found when the pictures are laid over each other."""

_MOST_SHIFT = 8
"""Px of the small maps that a page may be shifted by: an eighth of its longer side."""

_SPECTRUM = 0.9
"""Correlation of two spectra from which pages are tried at all: rescans have 0.96 and more, and 0.9 where the page was
cropped by a tenth as well; half of all pages have no other page that is as much alike."""

_TRIED = 3
"""Earlier pages that each page is tried with."""

_COARSE = 0.65
"""Correlation of two small maps, at the best angle, size and shift, from which pages are laid over each other: rescans
have 0.78 and more, 97 of 100 other pages less than this."""

_HALFWAY = 0.4
"""Correlation at half the size below which two pictures are not looked at any closer."""

_CHUNK = 1024
"""Spectra that are compared at once."""

_ENOUGH_INK = 1.0
"""Less ink than this on a small map (sum of its relative darkness): a blank page, which is like every other one."""


@dataclass(frozen=True)
class Rescan:
    """Two pictures that show the same page."""

    picture: int
    of: int
    """The one of an earlier row."""
    likeness: float
    """Correlation of their ink, 1 where it is the same."""
    onto: np.ndarray
    """(2, 3) affine map, float64, from px of `picture` to px of `of`."""


def find_rescans(count: int, picture: Callable[[int], np.ndarray]) -> list[Rescan]:
    """Return, for each picture that shows the same page as an earlier one, that pair; the most alike, if several.

    What is found of two pictures depends on these two only, as long as fewer than `_TRIED` others are as much alike.

    Args:
        count: How many pictures there are.
        picture: Gives the picture of a row, uint8 (h, w[, 3] BGR); asked again for those that are looked at closely.
    """
    small = np.zeros((count, _SMALL, _SMALL), np.float32)
    spectra = np.zeros((count, _SMALL // 2 * (_SMALL // 4 + 1)), np.float32)
    for row in range(count):
        small[row] = _small_map(_ink(picture(row)))
        if small[row].sum() >= _ENOUGH_INK:
            spectra[row] = _spectrum(small[row])
    found = []
    for row, candidates in enumerate(_candidates(spectra)):
        if not len(candidates):
            continue
        turned = scipy.fft.rfft2(_turned(small[row]))
        pairs = []
        for other in candidates:
            likeness, onto = _coarsely(turned, small[other])
            if likeness >= _COARSE:
                pairs.append(_laid_over(row, int(other), picture, onto))
        best = max(pairs, key=lambda pair: pair.likeness, default=None)
        if best is not None and best.likeness >= LIKENESS:
            found.append(best)
    return found


def _ink(picture: np.ndarray) -> np.ndarray:
    """How much darker than the paper around it each pixel is, 0 to 0.35, float32, `SIDE` px on the longer side."""
    grey = cv2.cvtColor(shrink_longer_side(as_bgr(picture), SIDE), cv2.COLOR_BGR2GRAY).astype(np.float32)
    paper = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    paper = np.maximum(cv2.GaussianBlur(paper, (0, 0), 4), 1)
    return np.clip((paper - grey) / paper - 0.04, 0, 0.35)  # 0.04: the grain of paper, and of JPEG


def _small_map(ink: np.ndarray) -> np.ndarray:
    """The ink inside the margins on a square of `_SMALL` px, float32."""
    inside = np.where(_inside(ink.shape), ink, 0).astype(np.float32)
    scale, left, top = _placed(ink.shape)
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    square = np.zeros((_SMALL, _SMALL), np.float32)
    square[top : top + size[1], left : left + size[0]] = cv2.resize(
        inside, size, interpolation=cv2.INTER_AREA
    )
    return cv2.GaussianBlur(square, (0, 0), 0.8)


def _placed(shape: tuple[int, ...]) -> tuple[float, int, int]:
    """Scale, left and top of a picture on the small square: nine tenths of it, so that it can be turned there."""
    scale = 0.9 * _SMALL / max(shape[:2])
    return (
        scale,
        (_SMALL - round(shape[1] * scale)) // 2,
        (_SMALL - round(shape[0] * scale)) // 2,
    )


def _inside(shape: tuple[int, ...]) -> np.ndarray:
    """What lies inside the margins, bool (h, w)."""
    top, left = (int(share * side) for share, side in zip(_MARGIN, shape[:2], strict=True))
    inside = np.zeros(shape[:2], bool)
    inside[top : shape[0] - top, left : shape[1] - left] = True
    return inside


def _contrast(small: np.ndarray) -> np.ndarray:
    """What is darker or lighter than around it, of length 1: how much ink there is on the whole is no likeness."""
    around = small - cv2.GaussianBlur(small, (0, 0), 4.0)
    return around / max(float(np.linalg.norm(around)), 1e-9)


def _spectrum(small: np.ndarray) -> np.ndarray:
    """The lower half of the amplitude spectrum, smoothed, of mean 0 and length 1: the same wherever the ink lies."""
    amplitude = scipy.fft.fftshift(np.abs(scipy.fft.fft2(_contrast(small))))
    middle, quarter = _SMALL // 2, _SMALL // 4
    lower = amplitude[middle - quarter : middle + quarter, middle - quarter : middle + 1].astype(np.float32)
    values = np.sqrt(cv2.GaussianBlur(lower, (0, 0), 0.8)).ravel()
    values -= values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-9)


def _candidates(spectra: np.ndarray) -> list[np.ndarray]:
    """The earlier rows that each row is tried with, the most alike first."""
    found: list[np.ndarray] = []
    for start in range(0, len(spectra), _CHUNK):
        rows = spectra[start : start + _CHUNK]
        likeness = rows @ spectra[: start + len(rows)].T
        for offset, values in enumerate(likeness):
            earlier = values[: start + offset]
            enough = np.flatnonzero(earlier >= _SPECTRUM)
            found.append(enough[np.argsort(-earlier[enough], kind="stable")][:_TRIED])
    return found


def _turns() -> list[np.ndarray]:
    """(2, 3) affine maps of the small square: every angle at every size, about its middle."""
    middle = ((_SMALL - 1) / 2, (_SMALL - 1) / 2)
    return [cv2.getRotationMatrix2D(middle, angle, size) for angle in _ANGLES for size in _SIZES]


def _turned(small: np.ndarray) -> np.ndarray:
    return np.array([_contrast(cv2.warpAffine(small, turn, (_SMALL, _SMALL))) for turn in _turns()])


def _coarsely(turned: np.ndarray, other: np.ndarray) -> tuple[float, np.ndarray]:
    """The best correlation of a turned map (its spectra) with another map, and the (3, 3) affine map that gives it."""
    products = turned * np.conj(scipy.fft.rfft2(_contrast(other)))
    near = np.r_[0 : _MOST_SHIFT + 1, -_MOST_SHIFT:0]
    shifted = scipy.fft.irfft2(products, s=(_SMALL, _SMALL))[:, near][:, :, near]
    turn, down, right = np.unravel_index(shifted.argmax(), shifted.shape)
    shift = np.array([[1, 0, -near[right]], [0, 1, -near[down]], [0, 0, 1]], np.float64)
    return float(shifted[turn, down, right]), shift @ np.vstack([_turns()[turn], [0, 0, 1]])


def _laid_over(row: int, other: int, picture: Callable[[int], np.ndarray], onto: np.ndarray) -> Rescan:
    """Lay a picture over another one, starting from how their small maps lie, and compare their ink."""
    pictures = [picture(row), picture(other)]
    here, there = (_ink(one) for one in pictures)
    placed = []
    for ink in (here, there):
        scale, left, top = _placed(ink.shape)
        placed.append(np.array([[scale, 0, left], [0, scale, top], [0, 0, 1]]))
    full = np.linalg.inv(placed[1]) @ onto @ placed[0]
    back = np.linalg.inv(full)
    # At half the size first: most pages that are not one page are known by then.
    for size, steps, enough in ((0.5, 25, _HALFWAY), (1.0, 15, 0.0)):
        scaled = np.diag([size, size, 1])
        mine, its = (shrink_longer_side(ink, max(2, round(size * max(ink.shape)))) for ink in (here, there))
        found = _aligned(mine, its, scaled @ back @ np.linalg.inv(scaled), steps)
        likeness = 0.0 if found is None else _likeness(mine, its, found)
        if found is None or likeness < enough:
            return Rescan(row, other, likeness, full[:2])
        back = np.linalg.inv(scaled) @ np.vstack([found, [0, 0, 1]]) @ scaled
    # From px of the maps to px of the pictures.
    scales = [max(one.shape[:2]) / max(ink.shape) for one, ink in zip(pictures, (here, there), strict=True)]
    grown = (
        np.diag([scales[1], scales[1], 1]) @ np.linalg.inv(back) @ np.diag([1 / scales[0], 1 / scales[0], 1])
    )
    return Rescan(row, other, likeness, grown[:2])


def _aligned(here: np.ndarray, there: np.ndarray, back: np.ndarray, steps: int) -> np.ndarray | None:
    """The (2, 3) affine map from `there` to `here` of most correlation, near `back`; None if they have too little in
    common. Evangelidis & Psarakis (2008). Thin lines pull at each other only where they are blurred."""
    fixed, moving = (cv2.GaussianBlur(ink, (0, 0), 1.2) for ink in (there, here))
    until = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, steps, 1e-4)
    whole = np.ones(here.shape, np.uint8)
    try:
        _, found = cv2.findTransformECC(
            fixed, moving, back[:2].astype(np.float32), cv2.MOTION_AFFINE, until, whole, 1
        )
    except cv2.error:
        return None
    return np.asarray(found, np.float64)


def _likeness(here: np.ndarray, there: np.ndarray, back: np.ndarray) -> float:
    """Correlation of the ink of two maps where both have paper, inside the margins."""
    size = there.shape[1], there.shape[0]
    both = cv2.warpAffine(
        np.ones_like(here), back, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    ).astype(bool) & _inside(there.shape)
    warped = cv2.warpAffine(here, back, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    if both.mean() < 0.5:  # a stretch in common is no page in common
        return 0.0
    values = [
        cv2.GaussianBlur(ink, (0, 0), 0.8) - cv2.GaussianBlur(ink, (0, 0), 5) for ink in (warped, there)
    ]
    one, other = (value[both] - value[both].mean() for value in values)
    return float((one * other).sum() / max(float(np.sqrt((one**2).sum() * (other**2).sum())), 1e-9))
