"""A real corpus of hand-drawn SVG: every stroke of it comes in, in the order of the pen."""

import random
import re

import numpy as np
import pytest

from singleline_pipeline.geometry import read_svg_drawing
from singleline_pipeline_tests.kanjivg import kanji_files, paths_in

_START = re.compile(rb'<path [^>]*?\bd="\s*[Mm]\s*([\d.]+)[ ,]*([\d.]+)')


def test_every_path_is_a_stroke_and_they_come_in_order() -> None:
    """300 drawn by lot, the same every time; the benchmarks read all of them."""
    for file in random.Random(3).sample(kanji_files(), 300):
        data = file.read_bytes()
        drawing = read_svg_drawing(file)
        assert len(drawing.strokes) == paths_in(data), file.name
        starts = np.array([[float(x), float(y)] for x, y in _START.findall(data)])
        np.testing.assert_allclose([stroke[0] for stroke in drawing.strokes], starts, err_msg=file.name)
        assert (drawing.width, drawing.height) == (109, 109)
        assert drawing.widths.tolist() == pytest.approx([3] * len(starts))
        assert set(drawing.left_out) <= {"text"}
        assert drawing.warnings == []
