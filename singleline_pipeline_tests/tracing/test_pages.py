"""What is on a page beside the drawing is left out, and said so."""

import warnings

import cv2
import numpy as np
import pytest

from singleline_pipeline.tracing import TraceError, outline_preview, trace, trace_page
from singleline_pipeline_tests.tracing.pages import (
    add_number,
    add_rings,
    circle,
    draw_page,
    figure_eight,
    straight,
)
from singleline_pipeline_tests.tracing.quality import quality

HEIGHT, WIDTH = 1100, 850


def page_of(lines: list[np.ndarray]) -> np.ndarray:
    return draw_page(lines, height=HEIGHT, width=WIDTH, pen=3.0)


@pytest.mark.parametrize("side", ["left", "right"])
def test_binder_and_number_are_no_strokes(side: str) -> None:
    """The rings are as dark as the ink; a tracer that does not know them returns a hundred of them a page."""
    page = page_of([figure_eight(430, 500, 220)])
    band = add_rings(page, side=side)
    number = add_number(page, side=side)
    traced = trace(page)
    assert len(traced.strokes) == 1
    points = np.vstack(traced.strokes)
    assert np.all((points[:, 0] > band) & (points[:, 0] < WIDTH - band))
    assert {item.kind for item in traced.ignored} == {"binder", "number"}
    box = next(item.box for item in traced.ignored if item.kind == "number")
    assert number[0] <= box[0] < box[2] <= number[2]
    assert number[1] <= box[1] < box[3] <= number[3]


def test_a_line_that_runs_into_the_binder_is_not_cut_off() -> None:
    """Pages are drawn to the edge; what runs between and across the rings is the drawing's."""
    loop = np.vstack([straight(500, 300, 20, 420), straight(20, 420, 500, 560)])
    page = page_of([loop])
    add_rings(page)
    traced = trace(page)
    assert np.vstack(traced.strokes)[:, 0].min() < 30
    longest = max(np.hypot(*np.diff(s, axis=0).T).sum() for s in traced.strokes)
    assert longest > 0.9 * np.hypot(*np.diff(loop, axis=0).T).sum()


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_page_with_only_a_binder_has_no_strokes(side: str) -> None:
    page = page_of([])
    add_rings(page, side=side)
    traced = trace(page)
    assert traced.strokes == []
    assert [item.kind for item in traced.ignored] == ["binder"]


