"""What the benchmarks work on: a sample page, and a drawing as a tracer leaves it."""

from __future__ import annotations

import numpy as np
import pytest

from singleline_pipeline.geometry import drawing_length, resample_stroke, rescale
from singleline_pipeline.scans.sample_pages import SamplePage, sample_page

PIECES = 48  # short strokes that a tracer makes of one drawing, in the story's data
POINTS = 1000  # sample points along a drawing


@pytest.fixture(scope="session")
def page() -> SamplePage:
    """A page of full size, about 1500 x 2200 px, with one drawing."""
    return sample_page("drawing", seed=7, drawings=1)


@pytest.fixture(scope="session")
def line(page: SamplePage) -> list[np.ndarray]:
    """The page's lines as the pen drew them, 1000 points on the 200-unit canvas."""
    whole, _, _ = rescale(page.lines)
    spacing = drawing_length(whole) / POINTS
    return [resample_stroke(stroke, spacing) for stroke in whole]


@pytest.fixture(scope="session")
def traced(line: list[np.ndarray]) -> list[np.ndarray]:
    """The same line broken into about 48 pieces with gaps of some units, in no order and no direction."""
    rng = np.random.default_rng(0)
    pieces = []
    for stroke in line:
        count = max(1, round(PIECES * len(stroke) / sum(map(len, line))))
        for piece in np.array_split(stroke, count):
            kept = piece[:-3] if len(piece) > 5 else piece
            pieces.append(kept[::-1] if rng.random() < 0.5 else kept)
    return [pieces[index] for index in rng.permutation(len(pieces))]
