"""What is missing or stale: an asset is fresh while what it was made from is what it would be made from now.

Every materialization records a fingerprint of its inputs. The versions of other assets come from Dagster's
own `dagster/data_version` tag (a hash of the table's content), so that an upstream asset that was made again
with the same result makes nothing below it stale.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from singleline_pipeline.lake import Lake
from singleline_pipeline.orchestration.partitions import sketchbooks

FINGERPRINT = "input_fingerprint"
_DATA_VERSION_TAG = "dagster/data_version"


@dataclass(frozen=True)
class Materialized:
    """What the latest materialization of an asset, or of one partition of it, recorded."""

    data_version: str
    fingerprint: str | None


class Versions:
    """The latest materialization of every asset and partition that an instance knows of.

    An asset's events are read together when it is first asked for: one by one, 80 sketchbooks would take
    minutes. What is materialized later is seen after `look_again`.
    """

    def __init__(self, instance: dg.DagsterInstance, *, before: float | None = None) -> None:
        """`before` (seconds since the epoch) looks at the assets as they were at that time."""
        self._instance = instance
        self._before = before
        self._known: dict[str, dict[str | None, Materialized | None]] = {}

    def latest(self, asset: str, partition: str | None) -> Materialized | None:
        """The latest materialization of an unpartitioned asset (`None`) or of a partition, if any."""
        known = self._of(asset)
        if partition is None and None not in known:
            known[None] = self._read_one(asset, None)
        return known.get(partition)

    def seen_by(self, asset: str, partition: str | None) -> dict[str, str | None]:
        """Data version by partition of all that a step reads of an upstream asset.

        A step of a sketchbook reads that sketchbook's partition, a step without partition reads all of them;
        of an asset without partitions both read the one table, which stands under an empty name.
        """
        known = self._of(asset)
        partitions = {key for key, found in known.items() if key is not None and found is not None}
        if not partitions:
            return {"": _version(self.latest(asset, None))}
        if partition is not None:
            return {partition: _version(self.latest(asset, partition))}
        shelf = self._instance.get_dynamic_partitions(sketchbooks.name or "")
        return {key: _version(self.latest(asset, key)) for key in sorted(shelf)}

    def look_again(self, asset: str, partition: str | None) -> None:
        """Look again at this one: it has been materialized."""
        if asset in self._known:
            self._known[asset][partition] = self._read_one(asset, partition)

    def _of(self, asset: str) -> dict[str | None, Materialized | None]:
        if asset not in self._known:
            ids = self._instance.get_latest_storage_id_by_partition(
                dg.AssetKey(asset), dg.DagsterEventType.ASSET_MATERIALIZATION
            )
            self._known[asset] = {}
            for record in self._records(asset, storage_ids=list(ids.values()), limit=len(ids)) if ids else ():
                if self._before is None or record.timestamp <= self._before:
                    self._known[asset][record.partition_key] = _materialized(record)
            for partition in ids.keys() - self._known[asset].keys():
                self._known[asset][partition] = self._read_one(asset, partition)
        return self._known[asset]

    def _read_one(self, asset: str, partition: str | None) -> Materialized | None:
        partitions = None if partition is None else [partition]
        records = self._records(asset, asset_partitions=partitions, before_timestamp=self._before, limit=1)
        return _materialized(records[0]) if records else None

    def _records(self, asset: str, *, limit: int, **conditions: Any) -> list[dg.EventLogRecord]:
        conditions = {"asset_key": dg.AssetKey(asset)} | conditions
        found = self._instance.fetch_materializations(dg.AssetRecordsFilter(**conditions), limit=limit)
        return list(found.records)


class Staleness:
    """Says of every asset and partition whether it has to be materialized."""

    def __init__(
        self, instance: dg.DagsterInstance, assets: Iterable[dg.AssetsDefinition], lake: Lake
    ) -> None:
        self._specs = {spec.key.to_user_string(): spec for asset in assets for spec in asset.specs}
        self._lake = lake
        self.versions = Versions(instance)

    def is_fresh(
        self,
        asset: str,
        partition: str | None,
        *,
        external: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> bool:
        """Whether the table is there and was made from what is there now, by this version of the code.

        Args:
            asset: Name of the asset.
            partition: The sketchbook, None for an asset without partitions.
            external: Versions of inputs that are no assets, as its step gave them to `fingerprint_now`.
            config: Its config, where its step gave that to `fingerprint_now`.
        """
        made = self.versions.latest(asset, partition)
        if made is None or made.fingerprint is None or not self._lake.exists(asset, partition):
            return False
        return made.fingerprint == fingerprint(self.versions, self._specs[asset], partition, external, config)

    def look_again(self, asset: str, partition: str | None) -> None:
        """To be called when an asset has been materialized since."""
        self.versions.look_again(asset, partition)


def fingerprint_now(
    context: dg.AssetExecutionContext,
    asset: str,
    partition: str | None,
    external: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> str:
    """The fingerprint of what a running step reads, to be recorded as `FINGERPRINT` in its metadata.

    It is that of the moment when the step started. Training takes hours, and a dataset that is made anew in
    the meantime is not what the model has seen.
    """
    spec = context.assets_def.get_asset_spec(dg.AssetKey(asset))
    started = _start_of_step(context)
    return fingerprint(Versions(context.instance, before=started), spec, partition, external, config)


def fingerprint(
    versions: Versions,
    spec: dg.AssetSpec,
    partition: str | None,
    external: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> str:
    """SHA-256 over code version, config, external versions, and the data versions of everything upstream."""
    upstream = sorted(dep.asset_key.to_user_string() for dep in spec.deps)
    said = {
        "code_version": spec.code_version,
        "config": dict(config or {}),
        "external": dict(external or {}),
        "upstream": {asset: versions.seen_by(asset, partition) for asset in upstream},
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _start_of_step(context: dg.AssetExecutionContext) -> float | None:
    step = str(context.op_execution_context.op_handle)
    starts = context.instance.all_logs(context.run.run_id, of_type=dg.DagsterEventType.STEP_START)
    return max((entry.timestamp for entry in starts if entry.step_key == step), default=None)


def _materialized(record: dg.EventLogRecord) -> Materialized | None:
    event = record.asset_materialization
    if event is None:
        return None
    recorded = event.metadata.get(FINGERPRINT)
    return Materialized(
        data_version=(event.tags or {}).get(_DATA_VERSION_TAG, record.run_id),
        fingerprint=None if recorded is None else str(recorded.value),
    )


def _version(materialized: Materialized | None) -> str | None:
    return None if materialized is None else materialized.data_version
