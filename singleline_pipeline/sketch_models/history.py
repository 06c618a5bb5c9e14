"""The history of a training: rows of dict, which of their columns is the score, and the table beside the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HISTORY = "history.parquet"

SCORE_NAMES = ("nats_per_point", "token_nats_per_point")
"""Of densities and of the token variant's probabilities: one or the other, for they cannot be compared."""


def score_name(row: Mapping[str, Any]) -> str:
    """Which score a row holds."""
    return next(name for name in SCORE_NAMES if row.get(name) is not None)


def in_words(name: str) -> str:
    """What a score is counted in, for people."""
    return "nats a point" if name == "nats_per_point" else "nats of tokens a point"


def write_history(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the rows as a table; `skipped` is a list of whole numbers also where every row's is empty."""
    import pyarrow as pa
    from pyarrow import parquet

    from singleline_pipeline.geometry._atomic import atomic_writer

    table = pa.Table.from_pylist(list(rows))
    place = table.schema.get_field_index("skipped")
    table = table.set_column(place, "skipped", table["skipped"].cast(pa.list_(pa.int32())))
    with atomic_writer(folder / HISTORY) as out:
        parquet.write_table(table, out)
