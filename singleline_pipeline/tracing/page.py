"""A page from scan to strokes: the stages in their order."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from skimage.morphology import skeletonize

from singleline_pipeline.scans.cropping import Box, Margins, find_margins
from singleline_pipeline.tracing.assemble import assemble
from singleline_pipeline.tracing.binder import remove_rings
from singleline_pipeline.tracing.bridging import bridge_gaps
from singleline_pipeline.tracing.despeckle import Ignored, drop_pieces
from singleline_pipeline.tracing.ends import extend_ends
from singleline_pipeline.tracing.flatten import as_grey, flatten
from singleline_pipeline.tracing.graph import Edge, PixelGraph, pixel_graph
from singleline_pipeline.tracing.grouping import group_strokes, lone_marks
from singleline_pipeline.tracing.junctions import resolve_junctions
from singleline_pipeline.tracing.refine import centre_on_ink, resample_all, smooth_all
from singleline_pipeline.tracing.settings import TraceSettings
from singleline_pipeline.tracing.threshold import ink_level, ink_mask

THINNEST_PEN, THICKEST_PEN = 2.2, 9.0
"""Pen widths in px between which a page is traced at its own scale."""
WORKING_PEN = 5.0


@dataclass(frozen=True)
class TracedPage:
    """strokes: (n, 2) float64 each, x and y in page px. groups: (len(strokes),) number of the provisional
    drawing.
    pen_width: px, 0 where nothing was traced. ignored: what was taken for binder, number, speck or edge."""

    strokes: list[np.ndarray] = field(default_factory=list)
    groups: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    pen_width: float = 0.0
    ignored: list[Ignored] = field(default_factory=list)


def trace_page(image: np.ndarray) -> list[np.ndarray]:
    """The centerlines of a page's pen lines: strokes (n, 2) float64, x right, y down, in pixels of the page.

    image: uint8 (height, width) or (height, width, 3) BGR. Raises TraceError for anything else.
    """
    return trace(image).strokes


def trace(image: np.ndarray, settings: TraceSettings | None = None) -> TracedPage:
    """Strokes, provisional drawings, pen width and left-out ink of a page.

    image: uint8 (height, width) or (height, width, 3) BGR. A page on which no line stands out gives no
    strokes. Raises TraceError where the array is no page.
    """
    settings = settings or TraceSettings()
    grey = as_grey(image)
    depth = flatten(grey)
    margins = find_margins(grey)
    level = ink_level(depth, _not_drawing(depth.shape, margins))
    if level is None:
        return TracedPage(ignored=_binder_box(margins))
    scale = _working_scale(depth, level, margins)
    if scale != 1:
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        depth = cv2.resize(depth, None, fx=scale, fy=scale, interpolation=interpolation)
        # What cv2 made of the rounding is the true scale in x; y differs by less than a thousandth.
        margins = _scaled_margins(margins, scale, depth.shape)
        level = ink_level(depth, _not_drawing(depth.shape, margins)) or level

    mask = ink_mask(depth, level, reach=3)
    pen = pen_width_of(mask)
    hidden = remove_rings(mask, margins, shortest_line=6 * pen)
    labels, ignored = drop_pieces(mask, pen, settings.speck * pen, margins.number, margins.paper)
    strokes, pen = _strokes(depth, mask, pen, settings, hidden)
    groups = group_strokes(strokes, labels, max(mask.shape), settings.apart)
    marks = lone_marks(strokes, groups, max(mask.shape))
    ignored += [
        Ignored("speck", _box_of(strokes, groups == group)) for group in np.unique(groups[marks]).tolist()
    ]
    strokes = [stroke for stroke, mark in zip(strokes, marks, strict=True) if not mark]
    groups = np.unique(groups[~marks], return_inverse=True)[1]
    if scale != 1:
        strokes = [(stroke + 0.5) / scale - 0.5 for stroke in strokes]
        ignored = [Ignored(item.kind, _scaled_box(item.box, 1 / scale, grey.shape)) for item in ignored]
        margins = _scaled_margins(margins, 1 / scale, grey.shape)
    return TracedPage(strokes, groups, pen / scale if strokes else 0.0, _binder_box(margins) + ignored)


def _strokes(
    depth: np.ndarray, mask: np.ndarray, pen: float, settings: TraceSettings, hidden: np.ndarray | None
) -> tuple[list[np.ndarray], float]:
    """Strokes in px of the mask, and the pen's width read from the grey profiles."""
    if not mask.any():
        return [], 0.0
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    graph = pixel_graph(skeletonize(mask.astype(bool)), distance)
    edges, pen = _refined(graph, depth, pen)
    joints = resolve_junctions(graph, edges, mask, pen)
    # Only now: to the junctions, what sticks out of a blot by less than a pen is a bump and not an end.
    strokes = assemble(extend_ends(graph, edges, depth, pen), joints)
    strokes = bridge_gaps(strokes, pen, settings.gap * pen, hidden)
    strokes = smooth_all(resample_all(strokes), 0.25 * pen)
    return [stroke for stroke in strokes if len(stroke) >= 2 and _length(stroke) >= settings.speck * pen], pen


