"""One image through the default encoder and its statistics; every page and every drawing passes it."""

from __future__ import annotations

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from singleline_pipeline.embedding import embed_images
from singleline_pipeline.rendering import rasterize
from singleline_pipeline.scans.sample_pages import SamplePage


def test_embed_a_page(benchmark: BenchmarkFixture, page: SamplePage) -> None:
    vectors = benchmark(embed_images, [page.image])
    assert vectors.shape[0] == 1
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()


def test_embed_a_drawing(benchmark: BenchmarkFixture, line: list[np.ndarray]) -> None:
    picture = np.repeat(rasterize(line)[:, :, None], 3, axis=2)
    vectors = benchmark(embed_images, [picture])
    assert np.isfinite(vectors).all()
    np.testing.assert_array_equal(vectors, embed_images([picture]))
