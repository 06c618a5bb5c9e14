"""What is like nothing that was clustered: single rows to be looked at, and the moment for a new fit."""

from collections.abc import Sequence

import numpy as np

OUTLIER = 1.5
"""Radii of its cluster from which a row is like nothing else. Of pages that came after a fit over five sketchbooks of
the same kind 1 in 100 is that far off, of pages of a collection that was never seen 1 in 3."""

FAR = 1.25
"""Radii from which a row is outside of its cluster. The same pages: 5 in 100, and 40 in 100."""

FAR_SHARE = 0.2
"""Share of rows outside, of those that came after the fit, from which a new fit is suggested. Measured over five
draws of sketchbooks of one kind: up to 0.08 where five or more were fitted, 0.14 where four were, 0.3 where only two
were and a new fit is due; 0.36 and more for another kind."""

FEWEST = 10
"""Rows that must have come after the fit before anything is suggested."""


def relative_distance(distance: np.ndarray, cluster: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Return each row's distance to its centroid in radii of that cluster, float32 (n,).

    Args:
        distance: (n,) to the nearest centroid.
        cluster: (n,) its number.
        radius: (k,) of every cluster. A cluster of two or three rows has next to none: no cluster counts for smaller
            than half of them are.
    """
    if not len(radius):
        return np.zeros(len(distance), np.float32)
    floor = max(float(np.median(radius)), 1e-9)
    return (np.asarray(distance) / np.maximum(radius, floor)[np.asarray(cluster, np.int64)]).astype(
        np.float32
    )


def outliers(relative: np.ndarray) -> np.ndarray:
    """Return the rows that are farther than `OUTLIER` radii from every cluster, the farthest first."""
    order = np.argsort(-relative, kind="stable")
    return order[relative[order] > OUTLIER]


def refit_suggestion(
    relative: np.ndarray, is_member: Sequence[bool] | np.ndarray, noun: str, *, far_share: float = FAR_SHARE
) -> str | None:
    """Return a sentence that suggests to fit clusters anew, None while they still fit what there is.

    Args:
        relative: (n,) what `relative_distance` gives.
        is_member: (n,) whether each row was there when the clusters were fitted.
        noun: page or drawing.
        far_share: Share of rows outside of their clusters, of those that came after the fit.
    """
    came = relative[~np.asarray(is_member, bool)]
    far = int((came > FAR).sum())
    if len(came) < FEWEST or far < far_share * len(came):
        return None
    return (
        f"{far} of the {len(came)} {noun}s that came after the clusters were fitted are like none of them: fit them "
        "anew. Names go over to the new clusters where most of their members had them."
    )
