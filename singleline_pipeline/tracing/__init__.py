"""From a page image to centerline strokes."""

from singleline_pipeline.tracing.despeckle import Ignored
from singleline_pipeline.tracing.errors import TraceError
from singleline_pipeline.tracing.page import TracedPage, trace, trace_page
from singleline_pipeline.tracing.settings import TraceSettings

__all__ = ["Ignored", "TraceError", "TraceSettings", "TracedPage", "trace", "trace_page"]
