"""Pages that were never on paper: drawings from a tablet, as SVG, beside their picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from singleline_pipeline.scans.errors import PageError
from singleline_pipeline.scans.finding import VECTOR_SUFFIXES

PAGE_SIDE = 1600
"""Longer side in px that a page from a tablet is given: about that of a small sketchbook at 200 dpi."""
FLAT_WITHIN = 0.1
"""px that a stroke may keep from the curve that it comes from: a fiftieth of a pen's width on a scan."""
FINEST_PEN = 2.0
"""px: lines are pictured at least as wide. A hairline would look like blank paper to whatever looks at the picture."""


@dataclass(frozen=True)
class VectorPage:
    """strokes: (n, 2) float64 each, in page px as those of a traced page: (0, 0) is the middle of the first pixel.
    widths: (len(strokes),) px. width, height: px. left_out: how many of each kind of thing were not taken.
    warnings: what could not be understood."""

    strokes: list[np.ndarray] = field(repr=False)
    widths: np.ndarray = field(repr=False)
    width: int
    height: int
    left_out: dict[str, int]
    warnings: list[str]

    @property
    def pen_width(self) -> float:
        """The width in px that half of the line's length is not wider than."""
        # A dot has no length, and still a width.
        lengths = np.array([np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in self.strokes]) + 1e-9
        order = np.argsort(self.widths, kind="stable")
        reached = np.cumsum(lengths[order])
        return float(self.widths[order][np.searchsorted(reached, reached[-1] / 2)])

    def picture(self) -> np.ndarray:
        """The page in black on white, uint8 (height, width, 3)."""
        from singleline_pipeline.rendering.raster import draw_strokes

        image = np.full((self.height, self.width, 3), 255, np.uint8)
        drawn = np.rint(self.widths.clip(FINEST_PEN, PAGE_SIDE / 4)).astype(int)
        for pen in np.unique(drawn).tolist():
            chosen = [stroke for stroke, wide in zip(self.strokes, drawn, strict=True) if wide == pen]
            draw_strokes(image, chosen, [(0, 0, 0)] * len(chosen), pen)
        return image


def is_vector(data: bytes) -> bool:
    """Whether a file's bytes are an SVG's, packed or not, by what is in them and not by its name."""
    if data.startswith(b"\x1f\x8b"):
        return True  # no image format begins so; what it holds is seen when it is read
    start = data[:1024].removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    # UTF-16 has a zero in every other place.
    return start.replace(b"\0", b"").lstrip().startswith(b"<") and b"svg" in data.replace(b"\0", b"")


def has_vector_name(name: str) -> bool:
    """Whether a file calls itself an SVG."""
    return name.casefold().endswith(VECTOR_SUFFIXES)


def read_vector_page(data: bytes, *, name: str = "page") -> VectorPage:
    """An SVG or SVGZ as a page, `PAGE_SIDE` px on its longer side.

    Raises PageError, with `name` in it, where no line can be read from it.
    """
    # Most sketchbooks have no such page, and reading those is to cost what it did.
    from singleline_pipeline.geometry import StrokeError, read_svg_drawing

    try:
        drawing = read_svg_drawing(data, tolerance=FLAT_WITHIN, longer_side=PAGE_SIDE, name=name)
    except StrokeError as error:
        raise PageError(str(error)) from error
    return VectorPage(
        [stroke - 0.5 for stroke in drawing.strokes],
        drawing.widths,
        max(1, round(drawing.width)),
        max(1, round(drawing.height)),
        drawing.left_out,
        drawing.warnings,
    )
