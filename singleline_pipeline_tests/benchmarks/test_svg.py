"""Reading SVG: the whole of KanjiVG, and a long freehand line."""

from __future__ import annotations

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from singleline_pipeline.geometry import read_svg, read_svg_drawing
from singleline_pipeline.rendering import plotter_svg
from singleline_pipeline_tests.kanjivg import kanji_files, paths_in


def test_the_whole_of_kanjivg(benchmark: BenchmarkFixture) -> None:
    """All 11,662 files, each path of which is a stroke."""
    data = [file.read_bytes() for file in kanji_files()]
    drawings = benchmark.pedantic(lambda: [read_svg_drawing(one) for one in data], rounds=1)
    assert len(drawings) > 11_000
    assert [len(drawing.strokes) for drawing in drawings] == [paths_in(one) for one in data]
    assert not any(drawing.warnings for drawing in drawings)


def test_a_long_line(benchmark: BenchmarkFixture) -> None:
    """20,000 points, as a tablet writes them that samples the pen 200 times a second."""
    line = np.cumsum(np.random.default_rng(0).normal(0, 1, (20_000, 2)), axis=0)
    data = plotter_svg([line], width_mm=1000).encode()
    (stroke,) = benchmark(read_svg, data)
    assert len(stroke) > 19_000
