"""Every stage of a trace can be seen, and looking changes nothing."""

from itertools import pairwise

import numpy as np
import pytest

from singleline_pipeline.tracing import Observer, TraceError, stage_pictures, trace
from singleline_pipeline_tests.tracing.pages import add_rings, draw_page, figure_eight, straight

STAGES = [
    "page",
    "flattened",
    "ink",
    "rings removed",
    "despeckled",
    "skeleton",
    "refined",
    "joined",
    "bridged",
    "drawings",
]


def page_with_rings_and_dust(pen: float = 3.0) -> np.ndarray:
    page = draw_page([figure_eight(430, 500, 220)], height=1100, width=850, pen=pen)
    add_rings(page)
    page[200:206, 600:606] = 60
    return page


@pytest.mark.parametrize("pen", [3.0, 12.0])
def test_every_stage_has_its_picture(pen: float) -> None:
    """A brush is traced on a smaller copy; its pictures have the scale of that, all the same one."""
    page = page_with_rings_and_dust(pen)
    pictures = stage_pictures(np.repeat(page[:, :, None], 3, axis=2))
    assert list(pictures) == STAGES
    assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for picture in pictures.values())
    assert pictures["page"].shape[:2] == page.shape
    assert len({picture.shape for name, picture in pictures.items() if name != "page"}) == 1
    for before, after in pairwise(STAGES[1:]):
        assert (pictures[before] != pictures[after]).any(), f"{after} shows nothing new"


def test_a_page_without_a_line_shows_as_far_as_it_came() -> None:
    assert list(stage_pictures(np.full((300, 200), 230, np.uint8))) == ["page"]


def test_an_observer_sees_what_the_trace_returns_and_changes_nothing() -> None:
    """The docs draw the stages from the same run that the table is written from, so these must be the same."""

    class Seen(Observer):
        def grouped(self, strokes: list[np.ndarray], groups: np.ndarray) -> None:
            self.strokes, self.groups = strokes, groups

    page = draw_page([figure_eight(200, 200, 120), straight(60, 350, 340, 350)])
    seen, alone = Seen(), trace(page)
    watched = trace(page, observer=seen)
    assert len(watched.strokes) == len(alone.strokes) == len(seen.strokes) == 2
    assert all(np.array_equal(a, b) for a, b in zip(watched.strokes, alone.strokes, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(watched.strokes, seen.strokes, strict=True))
    assert np.array_equal(watched.groups, seen.groups)


def test_what_is_no_page_has_no_pictures() -> None:
    with pytest.raises(TraceError, match="uint8"):
        stage_pictures(np.zeros((20, 20), np.float32))
