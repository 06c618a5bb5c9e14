"""What every asset here has in common: a Parquet table with a fixed schema, checked, fingerprinted, described."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg
import pyarrow as pa

from singleline_pipeline.lake import content_version
from singleline_pipeline.lake.contract import ANY_SIZE
from singleline_pipeline.orchestration.checks import check_specs, check_table
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.staleness import FINGERPRINT, fingerprint_now
from singleline_pipeline.schemas import SCHEMAS


def column_schema(name: str) -> dg.TableSchema:
    """The columns of an asset as the Dagster UI shows them: type, description, unit."""
    columns = []
    for field in SCHEMAS[name]:
        metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        unit = f" [{metadata['unit']}]" if "unit" in metadata else ""
        kind = str(field.type)
        if field.name in ANY_SIZE:
            kind = f"{kind.removesuffix('[1]')}[n]"
        columns.append(
            dg.TableColumn(
                field.name,
                kind,
                description=metadata["description"] + unit,
                constraints=dg.TableColumnConstraints(nullable=field.nullable),
            )
        )
    return dg.TableSchema(columns)


def table_asset(
    *,
    group: str,
    code_version: str,
    kinds: set[str] | None = None,
    partitioned: bool,
    counted: bool = True,
    metadata: Mapping[str, Any] | None = None,
    **options: Any,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """`dg.asset` for a function of the asset's name that returns `materialized(...)`.

    Args:
        group: Group in the UI.
        code_version: To be raised by hand whenever the same input gives another table.
        kinds: What it is made with, beside Parquet.
        partitioned: By sketchbook, or one table.
        counted: Whether it accounts for the rows that went in.
        metadata: Of the asset itself, beside the schema of its columns.
        **options: Further arguments of `dg.asset`.
    """

    def decorate(function: Callable[..., Any]) -> dg.AssetsDefinition:
        name = function.__name__
        # With checks beside the table Dagster reads an annotated result as "no value", and would not store it.
        function.__annotations__.pop("return", None)
        return dg.asset(
            group_name=group,
            code_version=code_version,
            kinds={"parquet"} | (kinds or set()),
            partitions_def=sketchbooks if partitioned else None,
            check_specs=check_specs(name, SCHEMAS[name], counted=counted),
            metadata={"dagster/column_schema": column_schema(name), **(metadata or {})},
            **options,
        )(function)

    return decorate


def table_of(name: str, columns: Mapping[str, Any]) -> pa.Table:
    """The table of an asset from its columns, in the order and the types of its schema.

    Raises:
        KeyError: A column of the schema is not given.
    """
    schema = SCHEMAS[name]
    arrays = []
    for field in schema:
        values = columns[field.name]
        arrays.append(
            values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, field.type)
        )
    fields = [field.with_type(array.type) for field, array in zip(schema, arrays, strict=True)]
    return pa.table(arrays, schema=pa.schema(fields))


def materialized(
    context: dg.AssetExecutionContext,
    name: str,
    table: pa.Table,
    *,
    counts: Mapping[str, int] | None,
    metadata: Mapping[str, Any],
    external: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
    read: Sequence[str] | None = None,
) -> dg.MaterializeResult[pa.Table]:
    """The result of an asset: the table, its checks, its version by content, and what it was made from.

    Args:
        context: Of the running step.
        name: Name of the asset.
        table: Its rows.
        counts: Where the rows that went in went, see `check_table`.
        metadata: What a person wants to see of it.
        external: Versions of inputs that are no assets (the folder, the labels), by name.
        config: The part of its config that makes it stale when it changes.
        read: The columns that other assets read, where they are not all: others make nothing below it stale.
    """
    partition = context.partition_key if context.has_partition_key else None
    checks = list(check_table(name, table, counts))
    # A table that failed a check counts as stale: the next run is to make it again, not to build on it.
    sound = all(check.passed for check in checks)
    fingerprint = {FINGERPRINT: fingerprint_now(context, name, partition, external, config)} if sound else {}
    return dg.MaterializeResult(
        asset_key=name,
        value=table,
        data_version=dg.DataVersion(content_version(table if read is None else table.select(read))),
        check_results=checks,
        metadata={
            "dagster/row_count": table.num_rows,
            **({"counts": dict(counts)} if counts else {}),
            **metadata,
            **fingerprint,
        },
    )
