"""How true the traced line is, on sample pages: figures of the tracer itself, not of its speed.

The faces of the sample sketchbooks are small, and their eyes and mouths are often closer than a pen is wide: far
fewer crossings can be told apart there than in drawings that fill a page.
"""

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from singleline_pipeline.scans.sample_pages import sample_page
from singleline_pipeline.tracing import trace_page
from singleline_pipeline_tests.tracing.quality import quality

SEEDS = range(100, 112)


def test_traced_line_is_the_drawn_line(benchmark: BenchmarkFixture) -> None:
    """Twelve pages with one to five drawings; the means are in the benchmark's extra figures."""
    pages = [sample_page("drawing", seed=seed, drawings=1 + seed % 5) for seed in SEEDS]
    traced = benchmark.pedantic(lambda: [trace_page(page.image) for page in pages], rounds=1, warmup_rounds=1)
    found = [
        quality(strokes, page.lines, page.pen or 1.0) for strokes, page in zip(traced, pages, strict=True)
    ]
    for name in ("distance", "precision", "recall", "length", "passed"):
        benchmark.extra_info[name] = float(np.mean([getattr(page, name) for page in found]))
    benchmark.extra_info["strokes a line"] = sum(page.strokes for page in found) / sum(
        len(page.lines) for page in pages
    )
    assert benchmark.extra_info["distance"] < 0.08
    assert benchmark.extra_info["precision"] > 0.98
    assert benchmark.extra_info["recall"] > 0.95
    assert benchmark.extra_info["passed"] > 0.5
