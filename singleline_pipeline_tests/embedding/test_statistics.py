"""Page statistics: each must measure what its name says, on any picture, quickly."""

import time

import numpy as np
import pytest

from singleline_pipeline.embedding.errors import EmbeddingError
from singleline_pipeline.embedding.statistics import STATISTICS_NAMES, PageStatistics, page_statistics
from singleline_pipeline_tests.embedding import pages
from singleline_pipeline_tests.embedding.pages import blank, draw, scanned


def test_statistics_measure_what_they_are_called() -> None:
    """Suggestions and K-means rest on these: a page that has more of something must score more on it."""
    plain = page_statistics(scanned(draw(blank())))
    assert 0.9 < plain.paper < 1
    assert 0.2 < plain.reach < 1
    assert plain.thick_mass == plain.solid_ink == plain.text_likeness == 0
    assert page_statistics(scanned(draw(blank(), width=8))).ink > 2 * plain.ink
    assert page_statistics(scanned(draw(blank(), ink=(180, 180, 180)))).contrast < 0.6 * plain.contrast
    assert page_statistics(scanned(draw(blank(tint=(180, 220, 240))))).paper_colour > 5 * plain.paper_colour
    assert page_statistics(scanned(draw(blank()) * 0.5)).darkness > plain.darkness + 0.4
    assert page_statistics(scanned(pages.write(blank()))).text_likeness > 0.5

    washed = page_statistics(scanned(pages.wash(draw(blank()), (120, 120, 230), 0.6, (400, 500), 200)))
    share = np.pi * 200**2 / (pages.WIDTH * pages.HEIGHT)
    assert 0.8 * share < washed.thick_mass < 1.1 * share
    assert washed.colour > plain.colour + 0.02
    assert washed.border_mass == 0

    held = page_statistics(scanned(pages.hand(draw(blank()), (150, 180, 225))))
    assert held.border_mass == held.thick_mass > 0.05
    assert held.mass_variety < washed.mass_variety


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 400), (400, 1), (3, 3), (40, 2000, 3), (224, 224), (30, 30, 1)]
)
@pytest.mark.parametrize("value", [0, 128, 255])
def test_any_picture_has_finite_statistics(shape: tuple[int, ...], value: int) -> None:
    """A slip of paper and a lens cap get scanned too: no picture may stop a sketchbook."""
    statistics = page_statistics(np.full(shape, value, np.uint8))
    assert np.isfinite(statistics.as_array()).all()


def test_noise_has_finite_statistics() -> None:
    """The worst case for everything that counts pieces."""
    noise = np.random.default_rng(0).integers(0, 256, (600, 400, 3), np.uint8)
    assert np.isfinite(page_statistics(noise).as_array()).all()


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((10, 10), np.float32),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((0, 5, 3), np.uint8),
        np.zeros(9, np.uint8),
    ],
    ids=["float", "alpha", "empty", "one-dimensional"],
)
def test_what_is_no_picture_is_refused(picture: np.ndarray) -> None:
    """A float picture in 0-1 would count as a page without any light."""
    with pytest.raises(EmbeddingError, match="picture to embed"):
        page_statistics(picture)


def test_statistics_survive_a_table() -> None:
    """They lie in Parquet by name, and page_groups takes its suggestions from there."""
    statistics = page_statistics(scanned(draw(blank())))
    values = statistics.as_dict()
    assert tuple(values) == STATISTICS_NAMES
    assert PageStatistics.from_dict(values) == statistics
    np.testing.assert_allclose(statistics.as_array(), list(values.values()), rtol=1e-6)
    del values["blur"]
    with pytest.raises(EmbeddingError, match=r"lack blur.*page_embeddings again"):
        PageStatistics.from_dict(values)


def test_a_full_scan_is_measured_in_little_time() -> None:
    """2400 pages are measured before anything else happens. About 25 ms each; the bound allows for a busy machine."""
    page = np.repeat(np.repeat(scanned(pages.binder(draw(blank()))), 2, axis=0), 2, axis=1)
    page_statistics(page)
    started = time.process_time()
    for _ in range(5):
        page_statistics(page)
    assert (time.process_time() - started) / 5 < 0.25
