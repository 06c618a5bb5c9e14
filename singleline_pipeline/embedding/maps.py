"""A map of embeddings: t-SNE, so that what looks alike lies together."""

import hashlib
from collections.abc import Sequence

import numpy as np
from scipy.linalg import orthogonal_procrustes
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from singleline_pipeline.embedding.errors import EmbeddingError

FEWEST = 5
"""With fewer points than this t-SNE has no neighbourhoods to keep: their principal axes are the map."""

PERPLEXITY = 30.0
"""Of maps with enough rows: in the middle of the 5 to 50 of van der Maaten & Hinton (2008)."""

SETTLING = 250
"""Steps from the last map; a map from nothing takes 1000.

Measured on 900 of the story's drawings, the last 150 new: the old ones move by 3 % of the map's extent. With 500 steps
it is 4 %, with a new map laid over the last one 19 %, for a trustworthiness of 0.953, 0.954 and 0.959.
"""

FEW_KNOWN = 0.5
"""With a smaller share of the rows on the last map, all places are found anew: nothing that was known would stay
anyway."""

MAP_VERSION = "2"
"""Raised whenever the same vectors give another map."""

COMPONENTS = 50
"""Principal components that t-SNE is given, as van der Maaten & Hinton (2008) do."""


def map_points(vectors: np.ndarray, *, seed: int = 0, start: np.ndarray | None = None) -> np.ndarray:
    """Return the place of each row of float (n, d) `vectors` on the map, float32 (n, 2).

    `start` is the last map, (n, 2), with NaN for rows that were not on it: they start beside the row most like them,
    and the map does not turn over because a sketchbook arrived. The same arguments give the same places.
    Raises EmbeddingError for vectors that are not finite, or a start of another length.
    """
    vectors = np.asarray(vectors, np.float64)
    if vectors.ndim != 2:
        raise EmbeddingError(
            f"Vectors must be an array of (rows, values); this one has the shape {vectors.shape}."
        )
    if not np.isfinite(vectors).all():
        raise EmbeddingError("Some vectors hold values that are not numbers. Embed these rows again.")
    count = len(vectors)
    if start is not None and np.shape(start) != (count, 2):
        raise EmbeddingError(
            f"The last map has the shape {np.shape(start)}, {count} rows need ({count}, 2): give NaN for new rows."
        )
    if count == 0:
        return np.zeros((0, 2), np.float32)

    with threadpool_limits(limits=1):
        reduced = _principal(vectors, min(COMPONENTS, count, vectors.shape[1]), seed)
        last = None if start is None or not _is_a_map(start) else np.asarray(start, np.float64)
        if count < FEWEST:
            points = _first_places(reduced, seed)
        elif last is not None and np.isfinite(last).all(axis=1).mean() >= FEW_KNOWN:
            # From the last map nothing has to find its place: pulling everything together first would lose it, and a
            # long run would drift.
            points = _tsne(reduced, _completed(last, reduced, seed), 1.0, SETTLING, seed)
        else:
            # t-SNE wants to start from places that are drawn together.
            points = _tsne(reduced, 1e-4 * _first_places(reduced, seed), 12.0, 1000, seed)
        return (points if last is None else _laid_over(points, last)).astype(np.float32)


def perplexity(rows: int) -> float:
    """Return how many neighbours a row has on a map of so many rows: 30, or a third of the others.

    t-SNE looks at three times as many rows (van der Maaten 2014), so that a third is as much as there can be. On the
    story's drawings it also keeps neighbourhoods best: trustworthiness of the 5 nearest for 36 and 66 rows 0.89 and
    0.93, with sqrt(rows) 0.88 and 0.93, with rows / 10 0.86 and 0.89. Above a hundred rows, 15 to 50 are alike.
    """
    return min(PERPLEXITY, (rows - 1) / 3)


def map_version(keys: Sequence[str], vectors: np.ndarray) -> str:
    """Return the SHA-256 (hex) of what a map is made from: rows by their keys, in order, and float (n, d) vectors.

    Where the last map was made from the same, its places are still right. From there t-SNE would only drift.
    """
    said = hashlib.sha256(f"{MAP_VERSION} {np.shape(vectors)}\n".encode())
    for key in keys:
        said.update(f"{key}\n".encode())
    said.update(np.ascontiguousarray(vectors, np.float32).tobytes())
    return said.hexdigest()


def moved(points: np.ndarray, last: np.ndarray) -> float | None:
    """Return how far rows moved on the mean, in shares of the longer side of the last map; None where none was on it.

    Both are (n, 2), `last` with NaN for rows that were not on it.
    """
    known = np.isfinite(last).all(axis=1)
    extent = np.ptp(last[known], axis=0).max() if known.any() else 0.0
    if extent == 0:
        return None
    return float(np.linalg.norm(points[known] - last[known], axis=1).mean() / extent)


def _tsne(reduced: np.ndarray, places: np.ndarray, exaggeration: float, steps: int, seed: int) -> np.ndarray:
    tsne = TSNE(
        perplexity=perplexity(len(reduced)),
        init=places.astype(np.float32),
        early_exaggeration=exaggeration,
        max_iter=steps,
        random_state=seed,
        n_jobs=1,
    )
    return tsne.fit_transform(reduced.astype(np.float32))


def _principal(vectors: np.ndarray, components: int, seed: int) -> np.ndarray:
    if len(vectors) == 1 or not vectors.std(axis=0).any():
        return np.zeros((len(vectors), components))
    return PCA(components, svd_solver="full", random_state=seed).fit_transform(vectors)


def _first_places(reduced: np.ndarray, seed: int) -> np.ndarray:
    """The first two principal axes, the first with a standard deviation of 1, and a little noise.

    Rows that are all equal have no axes: they are noise alone.
    """
    places = np.pad(reduced[:, :2], ((0, 0), (0, max(0, 2 - reduced.shape[1]))))
    noise = np.random.default_rng(seed).standard_normal(places.shape)
    spread = places[:, 0].std()
    return noise if spread == 0 else places / spread + 0.01 * noise


def _is_a_map(start: np.ndarray) -> bool:
    known = np.asarray(start)[np.isfinite(start).all(axis=1)]
    return len(known) > 0 and bool(known.std(axis=0).any())


def _completed(last: np.ndarray, reduced: np.ndarray, seed: int) -> np.ndarray:
    """Give the rows that were not on the last map the place of the row most like them, a hair apart."""
    known = np.isfinite(last).all(axis=1)
    places = last.copy()
    if not known.all():
        nearest = NearestNeighbors(n_neighbors=1).fit(reduced[known]).kneighbors(reduced[~known])[1][:, 0]
        hair = 1e-3 * last[known].std() * np.random.default_rng(seed).standard_normal((len(nearest), 2))
        places[~known] = last[known][nearest] + hair
    return places


def _laid_over(points: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Shift and turn the map so that its points lie as near as can be to where they were (orthogonal Procrustes).

    t-SNE keeps distances only: which side is up means nothing to it, and a lot to who knows the last map.
    """
    known = np.isfinite(last).all(axis=1)
    here, there = points[known].mean(axis=0), last[known].mean(axis=0)
    turn, _ = orthogonal_procrustes(points[known] - here, last[known] - there)
    return (points - here) @ turn + there
