"""Clusters: the same rows must give the same fit, whatever their order, for names hang on it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singleline_pipeline.embedding.clusters import assign, fit_clusters
from singleline_pipeline.embedding.errors import EmbeddingError


def blobs(n: int = 120, kinds: int = 4, d: int = 8) -> tuple[np.ndarray, list[str], np.ndarray]:
    rng = np.random.default_rng(0)
    kind = np.arange(n) % kinds
    return (
        6 * rng.standard_normal((kinds, d))[kind] + rng.standard_normal((n, d)),
        [f"k{i:04}" for i in range(n)],
        kind,
    )


def test_the_order_of_rows_does_not_matter() -> None:
    """Sketchbooks are read in whatever order the lake lists them."""
    vectors, keys, _ = blobs()
    fit = fit_clusters(vectors, keys, k=6)
    order = np.random.default_rng(1).permutation(len(keys))
    again = fit_clusters(vectors[order], [keys[i] for i in order], k=6)
    assert again.fit_id == fit.fit_id
    assert np.array_equal(again.centroids, fit.centroids)
    assert again.members == fit.members


def test_other_rows_are_another_fit() -> None:
    """Names are kept by fit id: two fits must never share one."""
    vectors, keys, _ = blobs()
    assert fit_clusters(vectors, keys, k=6).fit_id != fit_clusters(vectors[1:], keys[1:], k=6).fit_id
    renamed = ["x" + key for key in keys]
    assert fit_clusters(vectors, keys, k=6).fit_id != fit_clusters(vectors, renamed, k=6).fit_id


def test_clusters_find_kinds_and_keep_their_members() -> None:
    """Every row is a member of exactly one cluster, the one that it is assigned to."""
    vectors, keys, kind = blobs()
    fit = fit_clusters(vectors, keys, k=4)
    assert sorted(key for cluster in fit.members for key in cluster) == keys
    number, distance = assign(vectors, fit.centroids)
    for cluster, members in enumerate(fit.members):
        rows = np.array([keys.index(key) for key in members])
        assert (number[rows] == cluster).all()
        assert len(set(kind[rows])) == 1
        assert (distance[rows] <= fit.radius[cluster]).mean() >= 0.9
    assert fit.note is None
    sizes = [len(members) for members in fit.members]
    assert sizes == sorted(sizes, reverse=True)


@given(st.integers(1, 40), st.integers(1, 20))
@settings(max_examples=25, deadline=None)
def test_few_rows_make_fewer_clusters(rows: int, k: int) -> None:
    """The first sketchbook has fewer pages than K, and must still get through; a cluster of two is no cluster."""
    vectors = np.random.default_rng(rows).standard_normal((rows, 3))
    fit = fit_clusters(vectors, [f"{i}" for i in range(rows)], k=k, starts=1)
    assert fit.k == min(k, max(1, rows // 4))
    assert all(fit.members)
    assert (fit.note is None) == (fit.k == k)


def test_equal_rows_are_not_spread_over_clusters() -> None:
    """A sketchbook of blank pages has one vector: sixteen clusters of it would be an error in scikit-learn."""
    fit = fit_clusters(np.ones((40, 3)), [str(i) for i in range(40)], k=16)
    assert fit.k == 1
    assert fit.note == "16 clusters were asked for, 1 made: there are 40 rows (1 different)."


def test_wrong_input_is_named() -> None:
    """Each of these would give clusters that mean nothing."""
    vectors, keys, _ = blobs(20)
    broken = vectors.copy()
    broken[3, 1] = np.nan
    for bad, its_keys, k, message in (
        (vectors[:0], [], 4, "nothing to cluster"),
        (vectors, keys[:-1], 4, "19 keys"),
        (vectors, ["same"] * 20, 4, "same stands for more than one row"),
        (broken, keys, 4, "first in row 3"),
        (vectors[0], keys, 4, "must be an array"),
        (vectors, keys, 0, "at least 1"),
    ):
        with pytest.raises(EmbeddingError, match=message):
            fit_clusters(bad, its_keys, k=k)


def test_vectors_of_another_encoder_are_refused() -> None:
    """After a change of encoder the frozen centroids are in another space."""
    with pytest.raises(EmbeddingError, match="different encoders"):
        assign(np.zeros((3, 5)), np.zeros((2, 4)))
    with pytest.raises(EmbeddingError, match="Fit clusters first"):
        assign(np.zeros((3, 5)), np.zeros((0, 5)))


def test_distances_are_exact_for_near_rows() -> None:
    """Doubt is read from distances: the quick expansion loses small ones to rounding."""
    centroids = 1000 + np.random.default_rng(0).standard_normal((3, 50))
    near = centroids[[2, 0]] + 1e-6
    number, distance = assign(near, centroids)
    assert number.tolist() == [2, 0]
    np.testing.assert_allclose(distance, 1e-6 * np.sqrt(50), rtol=1e-3)
    assert [a.shape for a in assign(np.zeros((0, 50)), centroids)] == [(0,), (0,)]
