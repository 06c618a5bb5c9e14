"""Maps: any number of rows, the same map each time, and no turning over when a sketchbook arrives."""

import numpy as np
import pytest

from singleline_pipeline.embedding.errors import EmbeddingError
from singleline_pipeline.embedding.maps import map_points


def kinds(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    centres = 5 * rng.standard_normal((3, 20))
    kind = rng.integers(0, 3, n)
    return centres[kind] + rng.standard_normal((n, 20)), kind


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 12, 40])
def test_any_number_of_rows_has_a_map(count: int) -> None:
    """The first sketchbook may have one page, and t-SNE refuses fewer rows than its perplexity."""
    points = map_points(kinds(40)[0][:count])
    assert points.shape == (count, 2)
    assert points.dtype == np.float32
    assert np.isfinite(points).all()
    assert len(np.unique(points, axis=0)) == count


@pytest.mark.parametrize("count", [1, 2, 3, 8, 30])
def test_equal_rows_have_a_map(count: int) -> None:
    """Thirty blank pages have no principal axis."""
    assert np.isfinite(map_points(np.ones((count, 4)))).all()


def test_one_value_a_row_is_enough() -> None:
    """Fewer columns than a map has."""
    assert map_points(np.arange(12.0)[:, None]).shape == (12, 2)


def test_neighbours_are_of_one_kind_and_the_map_is_the_same_each_time() -> None:
    """What the map is for; and rerunning it with nothing changed must change nothing."""
    vectors, kind = kinds(90)
    points = map_points(vectors, seed=3)
    assert np.array_equal(points, map_points(vectors, seed=3))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e9 * np.eye(90)
    assert (kind[distance.argmin(axis=1)] == kind).mean() > 0.95


def test_the_map_stays_where_it_is_when_rows_come() -> None:
    """A person remembers where the faces are: from the last map, points move by little; anew, they go anywhere."""
    vectors, kind = kinds(120)
    last = map_points(vectors[:100])
    start = np.full((120, 2), np.nan)
    start[:100] = last
    points = map_points(vectors, start=start)
    size = np.ptp(last, axis=0).max()
    assert np.median(np.linalg.norm(points[:100] - last, axis=1)) < 0.15 * size
    old_centres = np.array([last[kind[:100] == k].mean(axis=0) for k in range(3)])
    nearest = np.linalg.norm(points[100:, None] - old_centres, axis=2).argmin(axis=1)
    assert (nearest == kind[100:]).mean() > 0.9


def test_a_start_without_places_is_no_start() -> None:
    """Every row is new: as if there had been no map."""
    vectors, _ = kinds(30)
    assert np.array_equal(map_points(vectors, start=np.full((30, 2), np.nan)), map_points(vectors))


def test_wrong_input_is_named() -> None:
    """NaN vectors make scikit-learn speak of arrays; an artist should read which step to repeat."""
    with pytest.raises(EmbeddingError, match="Embed these rows again"):
        map_points(np.full((3, 2), np.nan))
    with pytest.raises(EmbeddingError, match=r"need \(3, 2\)"):
        map_points(np.zeros((3, 2)), start=np.zeros((4, 2)))
    with pytest.raises(EmbeddingError, match="rows, values"):
        map_points(np.zeros(3))
