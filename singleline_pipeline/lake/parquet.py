"""Parquet with bytes that depend on nothing but the table."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

# Files of images are read a few at a time, and Arrow cannot hold more than 2 GB of bytes in one nested chunk.
_ROWS_A_GROUP = 4096
_ROWS_A_GROUP_WITH_FILES = 16


def write_parquet(table: pa.Table, sink: Any) -> None:
    """Write with zstd, in row groups of fixed size: equal tables give equal bytes, however chunked."""
    rows = (
        _ROWS_A_GROUP_WITH_FILES if any(_holds_bytes(field.type) for field in table.schema) else _ROWS_A_GROUP
    )
    with pq.ParquetWriter(sink, table.schema, compression="zstd", version="2.6") as writer:
        for start in range(0, table.num_rows, rows):
            writer.write_table(table.slice(start, rows).combine_chunks(), row_group_size=rows)


def read_parquet(file: pq.ParquetFile, columns: Sequence[str]) -> pa.Table:
    """The named columns, a chunk a row group: more than 2 GB of images are read, too."""
    groups = [file.read_row_group(index, columns=list(columns)) for index in range(file.num_row_groups)]
    return pa.concat_tables(groups) if groups else file.schema_arrow.empty_table()


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_holds_bytes(child.type) for child in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
