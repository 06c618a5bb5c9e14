"""What can be corrected, and how a line of corrections.csv says where.

The key is `<sha256 of the page>:<shape>`. The shape is written as SVG writes points, `x,y x,y ...` in page pixels:
along the stroke that is erased, or around the part that is split off; for drawings that are merged it is their boxes,
`x0,y0,x1,y1 x0,y0,x1,y1 ...`. A private page has no shape.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from singleline_pipeline.embedding.errors import LabelError
from singleline_pipeline.embedding.labels import Label
from singleline_pipeline.geometry.strokes import MAX_COORDINATE

PRIVATE = "private"
_SHAPES = {"erase": ("points", 2, 1), "split": ("points", 2, 3), "merge": ("boxes", 4, 2)}
"""What the shape of an action is made of, numbers in each, and how many it needs."""
ACTIONS = tuple(_SHAPES)

HOLDS = "yes"
"""The label of a correction that holds; an empty one takes it back."""

MOST_POINTS = 400
"""Of one shape."""

_SHA256 = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True, eq=False)
class Correction:
    """One thing that was set right on a page."""

    action: str
    """erase, split or merge."""
    page: str
    """SHA-256 of the page's file."""
    shape: NDArray[np.float64]
    """(n, 2) points, or (n, 4) boxes, in page pixels."""
    line: int = 0
    """Where corrections.csv says it; 0: it does not yet."""
    page_id: str = ""
    """What the page was called when it was said."""

    def not_applied(self) -> str:
        """A sentence for a correction of something that is not there."""
        points = self.shape.reshape(-1, 2)
        left, top = points.min(axis=0).tolist()
        right, bottom = points.max(axis=0).tolist()
        return (
            f"corrections.csv line {self.line}: what to {self.action} on {self.page_id or self.page} at "
            f"{left:.0f},{top:.0f} to {right:.0f},{bottom:.0f} is not there any more, and nothing was done. Correct "
            "the page again, or leave the line: it may come back."
        )


def correction_key(page: str, shape: ArrayLike) -> str:
    """The key of a correction; coordinates to a tenth of a pixel."""
    rows = np.asarray(shape, np.float64)
    return f"{page}:" + " ".join(",".join(_number(value) for value in row) for row in rows)


def parse_key(action: str, key: str) -> tuple[str, NDArray[np.float64]]:
    """The page and the shape that a key names. Raises LabelError, in half a sentence, where it is no such key."""
    page, _, text = key.partition(":")
    if not _SHA256.match(page):
        raise LabelError(f"the key {key[:40]!r} does not begin with the SHA-256 of a page")
    if action == PRIVATE:
        if text:
            raise LabelError("the key of a private page is its SHA-256 and no more")
        return page, np.zeros((0, 2))
    made_of, numbers, least = _SHAPES[action]
    rows = text.split()
    if not least <= len(rows) <= MOST_POINTS:
        raise LabelError(f"{action} needs {least} to {MOST_POINTS} {made_of}, and the key has {len(rows)}")
    try:
        shape = np.array([[float(value) for value in row.split(",")] for row in rows])
    except ValueError:  # no numbers, or not as many in each
        shape = np.zeros((0, 0))
    if shape.shape != (len(rows), numbers) or not (np.abs(shape) <= MAX_COORDINATE).all():
        written = "x,y x,y ..." if numbers == 2 else "x0,y0,x1,y1 x0,y0,x1,y1 ..."
        raise LabelError(f"the {made_of} of {action} must be written {written}, in pixels of the page")
    return page, shape


def problem_with(row: Label) -> str | None:
    """Return what is wrong with a line of corrections.csv, as half a sentence; None where nothing is."""
    if row.scope not in (*ACTIONS, PRIVATE):
        return f"the scope {row.scope[:40]!r} is not one of {', '.join((*ACTIONS, PRIVATE))}"
    if row.label not in (HOLDS, ""):
        return f"the label {row.label[:40]!r} is not {HOLDS} (or empty)"
    try:
        parse_key(row.scope, row.key)
    except LabelError as error:
        return str(error)
    return None


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
