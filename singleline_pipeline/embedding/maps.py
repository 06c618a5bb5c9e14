"""A map of embeddings: t-SNE, so that what looks alike lies together."""

import numpy as np
from scipy.linalg import orthogonal_procrustes
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from singleline_pipeline.embedding.errors import EmbeddingError

FEWEST = 5
"""With fewer points than this t-SNE has no neighbourhoods to keep: their principal axes are the map."""

PERPLEXITY = 30.0
SETTLING = 250
"""Steps from the last map; a map from nothing takes 1000."""

COMPONENTS = 50
"""Principal components that t-SNE is given, as van der Maaten & Hinton (2008) do."""


def map_points(vectors: np.ndarray, *, seed: int = 0, start: np.ndarray | None = None) -> np.ndarray:
    """Return the place of each row of float (n, d) `vectors` on the map, float32 (n, 2).

    `start` is the last map, (n, 2), with NaN for rows that were not on it: they start beside the row most like them,
    and the map does not turn over because a sketchbook arrived.
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
        if count < FEWEST:
            return _padded(reduced).astype(np.float32)
        if start is None or not _is_a_map(start):
            return _tsne(reduced, _first_places(reduced, seed), 12.0, 1000, seed)
        # From the last map nothing has to find its place: pulling everything together first would lose it, and a
        # long run would drift.
        last = np.asarray(start, np.float64)
        return _laid_over(_tsne(reduced, _completed(last, reduced), 1.0, SETTLING, seed), last)


def _tsne(reduced: np.ndarray, places: np.ndarray, exaggeration: float, steps: int, seed: int) -> np.ndarray:
    tsne = TSNE(
        perplexity=min(PERPLEXITY, (len(reduced) - 1) / 3),
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


def _padded(reduced: np.ndarray) -> np.ndarray:
    return np.pad(reduced[:, :2], ((0, 0), (0, max(0, 2 - reduced.shape[1]))))


def _first_places(reduced: np.ndarray, seed: int) -> np.ndarray:
    """The first two principal axes, drawn together to 1e-4 as t-SNE wants it; noise where all rows are the same."""
    places = _padded(reduced)
    spread = places[:, 0].std()
    if spread == 0:
        return 1e-4 * np.random.default_rng(seed).standard_normal(places.shape)
    return 1e-4 * places / spread


def _is_a_map(start: np.ndarray) -> bool:
    known = np.asarray(start)[np.isfinite(start).all(axis=1)]
    return len(known) > 0 and bool(known.std(axis=0).any())


def _completed(last: np.ndarray, reduced: np.ndarray) -> np.ndarray:
    """Give the rows that were not on the last map the place of the row most like them."""
    known = np.isfinite(last).all(axis=1)
    places = last.copy()
    for row in np.flatnonzero(~known):
        nearest = np.linalg.norm(reduced[known] - reduced[row], axis=1).argmin()
        # A hair apart: points in one and the same place are never pushed away from each other.
        places[row] = last[known][nearest] + 1e-3 * (1 + row % 7)
    return places


def _laid_over(points: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Shift and turn the map so that its points lie as near as can be to where they were (orthogonal Procrustes).

    t-SNE keeps distances only: which side is up means nothing to it, and a lot to who knows the last map.
    """
    known = np.isfinite(last).all(axis=1)
    here, there = points[known].mean(axis=0), last[known].mean(axis=0)
    turn, _ = orthogonal_procrustes(points[known] - here, last[known] - there)
    return ((points - here) @ turn + there).astype(np.float32)
