"""The measure of tracing is itself right: figures of the docs rest on it."""

import numpy as np
import pytest

from singleline_pipeline.scans.sample_pages import sample_page
from singleline_pipeline.tracing import trace_page
from singleline_pipeline_tests.tracing.pages import figure_eight, straight
from singleline_pipeline_tests.tracing.quality import quality

CROSS = [straight(0, 0, 200, 200), straight(200, 0, 0, 200)]
PEN = 4.0


def test_the_line_itself_is_perfect() -> None:
    """Two lines that cross once are two passes."""
    found = quality(CROSS, CROSS, PEN)
    assert found.distance < 0.02  # lines are sampled every fifth of a pixel
    assert (found.precision, found.recall, found.length) == (1, 1, 1)
    assert (found.crossings, found.passed) == (2, 1)


def test_a_line_beside_the_drawn_one_is_as_far_off_as_it_was_moved() -> None:
    """Distances are in pen widths."""
    [line] = [straight(0, 0, 300, 0)]
    assert quality([line + [0, 1]], [line], PEN).distance == pytest.approx(1 / PEN, rel=0.02)


def test_invented_and_missing_line_are_told_apart() -> None:
    """Precision is of what was traced, recall of what was drawn."""
    [line] = [straight(0, 0, 300, 0)]
    half = quality([straight(0, 0, 150, 0)], [line], PEN)
    assert half.precision == 1
    assert half.recall == pytest.approx(0.5, abs=0.02)
    more = quality([line, straight(0, 50, 300, 50)], [line], PEN)
    assert more.precision == pytest.approx(0.5, abs=0.02)
    assert more.recall == 1


def test_a_turn_taken_at_a_crossing_loses_it() -> None:
    """Strokes that run along both lines but change over where these meet did not follow the pen."""
    turned = [np.vstack([CROSS[0][:101], CROSS[1][101:]]), np.vstack([CROSS[1][:101], CROSS[0][101:]])]
    found = quality(turned, CROSS, PEN)
    assert found.passed == 0
    assert found.lost == pytest.approx(np.full((2, 2), 100), abs=2)


def test_a_line_that_crosses_itself_has_a_crossing() -> None:
    """Most crossings of a single-line drawing are of the line with itself."""
    eight = figure_eight(100, 100, 80)
    assert (quality([eight], [eight], PEN).crossings, quality([eight], [eight], PEN).passed) == (2, 1)


def test_no_stroke_has_no_quality() -> None:
    """A tracer that finds nothing must not pass for one that invents nothing."""
    with pytest.raises(ValueError, match="No stroke"):
        quality([], CROSS, PEN)


def test_traced_sample_pages_keep_their_quality() -> None:
    """What the benchmark measures on twelve pages stays true of two, whatever is changed in a stage."""
    for seed in (100, 110):
        page = sample_page("drawing", seed=seed, drawings=1)
        found = quality(trace_page(page.image), page.lines, page.pen or 1.0)
        assert found.distance < 0.04
        assert found.precision > 0.99
        assert found.recall > 0.98
        assert found.passed > 0.75
