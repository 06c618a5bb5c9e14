"""Tables of assets in the lake. What an asset gets is what it annotates its parameter with."""

from typing import Any, get_origin

import dagster as dg
import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import Field

from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake, LakeError


class ParquetIOManager(dg.ConfigurableIOManager):
    """Stores `pa.Table`s as `<lake>/<asset>/<partition>.parquet`, or `<lake>/<asset>.parquet` without
    partitions.

    A parameter annotated with `pa.Table` gets one table. A parameter that stands for all partitions of an
    asset must say `dict[str, pa.Table]` (a table a partition) or `pyarrow.dataset.Dataset` (one lazy dataset
    of all), and gets that for one partition as for eighty. `AssetIn(metadata={"columns": [...]})` reads only
    those columns.

    A table that does not fit its schema, cannot be written, is missing or was written under another schema
    fails the step with a message that names it, and without retries: the next attempt would find the same.
    """

    lake: str = Field(
        default="",
        description="Folder or URL (s3://bucket/folder) of the tables; empty: SINGLELINE_LAKE, else "
        "lake/ in SINGLELINE_HOME",
    )

    def handle_output(self, context: dg.OutputContext, obj: pa.Table) -> None:
        asset = _asset_name(context)
        if not isinstance(obj, pa.Table):
            raise _failure(f"{asset} must give a pyarrow Table, not {type(obj).__name__}.")
        partition = context.asset_partition_key if context.has_asset_partitions else None
        try:
            path = self._lake().write(asset, obj, partition)
        except LakeError as error:
            raise _failure(str(error)) from error
        context.add_output_metadata({
            "path": dg.MetadataValue.path(str(path)),
            "file_size": dg.MetadataValue.int(path.stat().st_size),
        })  # fmt: skip

    def load_input(self, context: dg.InputContext) -> pa.Table | dict[str, pa.Table] | ds.Dataset:
        asset = _asset_name(context)
        wanted = context.dagster_type.typing_type
        columns = (context.definition_metadata or {}).get("columns")
        lake = self._lake()
        try:
            if not context.has_asset_partitions:
                _expect(wanted, pa.Table, asset, "it has no partitions")
                return lake.read(asset, columns=columns)
            if context.has_partition_key and list(context.asset_partition_keys) == [context.partition_key]:
                _expect(wanted, pa.Table, asset, "the asset reads the partition of its own sketchbook")
                return lake.read(asset, context.partition_key, columns)
            partitions = sorted(context.asset_partition_keys)
            if wanted is ds.Dataset:
                return lake.dataset(asset, columns, partitions)
            _expect(wanted, dict, asset, "the asset reads all its partitions")
            return lake.read_partitions(asset, partitions, columns)
        except LakeError as error:
            raise _failure(str(error)) from error

    def _lake(self) -> Lake:
        return Lake(self.lake or Home.from_environment().lake)


def _asset_name(context: dg.OutputContext | dg.InputContext) -> str:
    return "__".join(context.asset_key.path)


def _expect(wanted: Any, given: type, asset: str, because: str) -> None:
    if wanted not in (Any, given) and get_origin(wanted) is not given:
        names = {pa.Table: "pa.Table", dict: "dict[str, pa.Table] or pyarrow.dataset.Dataset"}
        raise _failure(
            f"The parameter for {asset} must be annotated with {names[given]}: {because}. It says {wanted}."
        )


def _failure(message: str) -> dg.Failure:
    return dg.Failure(description=message, allow_retries=False)
