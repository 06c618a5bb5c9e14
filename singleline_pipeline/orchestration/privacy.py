"""`singleline private`: a page is taken out of the home, and what Dagster's instance shows of it as well."""

import datetime
import getpass
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from singleline_pipeline.corrections import append_corrections, read_corrections
from singleline_pipeline.corrections.keys import PRIVATE
from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake, content_version
from singleline_pipeline.orchestration.jobs import MODEL_ASSETS
from singleline_pipeline.orchestration.maintenance import (
    UNDER_WAY,
    delete_runs,
    list_leftovers,
    list_orphaned_runs,
)
from singleline_pipeline.private import (
    Forgotten,
    PrivateError,
    PrivatePage,
    find_page,
    find_private_page,
    forget_page,
    mark_private,
    other_scans,
)

_PARTITION = "dagster/partition"
_DATA_VERSION = "dagster/data_version"
_NEVER_PICTURED = (*MODEL_ASSETS, "stroke_codebook")
"""Assets whose metadata are of the whole dataset, and hold no picture and no name of a page."""


@dataclass(frozen=True)
class MadePrivate:
    """What became of a page that was made private."""

    page: PrivatePage
    forgotten: Forgotten = field(default_factory=Forgotten)
    runs: int = 0
    """Runs that Dagster's instance has forgotten, with their pictures, events and logs."""
    other_scans: list[str] = field(default_factory=list)
    """Pages that look like another scan of this one, and are not private."""

    def sentences(self, home: Home) -> list[str]:
        """What was removed and what is left, a line each."""
        name = " = ".join(sorted(self.page.page_ids)) or self.page.sha256
        said = [f"{name} is private. Removed:"]
        removed = [f"  {line}" for line in self.forgotten.sentences()]
        if self.runs:
            removed.append(f"  Dagster: {self.runs} runs with their pictures, events and logs")
        said += removed or ["  nothing: there is nothing of it left"]
        where = ", ".join(str(home.folder_of(book).parent / path) for book, path in self._files())
        if where:
            said.append(
                f"The scan itself is left where it lies: {where}. It is not read any more; a folder named priv beside "
                "art is the place for what nobody is to see."
            )
        said.append(
            "Left are its line in labels/corrections.csv, what was said of it in labels/labels.csv and settings.toml, "
            "and its file's name in rejected_pages. What was written outside of this home, backups, and the cache of "
            "a browser that showed it are not known here."
        )
        if self.other_scans:
            said.append(
                f"Another scan of the same page is another file, and still there: {', '.join(self.other_scans)}. Make "
                f"it private, too: singleline private {' '.join(self.other_scans)}"
            )
        said.append("Next: singleline run, which makes everything anew that it was a part of.")
        return said

    def _files(self) -> list[tuple[str, str]]:
        return [(path.partition("/")[0], path) for path in sorted(self.page.paths)]


def make_private(home: Home, instance: dg.DagsterInstance, page_id: str) -> MadePrivate:
    """Mark a page private and remove it from the home, and from the instance's pictures. Killed, it is run again.

    Raises PrivateError for a page that is not there, and while a run is under way: it could write the page again.
    """
    lake = Lake(home.lake)
    page = find_page(lake, read_corrections(home.labels), page_id)
    _no_run_under_way(instance)
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    others = other_scans(lake, page)
    mark_private(home, page, who=_user(), when=now)
    marked = read_corrections(home.labels).marked_private(page.sha256)
    for leftover in list_leftovers(home, now=math.inf):  # half-written tables of runs that are over
        leftover.unlink(missing_ok=True)
    forgotten = forget_page(home, page)
    # Runs of after the mark have not seen the page, unless something of it was still there until now.
    runs = forget_events(instance, lake, page.sketchbooks, before=None if forgotten.rows else marked)
    return MadePrivate(page, forgotten, runs, others)


def end_private(home: Home, page_id: str) -> PrivatePage:
    """Let a page be one like any other from the next run on. Raises PrivateError where it is not private."""
    page = find_private_page(Lake(home.lake), read_corrections(home.labels), page_id)
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    append_corrections(home.labels, [(PRIVATE, page.sha256, page_id)], holds=False, who=_user(), when=now)
    return page


def forget_events(
    instance: dg.DagsterInstance,
    lake: Lake,
    books: Iterable[str],
    *,
    before: datetime.datetime | None = None,
) -> int:
    """Delete the runs of some sketchbooks, and those that read all of them, created before some time or all; return
    how many.

    Their contact sheets lie in the events, and Dagster deletes events by the run. It is told instead what the tables
    are now, without a picture and without what they were made from, so that the next run makes them again. What was
    said of models and codebook stays: a training of hours is not forgotten with its log.
    """
    books = set(books)
    runs = [
        record.dagster_run.run_id
        for record in instance.get_run_records(
            dg.RunsFilter(created_before=before and before.astimezone(datetime.UTC))
        )
        if record.dagster_run.tags.get(_PARTITION) in {None, *books}
    ]
    if not runs:
        return 0
    told = [
        (asset, partition, event)
        for asset in lake.schemas
        for partition in [*(sorted(books & set(lake.partitions(asset)))), None]
        if (event := _latest(instance, asset, partition)) is not None
    ]
    for asset, partition, event in told:
        instance.report_runless_asset_event(_retold(lake, asset, partition, event))
    delete_runs(instance, runs)
    return len(runs)


def _latest(
    instance: dg.DagsterInstance, asset: str, partition: str | None
) -> dg.AssetMaterialization | None:
    """The latest materialization of a partition, or of an asset that has none."""
    key = dg.AssetKey(asset)
    if partition is None:
        record = instance.get_latest_materialization_event(key)
        event = record.asset_materialization if record else None
        return event if event and event.partition is None else None
    condition = dg.AssetRecordsFilter(key, asset_partitions=[partition])
    records = instance.fetch_materializations(condition, limit=1).records
    return records[0].asset_materialization if records else None


def _retold(
    lake: Lake, asset: str, partition: str | None, event: dg.AssetMaterialization
) -> dg.AssetMaterialization:
    metadata: dict[str, Any] = {"note": "A page was made private; the next run makes this again."}
    tags = dict(event.tags or {})
    table = lake.read_optional(asset, partition)
    if asset in _NEVER_PICTURED:
        metadata = dict(event.metadata)
    elif table is not None:
        metadata["dagster/row_count"] = table.num_rows
        tags[_DATA_VERSION] = content_version(table)
    version = {_DATA_VERSION: tags[_DATA_VERSION]} if _DATA_VERSION in tags else {}
    return dg.AssetMaterialization(asset, partition=partition, metadata=metadata, tags=version)


def _no_run_under_way(instance: dg.DagsterInstance) -> None:
    orphans = {run.run_id for run in list_orphaned_runs(instance)}
    waiting = [*UNDER_WAY, dg.DagsterRunStatus.QUEUED]
    runs = {record.dagster_run.run_id for record in instance.get_run_records(dg.RunsFilter(statuses=waiting))}
    if runs - orphans:
        raise PrivateError(
            f"Run {min(runs - orphans)} is under way, and could write the page again. Wait for its end, or cancel it "
            "in the Dagster UI. Nothing was changed."
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        return ""
