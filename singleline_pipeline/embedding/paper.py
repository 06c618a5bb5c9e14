"""The paper of a page: its colour and the light that falls on it, as a smooth surface under everything drawn."""

import cv2
import numpy as np

GRID = 32
"""Cells on each side that the surface is fitted to."""

FADE = (0.7, 1.15)
"""Light of the darkest and brightest corner of a page, as a share of its middle. Beyond it, the surface was led
astray by a wash or a shadow, and is held."""


def paper_surface(lineless: np.ndarray) -> np.ndarray:
    """Return the colour that bare paper has at every pixel, uint8 (h, w, 3), from a page without its lines.

    A quadratic surface is fitted to the cells of a coarse grid, again and again, each time to those cells only that
    lie near the last surface: paper is the brightest large thing on a page, and it is smooth.
    """
    height, width = lineless.shape[:2]
    cells = cv2.resize(lineless, (GRID, GRID), interpolation=cv2.INTER_AREA).reshape(-1, 3).astype(np.float64)
    axis = (np.arange(GRID) + 0.5) / GRID - 0.5
    y, x = (a.ravel() for a in np.meshgrid(axis, axis, indexing="ij"))
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)

    light = cells.mean(axis=1)
    bright = light >= np.percentile(light, 90)
    level = np.maximum(np.median(cells[bright], axis=0), 1.0)
    fit = np.tile(level, (len(cells), 1))
    # From a flat sheet under any light to a curved one that is known well: each round asks for closer agreement.
    for count, below, above in ((1, 0.25, 0.12), (3, 0.15, 0.10), (6, 0.10, 0.08), (6, 0.06, 0.06)):
        relative = cells / fit
        deviation = relative.mean(axis=1) - 1
        near = (deviation > -below) & (deviation < above) & (np.ptp(relative, axis=1) < 0.08)
        if near.sum() < 4 * count:
            break
        known, of_paper = terms[near, :count], cells[near]
        # A trace of ridge, for cells that all lie in one row say nothing of the other direction.
        coefficients = np.linalg.solve(
            known.T @ known + 1e-6 * len(known) * np.eye(count), known.T @ of_paper
        )
        fit = np.clip(terms[:, :count] @ coefficients, FADE[0] * level, FADE[1] * level)
    surface = np.clip(np.rint(fit), 1, 255).astype(np.uint8).reshape(GRID, GRID, 3)
    return cv2.resize(surface, (width, height), interpolation=cv2.INTER_LINEAR)


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
