"""From a folder of sketchbooks to upright page images.

The sketchbook sensor asks this package every half minute whether a folder has changed, so finding
sketchbooks and fingerprinting them must cost nothing to import: whatever needs cv2 or Pillow is loaded when
it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from singleline_pipeline.scans.errors import PageError
from singleline_pipeline.scans.finding import (
    FolderState,
    PageFile,
    Sketchbook,
    find_sketchbooks,
    folder_fingerprint,
    list_pages,
    problems_of,
)

if TYPE_CHECKING:
    from singleline_pipeline.scans.decoding import MAX_PIXELS, decode_image
    from singleline_pipeline.scans.reading import Page, RejectedPage, SketchbookPages, read_sketchbook
    from singleline_pipeline.scans.samples import write_sample_sketchbooks
    from singleline_pipeline.scans.vector import VectorPage, is_vector, read_vector_page

_LOADED_ON_USE = {
    "MAX_PIXELS": "decoding",
    "decode_image": "decoding",
    "Page": "reading",
    "RejectedPage": "reading",
    "SketchbookPages": "reading",
    "read_sketchbook": "reading",
    "write_sample_sketchbooks": "samples",
    "VectorPage": "vector",
    "is_vector": "vector",
    "read_vector_page": "vector",
}

__all__ = [
    "MAX_PIXELS",
    "FolderState",
    "Page",
    "PageError",
    "PageFile",
    "RejectedPage",
    "Sketchbook",
    "SketchbookPages",
    "VectorPage",
    "decode_image",
    "find_sketchbooks",
    "folder_fingerprint",
    "is_vector",
    "list_pages",
    "problems_of",
    "read_sketchbook",
    "read_vector_page",
    "write_sample_sketchbooks",
]


def __getattr__(name: str) -> Any:
    if name not in _LOADED_ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LOADED_ON_USE[name]}"), name)
