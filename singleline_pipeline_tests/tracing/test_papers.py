"""The pen's line is found on every paper and with every pen, and nothing else is."""

import cv2
import numpy as np
import pytest

from singleline_pipeline.tracing import TracedPage, trace
from singleline_pipeline_tests.tracing.papers import BLACK_PAPER, CREAM, INK, KRAFT, KnownPage, Scan
from singleline_pipeline_tests.tracing.quality import Quality, quality

GREY, DARK_GREY, BLUE = (195.0, 195.0, 195.0), (150.0, 150.0, 150.0), (200.0, 150.0, 110.0)
SIZE = (760, 1000)
SEED = 3


def scan(**options: object) -> Scan:
    return Scan(SEED, size=SIZE, **options)  # type: ignore[arg-type]


def traced_and_scored(page: KnownPage) -> tuple[TracedPage, Quality]:
    traced = trace(page.image)
    return traced, quality(traced.strokes, page.lines, page.pen)


PENS = {
    "black": INK,
    "yellow": (60.0, 220.0, 250.0),
    "orange": (40.0, 140.0, 250.0),
    "light blue": (235.0, 190.0, 110.0),
    "pink": (200.0, 150.0, 250.0),
    "light green": (130.0, 220.0, 150.0),
    "grey": (150.0, 150.0, 150.0),
}


@pytest.mark.parametrize("pen", PENS)
def test_pens_of_every_colour_are_traced(pen: str) -> None:
    """A yellow pen takes an eighth of the light of white paper in grey, and three quarters of it in blue."""
    page = scan(paper=CREAM)
    page.ink(PENS[pen])
    _, score = traced_and_scored(page.finished())
    assert score.precision > 0.98
    assert score.recall > 0.97


@pytest.mark.parametrize("pen", ["yellow", "orange"])
def test_a_pale_colour_beside_black_is_no_bleed_through(pen: str) -> None:
    """In grey it is as faint as the other side's ink showing through, and was dropped as that."""
    page = scan()
    [black] = page.lines
    page.ink()
    page.lines = [black * (0.4, 0.4) + (60, 40)]
    cover = page.cover(page.lines, page.pen)
    page.draw(cover, PENS[pen])
    page.lines += [black]
    _, score = traced_and_scored(page.finished())
    assert score.precision > 0.95
    assert score.recall > 0.93


@pytest.mark.parametrize(
    ("paper", "pen"),
    [
        (BLACK_PAPER, (235.0, 238.0, 238.0)),
        (BLACK_PAPER, (60.0, 220.0, 250.0)),
        (KRAFT, (248.0, 248.0, 248.0)),
        (KRAFT, INK),
        ((130.0, 80.0, 50.0), (245.0, 245.0, 245.0)),
    ],
    ids=["white on black", "yellow on black", "white on brown", "black on brown", "white on blue"],
)
def test_the_pen_may_be_lighter_than_the_paper(paper: tuple[float, ...], pen: tuple[float, ...]) -> None:
    """Brown paper is of middle grey: only what stands out on it says which way round the page is."""
    page = scan(paper=paper)
    page.ink(pen)  # type: ignore[arg-type]
    _, score = traced_and_scored(page.finished())
    assert score.precision > 0.98
    assert score.recall > 0.97


@pytest.mark.parametrize("scale", [0.5, 0.75, 2.0, 3.0])
def test_resolutions_from_100_to_600_dpi(scale: float) -> None:
    page = scan(scale=scale)
    page.ink()
    traced, score = traced_and_scored(page.finished())
    assert score.precision > 0.985
    assert score.recall > 0.975
    assert traced.pen_width == pytest.approx(page.pen, rel=0.2)


@pytest.mark.parametrize("pen", [3.0, 8.0, 14.0])
def test_fine_pens_and_brushes(pen: float) -> None:
    """A brush closes the smallest loops of a drawing; the rest of the line must be all there."""
    page = scan(pen=pen)
    page.ink()
    traced, score = traced_and_scored(page.finished())
    assert score.precision > 0.97
    assert score.recall > (0.97 if pen < 10 else 0.9)
    assert traced.pen_width == pytest.approx(pen, rel=0.2)


def test_one_stroke_of_a_brush_from_three_to_fourteen_pixels() -> None:
    page = scan(pen=8.0)
    along = np.linspace(0, 12 * np.pi, len(page.lines[0]))
    page.draw(page.cover(page.lines, 8.5 + 5.5 * np.sin(along)), INK)
    _, score = traced_and_scored(page.finished())
    assert score.precision > 0.97
    assert score.recall > 0.92


