"""Holding a table to the schema of its asset: names, types, nulls; before writing and after reading."""

import pyarrow as pa
import pyarrow.compute as pc

from singleline_pipeline.lake.errors import LakeError

# Vectors whose length is a matter of the encoder that made them, not of the schema.
ANY_SIZE = ("embedding", "centroid")


def conform(asset: str, table: pa.Table, schema: pa.Schema) -> pa.Table:
    """`table` with the schema's column order, nullability and descriptions; no value is converted.

    Raises LakeError, naming asset, column, what was expected and what was found, where a column is missing,
    unexpected or of another type, or where a column that must be filled holds nulls.
    """
    problem = first_difference(table.schema, schema, nulls_may_be_declared=True)
    if problem is not None:
        raise LakeError(f"The table for {asset} does not fit its schema: {problem}.")
    table = table.select(schema.names)
    for field in schema:
        column = table.column(field.name)
        if not field.nullable and column.null_count:
            row = pc.index(column.is_null(), True).as_py()
            raise LakeError(
                f"The table for {asset} does not fit its schema: column {field.name} must be filled in "
                "every row, found "
                f"{column.null_count} nulls in {table.num_rows} rows, the first in row {row}."
            )
    return table.cast(with_sizes_of(schema, table.schema))


def first_difference(
    found: pa.Schema, expected: pa.Schema, *, nulls_may_be_declared: bool = False
) -> str | None:
    """The first difference that matters, in words, or None. The order of columns and their metadata do not
    matter.

    `nulls_may_be_declared` accepts a column that may hold nulls where none are expected: tables in memory
    declare every column so, and their values are looked at instead.
    """
    missing = [field.name for field in expected if field.name not in found.names]
    if missing:
        return f"column {missing[0]} is missing, expected {_words(expected.field(missing[0]))}"
    unexpected = [name for name in found.names if name not in expected.names]
    if unexpected:
        return f"column {unexpected[0]} is not expected, found {_words(found.field(unexpected[0]))}"
    if len(found.names) != len(expected.names):
        repeated = next(name for name in found.names if found.names.count(name) > 1)
        return f"column {repeated} is there more than once"
    for field in expected:
        other = found.field(field.name)
        same = _same_type(other.type, field.type, any_size=field.name in ANY_SIZE)
        if not same or (other.nullable and not field.nullable and not nulls_may_be_declared):
            return f"column {field.name}: expected {_words(field)}, found {_words(other)}"
    return None


def with_sizes_of(schema: pa.Schema, found: pa.Schema) -> pa.Schema:
    """`schema`, its vectors as long as those of `found`."""
    fields = [
        field.with_type(pa.list_(field.type.value_field, found.field(field.name).type.list_size))
        if field.name in ANY_SIZE and field.name in found.names
        else field
        for field in schema
    ]
    return pa.schema(fields, metadata=schema.metadata)


def vector_sizes(schema: pa.Schema) -> dict[str, int]:
    """The length of every vector column of a schema."""
    return {field.name: field.type.list_size for field in schema if field.name in ANY_SIZE}


def _same_type(found: pa.DataType, expected: pa.DataType, *, any_size: bool = False) -> bool:
    """Equality but for names of list items, which Parquet changes, and for stricter nullability inside."""
    if pa.types.is_fixed_size_list(expected):
        return (
            pa.types.is_fixed_size_list(found)
            and (any_size or found.list_size == expected.list_size)
            and _same_child(found.value_field, expected.value_field)
        )
    if pa.types.is_map(expected):
        return (
            pa.types.is_map(found)
            and _same_type(found.key_type, expected.key_type)
            and _same_child(found.item_field, expected.item_field)
        )
    for is_list in (pa.types.is_list, pa.types.is_large_list):
        if is_list(expected):
            return is_list(found) and _same_child(found.value_field, expected.value_field)
    if pa.types.is_struct(expected):
        return (
            pa.types.is_struct(found)
            and [child.name for child in found] == [child.name for child in expected]
            and all(_same_child(a, b) for a, b in zip(found, expected, strict=True))
        )
    return bool(found == expected)


def _same_child(found: pa.Field, expected: pa.Field) -> bool:
    return _same_type(found.type, expected.type) and (expected.nullable or not found.nullable)


def _words(field: pa.Field) -> str:
    return f"{field.type}, {'may be null' if field.nullable else 'never null'}"
