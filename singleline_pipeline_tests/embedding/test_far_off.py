"""A refit is suggested when another kind of material has come, and not because one page is odd."""

import numpy as np
import pytest

from singleline_pipeline.embedding import assign, fit_clusters, outliers, refit_suggestion, relative_distance


def relative(vectors: np.ndarray, fit) -> np.ndarray:
    number, distance = assign(vectors, fit.centroids)
    return relative_distance(distance, number, fit.radius)


@pytest.fixture(scope="module")
def fitted():
    """Four kinds of vectors, in 30 dimensions; how new ones of the same kinds are drawn; the fit."""
    rng = np.random.default_rng(0)
    kinds = rng.normal(size=(4, 30)) * 6

    def draw(count: int) -> np.ndarray:
        return kinds[rng.integers(4, size=count)] + rng.normal(size=(count, 30))

    rows = draw(200)
    return rows, draw, fit_clusters(rows, [f"{n:03d}" for n in range(200)], k=4)


def test_more_of_the_same_needs_no_new_fit(fitted) -> None:
    rows, draw, fit = fitted
    every = np.vstack([rows, draw(100)])
    distances = relative(every, fit)
    assert refit_suggestion(distances, np.arange(300) < 200, "page") is None
    assert len(outliers(distances)) == 0


def test_another_kind_has_a_refit_suggested_with_how_many_there_are(fitted) -> None:
    rows, draw, fit = fitted
    foreign = np.full((12, 30), 40.0)
    distances = relative(np.vstack([rows, draw(20), foreign]), fit)
    said = refit_suggestion(distances, np.arange(232) < 200, "drawing")
    assert said is not None
    assert said.startswith("12 of the 32 drawings that came after")
    assert set(outliers(distances)) == set(range(220, 232))
    # More of them may come before it is said, where somebody wants that.
    assert refit_suggestion(distances, np.arange(232) < 200, "drawing", far_share=0.5) is None


def test_a_few_odd_pages_are_outliers_and_no_reason_for_a_refit(fitted) -> None:
    rows, _, fit = fitted
    odd = np.vstack([rows, np.full((3, 30), 40.0), np.full((1, 30), 60.0)])
    distances = relative(odd, fit)
    assert refit_suggestion(distances, np.arange(204) < 200, "page") is None
    assert outliers(distances).tolist() == [203, 200, 201, 202]


def test_a_cluster_of_one_has_no_radius_and_makes_no_outliers_of_its_neighbours() -> None:
    """The row that a cluster was made of lies at its very centre: one beside it would be infinitely far."""
    found = relative_distance(np.array([0.1, 1.0]), np.array([0, 1]), np.array([0.0, 1.0, 2.0], np.float32))
    assert found.tolist() == pytest.approx([0.1, 1.0])
    same = relative_distance(np.array([0.0]), np.array([0]), np.zeros(1, np.float32))
    assert same.tolist() == [0.0]


def test_before_any_fit_there_is_nothing_to_say() -> None:
    none = relative_distance(np.zeros(0), np.zeros(0), np.zeros(0, np.float32))
    assert refit_suggestion(none, [], "page") is None
    assert outliers(none).tolist() == []
