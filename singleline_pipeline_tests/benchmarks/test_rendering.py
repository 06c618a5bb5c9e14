"""Pictures that are made for every drawing or every run."""

from __future__ import annotations

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from singleline_pipeline.rendering import PREVIEW_BYTES, animated_svg, contact_sheet, overlay, rasterize
from singleline_pipeline.scans.sample_pages import SamplePage


def test_rasterize(benchmark: BenchmarkFixture, line: list[np.ndarray]) -> None:
    assert (benchmark(rasterize, line) < 128).sum() > 500


def test_animate(benchmark: BenchmarkFixture, line: list[np.ndarray]) -> None:
    assert benchmark(animated_svg, line).count("<animate ") == len(line)


def test_overlay(benchmark: BenchmarkFixture, page: SamplePage) -> None:
    assert benchmark(overlay, page.image, page.lines, max_side=600).shape[0] == 600


def test_contact_sheet_of_a_sketchbook(benchmark: BenchmarkFixture, page: SamplePage) -> None:
    small = page.image[::8, ::8]
    sheet = benchmark.pedantic(contact_sheet, ([small] * 60, [f"sb48p{i:03d}" for i in range(60)]), rounds=3)
    assert len(sheet) <= PREVIEW_BYTES
