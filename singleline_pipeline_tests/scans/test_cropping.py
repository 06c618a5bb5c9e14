"""Binder, page number and paper are found where they are, and only where they are."""

import numpy as np
import pytest

from singleline_pipeline.scans.cropping import find_margins
from singleline_pipeline.scans.errors import PageError
from singleline_pipeline_tests.tracing.pages import add_number, add_rings, draw_page, figure_eight, straight


def page_of(lines: list[np.ndarray], scale: float = 1.0) -> np.ndarray:
    return draw_page(
        [line * scale for line in lines], height=round(1100 * scale), width=round(850 * scale), pen=3 * scale
    )


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("scale", [0.6, 1.0, 1.7])
def test_rings_are_found_on_their_side_at_any_resolution(side: str, scale: float) -> None:
    page = page_of([figure_eight(430, 500, 220)], scale)
    band = add_rings(page, side=side, rings=17)
    margins = find_margins(page)
    assert margins.binder == side
    assert len(margins.rings) == 17
    assert margins.band is not None
    x0, y0, x1, y1 = margins.band
    assert (y0, y1) == (0, len(page))
    assert abs((x1 - x0) - band) <= 8 * scale
    assert margins.content[0] == (x1 if side == "left" else 0)


def test_rings_are_found_under_a_drawing_that_runs_across_them() -> None:
    """A third of the real pages are drawn into the binder; the rings' rhythm is still that of the whole page."""
    page = page_of([straight(20, 60, 60, 1040), straight(500, 300, 10, 500), straight(10, 500, 500, 800)])
    add_rings(page)
    assert find_margins(page).binder == "left"


def test_a_drawing_at_the_edge_is_no_binder() -> None:
    ladder = [straight(5, y, 60, y) for y in (100, 150, 330, 380, 700)]
    margins = find_margins(page_of([figure_eight(430, 500, 220), *ladder]))
    assert margins.binder is None
    assert margins.band is None
    assert margins.content == (0, 0, 850, 1100)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_page_number_is_found_in_either_corner(side: str) -> None:
    page = page_of([figure_eight(430, 500, 220)])
    x0, y0, x1, y1 = add_number(page, "128", side=side)
    box = find_margins(page).number
    assert box is not None
    assert x0 - 4 <= box[0] < box[2] <= x1 + 20
    assert y0 - 4 <= box[1] < box[3] <= y1 + 4


def test_a_line_through_the_corner_is_no_number() -> None:
    assert find_margins(page_of([straight(400, 800, 40, 1070)])).number is None


def test_the_dark_around_the_sheet_is_not_paper() -> None:
    page = page_of([figure_eight(430, 500, 220)])
    page[:40] = 15
    page[:, 800:] = 15
    x0, y0, x1, y1 = find_margins(page).paper
    assert (x0, y1) == (0, 1100)
    assert abs(y0 - 40) <= 2
    assert abs(x1 - 800) <= 2


@pytest.mark.parametrize(
    "image", [np.zeros((0, 5), np.uint8), np.zeros((5, 5), float), np.zeros((5, 5, 4), np.uint8)]
)
def test_what_is_no_page_is_refused(image: np.ndarray) -> None:
    with pytest.raises(PageError):
        find_margins(image)
