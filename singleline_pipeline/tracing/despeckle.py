"""Despeckle: ink that is no drawing, piece by piece: dust, the page number, the shadow along the edge of the
scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from singleline_pipeline.scans.cropping import Box
from singleline_pipeline.tracing.pieces import pieces_of


@dataclass(frozen=True)
class Ignored:
    """Ink that was not traced. box: x0, y0, x1, y1 in page px, x1 and y1 just outside."""

    kind: Literal["binder", "number", "speck", "edge"]
    box: Box


def drop_pieces(
    mask: np.ndarray, pen: float, speck: float, number: Box | None, paper: Box
) -> tuple[np.ndarray, list[Ignored]]:
    """Pieces of ink that stay, labelled, and what was left out.

    mask: uint8 (h, w) ink, changed in place. pen: px. speck: px, longest side of dust. number: box of the
    page number. paper: box of the sheet. Returns int32 (h, w) labels of connected ink (0 paper) and the
    dropped pieces.
    """
    height, width = mask.shape
    for beyond in (np.s_[: paper[1]], np.s_[paper[3] :], np.s_[:, : paper[0]], np.s_[:, paper[2] :]):
        mask[beyond] = 0
    pieces = pieces_of(mask)
    area = pieces.area
    x, y, end_x, end_y = pieces.boxes.T
    w, h = end_x - x, end_y - y
    longer, shorter = np.maximum(w, h), np.minimum(w, h)

    is_speck = longer < speck
    rim = 2
    at_edge = (
        (x <= paper[0] + rim) | (y <= paper[1] + rim) | (x + w >= paper[2] - rim) | (y + h >= paper[3] - rim)
    )
    strip = (shorter <= max(3 * pen, 0.012 * min(height, width))) & (longer >= 0.08 * max(height, width))
    blot = (shorter > 6 * pen) & (area > 0.45 * w * h)
    is_edge = at_edge & (strip | blot) & ~is_speck
    is_number = np.zeros(pieces.count, bool)
    if number is not None:
        slack = round(0.008 * max(height, width))
        is_number = (
            (x >= number[0] - slack)
            & (y >= number[1] - slack)
            & (x + w <= number[2] + slack)
            & (y + h <= number[3] + slack)
        )
    gone = is_speck | is_edge | is_number
    gone[0] = False
    ignored = []
    for k in np.nonzero(gone & ~is_number)[0].tolist():
        box = (int(x[k]), int(y[k]), int(x[k] + w[k]), int(y[k] + h[k]))
        ignored.append(Ignored("edge" if is_edge[k] else "speck", box))
    digits = np.nonzero(is_number & gone)[0]
    if len(digits):
        corner = (x[digits].min(), y[digits].min(), (x + w)[digits].max(), (y + h)[digits].max())
        ignored.insert(0, Ignored("number", tuple(int(value) for value in corner)))  # type: ignore[arg-type]
    pieces.erase(mask, gone)
    return pieces.labels, ignored
