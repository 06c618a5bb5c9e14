"""The studio: a local web page to look at pages and drawings, name their clusters, and correct what is wrong."""

from singleline_pipeline.studio.errors import StudioError
from singleline_pipeline.studio.server import create_app, serve

__all__ = ["StudioError", "create_app", "serve"]
