"""The history of a training: rows of dict, and which of their columns is the score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCORE_NAMES = ("nats_per_point", "token_nats_per_point")
"""Of densities and of the token variant's probabilities: one or the other, for they cannot be compared."""


def score_name(row: Mapping[str, Any]) -> str:
    """Which score a row holds."""
    return next(name for name in SCORE_NAMES if row.get(name) is not None)


def in_words(name: str) -> str:
    """What a score is counted in, for people."""
    return "nats a point" if name == "nats_per_point" else "nats of tokens a point"
