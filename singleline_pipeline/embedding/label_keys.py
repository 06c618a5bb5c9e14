"""What labels are given to, and what may be said: scopes, keys, allowed labels.

A page goes by the SHA-256 of its file, so that renaming loses nothing. A drawing goes by its page and its box on it,
so that a better tracer loses nothing. A cluster goes by its fit and its number, never by the number alone, which
means something else in the next fit.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from singleline_pipeline.embedding.errors import LabelError
from singleline_pipeline.embedding.groups import GROUPS

DECISIONS = ("include", "exclude")

ALLOWED_LABELS: dict[str, tuple[str, ...]] = {
    "page": GROUPS,
    "page_cluster": GROUPS,
    "drawing": DECISIONS,
    "drawing_cluster": DECISIONS,
}

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in page pixels."""

SAME_DRAWING = 0.5
"""Overlap (intersection over union of the boxes) from which a newly traced drawing is the one that was labelled."""

_DRAWING = re.compile(r"^(?P<sha>[^:]+):(?P<box>[^:]+)$")


def cluster_key(fit_id: str, cluster: int) -> str:
    """Return the key of a cluster: `<fit id>:<number>`."""
    return f"{fit_id}:{cluster}"


def drawing_key(sha256: str, box: Sequence[float] | np.ndarray) -> str:
    """Return the key of a drawing: `<sha256 of its page>:<x0>,<y0>,<x1>,<y1>`, page pixels, to a tenth."""
    return f"{sha256}:" + ",".join(f"{float(v):.1f}".removesuffix(".0") for v in box)


def split_drawing_key(key: str) -> tuple[str, Box]:
    """Return the page's sha256 and the box of a drawing's key. Raises LabelError where it is not such a key."""
    match = _DRAWING.match(key)
    numbers = match["box"].split(",") if match else []
    try:
        x0, y0, x1, y1 = (float(n) for n in numbers)
    except ValueError:
        raise LabelError(
            f"The key {key!r} is not a drawing's: it must be <sha256 of the page>:<x0>,<y0>,<x1>,<y1>."
        ) from None
    assert match is not None
    return match["sha"], (x0, y0, x1, y1)


def match_drawing(
    sha256: str, box: Sequence[float] | np.ndarray, labelled: Mapping[str, Sequence[tuple[Box, str]]]
) -> str | None:
    """Return the label given by hand to a drawing, or to the one that was traced in its place before; None if none.

    `labelled` is what `Labels.drawings` gives. The box that overlaps most counts, of two alike the later one.
    """
    best, label = SAME_DRAWING, ""
    for labelled_box, given in labelled.get(sha256, ()):
        overlap = _overlap(box, labelled_box)
        if overlap >= best:
            best, label = overlap, given
    return label or None


def _overlap(a: Sequence[float] | np.ndarray, b: Sequence[float]) -> float:
    """Intersection over union of two boxes. A drawing that is a straight line has a box without area: one px is added
    to each side, so that it still overlaps itself."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    shared = max(0.0, float(width)) * max(0.0, float(height))
    areas = [(float(box[2] - box[0]) + 1) * (float(box[3] - box[1]) + 1) for box in (a, b)]
    return shared / (sum(areas) - shared)
