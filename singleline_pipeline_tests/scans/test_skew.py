"""Pages that lie askew on the glass are turned upright; points come back to where they are on the scan."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singleline_pipeline.scans.skew import STRAIGHT, Turn, find_turn
from singleline_pipeline_tests.tracing.pages import draw_page, figure_eight, spiral, straight


def page_of(*lines: np.ndarray) -> np.ndarray:
    return draw_page([figure_eight(430, 500, 220), *lines], height=1100, width=850, pen=3.0)


def askew(page: np.ndarray, degrees: float, *, lid: int, size: float) -> np.ndarray:
    """The page as a sheet of `size` times the scan, turned clockwise, on a lid of one grey with a soft shadow."""
    height, width = page.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, size)
    sheet = cv2.warpAffine(np.full_like(page, 255), turn, (width, height)).astype(np.float32) / 255
    shadow = cv2.GaussianBlur(np.roll(sheet, 5, axis=0), (0, 0), 4) * (1 - sheet)
    turned = cv2.warpAffine(page, turn, (width, height), flags=cv2.INTER_CUBIC)
    return np.clip(turned * sheet + lid * (1 - sheet) * (1 - 0.35 * shadow), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("lid", [20, 250])
@pytest.mark.parametrize(
    ("degrees", "size"), [(-8, 0.9), (-2.5, 0.9), (0.7, 0.9), (4, 0.9), (7.5, 0.9), (-8, 1), (3, 1)]
)
def test_the_angle_is_found_on_a_dark_and_on_a_white_lid(degrees: float, size: float, lid: int) -> None:
    """A tenth of a degree is four pixels over the height of a page: as far as rings are looked for.

    Of a sheet as large as the scan no more than a wedge is seen along each side, too thin at small angles.
    """
    turn = find_turn(askew(page_of(), degrees, lid=lid, size=size))
    assert turn.degrees == pytest.approx(degrees, abs=0.1)


def test_printed_rules_tell_the_angle_where_the_sheet_fills_the_scan() -> None:
    rules = [straight(-50, y, 900, y + 950 * np.tan(np.radians(2))) for y in range(-20, 1100, 40)]
    page = draw_page(rules, height=1100, width=850, pen=1.5, ink=190)
    assert find_turn(np.minimum(page, page_of())).degrees == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    "page",
    [
        page_of(),
        page_of(straight(60, 150, 90, 700), straight(100, 900, 500, 940)),
        page_of(spiral(420, 550, 500, 9)),
        askew(page_of(), 0, lid=20, size=0.9),
        np.full((900, 700), 240, np.uint8),
        np.zeros((900, 700), np.uint8),
        np.full((40, 900), 200, np.uint8),
        np.full((1, 1), 200, np.uint8),
    ],
    ids=["plain", "straight lines in it", "dense", "upright on a lid", "blank", "black", "sliver", "pixel"],
)
def test_upright_pages_and_drawings_are_left_as_they_are(page: np.ndarray) -> None:
    """Turning a page for nothing would smooth its ink and move every point by a little."""
    turn = find_turn(page)
    assert not turn
    assert turn.upright(page) is page


def test_a_page_that_is_nearly_upright_is_not_turned() -> None:
    assert not find_turn(askew(page_of(), 0.7 * STRAIGHT, lid=20, size=0.9))


@settings(deadline=None)
@given(
    st.floats(-9, 9).filter(lambda angle: abs(angle) > 0.01),
    st.integers(20, 300),
    st.integers(20, 300),
    st.floats(0.1, 0.9),
    st.floats(0.1, 0.9),
)
def test_points_come_back_to_their_place(
    degrees: float, height: int, width: int, x_share: float, y_share: float
) -> None:
    """A dot is seen on the upright page; taken back, it lies where it was on the scan."""
    turn = Turn(degrees, (height, width))
    dot = np.array([[x_share * (width - 1), y_share * (height - 1)]])
    y, x = np.mgrid[0:height, 0:width]
    blob = np.exp(-((x - dot[0, 0]) ** 2 + (y - dot[0, 1]) ** 2) / 2 / 1.5**2)
    upright = turn.upright((200 * blob).astype(np.float32))
    upright[turn.beyond(rim=0)] = 0
    v, u = np.mgrid[0 : upright.shape[0], 0 : upright.shape[1]]
    near = upright > 60
    seen = np.array(
        [[np.average(u[near], weights=upright[near]), np.average(v[near], weights=upright[near])]]
    )
    edge = min(*dot[0], width - 1 - dot[0, 0], height - 1 - dot[0, 1])
    assert np.hypot(*(turn.to_scan(seen) - dot)[0]) < (0.2 if edge > 6 else 2.0)


def test_a_box_of_the_upright_page_is_held_by_one_of_the_scan() -> None:
    turn = Turn(5.0, (400, 300))
    x0, y0, x1, y1 = turn.box_on_scan((100, 120, 180, 240))
    corners = turn.to_scan(np.array([(100, 120), (179, 120), (179, 239), (100, 239)], float))
    assert np.all(corners >= (x0, y0))
    assert np.all(corners <= (x1 - 1, y1 - 1))
    assert (x1 - x0) * (y1 - y0) < 1.6 * 80 * 120
    assert turn.box_on_scan((-50, -50, 900, 900)) == (0, 0, 300, 400)
