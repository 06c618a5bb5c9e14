"""What tokens cost and how near they stay, on drawings by people.

SINGLELINE_BENCH_DATA=FOLDER pytest singleline_pipeline_tests/benchmarks/test_tokens.py --benchmark-only
measures on look_minn10.npz of that folder too; the figures stand in the table's extra_info (--benchmark-json).
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from singleline_pipeline.geometry import (
    load_drawings,
    read_svg_drawing,
    rescale,
    simplify_to_budget,
    to_stroke3,
)
from singleline_pipeline.sketch_models import decode_tokens, encode_drawings, fit_codebook
from singleline_pipeline.sketch_models.tokens import drift
from singleline_pipeline_tests.kanjivg import kanji_files

FOLDER = os.environ.get("SINGLELINE_BENCH_DATA")


def _kanji() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """300 to fit to and 100 others, on the canvas of 200."""
    drawings = []
    for file in random.Random(3).sample(kanji_files(), 400):
        strokes, _, _ = rescale(read_svg_drawing(file).strokes)
        drawings.append(to_stroke3(simplify_to_budget(strokes, max_points=120)[0]).astype(np.float32))
    return drawings[:300], drawings[300:]


def _look() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The story's published drawings."""
    splits = load_drawings(Path(FOLDER or "") / "look_minn10.npz")
    return list(splits["train"]), list(splits["valid"])


SOURCES = [
    pytest.param(_kanji, id="kanji"),
    pytest.param(
        _look, id="look", marks=pytest.mark.skipif(FOLDER is None, reason="SINGLELINE_BENCH_DATA names no folder")
    ),
]  # fmt: skip


@pytest.mark.parametrize("codes", [100, 250, 500, 1000])
@pytest.mark.parametrize("source", SOURCES)
def test_drift(benchmark: BenchmarkFixture, source, codes: int) -> None:
    """Fitted to some drawings, measured on others: no point of any of them lies far off, whatever came before it."""
    fitted, others = source()
    book = fit_codebook(fitted, codes)
    tokens = benchmark.pedantic(lambda: encode_drawings(book, others), rounds=2, warmup_rounds=1)
    worst = []
    for drawing, written in zip(others, tokens, strict=True):
        again = decode_tokens(book, written)
        np.testing.assert_array_equal(again[:, 2], drawing[:, 2])
        worst.append(float(drift(drawing, again).max()))
    benchmark.extra_info |= {
        "median_of_worst": float(np.median(worst)),
        "largest": max(worst),
        "tokens_per_point": sum(map(len, tokens)) / sum(map(len, others)),
        "drawings": len(others),
    }
    assert np.median(worst) <= 1.0 + 1e-4
    assert max(worst) <= 1.25 + 1e-4
    if codes >= 250:
        assert benchmark.extra_info["tokens_per_point"] < 1.5
