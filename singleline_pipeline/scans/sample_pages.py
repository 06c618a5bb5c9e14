"""Single pages of a sample sketchbook: drawings, watercolors, notes, covers and bad scans, each with its truth."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import cv2
import numpy as np

from singleline_pipeline.scans.sample_lines import sample_line
from singleline_pipeline.scans.sample_paper import (
    Sheet,
    Side,
    bind,
    blank,
    ink_coverage,
    inked,
    scanned,
    slow_noise,
    wash,
)
from singleline_pipeline.scans.sample_writing import diagram, written_number, written_page, written_word

Box = tuple[int, int, int, int]

_PAPER_TINTS = ((241.0, 245.0, 246.0), (234.0, 243.0, 247.0), (228.0, 238.0, 243.0), (243.0, 244.0, 243.0))
_INKS = ((42.0, 36.0, 36.0), (52.0, 44.0, 42.0), (70.0, 48.0, 44.0))
# Pigments at full strength, blue-green-red: ultramarine, turquoise, sap green, ochre, sienna, rose, violet,
# grey.
_PIGMENTS = (
    (150, 70, 45), (165, 150, 40), (60, 120, 70), (50, 150, 205), (45, 80, 165), (120, 70, 205), (140, 70,
    120), (120, 105, 95),
)  # fmt: skip
_SKIN = ((120, 165, 225), (85, 125, 190), (60, 85, 130))


@dataclass(frozen=True)
class SamplePage:
    """A page and what is on it.

    `image` uint8 (h, w, 3), blue-green-red; `lines` the pen's lines of a drawing page, (n, 2) in page
    pixels, pixel centres being integers, and `drawing` the number of the drawing that each belongs to;
    `binder` and `number` are boxes (x0, y0, x1, y1), None where there is none.
    """

    kind: str
    image: np.ndarray = field(repr=False)
    lines: list[np.ndarray] = field(repr=False, default_factory=list)
    drawing: np.ndarray = field(repr=False, default_factory=lambda: np.zeros(0, np.int64))
    side: Side | None = None
    binder: Box | None = None
    number: Box | None = None
    pen: float | None = None


@dataclass(frozen=True)
class Sketchbook:
    """What the pages of one sketchbook share: format and tint of its paper, and the pen."""

    title: str
    width: int
    height: int
    tint: tuple[float, float, float]
    ink: tuple[float, float, float]
    pen: float


def sample_book(rng: np.random.Generator, title: str = "sb01") -> Sketchbook:
    """A sketchbook about 1500 x 2200 px."""
    tint = np.array(_PAPER_TINTS[rng.integers(len(_PAPER_TINTS))]) + rng.normal(0.0, 1.5, 3)
    return Sketchbook(
        title=title,
        width=int(rng.integers(1440, 1561)),
        height=int(rng.integers(2120, 2281)),
        tint=(float(tint[0]), float(tint[1]), float(tint[2])),
        ink=_INKS[rng.integers(len(_INKS))],
        pen=float(rng.uniform(3.2, 4.6)),
    )


def sample_page(
    kind: str = "drawing",
    *,
    seed: int | list[int] = 0,
    scale: float = 1.0,
    number: int | None = 5,
    drawings: int | None = None,
    book: Sketchbook | None = None,
) -> SamplePage:
    """One page of a sketchbook: kind drawing, watercolor, notes, cover, dark or skewed.

    Odd page numbers have the binder on the left, even ones on the right. `drawings` is how many a drawing
    page holds (1 to 5; left to chance otherwise). `scale` 0.5 makes everything half as large, the pen too.
    """
    rng = np.random.default_rng(seed)
    book = book or sample_book(rng)
    sheet = Sheet(
        width=round((book.width + rng.integers(-8, 9)) * scale),
        height=round((book.height + rng.integers(-8, 9)) * scale),
        scale=scale,
        side="left" if number is None or number % 2 else "right",
        tint=book.tint,
    )
    if kind == "cover":
        return SamplePage(
            "cover", scanned(_cover(sheet, book, rng), sheet, rng), side=sheet.side, binder=sheet.band
        )
    count = (
        drawings
        if drawings is not None
        else int(rng.choice([1, 2, 3, 4, 5], p=[0.12, 0.22, 0.30, 0.24, 0.12]))
    )
    paper = blank(sheet, rng)
    lines: list[np.ndarray] = []
    which: list[int] = []
    if kind == "watercolor":
        _watercolor(paper, sheet, book, rng)
    elif kind == "notes":
        _notes(paper, sheet, book, rng)
    else:
        lines = [_placed(sample_line(rng), cell, rng) for cell in _cells(count, sheet, rng)]
        which = list(range(len(lines)))
        inked(paper, ink_coverage(lines, sheet, book.pen * scale, rng), book.ink)
    bind(paper, sheet, rng)
    box = None if number is None else _numbered(paper, number, sheet, book, rng)
    if kind in _SPOILT:
        return SamplePage(kind, scanned(_SPOILT[kind](paper, sheet, rng), sheet, rng))
    page = SamplePage(kind, scanned(paper, sheet, rng), side=sheet.side, binder=sheet.band, number=box)
    if kind == "drawing":
        return replace(page, lines=lines, drawing=np.array(which), pen=book.pen * scale)
    return page


def _numbered(
    paper: np.ndarray, number: int, sheet: Sheet, book: Sketchbook, rng: np.random.Generator
) -> Box:
    """Write the page number into the bottom corner next to the rings; returns its box."""
    size = rng.uniform(36, 46) * sheet.scale
    strokes = [stroke * size for stroke in written_number(number, rng)]
    extent = np.vstack(strokes)
    wide, high = np.ptp(extent, axis=0)
    inset, foot = rng.uniform(118, 134) * sheet.scale, rng.uniform(48, 66) * sheet.scale
    x = inset if sheet.side == "left" else sheet.width - inset - wide
    move = np.array([x, sheet.height - foot - high]) - extent.min(axis=0)
    strokes = [stroke + move for stroke in strokes]
    inked(paper, ink_coverage(strokes, sheet, 0.75 * book.pen * sheet.scale, rng), book.ink, 0.9)
    slack = book.pen * sheet.scale + 2
    low, high_corner = np.vstack(strokes).min(axis=0) - slack, np.vstack(strokes).max(axis=0) + slack
    return (int(low[0]), int(low[1]), int(np.ceil(high_corner[0])), int(np.ceil(high_corner[1])))


def _cells(count: int, sheet: Sheet, rng: np.random.Generator) -> list[tuple[float, float, float, float]]:
    """Boxes (x0, y0, x1, y1) for so many drawings, in rows of uneven heights and widths, none touching another."""
    layouts = {
        1: [[1]],
        2: [[1, 1], [2]],
        3: [[1, 2], [2, 1]],
        4: [[2, 2], [1, 2, 1]],
        5: [[2, 1, 2], [2, 2, 1], [1, 2, 2]],
    }
    options = layouts[count]
    rows = options[int(rng.choice(len(options), p=[0.8, 0.2] if count in (2, 4) else None))]
    x0, y0, x1, y1 = sheet.inside
    gap = 46 * sheet.scale
    cells = []
    heights = rng.uniform(0.85, 1.15, len(rows))
    edges = y0 + (y1 - y0) * np.concatenate([[0.0], np.cumsum(heights) / heights.sum()])
    for row, top, bottom in zip(rows, edges[:-1], edges[1:], strict=True):
        widths = rng.uniform(0.85, 1.15, row)
        sides = x0 + (x1 - x0) * np.concatenate([[0.0], np.cumsum(widths) / widths.sum()])
        cells += [
            (left + gap / 2, top + gap / 2, right - gap / 2, bottom - gap / 2)
            for left, right in pairwise(sides)
        ]
    return cells


def _placed(
    line: np.ndarray, cell: tuple[float, float, float, float], rng: np.random.Generator
) -> np.ndarray:
    """A drawing moved into a cell, not quite filling it, at a random place in it."""
    room = np.array([cell[2] - cell[0], cell[3] - cell[1]])
    extent = np.ptp(line, axis=0)
    size = rng.uniform(0.82, 1.0) * float((room / np.maximum(extent, 1e-6)).min())
    spare = room - size * extent
    return line * size + np.array(cell[:2]) + spare * rng.uniform(0.15, 0.85, 2)


def _watercolor(paper: np.ndarray, sheet: Sheet, book: Sketchbook, rng: np.random.Generator) -> None:
    """Washes under a head in one line, in the bands of a landscape, or in blots, some with a line over them."""
    x0, y0, x1, y1 = sheet.inside
    shape = (sheet.height, sheet.width)
    style = rng.choice(["head", "head", "bands", "blots"])
    colours = rng.permutation(len(_PIGMENTS))
    line = _placed(sample_line(rng, "front" if style == "head" else None), sheet.inside, rng)
    if style == "head":
        figure = _silhouette(line, sheet)
        if rng.random() < 0.8:
            ground = np.full(shape, 255, np.uint8)
            ground[: int(y0)], ground[int(y1) :], ground[:, : int(x0)], ground[:, int(x1) :] = 0, 0, 0, 0
            wash(
                paper,
                (ground & ~figure) / np.float32(255),
                _PIGMENTS[colours[0]],
                rng.uniform(0.5, 1.0),
                sheet,
                rng,
            )
        wash(paper, figure / np.float32(255), _SKIN[rng.integers(3)], rng.uniform(0.6, 1.1), sheet, rng)
        spots = 3
    elif style == "bands":
        edges = np.sort(rng.uniform(y0, y1, 4))
        for colour, top, bottom in zip(
            colours, np.concatenate([[y0], edges]), np.concatenate([edges, [y1]]), strict=False
        ):
            band = np.zeros(shape, np.float32)
            hill = (60 * sheet.scale * slow_noise(rng, sheet.size, 4)[0]).astype(int)
            for x in range(int(x0), int(x1)):
                band[max(0, int(top) + hill[x]) : int(bottom) + hill[x] // 2, x] = 1
            wash(paper, band, _PIGMENTS[colour], rng.uniform(0.6, 1.2), sheet, rng)
        spots = 3
    else:
        spots = 11
    for k in range(spots):
        if style == "head":
            centre = np.clip(
                line[rng.integers(len(line))], (x0 + 0.2 * (x1 - x0), y0), (x1 - 0.2 * (x1 - x0), y1)
            )
        else:
            centre = rng.uniform(
                (x0 + 0.1 * (x1 - x0), y0 + 0.1 * (y1 - y0)), (x1 - 0.1 * (x1 - x0), y1 - 0.1 * (y1 - y0))
            )
        wash(
            paper,
            _blot(centre, rng.uniform(90, 300), sheet, rng),
            _PIGMENTS[colours[k % 5]],
            rng.uniform(0.4, 1.2),
            sheet,
            rng,
        )
    if style == "head" or rng.random() < 0.4:
        inked(paper, ink_coverage([line], sheet, 1.2 * book.pen * sheet.scale, rng), book.ink)


def _silhouette(line: np.ndarray, sheet: Sheet) -> np.ndarray:
    """What a line goes around, its wider openings left open: uint8 (h, w), 0 or 255."""
    mask = np.zeros((sheet.height, sheet.width), np.uint8)
    cv2.polylines(mask, [np.round(line).astype(np.int32)], True, 255, round(26 * sheet.scale))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(mask, outlines, -1, 255, -1)


def _blot(centre: np.ndarray, radius: float, sheet: Sheet, rng: np.random.Generator) -> np.ndarray:
    """What a full brush wets: a lobed patch, float32 (h, w); the radius is for scale 1."""
    angles = np.linspace(0.0, 2 * np.pi, 90, endpoint=False)
    lobes = np.zeros_like(angles)
    for k in range(1, 6):
        lobes += rng.normal(0.0, 0.22 / k) * np.cos(k * angles + rng.uniform(0, 2 * np.pi))
    reach = radius * sheet.scale * (1.0 + lobes)
    outline = centre + reach[:, None] * np.column_stack(
        [np.cos(angles), rng.uniform(0.5, 1.0) * np.sin(angles)]
    )
    blot = np.zeros((sheet.height, sheet.width), np.float32)
    cv2.fillPoly(blot, [np.round(outline).astype(np.int32)], 1.0)
    return blot


def _notes(paper: np.ndarray, sheet: Sheet, book: Sketchbook, rng: np.random.Generator) -> None:
    """Handwriting, and mostly a diagram below it."""
    x0, y0, x1, y1 = sheet.inside
    end = y1 if rng.random() < 0.25 else y0 + (y1 - y0) * rng.uniform(0.5, 0.72)
    words, underlines = written_page(
        rng, (x0 + 20 * sheet.scale, y0, x1, end), rng.uniform(19, 27) * sheet.scale
    )
    strokes = [*words, *underlines]
    if end < y1:
        strokes += diagram(
            rng, (x0 + 40 * sheet.scale, end + 60 * sheet.scale, x1 - 40 * sheet.scale, y1 - 20 * sheet.scale)
        )
    inked(paper, ink_coverage(strokes, sheet, 0.8 * book.pen * sheet.scale, rng), book.ink, 0.92)


def _cover(sheet: Sheet, book: Sketchbook, rng: np.random.Generator) -> np.ndarray:
    """Board with torn paper glued onto it, tape, a label with the title, and the binder."""
    board = np.array(rng.choice([(38, 36, 36), (70, 96, 128), (52, 44, 62), (60, 74, 58)]), np.float32)
    page = np.empty((sheet.height, sheet.width, 3), np.float32)
    fibre = cv2.GaussianBlur(rng.standard_normal(page.shape[:2], dtype=np.float32), (0, 0), 1.5)
    page[:] = board + (9 * fibre + 3 * slow_noise(rng, sheet.size, 90))[..., None]
    for _ in range(int(rng.integers(7, 12))):
        colour = np.array(_PIGMENTS[rng.integers(len(_PIGMENTS))], np.float32)
        if rng.random() < 0.5:
            colour = 255 - 0.45 * (255 - colour)
        _glued(
            page,
            rng.uniform((0, 0), (sheet.width, sheet.height)),
            rng.uniform(180, 520, 2),
            colour,
            sheet,
            rng,
        )
    middle = np.array([0.55 * sheet.width, rng.uniform(0.3, 0.6) * sheet.height])
    _glued(
        page,
        middle,
        np.array([330.0, 170.0]),
        np.array([228.0, 240.0, 244.0], np.float32),
        sheet,
        rng,
        torn=False,
    )
    em = 120 * sheet.scale
    strokes, width = written_word(str(rng.choice(["lines", "heads", "thread", "outlines"])), rng, 0.2)
    year = written_number(int(rng.integers(2017, 2025)), rng)
    label = [stroke * em + middle - (0.5 * width * em, 0.15 * em) for stroke in strokes]
    label += [stroke * 0.55 * em + middle + (-0.75 * em, 0.35 * em) for stroke in year]
    inked(page, ink_coverage(label, sheet, 1.6 * book.pen * sheet.scale, rng), book.ink)
    bind(page, sheet, rng)
    return page


def _glued(
    page: np.ndarray,
    centre: np.ndarray,
    half: np.ndarray,
    colour: np.ndarray,
    sheet: Sheet,
    rng: np.random.Generator,
    torn: bool = True,
) -> None:
    """A piece of paper on the board: a shadow beneath, a white rim where it was torn, stripes or dots on some."""
    corners = (
        np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        * half
        * sheet.scale
        * (rng.uniform(0.75, 1.1, (4, 1)) if torn else 1)
    )
    angle = rng.normal(0.0, 0.25 if torn else 0.04)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    outline = (corners @ turn + centre).astype(np.float32)
    steps = np.linspace(0.0, 1.0, 60, endpoint=False)[:, None]
    edge = np.vstack(
        [a + steps * (b - a) for a, b in zip(outline, np.roll(outline, -1, axis=0), strict=True)]
    )
    rough = (7.0 if torn else 0.8) * sheet.scale
    inner = edge + rng.normal(0.0, rough, edge.shape)
    outer = inner + (inner - centre) / np.maximum(np.hypot(*(inner - centre).T), 1)[:, None] * (
        6 * sheet.scale if torn else 0
    )
    around = 30 * sheet.scale
    x0, y0 = np.maximum(outer.min(axis=0) - around, 0).astype(int)
    x1, y1 = np.minimum(outer.max(axis=0) + around, sheet.size).astype(int)
    page = page[y0:y1, x0:x1]
    masks = []
    for shape in (outer + 6 * sheet.scale, outer, inner):
        mask = np.zeros(page.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.round(shape - (x0, y0)).astype(np.int32)], 255, cv2.LINE_AA)
        masks.append(mask.astype(np.float32)[..., None] / 255)
    shadow = cv2.GaussianBlur(masks[0], (0, 0), 6 * sheet.scale)[..., None]
    page *= 1 - 0.4 * shadow
    page += (238 - page) * masks[1]
    print_on_it: np.ndarray | float = 1.0
    if torn and rng.random() < 0.4:
        y, x = np.mgrid[0 : page.shape[0], 0 : page.shape[1]].astype(np.float32)
        period = rng.uniform(18, 60) * sheet.scale
        stripes = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period) > rng.uniform(
            -0.4, 0.6
        )
        print_on_it = 1.0 - 0.22 * cv2.GaussianBlur(stripes.astype(np.float32), (0, 0), 1.0)[..., None]
    page += (colour * print_on_it - page) * masks[2]


def _dark(paper: np.ndarray, sheet: Sheet, rng: np.random.Generator) -> np.ndarray:
    """The lamp was off: hardly any light, and that from one side."""
    fall = np.linspace(1.0, rng.uniform(0.5, 0.8), sheet.height, dtype=np.float32)[:, None, None]
    return paper * rng.uniform(0.10, 0.18) * fall + 6


def _skewed(paper: np.ndarray, sheet: Sheet, rng: np.random.Generator) -> np.ndarray:
    """The book lay askew on the glass and moved."""
    angle = float(rng.choice([-1.0, 1.0]) * rng.uniform(11, 18))
    turn = cv2.getRotationMatrix2D((sheet.width / 2, sheet.height / 2), angle, 0.92)
    turned = cv2.warpAffine(
        paper, turn, (sheet.width, sheet.height), flags=cv2.INTER_LINEAR, borderValue=(26.0, 24.0, 23.0)
    )
    return cv2.GaussianBlur(turned, (0, 0), rng.uniform(2.5, 4.0) * sheet.scale)


_SPOILT: dict[str, Callable[[np.ndarray, Sheet, np.random.Generator], np.ndarray]] = {
    "dark": _dark,
    "skewed": _skewed,
}
