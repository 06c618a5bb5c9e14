"""From a scanned page to strokes: the slowest step a page, and 1200 pages are a small artist's shelf."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scipy.spatial import cKDTree

from singleline_pipeline.scans.sample_pages import SamplePage, sample_page
from singleline_pipeline.tracing import trace_page


def is_traced(strokes: list[np.ndarray], page: SamplePage) -> None:
    """The traced line is the pen's: 95 % of it is found within a pen's width."""
    pen = page.pen
    assert pen is not None
    drawn, _ = cKDTree(np.concatenate(strokes)).query(np.concatenate(page.lines))
    assert np.quantile(drawn, 0.95) < pen
    invented, _ = cKDTree(np.concatenate(page.lines)).query(np.concatenate(strokes))
    assert np.quantile(invented, 0.95) == pytest.approx(0, abs=pen)


def test_page_to_strokes(benchmark: BenchmarkFixture, page: SamplePage) -> None:
    is_traced(benchmark(trace_page, page.image), page)


def test_page_of_twice_the_resolution_to_strokes(benchmark: BenchmarkFixture) -> None:
    """Four times the pixels and the same lines: at most four times the page above."""
    page = sample_page("drawing", seed=7, drawings=1, scale=2.0)
    is_traced(benchmark(trace_page, page.image), page)
