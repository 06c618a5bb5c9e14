"""The lake: one Parquet file an asset and partition, each held to its asset's schema."""

from singleline_pipeline.lake.content import content_version
from singleline_pipeline.lake.contract import conform
from singleline_pipeline.lake.errors import LakeError, MissingTableError
from singleline_pipeline.lake.lake import Lake, check_partition_name

__all__ = ["Lake", "LakeError", "MissingTableError", "check_partition_name", "conform", "content_version"]
