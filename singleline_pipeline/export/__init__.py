"""What leaves the house: drawings for other programs, a map to publish, vectors for TensorBoard's projector."""

from singleline_pipeline.export.drawings import export_from_lake, write_drawings
from singleline_pipeline.export.errors import ExportError
from singleline_pipeline.export.page import MapRows, MapWords, map_page
from singleline_pipeline.export.projector import export_projector
from singleline_pipeline.export.published import export_map

__all__ = [
    "ExportError",
    "MapRows",
    "MapWords",
    "export_from_lake",
    "export_map",
    "export_projector",
    "map_page",
    "write_drawings",
]
