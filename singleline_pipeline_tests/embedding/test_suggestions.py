"""Which pages are drawings, before anybody said so: what a wrong answer costs is a drawing lost or a smear traced."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from singleline_pipeline.embedding.groups import GROUPS
from singleline_pipeline.embedding.statistics import page_statistics
from singleline_pipeline.embedding.suggestions import suggest_group
from singleline_pipeline_tests.embedding import pages
from singleline_pipeline_tests.embedding.pages import blank, draw

Page = Callable[[int], np.ndarray]


def gutter(page: np.ndarray) -> np.ndarray:
    shade = 1 - 0.5 * np.exp(-np.arange(pages.WIDTH, dtype=np.float32) / 45)
    return page * shade[:, None]


def vignette(page: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[0 : pages.HEIGHT, 0 : pages.WIDTH].astype(np.float32)
    out = np.hypot(x / pages.WIDTH - 0.5, y / pages.HEIGHT - 0.5)
    return page * (1 - 0.3 * np.clip((out - 0.45) / 0.3, 0, 1))[..., None]


def lid(page: np.ndarray) -> np.ndarray:
    page = page.copy()
    page[:, : pages.WIDTH // 15] = (18, 20, 22)
    return page


def filled(page: np.ndarray) -> np.ndarray:
    page = np.ascontiguousarray(page)
    cv2.ellipse(page, (420, 450), (110, 140), 20, 0, 360, pages.INK, -1)
    return page


def four_pens(seed: int) -> np.ndarray:
    page = blank(seed)
    for number, ink in enumerate([(40, 30, 200), (190, 60, 30), (60, 160, 40), (30, 140, 240)]):
        page = draw(page, seed + number, 4, ink)
    return page


DRAWINGS: dict[str, Page] = {
    "fine pen": lambda i: draw(blank(i), i, 1),
    "pen, binder, page number": lambda i: pages.binder(draw(blank(i), i)),
    "brush pen of 4 mm": lambda i: draw(blank(i), i, 16),
    "light pencil": lambda i: draw(blank(i), i, 2, (212, 214, 215)),
    "red pen": lambda i: draw(blank(i), i, 3, (40, 30, 200)),
    "yellow felt pen": lambda i: draw(blank(i), i, 4, (40, 200, 240)),
    "four coloured pens": four_pens,
    "brown wrapping paper": lambda i: draw(blank(i, (105, 150, 185)), i, 3),
    "cream paper": lambda i: draw(blank(i, (200, 232, 244)), i),
    "grey paper": lambda i: draw(blank(i, (150, 152, 154)), i),
    "shadow of the gutter": lambda i: gutter(draw(blank(i), i)),
    "dark corners": lambda i: vignette(draw(blank(i), i)),
    "dark strip beside the page": lambda i: lid(draw(blank(i), i)),
    "two degrees askew": lambda i: pages.turn(draw(blank(i), i), 2),
    "an area filled with the pen": lambda i: filled(draw(blank(i), i, 3)),
    "a little soft": lambda i: cv2.GaussianBlur(draw(blank(i), i), (0, 0), 1),
}

BAD: dict[str, Page] = {
    "no light": lambda i: draw(blank(i), i) * 0.06,
    "a quarter of the light": lambda i: draw(blank(i), i) * 0.25,
    "askew, the scanner beside it": lambda i: pages.turn(draw(blank(i), i), 12),
    "askew the other way, far": lambda i: pages.turn(draw(blank(i), i), -35),
    "a light hand": lambda i: pages.hand(draw(blank(i), i), (150, 180, 225)),
    "a dark hand": lambda i: pages.hand(draw(blank(i), i), (45, 65, 100)),
    "blurred": lambda i: cv2.GaussianBlur(draw(blank(i), i), (0, 0), 5),
    "blank": blank,
    "blank but for binder and number": lambda i: pages.binder(blank(i)),
}

WASHED: dict[str, Page] = {
    "one light wash": lambda i: pages.wash(draw(blank(i), i), (230, 190, 150), 0.35, (400, 500), 170),
    "a grey wash": lambda i: pages.wash(draw(blank(i), i), (110, 110, 110), 0.35, (400, 500), 170),
    "several": lambda i: pages.wash(
        pages.wash(draw(blank(i), i), (120, 120, 230), 0.5, (300, 300), 200),
        (150, 200, 60),
        0.5,
        (500, 800),
        200,
    ),
    "washes without a line": lambda i: pages.wash(blank(i), (200, 120, 120), 0.5, (400, 400), 250),
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", DRAWINGS)
def test_a_line_drawing_goes_on_whatever_the_pen_paper_and_light(kind: str, seed: int) -> None:
    """A drawing that is not suggested never reaches the tracer, and nobody would look for it."""
    assert suggest_group("art", page_statistics(pages.scanned(DRAWINGS[kind](seed)))) == "drawings"


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_scan_does_not_go_on(kind: str, seed: int) -> None:
    """A hand or a scanner's inside that is traced teaches the model to draw it."""
    assert suggest_group("art", page_statistics(pages.scanned(BAD[kind](seed)))) == "badscans"


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", WASHED)
def test_a_watercolor_does_not_go_on(kind: str, seed: int) -> None:
    """Watercolors lie in the same folder as the drawings, and often have a line drawing in them."""
    assert suggest_group("art", page_statistics(pages.scanned(WASHED[kind](seed)))) == "watercolors"


def test_writing_among_the_drawings_is_found() -> None:
    """In a flat folder of images everything counts as art, notes too."""
    assert suggest_group("art", page_statistics(pages.scanned(pages.write(blank())))) == "notes"


def test_a_collage_among_the_drawings_is_a_cover() -> None:
    """Colours that run off the page on all sides are no watercolor."""
    rng = np.random.default_rng(0)
    page = np.full((pages.HEIGHT, pages.WIDTH, 3), (60, 70, 40), np.uint8)
    for _ in range(14):
        corner = rng.integers(-100, 800, 2)
        cv2.rectangle(
            page,
            corner.tolist(),
            (corner + rng.integers(150, 400, 2)).tolist(),
            rng.integers(0, 255, 3).tolist(),
            -1,
        )
    assert suggest_group("art", page_statistics(page)) == "covers"


def test_the_artists_folders_are_believed() -> None:
    """Whoever put a page among the notes knows better than its statistics; only a scan without light is bad."""
    drawing = page_statistics(pages.scanned(draw(blank())))
    dark = page_statistics(pages.scanned(draw(blank()) * 0.1))
    assert suggest_group("notes", drawing) == "notes"
    assert suggest_group("cover", drawing) == "covers"
    assert suggest_group("notes", dark) == "badscans"


def test_resolution_does_not_change_a_group() -> None:
    """The same page is scanned at 100 or at 300 dots per inch."""
    for kinds in (DRAWINGS, BAD, WASHED):
        for kind, make in kinds.items():
            page = make(3)
            half = cv2.resize(page, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
            double = cv2.resize(page, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
            groups = {suggest_group("art", page_statistics(pages.scanned(p))) for p in (page, half, double)}
            assert len(groups) == 1, kind


def test_every_suggestion_is_a_group() -> None:
    """labels.csv and the asset take these names only."""
    pictures = [make(0) for kinds in (DRAWINGS, BAD, WASHED) for make in kinds.values()]
    for folder in ("art", "notes", "cover"):
        for picture in pictures[::5]:
            assert suggest_group(folder, page_statistics(pages.scanned(picture))) in GROUPS
