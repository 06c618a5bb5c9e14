"""From a page image to centerline strokes.

`trace` gives all that is known of a page, `trace_page` its strokes alone; an `Observer` is told of every
stage on the way, and `stage_pictures` shows them; `outline_preview` is a small picture of the ink.
Coordinates are pixels of the page as scanned, x right, y down, pixel centres at whole numbers.
"""

from singleline_pipeline.tracing.despeckle import Ignored
from singleline_pipeline.tracing.drawn import drawn_page
from singleline_pipeline.tracing.errors import TraceError
from singleline_pipeline.tracing.observer import Observer
from singleline_pipeline.tracing.page import TracedPage, trace, trace_page
from singleline_pipeline.tracing.preview import outline_preview
from singleline_pipeline.tracing.settings import TraceSettings
from singleline_pipeline.tracing.stages import stage_pictures

__all__ = [
    "Ignored",
    "Observer",
    "TraceError",
    "TraceSettings",
    "TracedPage",
    "drawn_page",
    "outline_preview",
    "stage_pictures",
    "trace",
    "trace_page",
]
