"""New and changed sketchbooks are processed without anybody asking; labels show what they have made stale."""

import json
import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path

import dagster as dg

from singleline_pipeline.embedding import LabelError
from singleline_pipeline.lake import LakeError, check_partition_name
from singleline_pipeline.orchestration.jobs import sketchbook_job
from singleline_pipeline.orchestration.label_sources import label_observation, label_versions
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.resources import HomeResource
from singleline_pipeline.orchestration.sketchbook_changes import (
    Changes,
    from_cursor,
    sketchbook_changes,
    to_cursor,
)
from singleline_pipeline.scans import FolderState, PageError, Sketchbook, find_sketchbooks, folder_fingerprint
from singleline_pipeline.shelf import imported_sketchbooks

SETTLE_SECONDS = 30.0
FOLDER_FINGERPRINT = "folder_fingerprint"

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(
    job=sketchbook_job,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks for sketchbook folders that are new or have changed and have been left alone for "
    "SINGLELINE_SETTLE_SECONDS (default 30), adds their partition and processes them from scan to drawings.",
)
def new_sketchbooks(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.SensorResult:
    """Ask for a run for every sketchbook whose folder has changed and settled.

    What has been run for is kept in the cursor and not in run keys: Dagster never again starts a run with a
    key that it has seen, and a folder that is put back into an old state would be left as it is.

    Imported sketchbooks are left alone: whoever types the import runs it too.
    """
    try:
        books = find_sketchbooks(home.get().sketchbooks)
        imported = {book.name for book in imported_sketchbooks(home.get())}
    except PageError as error:
        # Not "no sketchbooks": a disk that is not mounted must not look like an empty shelf.
        return dg.SensorResult(skip_reason=dg.SkipReason(str(error)), cursor=context.cursor)
    found, unread = _states(context, [book for book in books if book.name not in imported])
    known = from_cursor(context.cursor)
    if known is None:
        context.log.warning("The sensor's memory is unreadable; it goes by what has been materialized.")
        known = {}
    undecided = [
        name for name in found if name not in known or found[name].fingerprint != known[name].run_for
    ]
    # Runs first, materializations second: a run that ends in between is then seen by its result.
    busy = _busy(context.instance, undecided)
    changes = sketchbook_changes(
        found,
        known,
        time.time(),
        float(os.environ.get("SINGLELINE_SETTLE_SECONDS") or SETTLE_SECONDS),
        materialized=_materialized(context.instance, undecided),
        busy=busy,
        unread=unread | imported,
    )
    for note in _notes(changes):
        context.log.info(note)
    names = sorted(changes.new + changes.changed)
    there = set(context.instance.get_dynamic_partitions(sketchbooks.name or ""))
    missing = [name for name in names if name not in there]
    return dg.SensorResult(
        run_requests=[dg.RunRequest(partition_key=name) for name in names],
        dynamic_partitions_requests=[sketchbooks.build_add_request(missing)] if missing else [],
        skip_reason=None
        if names
        else dg.SkipReason("; ".join(_notes(changes)) or "No sketchbook has changed."),
        cursor=to_cursor(changes.cursor),
    )


@dg.sensor(
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks whether somebody has labelled something, and has the tables that it touches shown as stale. It "
    "starts nothing: labels are given by the dozen, and you say when you are done.",
)
def new_labels(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.SensorResult:
    """Report the parts of labels.csv that have another version than when this sensor last looked.

    The file and the list of sketchbooks are looked at first: to find the versions, every sketchbook's vectors are read.
    """
    place = home.get()
    books = sorted(context.instance.get_dynamic_partitions(sketchbooks.name or ""))
    seen = [_stamp(place.labels / "labels.csv"), books]
    known = json.loads(context.cursor) if context.cursor else {}
    if known.get("seen") == seen:
        return dg.SensorResult(
            skip_reason=dg.SkipReason("Nobody has labelled anything."), cursor=context.cursor
        )
    try:
        versions = label_versions(place, books)
    except LabelError as error:
        return dg.SensorResult(skip_reason=dg.SkipReason(str(error)), cursor=context.cursor)
    now = {f"{source}/{book or ''}": version for (source, book), version in versions.items()}
    before = known.get("versions", {})
    news = [part for part in versions if before.get(f"{part[0]}/{part[1] or ''}") != versions[part]]
    return dg.SensorResult(
        asset_events=[label_observation(*part, versions[part]) for part in news],
        skip_reason=None if news else dg.SkipReason("What was labelled touches no sketchbook."),
        cursor=json.dumps({"seen": seen, "versions": now}),
    )


def _stamp(file: Path) -> list[int]:
    """What changes when a file does."""
    try:
        stat = file.stat()
    except OSError:
        return []
    return [stat.st_ino, stat.st_size, stat.st_mtime_ns]


def _states(
    context: dg.SensorEvaluationContext, books: Iterable[Sketchbook]
) -> tuple[dict[str, FolderState], set[str]]:
    """The state of every sketchbook folder, and the names of those that cannot be read or be a partition."""
    states, unread = {}, set()
    for book in books:
        try:
            check_partition_name(book.name)
            states[book.name] = folder_fingerprint(book.path)
        except (LakeError, PageError) as error:
            context.log.warning(str(error))
            unread.add(book.name)
    return states, unread


def _busy(instance: dg.DagsterInstance, names: Iterable[str]) -> set[str]:
    wanted = set(names)
    if not wanted:
        return set()
    runs = instance.get_run_records(dg.RunsFilter(statuses=_UNFINISHED))
    return {run.dagster_run.tags.get("dagster/partition", "") for run in runs} & wanted


def _materialized(instance: dg.DagsterInstance, names: Collection[str]) -> dict[str, str]:
    """The folder's fingerprint that the latest raw_pages of each sketchbook was read from."""
    found = {}
    for name in names:
        condition = dg.AssetRecordsFilter(dg.AssetKey("raw_pages"), asset_partitions=[name])
        for record in instance.fetch_materializations(condition, limit=1).records:
            event = record.asset_materialization
            recorded = event.metadata.get(FOLDER_FINGERPRINT) if event else None
            if recorded is not None:
                found[name] = str(recorded.value)
    return found


def _notes(changes: Changes) -> list[str]:
    said = [
        (changes.unsettled, "still being copied, or not seen twice yet"),
        (changes.empty, "no images in it"),
        (changes.busy, "being processed"),
        (changes.vanished, "its folder is gone; its tables and its partition stay"),
    ]
    return [f"{', '.join(names)}: {what}" for names, what in said if names]


sensors = [new_sketchbooks, new_labels]
