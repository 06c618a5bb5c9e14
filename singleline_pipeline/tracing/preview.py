"""Outline preview: a page's ink as filled shapes in an SVG, small enough for a run's metadata.

An outline tracer gives two edges for every pen line, which is no use as strokes, but a true picture of the
ink at a fraction of the bytes of a JPEG.
"""

from __future__ import annotations

import cv2
import numpy as np
import vtracer

from singleline_pipeline.tracing.channel import ink_channel
from singleline_pipeline.tracing.errors import TraceError
from singleline_pipeline.tracing.flatten import flatten
from singleline_pipeline.tracing.threshold import ink_level

LARGEST_SIDE, SMALLEST_SIDE = 1100, 120
"""Longer sides in px of the copies that are tried, largest first."""


def outline_preview(image: np.ndarray, max_bytes: int = 60_000) -> str:
    """SVG of the page's ink, at most `max_bytes` long, as sharp as that allows.

    image: uint8 (height, width) or (height, width, 3) BGR. Raises TraceError where it is no page, or where
    even the coarsest outline is larger than max_bytes.
    """
    grey = ink_channel(image)
    depth = flatten(grey)
    level = ink_level(depth)
    side = float(min(LARGEST_SIDE, max(grey.shape)))
    while True:
        svg = _outlines(depth, level, side)
        size = len(svg.encode())
        if size <= max_bytes:
            return svg
        if side <= SMALLEST_SIDE:
            raise TraceError(f"The outline takes {size} bytes at its coarsest; allow more than {max_bytes}.")
        # The bytes grow about as the length of the outlines does, which is with the side.
        side = max(SMALLEST_SIDE, min(0.85 * side, 1.1 * side * max_bytes / size))


def _outlines(depth: np.ndarray, level: float | None, side: float) -> str:
    """SVG of what is darker than half of the ink's level, on a copy of the page with the given longer side
    in px."""
    height, width = depth.shape
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if level is None:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" '
            f'viewBox="0 0 {size[0]} {size[1]}"></svg>'
        )
    small = cv2.resize(depth, size, interpolation=cv2.INTER_AREA)
    # Averaging thins a fine pen's ink; a lower cut than the tracer's keeps the line whole.
    ink = small > min(0.5, max(0.2, 0.5 * scale)) * level
    picture = np.full((*ink.shape, 4), 255, np.uint8)
    picture[ink] = (0, 0, 0, 255)
    encoded, data = cv2.imencode(".png", picture)
    if not encoded:
        raise TraceError(f"The page of {width} x {height} px cannot be encoded for its outline.")
    # A mode that vtracer does not know is taken without a word: only polygon, spline and none exist.
    return str(
        vtracer.convert_raw_image_to_svg(
            data.tobytes(),
            img_format="png",
            colormode="binary",
            mode="polygon",
            filter_speckle=2,
            path_precision=1,
        )
    )
