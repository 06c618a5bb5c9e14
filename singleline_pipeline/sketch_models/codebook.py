"""A codebook of offsets: K-means centroids, the pen's states apart (Ribeiro et al. 2020, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans

from singleline_pipeline.sketch_models.drawings import check_drawings
from singleline_pipeline.sketch_models.errors import DatasetError

_MOST_OFFSETS = 200_000  # that a fit looks at: enough for 200 centroids, and a few seconds


@dataclass(frozen=True)
class Codebook:
    """Codes in the order down, up; within each the most used first.

    centroids: (k, 2) float32 in file units; lifts: (k,) bool, whether the pen lifts after the point
    counts: (k,) int64, points of the drawings that each code stands for
    """

    centroids: np.ndarray
    lifts: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.centroids)


def _cluster(offsets: np.ndarray, codes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """At most `codes` centroids of offsets (n, 2) and how many offsets each stands for, the most used first."""
    distinct, inverse, weight = np.unique(offsets, axis=0, return_inverse=True, return_counts=True)
    if len(distinct) <= codes:
        centroids, label = distinct, np.arange(len(distinct))
    else:
        shown = np.arange(len(distinct))
        if len(shown) > _MOST_OFFSETS:
            shown = rng.choice(shown, _MOST_OFFSETS, replace=False, p=weight / weight.sum())
        fit = KMeans(codes, n_init=1, random_state=int(rng.integers(2**31)))
        fit.fit(distinct[shown], sample_weight=weight[shown].astype(np.float64))
        centroids, label = fit.cluster_centers_, fit.predict(distinct)
    counts = np.bincount(label[inverse.ravel()], minlength=len(centroids))
    order = np.lexsort((centroids[:, 1], centroids[:, 0], -counts))
    order = order[counts[order] > 0]
    return centroids[order].astype(np.float32), counts[order].astype(np.int64)


def fit_codebook(drawings: Sequence[np.ndarray], down: int = 200, up: int = 50, seed: int = 0) -> Codebook:
    """Fit centroids to the offsets of drawings, stroke-3 (n, 3) each.

    down, up: codes for points after which the pen goes on, and after which it lifts; fewer where there are fewer
        distinct offsets
    Raises DatasetError where there are no drawings, or a bad one.
    """
    if down < 1 or up < 1:
        raise DatasetError(f"A codebook needs codes for both pen states; {down} and {up} were asked for.")
    checked = check_drawings(drawings, "codebook")
    if not checked:
        raise DatasetError("There are no drawings to fit a codebook to.")
    rows = np.concatenate(checked)
    rng = np.random.default_rng(seed)
    parts = [
        (*_cluster(rows[rows[:, 2] == lifts, :2], codes, rng), lifts)
        for lifts, codes in ((False, down), (True, up))
        if (rows[:, 2] == lifts).any()
    ]
    return Codebook(
        centroids=np.concatenate([centroids for centroids, _, _ in parts]),
        lifts=np.concatenate([np.full(len(counts), lifts) for _, counts, lifts in parts]),
        counts=np.concatenate([counts for _, counts, _ in parts]),
    )