def test_pages_on_which_nothing_can_be_found_are_empty_without_a_warning() -> None:
    """Blank, black, underexposed and noisy scans come in every sketchbook; one of them must not end a run."""
    noise = np.random.default_rng(0)
    pages = {
        "blank": page_of([]),
        "white": np.full((300, 200), 255, np.uint8),
        "black": np.zeros((300, 200, 3), np.uint8),
        "underexposed": np.clip(noise.normal(9, 2, (400, 300)), 0, 255).astype(np.uint8),
        "a gradient": np.tile(np.linspace(40, 250, 400).astype(np.uint8), (300, 1)),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, page in pages.items():
            traced = trace(page)
            assert traced.strokes == [], name
            assert traced.groups.shape == (0,), name
            assert traced.pen_width == 0, name


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (7, 7), (63, 900), (2000, 66)])
def test_slivers_are_pages_too(shape: tuple[int, int]) -> None:
    """A page of a single pixel once ended the interpreter: the search for margins handed OpenCV an empty strip."""
    page = np.full(shape, 240, np.uint8)
    page[shape[0] // 2] = 30
    traced = trace(page)
    assert len(traced.groups) == len(traced.strokes)
    assert all(np.isfinite(stroke).all() for stroke in traced.strokes)


def test_dust_is_listed_and_not_traced() -> None:
    page = page_of([figure_eight(430, 500, 220)])
    cv2.circle(page, (100, 200), 2, 60, -1)
    cv2.circle(page, (700, 900), 2, 60, -1)
    traced = trace(page)
    assert len(traced.strokes) == 1
    specks = [item.box for item in traced.ignored if item.kind == "speck"]
    assert len(specks) == 2
    assert any(x0 <= 100 < x1 and y0 <= 200 < y1 for x0, y0, x1, y1 in specks)


def test_the_dark_rim_of_a_scan_is_an_edge() -> None:
    page = page_of([figure_eight(430, 500, 220)])
    page[:6] = 20
    traced = trace(page)
    assert len(traced.strokes) == 1
    assert np.vstack(traced.strokes)[:, 1].min() > 100


LAYOUTS = {
    1: [(425, 520, 200)],
    2: [(425, 280, 150), (425, 800, 150)],
    3: [(230, 280, 130), (620, 280, 130), (425, 800, 150)],
    4: [(230, 280, 130), (620, 280, 130), (230, 800, 130), (620, 800, 130)],
    5: [(210, 220, 100), (640, 220, 100), (425, 520, 100), (210, 840, 100), (640, 840, 100)],
}


@pytest.mark.parametrize("count", LAYOUTS)
def test_drawings_of_a_page_are_kept_apart_and_their_parts_together(count: int) -> None:
    """Each face has eyes that touch nothing: ink alone would make three times as many drawings."""
    lines = []
    for x, y, radius in LAYOUTS[count]:
        lines += [circle(x, y, radius)]
        lines += [circle(x + dx * radius, y - 0.3 * radius, 0.12 * radius) for dx in (-0.35, 0.35)]
    traced = trace(page_of(lines))
    assert len(traced.strokes) == 3 * count
    assert sorted(np.bincount(traced.groups).tolist()) == [3] * count
    for group in range(count):
        middle = np.vstack(
            [s for s, g in zip(traced.strokes, traced.groups, strict=True) if g == group]
        ).mean(axis=0)
        assert min(np.hypot(middle[0] - x, middle[1] - y) for x, y, _ in LAYOUTS[count]) < 40


def test_a_small_part_beside_a_drawing_is_part_of_it() -> None:
    """A stray curl near a face is the face's; were it dropped as a speck, ink would be lost."""
    traced = trace(page_of([circle(425, 500, 200), circle(425, 745, 18)]))
    assert traced.groups.tolist() == [0, 0]


def test_a_tick_far_from_everything_is_no_drawing() -> None:
    traced = trace(page_of([circle(300, 350, 200), straight(760, 980, 775, 1000)]))
    assert len(traced.strokes) == 1
    assert [item.kind for item in traced.ignored] == ["speck"]
    x0, y0, x1, y1 = traced.ignored[0].box
    assert x0 <= 760 < 775 <= x1
    assert y0 <= 980 < 1000 <= y1


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (np.zeros((20, 20), np.float32), "uint8"),
        (np.zeros((20, 20), np.uint16), "uint8"),
        (np.zeros((20, 20, 4), np.uint8), "shape"),
        (np.zeros((2, 20, 20, 3), np.uint8), "shape"),
        (np.zeros(20, np.uint8), "shape"),
        (np.zeros((0, 20), np.uint8), "empty"),
        ([[0, 1], [1, 0]], "array"),
    ],
)
def test_what_is_no_page_is_named(image: object, word: str) -> None:
    for function in (trace, trace_page, outline_preview):
        with pytest.raises(TraceError, match=word):
            function(image)


def test_the_outline_fits_its_budget_and_shows_the_ink() -> None:
    page = page_of([figure_eight(430, 500, 220), circle(200, 900, 90)])
    svg = outline_preview(page, max_bytes=6_000)
    assert len(svg.encode()) <= 6_000
    assert svg.count("<path") >= 1
    assert "<path" not in outline_preview(page_of([]))
    with pytest.raises(TraceError, match="bytes"):
        outline_preview(page, max_bytes=100)


@pytest.mark.parametrize("degrees", [-7.0, 3.0])
@pytest.mark.parametrize("lid", [18, 250])
def test_a_page_askew_gives_its_strokes_where_they_are_on_the_scan(degrees: float, lid: int) -> None:
    """Rings along a slanted edge and a lid around the sheet: the line must come out as of the upright page."""
    line = figure_eight(430, 500, 220)
    page = page_of([line])
    add_rings(page)
    matrix = cv2.getRotationMatrix2D(((WIDTH - 1) / 2, (HEIGHT - 1) / 2), -degrees, 0.9)
    askew = cv2.warpAffine(page, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderValue=lid)
    traced = trace(askew)
    assert traced.skew == pytest.approx(degrees, abs=0.1)
    assert len(traced.strokes) == 1
    score = quality(traced.strokes, [line @ matrix[:, :2].T + matrix[:, 2]], pen=2.7)
    assert score.distance < 0.06
    assert min(score.precision, score.recall) > 0.995
    assert {item.kind for item in traced.ignored} <= {"binder", "edge", "speck"}
    if lid < 100:
        corners = np.array([(0, 0), (WIDTH - 1, 0), (WIDTH - 1, HEIGHT - 1), (0, HEIGHT - 1)])
        on_scan = np.clip(corners @ matrix[:, :2].T + matrix[:, 2], 0, (WIDTH - 1, HEIGHT - 1))
        assert np.abs(traced.paper - on_scan).max() < 5


def test_an_upright_page_is_recorded_as_such() -> None:
    traced = trace(page_of([figure_eight(430, 500, 220)]))
    assert traced.skew == 0
    corners = [(0, 0), (WIDTH - 1, 0), (WIDTH - 1, HEIGHT - 1), (0, HEIGHT - 1)]
    assert np.array_equal(traced.paper, corners)
