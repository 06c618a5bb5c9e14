"""From ink to lines: skeleton, refinement, junctions, ends and gaps in their order."""

from __future__ import annotations

import cv2
import numpy as np

from singleline_pipeline.tracing.assemble import assemble
from singleline_pipeline.tracing.bridging import bridge_gaps
from singleline_pipeline.tracing.ends import extend_ends
from singleline_pipeline.tracing.graph import Edge, PixelGraph, pixel_graph
from singleline_pipeline.tracing.junctions import resolve_junctions
from singleline_pipeline.tracing.observer import Observer
from singleline_pipeline.tracing.refine import centre_on_ink, resample_all, smooth_all
from singleline_pipeline.tracing.settings import TraceSettings
from singleline_pipeline.tracing.thinning import thin


def lines_of_ink(
    depth: np.ndarray,
    mask: np.ndarray,
    pen: float,
    hidden: np.ndarray | None,
    settings: TraceSettings,
    observer: Observer,
) -> tuple[list[np.ndarray], float]:
    """Strokes (n, 2) in px of the mask, and the pen's width in px, read from the grey profiles.

    depth: uint8 (h, w) flattened page. mask: uint8 (h, w) ink. pen: px, its width as the mask has it.
    hidden: uint8 (h, w), 1 where ink may lie under a ring, or None.
    """
    if not mask.any():
        return [], 0.0
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    graph = pixel_graph(thin(mask).view(bool), distance)
    observer.thinned(graph)
    edges, pen = _refined(graph, depth, pen)
    observer.refined([edge.points for edge in edges])
    joints = resolve_junctions(graph, edges, mask, pen)
    # Only now: to the junctions, what sticks out of a blot by less than a pen is a bump and not an end.
    strokes = assemble(extend_ends(graph, joints.edges, depth, pen), joints)
    observer.joined(strokes)
    strokes = bridge_gaps(strokes, pen, settings.gap * pen, hidden)
    strokes = smooth_all(resample_all(strokes), 0.25 * pen)
    strokes = [stroke for stroke in strokes if len(stroke) >= 2 and _length(stroke) >= settings.speck * pen]
    observer.bridged(strokes)
    return strokes, pen


def _refined(graph: PixelGraph, depth: np.ndarray, pen: float) -> tuple[list[Edge], float]:
    """The graph's edges with points 1 px apart in the middle of their ink, and the pen's width in px."""
    smoothed = smooth_all([edge.points for edge in graph.edges], 1.0)
    pairs = zip(smoothed, graph.edges, strict=True)
    whole = resample_all([np.column_stack([line, edge.radius]) for line, edge in pairs])
    radii = [line[:, 2] for line in whole]
    lines, _ = centre_on_ink([line[:, :2] for line in whole], depth, pen)
    lines, width = centre_on_ink(smooth_all(lines, 1.0), depth, pen)
    pen = float(np.median(width[width > 0])) if (width > 0).any() else pen
    widths = np.split(width, np.cumsum([len(line) for line in lines])[:-1])
    edges = [
        Edge(edge.a, edge.b, line, radius, across)
        for edge, line, radius, across in zip(graph.edges, lines, radii, widths, strict=True)
    ]
    return edges, pen


def _length(stroke: np.ndarray) -> float:
    return float(np.hypot(*np.diff(stroke, axis=0).T).sum())
