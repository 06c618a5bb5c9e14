"""Materialize what is missing or stale without the UI, into the instance that the UI shows."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from singleline_pipeline.embedding import LabelError
from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake
from singleline_pipeline.orchestration.external import READ_LABELS, external_versions
from singleline_pipeline.orchestration.label_sources import report_labels
from singleline_pipeline.orchestration.maintenance import UNDER_WAY, list_orphaned_runs
from singleline_pipeline.orchestration.staleness import Staleness
from singleline_pipeline.scans import PageError
from singleline_pipeline.settings_file import SettingsError

LOOK_AGAIN = 2.0
"""Seconds between two looks at whether another run of a sketchbook has ended."""

_BEFORE_ANY_STEP = (LabelError, PageError, SettingsError)
"""What is wrong with a file that steps read beside tables: no run would tell of it."""


@dataclass
class Outcome:
    """What a pass over the pipeline did: `asset` or `asset [partition]` of each, and the errors of those that failed.

    `warnings` are what the steps said that a person should know: files that were rejected, labels of nothing.
    """

    materialized: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    failed_partitions: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Graph:
    """The assets by name: what each reads, whether it is partitioned, what is materialized together with it."""

    upstream: dict[str, set[str]]
    partitioned: dict[str, bool]
    together: dict[str, set[str]]

    @classmethod
    def of(cls, assets: Sequence[dg.AssetsDefinition]) -> "Graph":
        """The graph of some assets."""
        upstream, partitioned, together = {}, {}, {}
        for asset in assets:
            names = {key.to_user_string() for key in asset.keys}
            for key, deps in asset.asset_deps.items():
                upstream[key.to_user_string()] = {dep.to_user_string() for dep in deps}
                partitioned[key.to_user_string()] = asset.partitions_def is not None
                together[key.to_user_string()] = names
        return cls(upstream, partitioned, together)

    def stages(self, names: set[str]) -> list[list[str]]:
        """The assets in the order in which they can run.

        A stage holds what one run can materialize: all of it partitioned or none of it, and whatever it reads of the
        other kind in an earlier stage.
        """
        level: dict[str, int] = {}

        def level_of(name: str) -> int:
            if name not in level:
                known = [up for up in self.upstream[name] if up in self.upstream]
                steps = [level_of(up) + (self.partitioned[up] != self.partitioned[name]) for up in known]
                level[name] = max(steps, default=0 if self.partitioned[name] else 1)
            return level[name]

        found: dict[int, list[str]] = {}
        for name in sorted(names):
            found.setdefault(level_of(name), []).append(name)
        return [group for _, group in sorted(found.items())]

    def with_downstream(self, stale: set[str], within: set[str]) -> set[str]:
        """The stale assets and everything of `within` that reads them or is made together with them."""
        grown = set(stale)
        while True:
            reading = {name for name in within if self.upstream[name] & grown}
            more = grown | reading | {other for name in grown for other in self.together[name]}
            if more == grown:
                return grown
            grown = more


def materialize_stale(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    home: Home,
    partitions: Sequence[str],
    names: set[str],
    *,
    configs: Mapping[str, Mapping[str, Any]] | None = None,
    fingerprinted: Mapping[str, Mapping[str, Any]] | None = None,
    anew: Collection[str] = (),
    progress: Callable[[str], None] = lambda message: None,
    advanced: Callable[[float], None] = lambda share: None,
) -> Outcome:
    """Materialize the assets that are missing or stale, one run a stage and sketchbook.

    What only reads a stale asset waits for a second run, in which it takes part where the first one changed something:
    a label that leaves a page in its group does not have the whole sketchbook traced again.

    A sketchbook that fails is left where it failed, and the others go on.

    Args:
        definitions: The project's.
        instance: The instance that records the runs.
        home: Where things lie.
        partitions: The sketchbooks.
        names: Assets to bring up to date.
        configs: Config of single assets, as in the launch pad, where it is not the default.
        fingerprinted: The part of an asset's config that makes it stale when it changes.
        anew: Assets that are made whether they are stale or not.
        progress: Told what is about to run.
        advanced: Told the share of all tables that has been looked at, from 0 to 1.
    """
    assets = list(definitions.resolve_asset_graph().assets_defs)
    graph = Graph.of(assets)
    staleness = Staleness(instance, assets, Lake(home.lake))
    outcome = Outcome()
    stages = graph.stages(names)
    parts = sum(len(partitions) if graph.partitioned[group[0]] else 1 for group in stages)
    looked_at = 0
    for group in stages:
        for partition in partitions if graph.partitioned[group[0]] else [None]:
            advanced(looked_at / parts)
            looked_at += 1
            if partition in outcome.failed_partitions:
                continue
            for first in (True, False):
                try:
                    external = {name: external_versions(name, partition, home) for name in group}
                except _BEFORE_ANY_STEP as error:
                    file = "settings" if isinstance(error, SettingsError) else "labels"
                    outcome.failed[partition or file] = str(error)
                    outcome.failed_partitions |= {partition} if partition else set()
                    break
                stale = {
                    name
                    for name in group
                    if not staleness.is_fresh(
                        name, partition, external=external[name], config=(fingerprinted or {}).get(name)
                    )
                }
                if first:
                    stale |= set(group) & set(anew)
                within = {name for one in stale for name in graph.together[one]} if first else set(group)
                selection = graph.with_downstream(stale, within)
                if not selection:
                    break
                _wait_for_others(instance, partition, progress)
                progress(f"{partition or 'all sketchbooks'}: {', '.join(sorted(selection))}")
                for name in sorted(selection & READ_LABELS.keys()):
                    report_labels(instance, READ_LABELS[name], partition, external[name][READ_LABELS[name]])
                done, errors, warnings = _run(definitions, instance, selection, partition, configs or {})
                for name in sorted(done):
                    staleness.look_again(name, partition)
                    outcome.materialized.append(_label(name, partition))
                outcome.warnings += [warning for warning in warnings if warning not in outcome.warnings]
                if errors:
                    outcome.failed |= {_label(name, partition): error for name, error in errors.items()}
                    outcome.failed_partitions |= {partition} if partition else set()
                    break
    return outcome


def _wait_for_others(
    instance: dg.DagsterInstance, partition: str | None, progress: Callable[[str], None]
) -> None:
    """Wait while another run works on a sketchbook: the UI's limit of one at a time holds for what it starts itself."""
    if partition is None:
        return
    working = dg.RunsFilter(tags={"dagster/partition": partition}, statuses=UNDER_WAY)
    while runs := instance.get_runs(working):
        orphans = {orphan.run_id for orphan in list_orphaned_runs(instance)}
        others = [run for run in runs if run.run_id not in orphans]
        if not others:
            return
        progress(f"{partition}: waiting for run {others[0].run_id.partition('-')[0]} of {others[0].job_name}")
        time.sleep(LOOK_AGAIN)


