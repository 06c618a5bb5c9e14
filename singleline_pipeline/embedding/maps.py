"""A map of embeddings: t-SNE, so that what looks alike lies together."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from singleline_pipeline.embedding.errors import EmbeddingError

FEWEST = 5
"""With fewer points than this t-SNE has no neighbourhoods to keep: their principal axes are the map."""

PERPLEXITY = 30.0
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
        known = None if start is None else _completed(np.asarray(start, np.float64), reduced)
        tsne = TSNE(
            perplexity=min(PERPLEXITY, (count - 1) / 3),
            init=(_first_places(reduced, seed) if known is None else known).astype(np.float32),
            # From the last map, nothing needs to find its place: pulling everything together first would lose it.
            early_exaggeration=12.0 if known is None else 1.0,
            learning_rate="auto",
            random_state=seed,
            n_jobs=1,
        )
        return tsne.fit_transform(reduced.astype(np.float32)).astype(np.float32)


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


def _completed(start: np.ndarray, reduced: np.ndarray) -> np.ndarray | None:
    """Give the rows that were not on the last map the place of the row most like them. None where none was on it."""
    known = np.isfinite(start).all(axis=1)
    if not known.any() or not start[known].std(axis=0).any():
        return None
    places = start.copy()
    for row in np.flatnonzero(~known):
        nearest = np.linalg.norm(reduced[known] - reduced[row], axis=1).argmin()
        # A hair apart: points in one and the same place are never pushed away from each other.
        places[row] = start[known][nearest] + 1e-3 * (1 + row % 7)
    return places
