"""Pictures through the default encoder and its statistics, on one core; every page and every drawing passes it.

`pytest singleline_pipeline_tests/benchmarks/test_embedding.py --benchmark-only --benchmark-timer=time.process_time`
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from singleline_pipeline.embedding import embed_images, encoder, page_statistics
from singleline_pipeline.embedding.efficientnet import EfficientNetLite0
from singleline_pipeline.rendering import rasterize
from singleline_pipeline.scans.sample_pages import SamplePage

BATCH = 8


def per_page(benchmark: BenchmarkFixture) -> None:
    """Say in the table what one of the batch took: the mean is of all."""
    benchmark.extra_info["pages"] = BATCH
    stats = benchmark.stats
    if stats is not None:
        benchmark.extra_info["ms_a_page"] = round(1000 * stats.stats.min / BATCH, 1)


@pytest.fixture(autouse=True)
def one_core() -> Iterator[None]:
    """The figure that counts is that of one core."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


def test_embed_pages(benchmark: BenchmarkFixture, page: SamplePage) -> None:
    """Eight pages: network and statistics."""
    vectors = benchmark(embed_images, [page.image] * BATCH)
    per_page(benchmark)
    assert vectors.shape[0] == BATCH
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()


def test_the_network_alone(benchmark: BenchmarkFixture, page: SamplePage) -> None:
    vectors = benchmark(EfficientNetLite0().embed, [page.image] * BATCH)
    per_page(benchmark)
    assert vectors.shape == (BATCH, 1280)


def test_the_statistics_alone(benchmark: BenchmarkFixture, page: SamplePage) -> None:
    statistics = benchmark(lambda: [page_statistics(page.image) for _ in range(BATCH)])
    per_page(benchmark)
    assert statistics[0].ink > 0


def test_embed_a_drawing(benchmark: BenchmarkFixture, line: list[np.ndarray]) -> None:
    picture = np.repeat(rasterize(line)[:, :, None], 3, axis=2)
    vectors = benchmark(embed_images, [picture])
    assert np.isfinite(vectors).all()
    np.testing.assert_array_equal(vectors, embed_images([picture]))


@pytest.mark.parametrize(
    "name",
    [
        "efficientnet-lite0",
        "efficientnet-lite1",
        "efficientnet-lite2",
        "mobilenet-v2",
        "efficientnet-lite0+mobilenet-v2",
        "efficientnet-lite1+mobilenet-v2",
    ],
)
def test_drawings_by_the_packaged_encoders(
    benchmark: BenchmarkFixture, line: list[np.ndarray], name: str
) -> None:
    """What another encoder costs; drawings are what it is chosen for."""
    chosen = encoder(name)
    vectors = benchmark(chosen.embed, [rasterize(line)] * BATCH)
    per_page(benchmark)
    assert vectors.shape == (BATCH, chosen.size)
