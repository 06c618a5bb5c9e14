"""A page from scan to strokes: the stages in their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from singleline_pipeline.scans.cropping import Box, Margins, corners_of, find_margins, scaled_box
from singleline_pipeline.scans.skew import Turn, find_turn
from singleline_pipeline.tracing.binder import remove_rings
from singleline_pipeline.tracing.channel import ink_channel
from singleline_pipeline.tracing.despeckle import Ignored, drop_pieces
from singleline_pipeline.tracing.flatten import flatten
from singleline_pipeline.tracing.grouping import group_strokes, lone_marks
from singleline_pipeline.tracing.lines import lines_of_ink
from singleline_pipeline.tracing.observer import Observer
from singleline_pipeline.tracing.rules import remove_rules
from singleline_pipeline.tracing.scale import pen_width_of, rescaled, working_scale
from singleline_pipeline.tracing.settings import TraceSettings
from singleline_pipeline.tracing.threshold import ink_level, ink_mask


@dataclass(frozen=True)
class TracedPage:
    """strokes: (n, 2) float64 each, x and y in page px. groups: (len(strokes),) number of the provisional
    drawing.
    pen_width: px, 0 where nothing was traced. ignored: what was taken for binder, number, speck or edge.
    skew: degrees by which the page lies turned clockwise on the scan. paper: (4, 2) corners of the sheet in
    page px, from its top left on, clockwise; where its edges cannot be told from the lid, those of the scan.
    """

    strokes: list[np.ndarray] = field(default_factory=list)
    groups: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    pen_width: float = 0.0
    ignored: list[Ignored] = field(default_factory=list)
    skew: float = 0.0
    paper: np.ndarray = field(default_factory=lambda: np.zeros((4, 2)))


def trace_page(image: np.ndarray) -> list[np.ndarray]:
    """The centerlines of a page's pen lines: strokes (n, 2) float64, x right, y down, in pixels of the page.

    image: uint8 (height, width) or (height, width, 3) BGR. Raises TraceError for anything else.
    """
    return trace(image).strokes


def trace(
    image: np.ndarray, settings: TraceSettings | None = None, observer: Observer | None = None
) -> TracedPage:
    """Strokes, provisional drawings, pen width and left-out ink of a page.

    image: uint8 (height, width) or (height, width, 3) BGR. observer: is told of every stage. A page on which
    no line stands out gives no strokes. Raises TraceError where the array is no page.
    """
    settings, observer = settings or TraceSettings(), observer or Observer()
    grey = ink_channel(image)
    turn = find_turn(grey)
    grey = turn.upright(grey)
    beyond = turn.beyond(rim=2) if turn else None
    margins = find_margins(grey, beyond)
    observer.found(margins, turn)
    depth = flatten(grey)
    if beyond is not None:
        depth[beyond] = 0
    remove_rules(depth, margins.paper)
    nowhere = _not_drawing(margins)
    level = ink_level(depth, nowhere)
    if level is None:
        return _on_scan(margins, turn, [])
    scale = working_scale(depth, level, nowhere)
    if scale != 1:
        depth = rescaled(depth, scale)
        margins = margins.scaled(scale, depth.shape)
        level = ink_level(depth, _not_drawing(margins)) or level
    observer.flattened(depth)

    mask = ink_mask(depth, level, reach=3)
    observer.inked(mask)
    pen = pen_width_of(mask)
    hidden = remove_rings(mask, margins, shortest_line=6 * pen)
    observer.unbound(mask)
    labels, ignored = drop_pieces(mask, pen, settings.speck * pen, margins.number, margins.paper)
    observer.despeckled(mask, ignored)
    strokes, pen = lines_of_ink(depth, mask, pen, hidden, settings, observer)
    side = scale * max(turn.shape)
    groups = group_strokes(strokes, labels, side, settings.apart)
    marks = lone_marks(strokes, groups, side)
    ignored += [
        Ignored("speck", _box_of(strokes, groups == group)) for group in np.unique(groups[marks]).tolist()
    ]
    strokes = [stroke for stroke, mark in zip(strokes, marks, strict=True) if not mark]
    groups = np.unique(groups[~marks], return_inverse=True)[1]
    observer.grouped(strokes, groups)
    if scale != 1:
        strokes = [(stroke + 0.5) / scale - 0.5 for stroke in strokes]
        ignored = [Ignored(item.kind, scaled_box(item.box, 1 / scale, grey.shape)) for item in ignored]
        margins = margins.scaled(1 / scale, grey.shape)
    strokes = [turn.to_scan(stroke) for stroke in strokes]
    pen = pen / scale if strokes else 0.0
    return _on_scan(margins, turn, ignored, strokes=strokes, groups=groups, pen_width=pen)


def _on_scan(margins: Margins, turn: Turn, ignored: list[Ignored], **lines: Any) -> TracedPage:
    """The traced page with what was found on the upright page in px of the scan."""
    if margins.band is not None:
        ignored = [Ignored("binder", margins.band), *ignored]
    height, width = turn.shape
    ignored = [Ignored(item.kind, turn.box_on_scan(item.box)) for item in ignored]
    paper = np.clip(turn.to_scan(corners_of(margins.paper)), 0, (width - 1, height - 1))
    return TracedPage(ignored=ignored, skew=turn.degrees, paper=paper, **lines)


def _not_drawing(margins: Margins) -> np.ndarray:
    """bool (h, w): binder, page number and what is not paper."""
    result = np.ones(margins.size, bool)
    x0, y0, x1, y1 = margins.content
    result[y0:y1, x0:x1] = False
    if margins.number is not None:
        x0, y0, x1, y1 = margins.number
        result[y0:y1, x0:x1] = True
    return result


def _box_of(strokes: list[np.ndarray], chosen: np.ndarray) -> Box:
    points = np.vstack([stroke for stroke, taken in zip(strokes, chosen, strict=True) if taken])
    low, high = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0)) + 1
    return (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