def _label(asset: str, partition: str | None) -> str:
    return f"{asset} [{partition}]" if partition else asset


def _run(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    selection: set[str],
    partition: str | None,
    configs: Mapping[str, Mapping[str, Any]],
) -> tuple[set[str], dict[str, str], list[str]]:
    """Names of what was materialized, the error of every step that failed, and the warnings of all steps."""
    config = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # the caller tells of progress
    ops = {name: {"config": dict(values)} for name, values in configs.items() if name in selection}
    result = dg.materialize(
        list(definitions.resolve_asset_graph().assets_defs),
        selection=sorted(selection),
        partition_key=partition,
        instance=instance,
        run_config=config | ({"ops": ops} if ops else {}),
        raise_on_error=False,
    )
    done = {
        event.asset_key.to_user_string()
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }
    errors = {
        event.step_key or "run": _message(event) for event in result.all_events if event.is_step_failure
    }
    if not result.success and not errors:
        errors["run"] = "the run failed; the Dagster UI shows why"
    said = (entry for entry in instance.all_logs(result.run_id) if not entry.is_dagster_event)
    return done, errors, [entry.user_message for entry in said if entry.level == logging.WARNING]


def _message(event: dg.DagsterEvent) -> str:
    """What the step's own error said, without Dagster's wrapping; our errors are sentences without their class."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    while error is not None and error.cause is not None and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    said = error.message.strip() if error else "failed without a message"
    return said.partition(": ")[2] if said.startswith("singleline_pipeline.") else said
