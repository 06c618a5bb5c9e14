"""Chromium as the judge of where the lines of an SVG are on its page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.spatial import cKDTree

from singleline_pipeline.geometry import read_svg

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGE = 'width="400" height="300" viewBox="0 0 200 150"'
DRAWINGS = {
    "every command": (
        PAGE,
        '<path d="M10 10L50,20 l10-5H80h5V40v-5C90 50 100 50 110 30s20 10 25-5S 150 20 160 10Q170 40 180 10t10 5T195 40'
        'q5 5-20 20z m-60 10 L40 90 .5.5-1-1"/>',
    ),
    "arcs": (
        PAGE,
        '<path d="M20 50A30 20 30 0 1 80 50a30 20 30 1 0-40-20A5 5 0 11 60 60a5 5 0 0110 .5.5.5 45 1110-5'
        'A0 5 0 0 1 100 100 a10 1 60 1 1 40 20"/><path d="M100 20A1e5 1e5 0 0 1 150 30A2 2 0 1 0 100 60"/>'
        '<path d="M20 120A-25 10 400 0 0 70 130M100 100A40 50 20 1 1 101 100"/>',
    ),
    "transforms": (
        PAGE,
        '<g transform="translate(20,10) rotate(30 50 50)"><g transform="scale(.5 1.5)skewX(20)">'
        '<path d="M0 0L50 50C60 60 90 10 100 20"/><rect x="5" y="5" width="50" height="30" rx="8"/></g>'
        '<circle cx="30" cy="30" r="20" transform="matrix(1 .2 .3 1 5 5)"/></g>'
        '<ellipse cx="150" cy="80" rx="20" ry="10" transform="skewY(10), translate(3)"/>',
    ),
    "shapes": (
        PAGE,
        '<line x1="5" y1="5" x2="50%" y2="10mm"/><polyline points="10,10 20,30 40 10-5-5"/>'
        '<polygon points="60 60,80 60 70 90"/><rect x="100" y="10" width="40" height="20"/>'
        '<rect x="100" y="40" width="40" height="20" rx="5" ry="15"/>'
        '<rect x="100" y="70" width="40" height="20" ry="50"/>'
        '<circle cx="170" cy="50" r="10%"/><ellipse cx="50" cy="120" rx="30" ry="10"/>',
    ),
    "pages within pages": (
        PAGE,
        '<svg x="20" y="10" width="100" height="50" viewBox="0 0 10 10" preserveAspectRatio="xMaxYMin slice">'
        '<path d="M0 0L10 10M0 5H10"/><svg x="50%" width="5" height="5"><circle cx="50%" cy="50%" r="2"/></svg></svg>'
        '<svg x="120" y="80" width="60" height="60" viewBox="-5 -5 10 20"><path d="M0 0L5 5L-5 15"/></svg>',
    ),
    "a page with room above": (
        'width="400" height="300" viewBox="0 0 100 20" preserveAspectRatio="xMinYMax meet"',
        '<path d="M0 0L100 20"/>',
    ),
    "a page drawn out of shape": (
        'width="400" height="300" viewBox="10 10 100 20" preserveAspectRatio="none"',
        '<path d="M10 10L100 20A5 5 0 0 1 60 20"/>',
    ),
    "millimetres": ('width="100mm" height="5cm" viewBox="0 0 100 50"', '<path d="M10 10L90 40"/>'),
    "css": (
        PAGE,
        "<style>.a{transform:translate(10px,5px) rotate(20deg)}</style>"
        '<path class="a" d="M10 10L90 40"/><path style="transform: scale(2) translate(3px)" d="M5 30 L 40 40"/>',
    ),
    "errors": (
        PAGE,
        '<path d="M10 10L50 50 L60 x 7"/><path d="M10 20 L50 60 70"/><path d="M 10 30 L 50 70,,L9 9"/>'
        '<path d="M10 40L50 80 A 5 5 0 2 0 9 9"/><path d="M10 50L50 90 ; L 3 3"/>'
        '<path d="M10 60L50 99" transform="turn(9)"/>',
    ),
}
SAMPLES = 2000
SHAPES = "path,line,polyline,polygon,rect,circle,ellipse"
POINTS = """([shapes, samples]) => Array.from(document.querySelectorAll(shapes), shape => {
  const m = shape.getScreenCTM(), length = shape.getTotalLength();
  return Array.from({length: samples + 1}, (_, i) => {
    const p = shape.getPointAtLength(length * i / samples);
    return [p.x * m.a + p.y * m.c + m.e, p.x * m.b + p.y * m.d + m.f];
  });
})"""


@pytest.mark.parametrize("name", DRAWINGS)
def test_lines_are_where_a_browser_draws_them(name: str, browser: Browser, tmp_path: Path) -> None:
    """Both ways: what the browser draws is in our strokes, and nothing else is."""
    attributes, body = DRAWINGS[name]
    file = tmp_path / "drawing.svg"
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" {attributes} stroke="black" fill="none">{body}</svg>'
    )
    with browser.new_page(viewport={"width": 1000, "height": 1000}) as page:
        page.goto(file.as_uri())
        shapes = [np.array(points) for points in page.evaluate(POINTS, [SHAPES, SAMPLES])]
    theirs = np.concatenate(shapes)
    spacing = max(np.hypot(*np.diff(shape, axis=0).T).sum() / SAMPLES for shape in shapes)
    strokes = read_svg(file, tolerance=0.02)
    ours = np.concatenate([_filled(stroke) for stroke in strokes])
    # A browser computes in single precision, and walks along arcs in steps of its own.
    assert cKDTree(ours).query(theirs)[0].max() < 0.12
    assert cKDTree(theirs).query(ours)[0].max() < 0.12 + spacing


def _filled(stroke: np.ndarray) -> np.ndarray:
    """Points a twentieth of a px apart along a stroke."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    wanted = np.linspace(0, along[-1], int(along[-1] / 0.05) + 2)
    return np.column_stack([np.interp(wanted, along, stroke[:, axis]) for axis in (0, 1)])
