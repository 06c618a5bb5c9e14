"""What a trace shows of itself on its way: one call a stage, for whoever wants to look."""

from __future__ import annotations

import numpy as np

from singleline_pipeline.scans.cropping import Margins
from singleline_pipeline.scans.skew import Turn
from singleline_pipeline.tracing.despeckle import Ignored
from singleline_pipeline.tracing.graph import PixelGraph


class Observer:
    """Told of each stage of a trace in the order below; does nothing with it. Override what is to be seen.

    Arrays are the tracer's own and some are changed by the next stage: read them, keep a copy. Images are
    uint8 (h, w) at the working scale, which `flattened` is the first to have; points are px of it.
    """

    def found(self, margins: Margins, turn: Turn) -> None:
        """Paper, binder and page number, in px of the page turned upright, and how it is turned."""

    def flattened(self, depth: np.ndarray) -> None:
        """Share of the paper's light that is taken away, in 255ths."""

    def inked(self, mask: np.ndarray) -> None:
        """Ink, 0 or 1."""

    def unbound(self, mask: np.ndarray) -> None:
        """The same without the rings of the binder."""

    def despeckled(self, mask: np.ndarray, ignored: list[Ignored]) -> None:
        """The same without dust, page number and shadows at the edge, and the boxes of these."""

    def thinned(self, graph: PixelGraph) -> None:
        """The skeleton's junctions, ends, and the chains of pixels between them."""

    def refined(self, lines: list[np.ndarray]) -> None:
        """The chains moved to the middle of their ink, (n, 2) each."""

    def joined(self, strokes: list[np.ndarray]) -> None:
        """The chains paired at the junctions and walked into strokes, (n, 2) each."""

    def bridged(self, strokes: list[np.ndarray]) -> None:
        """Strokes over the gaps of the ink, smoothed, (n, 2) each."""

    def grouped(self, strokes: list[np.ndarray], groups: np.ndarray) -> None:
        """Strokes that are drawing, and the number of the provisional drawing of each."""
