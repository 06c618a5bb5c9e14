"""Standard errors and intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from singleline_pipeline.comparison.spread import mean_estimate, median_estimate, ratio_estimate


def test_the_standard_error_of_a_mean_is_the_textbook_one() -> None:
    values = np.random.default_rng(0).normal(3, 2, 80)
    found = mean_estimate(values, np.random.default_rng(1))
    assert found.value == pytest.approx(values.mean())
    assert found.spread == pytest.approx(values.std(ddof=1) / np.sqrt(80))
    assert found.n == 80


def test_intervals_of_a_ratio_hold_the_truth_as_often_as_they_say() -> None:
    """Long drawings weigh more in nats a point: the interval has to know that they come in whole drawings."""
    rng, inside, errors, spreads = np.random.default_rng(2), 0, [], []
    for _ in range(200):
        points = rng.integers(10, 200, 60)
        nats = points * rng.normal(1.5, 0.3, 60)
        found = ratio_estimate(nats, points, rng)
        inside += found.low <= 1.5 <= found.high
        errors.append(found.value - 1.5)
        spreads.append(found.spread)
    assert 0.88 <= inside / 200 <= 0.99
    assert np.mean(spreads) == pytest.approx(np.std(errors), rel=0.2)


def test_a_paired_difference_is_sharper_than_the_two_figures() -> None:
    """What makes one drawing hard makes it hard for both models: that must cancel out."""
    rng = np.random.default_rng(3)
    hard = rng.normal(1, 1, 100)
    first, second = hard + rng.normal(0, 0.1, 100), hard + 0.2 + rng.normal(0, 0.1, 100)
    difference = mean_estimate(second - first, rng)
    assert difference.low > 0
    assert difference.spread < mean_estimate(first, rng).spread / 5


def test_the_median_has_the_spread_of_a_median() -> None:
    values = np.random.default_rng(4).normal(0, 1, 400)
    found = median_estimate(values, np.random.default_rng(5))
    assert found.value == np.median(values)
    assert found.spread == pytest.approx(1.2533 / np.sqrt(400), rel=0.35)
    assert found.low < found.value < found.high


def test_one_drawing_has_no_spread() -> None:
    for estimate in (mean_estimate, median_estimate):
        found = estimate(np.array([4.0]), np.random.default_rng(0))
        assert (found.value, found.spread, found.low, found.high, found.n) == (4.0, None, None, None, 1)
