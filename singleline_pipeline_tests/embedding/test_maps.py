"""Maps: any number of rows, the same map each time, and no turning over when a sketchbook arrives."""

import numpy as np
import pytest

from singleline_pipeline.embedding.errors import EmbeddingError
from singleline_pipeline.embedding.last_map import LastMap, last_places
from singleline_pipeline.embedding.maps import map_points, map_version, moved, perplexity


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
def test_equal_rows_lie_beside_each_other(count: int) -> None:
    """Thirty blank pages have no principal axis, and in one place only one of them would be seen."""
    points = map_points(np.ones((count, 4)))
    assert np.isfinite(points).all()
    assert len(np.unique(points, axis=0)) == count


@pytest.mark.parametrize(("rows", "neighbours"), [(5, 4 / 3), (66, 65 / 3), (91, 30), (10_000, 30)])
def test_perplexity_goes_by_the_number_of_rows(rows: int, neighbours: float) -> None:
    """Of more than a third of the rows scikit-learn says that there are too few of them."""
    assert perplexity(rows) == pytest.approx(neighbours)


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
    distance = np.linalg.norm(points[:100] - last, axis=1).mean() / size
    assert moved(points, start) == pytest.approx(distance)
    assert distance < 0.15
    assert moved(map_points(vectors), start) > 2 * distance
    old_centres = np.array([last[kind[:100] == k].mean(axis=0) for k in range(3)])
    nearest = np.linalg.norm(points[100:, None] - old_centres, axis=2).argmin(axis=1)
    assert (nearest == kind[100:]).mean() > 0.9


def test_a_start_without_places_is_no_start() -> None:
    """Every row is new: as if there had been no map."""
    vectors, _ = kinds(30)
    assert np.array_equal(map_points(vectors, start=np.full((30, 2), np.nan)), map_points(vectors))


def test_a_few_known_rows_turn_the_map_and_do_not_hold_it() -> None:
    """After the first tiny sketchbook comes a shelf of them: settling from ten places would leave a poor map."""
    vectors, _ = kinds(120)
    start = np.full((120, 2), np.nan)
    start[:10] = map_points(vectors[:10])
    points, anew = map_points(vectors, start=start), map_points(vectors)
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert np.allclose(apart, np.linalg.norm(anew[:, None] - anew[None], axis=2), atol=1e-3)
    assert np.allclose(points[:10].mean(axis=0), start[:10].mean(axis=0), atol=1e-3)


def test_the_version_of_a_map_is_that_of_its_rows_and_vectors() -> None:
    """It decides whether places are kept: a row, a key or a value that differs must be seen."""
    vectors, _ = kinds(6)
    keys = list("abcdef")
    version = map_version(keys, vectors)
    assert version == map_version(keys, vectors.copy())
    assert version != map_version([*"abcdeg"], vectors)
    assert version != map_version(keys[:5], vectors[:5])
    assert version != map_version(keys, vectors + 1e-3)


def test_what_was_not_on_the_last_map_has_not_moved() -> None:
    """The first map has no distance to report."""
    assert moved(np.ones((3, 2)), np.full((3, 2), np.nan)) is None


def on_last(keys: list[str], ids: list[str], known: dict[tuple[str, str], float]) -> list[float | None]:
    last = LastMap(
        [name for name, _ in known], [key for _, key in known], np.array([[x, -x] for x in known.values()])
    )
    found = last_places(last, ids, keys)
    assert np.array_equal(found[:, 0], -found[:, 1], equal_nan=True)
    return [None if np.isnan(x) else float(x) for x in found[:, 0]]


def test_a_page_is_found_on_the_last_map_by_its_content() -> None:
    """A sketchbook that was renamed stays where it was; ids are taken over by other pages when a page comes between."""
    known = {("sb01p001", "aa"): 1.0, ("sb01p002", "bb"): 2.0}
    assert on_last(["cc", "aa"], ["sb01p001", "kate48p001"], known) == [None, 1.0]


def test_two_copies_of_a_page_never_get_one_place() -> None:
    """Each of them is on the map, where it was."""
    known = {("sb01p001", "aa"): 1.0, ("sb02p001", "aa"): 2.0}
    assert on_last(["aa", "aa"], ["sb02p001", "sb01p001"], known) == [2.0, 1.0]
    assert on_last(["aa", "aa", "aa"], ["sb01p001", "sb02p001", "sb03p001"], known) == [1.0, 2.0, None]
    assert on_last(["aa", "aa"], ["sb05p001", "sb01p001"], known) == [2.0, 1.0]


def test_a_drawing_that_was_traced_anew_stays_where_it_was() -> None:
    """A better tracer changes every box by a few pixels, and may find a drawing before it."""
    known = {("p1d01", "aa:0,0,100,100"): 1.0, ("p1d02", "aa:200,0,300,100"): 2.0}
    keys = ["aa:400,0,500,100", "aa:2,0,101,99", "aa:195,0,300,104.5", "bb:0,0,100,100"]
    assert on_last(keys, ["p1d01", "p1d02", "p1d03", "p2d01"], known) == [None, 1.0, 2.0, None]


def test_wrong_input_is_named() -> None:
    """NaN vectors make scikit-learn speak of arrays; an artist should read which step to repeat."""
    with pytest.raises(EmbeddingError, match="Embed these rows again"):
        map_points(np.full((3, 2), np.nan))
    with pytest.raises(EmbeddingError, match=r"need \(3, 2\)"):
        map_points(np.zeros((3, 2)), start=np.zeros((4, 2)))
    with pytest.raises(EmbeddingError, match="rows, values"):
        map_points(np.zeros(3))