@pytest.mark.parametrize("spot", ["gutter", "lamp"])
def test_shadows_are_no_ink(spot: str) -> None:
    page = scan()
    page.ink()
    x = np.arange(page.width, dtype=np.float32)
    light = 1 - 0.8 * np.exp(-x / 40) if spot == "gutter" else 1 - 0.55 * x / page.width
    page.page *= light[None, :, None]
    _, score = traced_and_scored(page.finished())
    assert score.precision > 0.98
    assert score.recall > 0.97


def test_a_drawing_that_runs_over_the_edge_of_the_page_is_not_cut() -> None:
    page = scan(margin=-40.0)
    page.ink()
    traced, score = traced_and_scored(page.finished())
    points = np.concatenate(traced.strokes)
    assert score.precision > 0.98
    assert points[:, 0].min() < 4 or points[:, 1].min() < 4
    [line] = page.lines
    inside = np.all((line >= 0) & (line <= (page.width - 1, page.height - 1)), axis=1)
    cuts = np.flatnonzero(np.diff(inside)) + 1
    runs = zip(np.split(line, cuts), np.split(inside, cuts), strict=True)
    on_page = [run for run, here in runs if here[0] and len(run) > 1]
    assert quality(traced.strokes, on_page, page.pen).recall > 0.97


PRINTS: dict[str, tuple[tuple[float, float, float], bool]] = {
    "grey rules": (GREY, False),
    "dark grey rules": (DARK_GREY, False),
    "blue rules": (BLUE, False),
    "grey squares": (GREY, True),
    "dark grey squares": (DARK_GREY, True),
    "blue squares": (BLUE, True),
}


@pytest.mark.parametrize("pen", [INK, (60.0, 220.0, 250.0)], ids=["black", "yellow"])
@pytest.mark.parametrize("printed", PRINTS)
def test_ruled_and_squared_paper(printed: str, pen: tuple[float, float, float]) -> None:
    """There is more print than ink on squared paper: a threshold takes its darkness for that of the pen."""
    colour, squared = PRINTS[printed]
    page = scan()
    page.rule(colour, spacing=39.0 if squared else 55.0, width=1.8, squared=squared)
    page.ink(pen)
    _, score = traced_and_scored(page.finished())
    assert score.precision > 0.98
    assert score.recall > 0.965


def test_pencil_on_squares() -> None:
    page = scan(pen=3.0)
    page.rule(GREY, spacing=39.0, squared=True)
    page.ink((90.0, 90.0, 90.0), strength=0.7)
    _, score = traced_and_scored(page.finished())
    assert score.precision > 0.98
    assert score.recall > 0.965


@pytest.mark.parametrize("tone", [165.0, 110.0])
def test_dotted_paper(tone: float) -> None:
    page = scan()
    page.dot((tone, tone, tone))
    page.ink()
    _, score = traced_and_scored(page.finished())
    assert score.precision > 0.98
    assert score.recall > 0.965


def test_the_shadow_along_the_edge_of_the_sheet_is_no_line() -> None:
    page = scan()
    page.ink()
    away = np.arange(page.height, dtype=np.float32)
    page.page *= (1 - 0.6 * np.exp(-(((away - 12) / 5) ** 2)))[:, None, None]
    _, score = traced_and_scored(page.finished())
    assert score.precision > 0.98
    assert score.recall > 0.97


def test_a_line_drawn_with_a_ruler_is_a_line() -> None:
    """One straight line across the page, or a few at odd distances, is nobody's print."""
    page = scan()
    ruled = [np.array([[30.0, y], [740.0, y + 3]]) for y in (300.0, 460.0, 530.0, 800.0)]
    page.lines += ruled
    page.ink()
    traced, _ = traced_and_scored(page.finished())
    assert quality(traced.strokes, ruled, page.pen).recall > 0.99


def test_a_drawn_line_along_a_printed_one_stays() -> None:
    page = scan()
    page.rule(GREY, squared=True)
    drawn = np.array([[120.0, 110.4], [640.0, 112.5]])  # the second rule
    page.lines += [drawn]
    page.ink()
    traced, _ = traced_and_scored(page.finished())
    assert quality(traced.strokes, [drawn], page.pen).recall > 0.97


def test_a_hand_at_the_edge_is_no_line() -> None:
    """Skin is coloured and no pen: were the page read in skin's darkest channel, its outline would be traced."""
    page = scan()
    page.ink()
    hand = np.zeros((page.height, page.width), np.uint8)
    for shift, length in ((-60, 90), (0, 130), (60, 110)):
        tip = (page.width - length, 600 + shift - 8)
        cv2.line(hand, (page.width, 600 + shift), tip, 255, 46)
    cv2.ellipse(hand, (page.width, 600), (60, 110), 0, 0, 360, 255, -1)
    covered = cv2.GaussianBlur(hand, (0, 0), 2).astype(np.float32) / 255
    page.draw(covered, (120.0, 150.0, 205.0), strength=1.0)
    _, score = traced_and_scored(page.finished())
    assert score.precision > 0.98
