"""The paper of a page: its colour and the light that falls on it, as a smooth surface under everything drawn."""

import cv2
import numpy as np

GRID = 32
"""Cells on each side that the surface is fitted to."""

_AXIS = (np.arange(GRID) + 0.5) / GRID - 0.5
_Y, _X = (place.ravel() for place in np.meshgrid(_AXIS, _AXIS, indexing="ij"))
TERMS = np.stack([np.ones_like(_X), _X, _Y, _X * _X, _X * _Y, _Y * _Y])
"""Of a quadratic surface, at the middle of every cell, (6, cells)."""

FADE = (0.7, 1.15)
"""Light of the darkest and brightest corner of a page, as a share of its middle. Beyond it, the surface was led
astray by a wash or a shadow, and is held."""


def paper_surface(lineless: np.ndarray) -> np.ndarray:
    """Return the colour that bare paper has at every pixel, uint8 (h, w, 3), from a page without its lines.

    A quadratic surface is fitted to the cells of a coarse grid, again and again, each time to those cells only that
    lie near the last surface: paper is the brightest large thing on a page, and it is smooth.
    """
    height, width = lineless.shape[:2]
    small = cv2.resize(lineless, (GRID, GRID), interpolation=cv2.INTER_AREA)
    cells = np.ascontiguousarray(small.reshape(-1, 3).T, np.float64)  # (3, cells)
    light = cells.sum(axis=0)
    bright = cells[:, light >= np.percentile(light, 90)]
    level = np.maximum(np.median(bright, axis=1), 1.0)[:, None]
    fit = np.broadcast_to(level, cells.shape)
    # From a flat sheet under any light to a curved one that is known well: each round asks for closer agreement.
    for count, below, above in ((1, 0.25, 0.12), (3, 0.15, 0.10), (6, 0.10, 0.08), (6, 0.06, 0.06)):
        blue, green, red = cells / fit
        deviation = (blue + green + red) / 3 - 1
        colour = np.maximum(np.maximum(blue, green), red) - np.minimum(np.minimum(blue, green), red)
        near = (deviation > -below) & (deviation < above) & (colour < 0.08)
        if near.sum() < 4 * count:
            break
        terms = TERMS[:count]
        known = terms * near
        # A trace of ridge, for cells that all lie in one row say nothing of the other direction.
        square = known @ terms.T + 1e-6 * near.sum() * np.eye(count)
        coefficients = np.linalg.solve(square, known @ cells.T)
        fit = np.clip(coefficients.T @ terms, FADE[0] * level, FADE[1] * level)
    surface = np.clip(np.rint(fit), 1, 255).astype(np.uint8).T.reshape(GRID, GRID, 3)
    return cv2.resize(np.ascontiguousarray(surface), (width, height), interpolation=cv2.INTER_LINEAR)


def relative_to(paper: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return a picture as a share of its paper, both uint8 (h, w, 3), in 255ths.

    Pigment, and shadow, only take light away: what is brighter than paper is the halo that JPEG leaves beside a line,
    and counts as paper.
    """
    return cv2.divide(image, paper, scale=255)


def channel_range(image: np.ndarray) -> np.ndarray:
    """Return the highest minus the lowest channel of every pixel: (h, w, 3) -> (h, w). 0 is grey."""
    first, second, third = cv2.split(image)
    return cv2.subtract(cv2.max(cv2.max(first, second), third), cv2.min(cv2.min(first, second), third))
