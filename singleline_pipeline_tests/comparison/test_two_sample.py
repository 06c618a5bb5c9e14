"""Scores that are known, and floors that stand where the noise does."""

from __future__ import annotations

import numpy as np
import pytest

from singleline_pipeline.comparison.errors import ComparisonError
from singleline_pipeline.comparison.two_sample import (
    PrincipalAxes,
    TwoSampleTest,
    distances,
    frechet_distance,
    precision_and_recall,
)


def normal(n: int, seed: int, *, mean: float = 0.0, deviation: float = 1.0, size: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, deviation, (n, size))


def test_frechet_distance_of_two_gaussians_is_what_the_formula_says() -> None:
    """Isotropic ones have it in closed form: d (m² + (s - t)²)."""
    found = frechet_distance(normal(20_000, 0), normal(20_000, 1, mean=2.0, deviation=3.0))
    assert found == pytest.approx(4 * (2.0**2 + (3 - 1) ** 2), rel=0.03)


def test_frechet_distance_sees_correlation_that_each_coordinate_hides() -> None:
    """Means and variances are the same: only the covariance tells."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(20_000, 1))
    tied = np.concatenate([shared, shared], axis=1)
    free = rng.normal(size=(20_000, 2))
    # Σ₁ has eigenvalues 2 and 0, Σ₂ is the identity: tr(Σ₁ + Σ₂ - 2 Σ₁^½) = 4 - 2 √2.
    assert frechet_distance(tied, free) == pytest.approx(4 - 2 * np.sqrt(2), rel=0.03)


def test_frechet_distance_of_a_sample_to_itself_is_zero() -> None:
    vectors = normal(60, 2)
    assert frechet_distance(vectors, vectors) == pytest.approx(0, abs=1e-9)


def test_distances_are_euclidean() -> None:
    first, second = normal(5, 0), normal(7, 1)
    expected = np.linalg.norm(first[:, None] - second[None], axis=2)
    np.testing.assert_allclose(distances(first, second), expected)


def test_precision_and_recall_tell_missing_kinds_from_impossible_ones() -> None:
    """Kynkäänniemi et al., figure 1: a sample that covers half of the data is precise, with half of the recall."""
    data = np.concatenate([normal(100, 0), normal(100, 1, mean=50.0)])
    half = normal(200, 2)
    precision, recall = precision_and_recall(data, half)
    assert precision > 0.8
    assert 0.4 < recall < 0.52
    wild = np.concatenate([normal(100, 3), normal(100, 4, mean=-50.0)])
    precision, recall = precision_and_recall(normal(200, 5), wild)
    assert 0.4 < precision < 0.52
    assert recall > 0.8


def test_precision_by_hand() -> None:
    """Four points on a line, k = 1: each has a radius of one; the drawn ones lie inside, on and beyond it."""
    real = np.array([[0.0], [1.0], [2.0], [3.0]])
    drawn = np.array([[0.5], [4.0], [4.1], [-7.0]])
    assert precision_and_recall(real, drawn, neighbours=1)[0] == 0.5


def test_axes_are_those_of_the_largest_variance() -> None:
    vectors = normal(400, 0, size=6) * np.array([1, 9, 1, 4, 1, 1])
    axes = PrincipalAxes.of(vectors, 2)
    assert axes(vectors).shape == (400, 2)
    assert np.abs(axes.axes).argmax(axis=1).tolist() == [1, 3]
    with pytest.raises(ComparisonError, match="principal axes"):
        PrincipalAxes.of(vectors[:2], 2)


def test_too_few_vectors_for_a_neighbour_are_refused() -> None:
    with pytest.raises(ComparisonError, match="neighbours"):
        precision_and_recall(normal(3, 0), normal(9, 1))


def test_samples_of_the_same_distribution_score_as_the_noise_floor_does() -> None:
    """The floor is what makes a figure readable: it must be where a perfect model would land."""
    draw = normal(620, 0, size=40) * np.linspace(3, 0.1, 40)
    train, held_out, perfect = draw[:500], draw[500:560], draw[560:]
    test = TwoSampleTest(held_out, train)
    floor = test.floor(60, np.random.default_rng(1))
    score = test(perfect, np.random.default_rng(2))
    for part in ("frechet", "precision", "recall"):
        (value, spread), (low, noise) = getattr(score, part), getattr(floor, part)
        assert abs(value - low) < 4 * noise, part
        assert 0.2 < spread / noise < 5, part
    assert test(perfect + 1.0, np.random.default_rng(2)).frechet[0] > 5 * floor.frechet[0]


def test_the_spread_is_what_another_sample_would_differ_by() -> None:
    """Against the deviation over twenty independent pairs of samples: half of it would call noise a difference."""
    train = normal(200, 99, size=8)
    scores, spreads = [], []
    for seed in range(20):
        score = TwoSampleTest(normal(60, 2 * seed, size=8), train)(
            normal(60, 2 * seed + 1, mean=0.5, size=8), np.random.default_rng(seed)
        )
        scores.append([value for value, _ in (score.frechet, score.precision, score.recall)])
        spreads.append([spread for _, spread in (score.frechet, score.precision, score.recall)])
    ratio = np.mean(spreads, axis=0) / np.std(scores, axis=0, ddof=1)
    assert ((ratio > 0.6) & (ratio < 1.8)).all(), ratio


def test_the_same_seed_gives_the_same_scores() -> None:
    test = TwoSampleTest(normal(30, 0), normal(90, 1))
    drawn = normal(30, 2)
    assert test(drawn, np.random.default_rng(3)) == test(drawn, np.random.default_rng(3))
    assert test.floor(30, np.random.default_rng(3)) == test.floor(30, np.random.default_rng(3))