def _refined(graph: PixelGraph, depth: np.ndarray, pen: float) -> tuple[list[Edge], float]:
    """The graph's edges with points 1 px apart in the middle of their ink, and the pen's width in px."""
    smoothed = smooth_all([edge.points for edge in graph.edges], 1.0)
    pairs = zip(smoothed, graph.edges, strict=True)
    whole = resample_all([np.column_stack([line, edge.radius]) for line, edge in pairs])
    radii = [line[:, 2] for line in whole]
    lines, _ = centre_on_ink([line[:, :2] for line in whole], depth, pen)
    lines, width = centre_on_ink(smooth_all(lines, 1.0), depth, pen)
    width = width[width > 0]
    pen = float(np.median(width)) if len(width) else pen
    edges = [
        Edge(edge.a, edge.b, line, radius)
        for edge, line, radius in zip(graph.edges, lines, radii, strict=True)
    ]
    return edges, pen


def pen_width_of(mask: np.ndarray) -> float:
    """Typical width in px of the lines of an ink mask: area by half the outline's length."""
    area = int(np.count_nonzero(mask))
    if area == 0:
        return 1.0
    inner = int(np.count_nonzero(cv2.erode(mask, np.ones((3, 3), np.uint8))))
    # A line's outline pixels are two a px of length and belong to its area; a hair line is all outline.
    return max(1.0, 2.0 * area / max(area - inner, 1))


def _working_scale(depth: np.ndarray, level: float, margins: Margins) -> float:
    """Factor by which the page is resized for tracing: 1 for ordinary pens at 150 to 300 dpi."""
    mask = (depth > 0.5 * level).astype(np.uint8)
    mask[_not_drawing(mask.shape, margins)] = 0
    pen = pen_width_of(mask)
    if pen > THICKEST_PEN:
        return max(WORKING_PEN / pen, 0.1)
    return 2.0 if pen < THINNEST_PEN and depth.size < 6_000_000 else 1.0


def _not_drawing(shape: tuple[int, ...], margins: Margins) -> np.ndarray:
    """bool (h, w): binder, page number and what is not paper."""
    result = np.ones(shape[:2], bool)
    x0, y0, x1, y1 = margins.content
    result[y0:y1, x0:x1] = False
    if margins.number is not None:
        x0, y0, x1, y1 = margins.number
        result[y0:y1, x0:x1] = True
    return result


def _binder_box(margins: Margins) -> list[Ignored]:
    return [] if margins.band is None else [Ignored("binder", margins.band)]


def _scaled_box(box: Box, scale: float, shape: tuple[int, ...]) -> Box:
    x0, y0, x1, y1 = box
    return (
        int(x0 * scale),
        int(y0 * scale),
        min(shape[1], int(np.ceil(x1 * scale))),
        min(shape[0], int(np.ceil(y1 * scale))),
    )


def _scaled_margins(margins: Margins, scale: float, shape: tuple[int, ...]) -> Margins:
    return Margins(
        size=(shape[0], shape[1]),
        paper=_scaled_box(margins.paper, scale, shape),
        binder=margins.binder,
        rings=tuple(_scaled_box(box, scale, shape) for box in margins.rings),
        number=None if margins.number is None else _scaled_box(margins.number, scale, shape),
    )


def _box_of(strokes: list[np.ndarray], chosen: np.ndarray) -> Box:
    points = np.vstack([stroke for stroke, taken in zip(strokes, chosen, strict=True) if taken])
    low, high = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0)) + 1
    return (int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def _length(stroke: np.ndarray) -> float:
    return float(np.hypot(*np.diff(stroke, axis=0).T).sum())
