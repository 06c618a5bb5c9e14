"""Are samples distributed as the drawings are? Two answers, on vectors of an encoder.

The Fréchet distance (Heusel et al. 2017) compares means and covariances. Precision and recall (Kynkäänniemi et al.
2019) ask which samples lie among the drawings, and which drawings among the samples.

A few hundred vectors of more than a thousand dimensions have no covariance to speak of. The Fréchet distance is
therefore taken in the first principal axes of other drawings (those of the train split), with shrunk covariances
(Ledoit and Wolf 2004); it still is above zero for two samples of one distribution, which is what a noise floor is for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.covariance import ledoit_wolf

from singleline_pipeline.comparison.errors import ComparisonError

AXES = 16
"""Principal axes at most; a fourth of the drawings where those are few."""

NEIGHBOURS = 3
"""The neighbour whose distance is the radius around a drawing, as in the paper."""

_RESAMPLES = 50
_FLOORS = 20


@dataclass(frozen=True)
class PrincipalAxes:
    """Mean (d,) of vectors and their first principal axes (k, d)."""

    mean: np.ndarray
    axes: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray, count: int) -> PrincipalAxes:
        """Of vectors (n, d), n > count."""
        if len(vectors) <= count:
            raise ComparisonError(f"{len(vectors)} vectors have no {count} principal axes.")
        centred = np.asarray(vectors, np.float64)
        mean = centred.mean(axis=0)
        return cls(mean, np.linalg.svd(centred - mean, full_matrices=False)[2][:count])

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors (n, d) along the axes, (n, k)."""
        return (vectors - self.mean) @ self.axes.T


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½) of vectors (n, k) and (m, k), with shrunk covariances."""
    difference = first.mean(axis=0) - second.mean(axis=0)
    one, other = ledoit_wolf(first)[0], ledoit_wolf(second)[0]
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    # The product's root has the trace of that of a symmetric matrix with the same eigenvalues.
    crossed = np.sqrt(np.clip(np.linalg.eigvalsh(root @ other @ root), 0, None)).sum()
    return float(difference @ difference + np.trace(one) + np.trace(other) - 2 * crossed)


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Euclidean distances between vectors (n, d) and (m, d), (n, m)."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    squares = np.vecdot(first, first)[:, None] + np.vecdot(second, second) - 2 * first @ second.T
    return np.sqrt(np.clip(squares, 0, None))


def precision_and_recall(
    real: np.ndarray, drawn: np.ndarray, neighbours: int = NEIGHBOURS
) -> tuple[float, float]:
    """The share of drawn vectors (n, d) that lie among the real ones (m, d), and the other way round.

    A vector lies among others where it is no farther from one of them than that one's own k-th neighbour is.
    """
    between = distances(drawn, real)
    return (
        float((between <= _radii(real, neighbours)).any(axis=1).mean()),
        float((_radii(drawn, neighbours) >= between.T).any(axis=1).mean()),
    )


def _radii(vectors: np.ndarray, neighbours: int) -> np.ndarray:
    """Distance of each vector to its k-th neighbour among the others, (n,)."""
    if len(vectors) <= neighbours:
        raise ComparisonError(f"{len(vectors)} vectors have no {neighbours} neighbours each.")
    # Of the distances in a row, the smallest is that to the vector itself.
    return np.partition(distances(vectors, vectors), neighbours, axis=1)[:, neighbours]


@dataclass(frozen=True)
class TwoSample:
    """A Fréchet distance, precision and recall, each with the standard deviation over resamples."""

    frechet: tuple[float, float]
    precision: tuple[float, float]
    recall: tuple[float, float]


class TwoSampleTest:
    """Compares vectors with those of held-out drawings (m, d); `train` (n, d) gives the axes and the noise floor."""

    def __init__(self, held_out: np.ndarray, train: np.ndarray) -> None:
        self.held_out = held_out
        self.axes = PrincipalAxes.of(train, max(1, min(AXES, len(held_out) // 4)))
        self._train = train

    def _scores(self, drawn: np.ndarray, held_out: np.ndarray) -> tuple[float, float, float]:
        return (
            frechet_distance(self.axes(held_out), self.axes(drawn)),
            *precision_and_recall(held_out, drawn),
        )

    def __call__(self, drawn: np.ndarray, rng: np.random.Generator) -> TwoSample:
        """Of samples (n, d).

        The deviations are those over halves of both sides, drawn without replacement, for a bootstrap would hold
        vectors twice, which are their own neighbours. A half differs from the whole as much as the whole does from the
        next sample (the delete-half jackknife; Shao and Wu 1989).
        """
        halves = [
            self._scores(
                _some(drawn, len(drawn) // 2, rng), _some(self.held_out, len(self.held_out) // 2, rng)
            )
            for _ in range(_RESAMPLES)
        ]
        spread = np.std(halves, axis=0, ddof=1)
        value = self._scores(drawn, self.held_out)
        return TwoSample(*((one, float(of)) for one, of in zip(value, spread, strict=True)))

    def floor(self, size: int, rng: np.random.Generator) -> TwoSample:
        """Of as many train drawings instead of samples, half of them at most: mean and deviation over draws of them."""
        size = min(size, len(self._train) // 2)
        scores = [self._scores(_some(self._train, size, rng), self.held_out) for _ in range(_FLOORS)]
        mean, spread = np.mean(scores, axis=0), np.std(scores, axis=0, ddof=1)
        return TwoSample(*((float(one), float(of)) for one, of in zip(mean, spread, strict=True)))


def _some(vectors: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return vectors[rng.choice(len(vectors), count, replace=False)]
