"""How much in doubt an item is: what lies between two clusters of different names is looked at first."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_CHUNK = 2048
"""Rows whose products with the centroids are held at once."""


def distances(vectors: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.float32]:
    """Euclidean distance of each row of (n, d) to each of (k, d) centroids: (n, k)."""
    found = np.zeros((len(vectors), len(centroids)), np.float32)
    lengths = (centroids.astype(np.float64) ** 2).sum(axis=1)
    for start in range(0, len(vectors), _CHUNK):
        rows = vectors[start : start + _CHUNK].astype(np.float64)
        squared = (rows**2).sum(axis=1)[:, None] - 2 * rows @ centroids.T + lengths
        found[start : start + _CHUNK] = np.sqrt(np.maximum(squared, 0))
    return found


def doubt(
    distance: NDArray[np.float32], names: Sequence[int], suggestion: NDArray[np.int8]
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Return the doubt of each row, (n,), and the cluster that it is nearest to after its own, -1 for none.

    Args:
        distance: (n, k) to every centroid.
        names: Code of each cluster's name.
        suggestion: Code of what each row looks like, negative for nothing.

    The doubt is the distance to the nearest centroid over that to the nearest one of another name: 1 lies half way.
    A row that does not look like its cluster is in more doubt than any that does: it gets 1 more. Where all clusters
    have one name, the second nearest stands in, and the doubt is half as large.
    """
    rows, clusters = distance.shape
    if clusters < 2:
        return np.zeros(rows, np.float32), np.full(rows, -1, np.int16)
    code = np.asarray(names)
    own = distance.argmin(axis=1)
    nearest = distance[np.arange(rows), own]
    same = code[None, :] == code[own][:, None]
    others = np.where(same, np.inf, distance)
    alike = ~np.isfinite(others).any(axis=1)
    others[alike] = distance[alike]
    others[np.arange(rows), own] = np.inf
    other = others.argmin(axis=1)
    between = nearest / np.maximum(others[np.arange(rows), other], 1e-9)
    between = np.where(alike, between / 2, between)
    unlike = (suggestion >= 0) & (code[own] >= 0) & (suggestion != code[own])
    return (between + unlike).astype(np.float32), other.astype(np.int16)
