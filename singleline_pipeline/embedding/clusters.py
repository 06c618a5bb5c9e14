"""K-means over embeddings: fitted once, then frozen; a new row gets the nearest centroid."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from singleline_pipeline.embedding.errors import EmbeddingError

ROWS_PER_CLUSTER = 4
"""With fewer rows than this for each cluster, fewer clusters are made: two or three pictures are not worth a name."""

CHUNK = 4096
"""Rows whose distances to the centroids are held at once."""


@dataclass(frozen=True)
class ClusterFit:
    """A frozen K-means fit. Clusters are numbered by size, the largest first."""

    centroids: np.ndarray
    """float32 (k, d)."""
    fit_id: str
    """Hash of the centroids and their members: the same rows and settings give the same id."""
    members: list[list[str]]
    """Keys of each cluster's members, sorted."""
    radius: np.ndarray
    """Distance that 95 % of a cluster's members are within, float32 (k,)."""
    note: str | None
    """Why there are fewer clusters than were asked for, where that is so."""

    @property
    def k(self) -> int:
        """How many clusters were made."""
        return len(self.centroids)


def fit_clusters(
    vectors: np.ndarray, keys: Sequence[str], *, k: int = 16, seed: int = 0, starts: int = 10
) -> ClusterFit:
    """Fit K-means to float (n, d) `vectors` whose rows have these `keys`; the best of `starts` starts.

    Where there are fewer than `ROWS_PER_CLUSTER` rows for each of the k clusters, or fewer different rows than k,
    fewer clusters are made, and `note` says so. The order of the rows does not matter.
    Raises EmbeddingError without rows, with a repeated key, or with vectors that are not finite.
    """
    vectors = _checked(vectors)
    if len(keys) != len(vectors):
        raise EmbeddingError(
            f"{len(vectors)} vectors came with {len(keys)} keys: give one key for each vector."
        )
    if not len(vectors):
        raise EmbeddingError("There is nothing to cluster yet: not one embedding. Add a sketchbook first.")
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if list(keys).count(key) > 1)
        raise EmbeddingError(
            f"The key {twice} stands for more than one row: a picture may be clustered only once."
        )
    if k < 1:
        raise EmbeddingError(f"{k} clusters were asked for: ask for at least 1.")

    order = np.argsort(np.array(keys))
    rows, names = vectors[order], [keys[i] for i in order]
    made, note = _how_many(rows, k)
    # Threads add partial sums in whatever order they end: with one, the same rows give the same bits.
    with threadpool_limits(limits=1):
        fit = KMeans(made, n_init=starts, random_state=seed).fit(rows)
    labels, centroids = _by_size(fit.labels_, fit.cluster_centers_)
    distance = np.linalg.norm(rows - centroids[labels], axis=1)
    members = [[name for name, label in zip(names, labels, strict=True) if label == c] for c in range(made)]
    centroids = centroids.astype(np.float32)
    return ClusterFit(
        centroids=centroids,
        fit_id=_fit_id(centroids, members),
        members=members,
        radius=np.array([np.percentile(distance[labels == c], 95) for c in range(made)], np.float32),
        note=note,
    )


def assign(vectors: np.ndarray, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest centroid of each row, int32 (n,), and the distance to it, float32 (n,).

    Raises EmbeddingError where vectors and centroids differ in size, and so come from different encoders.
    """
    vectors, centroids = _checked(vectors), _checked(centroids)
    if not len(centroids):
        raise EmbeddingError("There are no centroids to assign to. Fit clusters first.")
    if vectors.shape[1] != centroids.shape[1] and len(vectors):
        raise EmbeddingError(
            f"Vectors of {vectors.shape[1]} values cannot be compared with centroids of {centroids.shape[1]}: they "
            "come from different encoders. Embed again, or fit the clusters anew (refit: true)."
        )
    nearest = np.zeros(len(vectors), np.int32)
    distance = np.zeros(len(vectors), np.float32)
    for start in range(0, len(vectors), CHUNK):
        rows = vectors[start : start + CHUNK]
        squared = (rows**2).sum(axis=1)[:, None] - 2 * rows @ centroids.T + (centroids**2).sum(axis=1)
        best = squared.argmin(axis=1)
        nearest[start : start + CHUNK] = best
        # Again, from the difference itself: the expansion above loses the digits of small distances.
        distance[start : start + CHUNK] = np.linalg.norm(rows - centroids[best], axis=1)
    return nearest, distance


def _checked(vectors: np.ndarray) -> np.ndarray:
    array = np.asarray(vectors, np.float64)
    if array.ndim != 2:
        raise EmbeddingError(
            f"Vectors must be an array of (rows, values); this one has the shape {array.shape}."
        )
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(bad):
        raise EmbeddingError(
            f"{len(bad)} vectors hold values that are not numbers, the first in row {bad[0]}. Embed these again."
        )
    return array


def _how_many(rows: np.ndarray, k: int) -> tuple[int, str | None]:
    different = len(np.unique(rows, axis=0))
    made = min(k, max(1, len(rows) // ROWS_PER_CLUSTER), different)
    if made == k:
        return k, None
    return (
        made,
        f"{k} clusters were asked for, {made} made: there are {len(rows)} rows ({different} different).",
    )


def _by_size(labels: np.ndarray, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the clusters by size; of two alike, the one whose first member comes first."""
    sizes = np.bincount(labels, minlength=len(centroids))
    first = np.array([np.flatnonzero(labels == c)[0] for c in range(len(centroids))])
    order = np.lexsort((first, -sizes))
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    return number[labels], centroids[order]


def _fit_id(centroids: np.ndarray, members: list[list[str]]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(centroids, "<f4").tobytes())
    for cluster in members:
        digest.update(("\n".join(cluster) + "\n\n").encode())
    return digest.hexdigest()[:12]
