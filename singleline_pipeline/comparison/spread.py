"""How far a figure would move had other drawings been looked at: standard errors and bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_RESAMPLES = 2000
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure and its spread.

    spread: its standard error; low, high: a 95 % interval; None where one drawing says nothing about others
    n: drawings, or samples, that it was taken over
    """

    value: float
    spread: float | None
    low: float | None
    high: float | None
    n: int


def ratio_estimate(amounts: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> Estimate:
    """The sum of amounts (n,) over the sum of counts (n,), where whole drawings are what was drawn at random.

    The standard error is that of a ratio of means by linearization (Cochran 1977, eq. 6.13), the interval the
    percentiles of a bootstrap over drawings. Counts of one give a plain mean.
    """
    amounts, counts = np.asarray(amounts, np.float64), np.asarray(counts, np.float64)
    n, total = len(amounts), counts.sum()
    value = float(amounts.sum() / total)
    if n < 2:
        return Estimate(value, None, None, None, n)
    residual = amounts - value * counts
    spread = float(np.sqrt(n / (n - 1) * np.square(residual).sum()) / total)
    picked = rng.integers(0, n, (_RESAMPLES, n))
    below = counts[picked].sum(axis=1)
    resampled = amounts[picked].sum(axis=1)[below > 0] / below[below > 0]
    low, high = np.quantile(resampled, [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2])
    return Estimate(value, spread, float(low), float(high), n)


def mean_estimate(values: np.ndarray, rng: np.random.Generator) -> Estimate:
    """The mean of values (n,)."""
    return ratio_estimate(values, np.ones(len(values)), rng)


def median_estimate(values: np.ndarray, rng: np.random.Generator) -> Estimate:
    """The median of values (n,), its spread and interval by bootstrap."""
    values = np.asarray(values, np.float64)
    value = float(np.median(values))
    if len(values) < 2:
        return Estimate(value, None, None, None, len(values))
    resampled = np.median(values[rng.integers(0, len(values), (_RESAMPLES, len(values)))], axis=1)
    low, high = np.quantile(resampled, [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2])
    return Estimate(value, float(resampled.std(ddof=1)), float(low), float(high), len(values))
