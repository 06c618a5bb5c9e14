"""Corrections applied to the strokes of a page as they were traced, before anything is joined."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from singleline_pipeline.corrections.keys import Correction
from singleline_pipeline.corrections.outline import far_from, parts_inside, parts_near, share_near
from singleline_pipeline.embedding.label_keys import Box, match_drawing
from singleline_pipeline.geometry.split import split_drawings
from singleline_pipeline.geometry.strokes import Stroke, bounding_box, validate_strokes

_ON_IT = 1.5
"""Pen widths within which a stroke lies on the line that was erased: tracers differ by less, neighbours by more."""
_LEAST_ON_IT = 3.0
"""The same in page pixels, for a pen that is hardly wider than one."""
_MOST_OF_IT = 0.8
"""Share of a stroke that has to lie on the erased line."""
_SHORTEST = 8.0
"""Of a part of a longer stroke that is erased, in those distances: a stroke that crosses the line lies on it for
less."""


@dataclass(frozen=True)
class CorrectedPage:
    """A page's strokes after corrections by hand, in page pixels."""

    strokes: list[Stroke]
    groups: NDArray[np.int32]
    """Provisional drawing of each stroke."""
    settled: list[int]
    """Provisional drawings that were split off or merged by hand: no overlap of boxes glues them to another."""
    erased: list[Stroke]
    unmatched: list[Correction]
    """Corrections of something that is not on the page any more."""


def correct_page(
    strokes: Sequence[ArrayLike], groups: Sequence[int], corrections: Sequence[Correction], pen_width: float
) -> CorrectedPage:
    """Erase, split and merge what a person said of a page, in that person's order.

    All line that comes in is in `strokes` or in `erased`, as long as before: strokes are cut where the outline of a
    part that is split off crosses them and where an erased line leaves them, and not otherwise changed. Nothing but
    `groups` says what a merge did.

    Args:
        strokes: As traced, (n, 2) each, page pixels.
        groups: Provisional drawing of each.
        corrections: Of this page.
        pen_width: Page pixels.
    """
    page = _Page(validate_strokes(strokes), [int(group) for group in groups], pen_width)
    unmatched = [one for one in corrections if not _ACTIONS[one.action](page, one.shape)]
    settled = sorted(page.settled & set(page.groups))
    return CorrectedPage(page.strokes, np.array(page.groups, np.int32), settled, page.erased, unmatched)


class _Page:
    """Strokes and groups while they are corrected. Each action says whether it found what it is about."""

    def __init__(self, strokes: list[Stroke], groups: list[int], pen_width: float) -> None:
        self.strokes, self.groups = list(strokes), groups
        self.settled: set[int] = set()
        self.erased: list[Stroke] = []
        self._near = max(_ON_IT * pen_width, _LEAST_ON_IT)
        self._next_group = max(groups, default=-1) + 1

    def erase(self, along: Stroke) -> bool:
        """Take out the strokes most of whose line lies on the line `along`; and where none of them lies, the part of a
        longer stroke that does: another trace may have made one stroke of what was erased and of what was not."""
        gone = [share_near(stroke, along, self._near) >= _MOST_OF_IT for stroke in self.strokes]
        erased = [stroke for stroke, out in zip(self.strokes, gone, strict=True) if out]
        left = far_from(along, erased, self._near)
        strokes: list[Stroke] = []
        groups: list[int] = []
        for stroke, group, out in zip(self.strokes, self.groups, gone, strict=True):
            if out:
                continue
            whole = [(stroke, False)]
            parts = parts_near(stroke, left, self._near, _SHORTEST * self._near) if len(left) else whole
            erased += [part for part, on_it in parts if on_it]
            strokes += [part for part, on_it in parts if not on_it]
            groups += [group for _, on_it in parts if not on_it]
        self.strokes, self.groups = strokes, groups
        self.erased += erased
        return bool(erased)

    def split(self, outline: Stroke) -> bool:
        """Make what lies inside an outline a drawing of its own."""
        strokes: list[Stroke] = []
        groups: list[int] = []
        own = self._next_group
        for stroke, group in zip(self.strokes, self.groups, strict=True):
            for part, inside in parts_inside(stroke, outline):
                strokes.append(part)
                groups.append(own if inside else group)
        if own not in groups:
            return False
        self.strokes, self.groups = strokes, groups
        self._settle(own)
        return True

    def merge(self, boxes: NDArray[np.float64]) -> bool:
        """Make one drawing of those that lie in the boxes, or in the place of what lay there."""
        wanted = {"": [(_as_box(box), str(number)) for number, box in enumerate(boxes)]}
        drawings, _ = split_drawings(self.strokes, groups=self.groups, settled=self.settled, min_area=0)
        found: dict[str, set[int]] = {}
        for members in drawings:
            box = bounding_box([self.strokes[index] for index in members])
            if number := match_drawing("", box, wanted):
                found.setdefault(number, set()).update(self.groups[index] for index in members)
        if len(found) < 2:
            return False
        together = set().union(*found.values())
        self.groups = [self._next_group if group in together else group for group in self.groups]
        self._settle(self._next_group)
        return True

    def _settle(self, group: int) -> None:
        self.settled.add(group)
        self._next_group += 1


_ACTIONS = {"erase": _Page.erase, "split": _Page.split, "merge": _Page.merge}


def _as_box(row: NDArray[np.float64]) -> Box:
    x0, y0, x1, y1 = row.tolist()
    return x0, y0, x1, y1
