"""What is looked at first must be what a person would doubt, too."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given
from hypothesis.extra.numpy import arrays

from singleline_pipeline.studio.doubt import distances, doubt

NOTHING = np.array([-1], np.int8)


def test_half_way_between_two_names_is_in_more_doubt_than_beside_one() -> None:
    centroids = np.array([[0, 0], [10, 0]], np.float32)
    rows = np.array([[1, 0], [4, 0], [5, 0]], np.float32)
    score, other = doubt(distances(rows, centroids), [0, 1], np.repeat(NOTHING, 3))
    np.testing.assert_allclose(score, [1 / 9, 4 / 6, 1], rtol=1e-5)
    assert other.tolist() == [1, 1, 1]


def test_a_neighbour_of_the_same_name_leaves_no_doubt() -> None:
    """Two clusters of drawings side by side are no question; the notes further off are what it could be instead."""
    centroids = np.array([[0, 0], [2, 0], [100, 0]], np.float32)
    rows = np.array([[1, 0]], np.float32)
    score, other = doubt(distances(rows, centroids), [0, 0, 2], NOTHING)
    assert score[0] < 0.02
    assert other[0] == 2


def test_what_does_not_look_like_its_cluster_comes_before_everything_else() -> None:
    centroids = np.array([[0, 0], [10, 0]], np.float32)
    rows = np.array([[5, 0], [0.1, 0]], np.float32)
    score, _ = doubt(distances(rows, centroids), [0, 1], np.array([-1, 1], np.int8))
    assert score[1] > score[0]


def test_without_clusters_or_with_one_there_is_no_doubt_to_measure() -> None:
    rows = np.ones((3, 2), np.float32)
    for centroids in (np.zeros((0, 2), np.float32), np.zeros((1, 2), np.float32)):
        score, other = doubt(distances(rows, centroids), [0] * len(centroids), np.repeat(NOTHING, 3))
        assert score.tolist() == [0, 0, 0]
        assert other.tolist() == [-1, -1, -1]


_NUMBERS = st.floats(-100, 100, width=32)


@given(
    arrays(np.float32, (5, 3), elements=_NUMBERS),
    arrays(np.float32, (4, 3), elements=_NUMBERS),
    st.lists(st.integers(-1, 2), min_size=4, max_size=4),
    arrays(np.int8, 5, elements=st.integers(-1, 2)),
)
def test_doubt_is_a_number_for_all_that_can_be(rows, centroids, names, suggestion) -> None:
    found = distances(rows, centroids)
    plain = np.linalg.norm(rows[:, None].astype(float) - centroids[None].astype(float), axis=2)
    np.testing.assert_allclose(found, plain, atol=1e-2)
    score, other = doubt(found, names, suggestion)
    assert np.isfinite(score).all()
    assert ((score >= 0) & (score <= 2)).all()
    assert (other != found.argmin(axis=1)).all()
