"""From a scanned page to strokes: the slowest step a page, and 1200 pages are a small artist's shelf."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scipy.spatial import cKDTree

from singleline_pipeline.scans.sample_pages import SamplePage
from singleline_pipeline.tracing import trace_page


def test_page_to_strokes(benchmark: BenchmarkFixture, page: SamplePage) -> None:
    """The traced line is the pen's: 95 % of it is found within a pen's width."""
    strokes = benchmark(trace_page, page.image)
    pen = page.pen
    assert pen is not None
    drawn, _ = cKDTree(np.concatenate(strokes)).query(np.concatenate(page.lines))
    assert np.quantile(drawn, 0.95) < pen
    invented, _ = cKDTree(np.concatenate(page.lines)).query(np.concatenate(strokes))
    assert np.quantile(invented, 0.95) == pytest.approx(0, abs=pen)
