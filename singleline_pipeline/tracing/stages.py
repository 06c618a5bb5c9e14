"""Every stage of a trace as a picture: to see where a page goes wrong."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from singleline_pipeline.scans.cropping import Margins
from singleline_pipeline.scans.skew import Turn
from singleline_pipeline.tracing.despeckle import Ignored
from singleline_pipeline.tracing.graph import PixelGraph
from singleline_pipeline.tracing.observer import Observer
from singleline_pipeline.tracing.page import trace
from singleline_pipeline.tracing.settings import TraceSettings

Colour = tuple[int, int, int]
PAPER, INK = (255, 255, 255), (40, 30, 30)
TAKEN_AWAY, OUTLINE, NODE = (120, 130, 250), (30, 30, 220), (40, 40, 230)
SUBPIXEL_BITS = 4


def stage_pictures(image: np.ndarray, settings: TraceSettings | None = None) -> dict[str, np.ndarray]:
    """A picture of each stage that the trace of a page goes through, in their order, uint8 (h, w, 3) BGR.

    image: uint8 (height, width) or (height, width, 3) BGR. The first picture is the page with what was found
    on it; the others have the scale that the page is traced at. A page without a line has fewer. Raises
    TraceError where the array is no page.
    """
    observer = _Pictures(image)
    trace(image, settings, observer)
    return observer.pictures


class _Pictures(Observer):
    """Draws what it is told. Lines are drawn over the ink in grey, one colour a line."""

    def __init__(self, image: np.ndarray) -> None:
        self.image, self.mask = image, np.zeros((0, 0), np.uint8)
        self.pictures: dict[str, np.ndarray] = {}

    def found(self, margins: Margins, turn: Turn) -> None:
        in_colour = self.image.ndim == 3 and self.image.shape[2] == 3
        picture = self.image.copy() if in_colour else cv2.cvtColor(self.image, cv2.COLOR_GRAY2BGR)
        picture = turn.upright(picture)
        for box in (margins.paper, margins.band, margins.number):
            if box is not None:
                cv2.rectangle(picture, box[:2], (box[2] - 1, box[3] - 1), OUTLINE, 2)
        self.pictures["page"] = picture

    def flattened(self, depth: np.ndarray) -> None:
        self.pictures["flattened"] = cv2.cvtColor(255 - depth, cv2.COLOR_GRAY2BGR)

    def inked(self, mask: np.ndarray) -> None:
        self._show_mask("ink", mask)

    def unbound(self, mask: np.ndarray) -> None:
        self._show_mask("rings removed", mask)

    def despeckled(self, mask: np.ndarray, ignored: list[Ignored]) -> None:
        self._show_mask("despeckled", mask)

    def thinned(self, graph: PixelGraph) -> None:
        self._show_lines("skeleton", [edge.points for edge in graph.edges], nodes=graph.nodes)

    def refined(self, lines: list[np.ndarray]) -> None:
        self._show_lines("refined", lines)

    def joined(self, strokes: list[np.ndarray]) -> None:
        self._show_lines("joined", strokes, nodes=_ends(strokes))

    def bridged(self, strokes: list[np.ndarray]) -> None:
        self._show_lines("bridged", strokes, nodes=_ends(strokes))

    def grouped(self, strokes: list[np.ndarray], groups: np.ndarray) -> None:
        self._show_lines("drawings", strokes, colours=[_colour(group) for group in groups.tolist()])

    def _show_mask(self, name: str, mask: np.ndarray) -> None:
        """The ink that is left, and what this stage took away in another colour."""
        picture = np.full((*mask.shape, 3), PAPER, np.uint8)
        if self.mask.shape == mask.shape:
            picture[self.mask > mask] = TAKEN_AWAY
        picture[mask > 0] = INK
        self.pictures[name] = picture
        self.mask = mask.copy()

    def _show_lines(
        self,
        name: str,
        lines: list[np.ndarray],
        *,
        nodes: np.ndarray | None = None,
        colours: list[Colour] | None = None,
    ) -> None:
        picture = np.full((*self.mask.shape, 3), PAPER, np.uint8)
        picture[self.mask > 0] = (215, 215, 215)
        for number, line in enumerate(lines):
            colour = colours[number] if colours else _colour(number)
            cv2.polylines(picture, [_fixed(line)[:, None]], False, colour, 1, cv2.LINE_AA, SUBPIXEL_BITS)
        for x, y in _fixed(np.zeros((0, 2)) if nodes is None else nodes).tolist():
            cv2.circle(picture, (x, y), 2 << SUBPIXEL_BITS, NODE, cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS)
        self.pictures[name] = picture


def _ends(strokes: list[np.ndarray]) -> np.ndarray:
    return np.array([stroke[end] for stroke in strokes for end in (0, -1)]).reshape(-1, 2)


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.rint(points * (1 << SUBPIXEL_BITS)).astype(np.int32)


def _colour(number: int) -> Colour:
    """Hues a golden section apart, so that neighbouring numbers are far from each other."""
    red, green, blue = colorsys.hsv_to_rgb((0.6 + 0.618034 * number) % 1.0, 0.95, 0.78)
    return (round(255 * blue), round(255 * green), round(255 * red))
