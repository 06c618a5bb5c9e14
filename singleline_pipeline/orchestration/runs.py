"""Materialize what is missing or stale without the UI, into the instance that the UI shows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake
from singleline_pipeline.orchestration.external import external_versions
from singleline_pipeline.orchestration.staleness import is_fresh

MODELS = ("sketch_rnn", "sketch_transformer")
AFTER_TRAINING = (*MODELS, "sketch_rnn_samples", "sketch_transformer_samples")


@dataclass
class Outcome:
    """What a pass over the pipeline did: `asset` or `asset [partition]` for each materialized, and what failed."""

    materialized: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def _label(asset: str, partition: str | None) -> str:
    return f"{asset} [{partition}]" if partition else asset


def stages(assets: Sequence[dg.AssetsDefinition], names: set[str]) -> list[tuple[bool, list[str]]]:
    """The assets in the order in which they can run, as (partitioned, names).

    A stage holds assets that one run can materialize together: all of them partitioned or none, and every asset
    that they read and that is of the other kind in an earlier stage.
    """
    upstream = {
        key.to_user_string(): {up.to_user_string() for up in deps}
        for a in assets
        for key, deps in a.asset_deps.items()
    }
    partitioned = {key.to_user_string(): a.partitions_def is not None for a in assets for key in a.keys}
    level: dict[str, int] = {}

    def level_of(name: str) -> int:
        if name not in level:
            steps = [
                level_of(up) + (partitioned[up] != partitioned[name])
                for up in upstream[name]
                if up in upstream
            ]
            level[name] = max(steps, default=0 if partitioned[name] else 1)
        return level[name]

    ordered = sorted(names, key=level_of)
    found: dict[int, list[str]] = {}
    for name in ordered:
        found.setdefault(level_of(name), []).append(name)
    return [(partitioned[group[0]], sorted(group)) for _, group in sorted(found.items())]


def _downstream(assets: Sequence[dg.AssetsDefinition], stale: set[str], within: set[str]) -> set[str]:
    upstream = {
        key.to_user_string(): {up.to_user_string() for up in deps}
        for a in assets
        for key, deps in a.asset_deps.items()
    }
    together = {key.to_user_string(): {k.to_user_string() for k in a.keys} for a in assets for key in a.keys}
    grown = set(stale)
    while True:
        more = {name for name in within if upstream[name] & grown} | {
            n for name in grown for n in together[name]
        }
        if more <= grown:
            return grown
        grown |= more


def materialize_stale(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    home: Home,
    partitions: Sequence[str],
    names: set[str],
    run_config: dict[str, Any] | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> Outcome:
    """Materialize the assets that are missing or stale, one run a sketchbook and stage.

    A sketchbook that fails is left where it failed, and the others go on; what reads all sketchbooks then runs
    with what is there.

    Args:
        definitions: The project's.
        instance: The instance that records it.
        home: Where things lie.
        partitions: The sketchbooks.
        names: Assets to bring up to date.
        run_config: Config of ops, as in the launch pad, for assets that need other than the defaults.
        progress: Told what is about to run.
    """
    assets = list(definitions.resolve_asset_graph().assets_defs)
    lake = Lake.from_home(home)
    outcome = Outcome()
    for partitioned, group in stages(assets, names):
        for partition in partitions if partitioned else [None]:
            if any(label.endswith(f"[{partition}]") for label in outcome.failed):
                continue
            stale = {
                name
                for name in group
                if not is_fresh(
                    instance,
                    assets,
                    name,
                    partition,
                    lake=lake,
                    external=external_versions(name, partition, home),
                )
            }
            selection = _downstream(assets, stale, set(group))
            if not selection:
                continue
            progress(_label(", ".join(sorted(selection)), partition))
            for name, error in _run(definitions, instance, selection, partition, run_config):
                if error:
                    outcome.failed[_label(name, partition)] = error
                else:
                    outcome.materialized.append(_label(name, partition))
    return outcome
