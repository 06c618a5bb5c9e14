"""Strokes: joined into few lines, split into drawings, simplified, as stroke-3, and in files.

A stroke is a float64 array (n, 2), x right and y down; a drawing is a list of strokes. Bad input is a
StrokeError that says which stroke.
"""

from singleline_pipeline.geometry.groups import GroupedStrokes, per_group
from singleline_pipeline.geometry.io import load_drawings, stroke3_column
from singleline_pipeline.geometry.join import join_strokes
from singleline_pipeline.geometry.minimal import simplify_minimal
from singleline_pipeline.geometry.ndjson import load_ndjson, save_ndjson
from singleline_pipeline.geometry.npz import load_npz, save_npz
from singleline_pipeline.geometry.pages import (
    DrawingOnPage,
    LineOfPage,
    SplitPage,
    drawings_of_page,
    join_page,
    route_page,
    splice_page,
)
from singleline_pipeline.geometry.route import route_strokes
from singleline_pipeline.geometry.simplify import simplify, simplify_to_budget, vertex_epsilons
from singleline_pipeline.geometry.splice import splice_strokes
from singleline_pipeline.geometry.split import split_drawings
from singleline_pipeline.geometry.stroke3 import from_stroke3, reverse_stroke3, to_stroke3, validate_stroke3
from singleline_pipeline.geometry.strokes import (
    Box,
    Stroke,
    StrokeError,
    bounding_box,
    drawing_length,
    drop_short,
    resample_stroke,
    rescale,
    reverse_strokes,
    stroke_length,
    validate_stroke,
    validate_strokes,
)
from singleline_pipeline.geometry.svg import SvgDrawing, SvgError, read_svg, read_svg_drawing

__all__ = [
    "Box",
    "DrawingOnPage",
    "GroupedStrokes",
    "LineOfPage",
    "SplitPage",
    "Stroke",
    "StrokeError",
    "SvgDrawing",
    "SvgError",
    "bounding_box",
    "drawing_length",
    "drawings_of_page",
    "drop_short",
    "from_stroke3",
    "join_page",
    "join_strokes",
    "load_drawings",
    "load_ndjson",
    "load_npz",
    "per_group",
    "read_svg",
    "read_svg_drawing",
    "resample_stroke",
    "rescale",
    "reverse_stroke3",
    "reverse_strokes",
    "route_page",
    "route_strokes",
    "save_ndjson",
    "save_npz",
    "simplify",
    "simplify_minimal",
    "simplify_to_budget",
    "splice_page",
    "splice_strokes",
    "split_drawings",
    "stroke3_column",
    "stroke_length",
    "to_stroke3",
    "validate_stroke",
    "validate_stroke3",
    "validate_strokes",
    "vertex_epsilons",
]
