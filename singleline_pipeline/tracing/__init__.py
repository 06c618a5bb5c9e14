"""From a page image to centerline strokes.

`trace` gives all that is known of a page, `trace_page` its strokes alone; `outline_preview` is a small
picture of the ink. Coordinates are pixels of the page as scanned, x right, y down, pixel centres at whole
numbers.
"""

from singleline_pipeline.tracing.despeckle import Ignored
from singleline_pipeline.tracing.errors import TraceError
from singleline_pipeline.tracing.page import TracedPage, trace, trace_page
from singleline_pipeline.tracing.preview import outline_preview
from singleline_pipeline.tracing.settings import TraceSettings

__all__ = ["Ignored", "TraceError", "TraceSettings", "TracedPage", "outline_preview", "trace", "trace_page"]
