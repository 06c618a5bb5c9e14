"""Drawings and numbers as pictures: SVG, animation, contact sheets, charts.

Every picture has a paper of its own, a bounded size, and the same bytes for the same input.
"""

from .animation import animated_sheet_svg, animated_svg, drawing_seconds
from .canvas import RenderError
from .charts import histogram_svg, learning_curve_svg
from .maps import scatter_svg
from .markdown import PREVIEW_BYTES, data_uri, markdown_image
from .raster import encode_preview, overlay, rasterize
from .sheets import before_after_sheet, contact_sheet
from .svg import drawing_svg, plotter_svg

__all__ = [
    "PREVIEW_BYTES",
    "RenderError",
    "animated_sheet_svg",
    "animated_svg",
    "before_after_sheet",
    "contact_sheet",
    "data_uri",
    "drawing_seconds",
    "drawing_svg",
    "encode_preview",
    "histogram_svg",
    "learning_curve_svg",
    "markdown_image",
    "overlay",
    "plotter_svg",
    "rasterize",
    "scatter_svg",
]
