"""What `singleline doctor` looks at and mends: the instance, orphaned runs, old events, the machine."""

import contextlib
import os
import platform
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import dagster as dg
import psutil

from singleline_pipeline.home import Home
from singleline_pipeline.settings_file import SettingsError, read_settings

# A worker that has not said its process id by then never will: starting one takes seconds.
START_SECONDS = 120.0
LEFTOVER_SECONDS = 3600.0
_LOW_DISK_BYTES = 5 * 10**9

UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_VERSIONS_OF = (
    "singleline-pipeline",
    "dagster",
    "dagster-webserver",
    "torch",
    "transformers",
    "pyarrow",
    "opencv-python-headless",
    "numpy",
)


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, and how to mend it."""

    problem: str
    remedy: str


@dataclass(frozen=True)
class OrphanedRun:
    """A run that Dagster takes to be under way, though nothing works on it."""

    run_id: str
    job: str
    partition: str | None
    started: float | None
    reason: str


@dataclass(frozen=True)
class Pruned:
    """What `prune_events` removed, and what it had to keep."""

    runs: int
    kept: int
    bytes_freed: int


def list_orphaned_runs(
    instance: dg.DagsterInstance, *, older_than: float | None = None, now: float | None = None
) -> list[OrphanedRun]:
    """Runs that are under way by the instance's account, while their process is gone.

    Every run says the id of the process that works on it in its events. The run is an orphan if no process
    has that id, or one that was started after the event was written: ids are given out again, above all after
    a restart of the machine. This holds for runs of `singleline run` and for those of Dagster's default
    launcher, which both work on this machine. With another launcher (Kubernetes, Docker) the ids mean nothing
    here, and only age counts.

    Args:
        instance: The instance.
        older_than: Seconds after which a run counts as an orphan whatever its process does; None: never.
        now: Seconds since the epoch, for tests.
    """
    now = time.time() if now is None else now
    works_here = isinstance(instance.run_launcher, dg.DefaultRunLauncher)
    orphans = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNDER_WAY)):
        run = record.dagster_run
        since = record.start_time or record.create_timestamp.timestamp()
        reason = _why_no_worker(instance, run.run_id, now - since) if works_here else None
        if reason is None and older_than is not None and now - since > older_than:
            reason = f"under way for {(now - since) / 3600:.1f} hours"
        if reason is not None:
            orphans.append(
                OrphanedRun(
                    run.run_id, run.job_name, run.tags.get("dagster/partition"), record.start_time, reason
                )
            )
    return orphans


def _why_no_worker(instance: dg.DagsterInstance, run_id: str, age: float) -> str | None:
    worker = None
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        data = entry.dagster_event.engine_event_data if entry.dagster_event else None
        pid = data.metadata.get("pid") if data else None
        if pid is not None:
            worker = (int(str(pid.value)), entry.timestamp)
    if worker is None:
        return f"no process has taken it up for {age:.0f} seconds" if age > START_SECONDS else None
    pid_number, said_at = worker
    try:
        process = psutil.Process(pid_number)
        # The start of a process is known to a hundredth of a second or so.
        if process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= said_at + 1.0:
            return None
    except psutil.NoSuchProcess:
        pass
    return f"its process {pid_number} is gone"


def cancel_orphans(instance: dg.DagsterInstance, orphans: Iterable[OrphanedRun]) -> int:
    """Mark the runs as canceled and give back the concurrency slots that they hold; returns how many there
    were.
    """
    count = 0
    for orphan in orphans:
        run = instance.get_run_by_id(orphan.run_id)
        if run is None or run.is_finished:
            continue
        instance.report_run_canceled(run, f"Canceled by singleline doctor: {orphan.reason}.")
        instance.event_log_storage.free_concurrency_slots_for_run(orphan.run_id)
        count += 1
    return count


def prune_events(instance: dg.DagsterInstance, *, days: float, now: datetime | None = None) -> Pruned:
    """Delete runs that ended more than `days` ago, with their events and logs.

    Runs that hold the latest materialization of any asset or partition are kept, however old: they say what
    the tables in the lake were made from. Deleted runs cannot be brought back.
    """
    before = (now or datetime.now(UTC)) - timedelta(days=days)
    folder = Path(instance.root_directory)
    size = _bytes_below(folder)
    keep = _runs_of_latest_materializations(instance)
    old = instance.get_run_records(dg.RunsFilter(statuses=_ENDED, updated_before=before))
    delete = [record.dagster_run.run_id for record in old if record.dagster_run.run_id not in keep]
    delete_runs(instance, delete)
    return Pruned(
        runs=len(delete), kept=len(old) - len(delete), bytes_freed=max(0, size - _bytes_below(folder))
    )


def delete_runs(instance: dg.DagsterInstance, run_ids: Iterable[str]) -> None:
    """Delete runs with their events and logs, for good: nothing of them stays in free pages of the files either."""
    deleted = list(run_ids)
    for run_id in deleted:
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        instance.delete_run(run_id)
    _shrink_sqlite(instance, deleted)


def _shrink_sqlite(instance: dg.DagsterInstance, deleted_runs: Iterable[str]) -> None:
    """Give the disk back what SQLite keeps: Dagster empties the file of a deleted run, but leaves it."""
    folder = Path(instance.root_directory) / "history" / "runs"
    index = folder / "index.db"
    if not index.exists():
        return  # another kind of storage
    for run_id in deleted_runs:
        for file in folder.glob(f"{run_id}.db*"):
            file.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(index, timeout=60)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _runs_of_latest_materializations(instance: dg.DagsterInstance) -> set[str]:
    runs = set()
    for key in instance.get_asset_keys():
        ids = list(
            instance.get_latest_storage_id_by_partition(
                key, dg.DagsterEventType.ASSET_MATERIALIZATION
            ).values()
        )
        if ids:
            latest_of_each = dg.AssetRecordsFilter(key, storage_ids=ids)
            found = instance.fetch_materializations(latest_of_each, limit=len(ids))
            runs |= {record.run_id for record in found.records}
        latest = instance.get_latest_materialization_event(key)
        if latest is not None:
            runs.add(latest.run_id)
    return runs


def check_instance(instance: dg.DagsterInstance, root: Path) -> list[Finding]:
    """Whether this is the project's own instance, which the UI shows, and not one that is thrown away."""
    findings = []
    storage = (root / instance.root_directory).resolve()
    # The name is what `dagster dev` gives to the instance that it deletes when it ends.
    if instance.is_ephemeral or any(part.startswith(".tmp_dagster_home") for part in storage.parts):
        findings.append(
            Finding(
                f"Dagster keeps its runs and events in {storage}, which is thrown away when it ends.",
                f"Start it in {root} (`make dev`), where dagster.yaml says to keep them in .dagster/.",
            )
        )
    elif storage != (root / ".dagster").resolve():
        findings.append(
            Finding(
                f"Dagster keeps its runs and events in {storage}, not in {root / '.dagster'}.",
                "Unset DAGSTER_HOME, or set it for `dagster dev` and `singleline` alike: else the UI does "
                "not show "
                "what the command line does.",
            )
        )
    return findings


def check_home(home: Home) -> list[Finding]:
    """Whether the places are there, can be written, and have room."""
    findings = []
    if not home.sketchbooks.is_dir():
        findings.append(
            Finding(
                f"There is no sketchbooks folder {home.sketchbooks}.",
                "Make it and put a folder a sketchbook into it, or name another one with "
                "SINGLELINE_SKETCHBOOKS.",
            )
        )
    folder = next(place for place in (home.root, *home.root.parents) if place.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        findings.append(
            Finding(
                f"{folder} cannot be written to.",
                "Allow writing to it, or name another home with SINGLELINE_HOME or --home.",
            )
        )
    else:
        free = shutil.disk_usage(folder).free
        if free < _LOW_DISK_BYTES:
            findings.append(
                Finding(
                    f"Only {free / 1e9:.1f} GB are free on the disk of {home.root}.",
                    "Make room: a sketchbook of 200 pages takes about 1 GB.",
                )
            )
    try:
        wrong = read_settings(home.settings).problems
    except SettingsError as error:
        wrong = (str(error),)
    return findings + [Finding(problem, f"It is in {home.settings}.") for problem in wrong]


def list_leftovers(home: Home, *, now: float | None = None) -> list[Path]:
    """Half-written tables and imports of killed processes, an hour old or more. Nothing reads them: delete them."""
    now = time.time() if now is None else now
    found = sorted(home.imported.glob("*/.*.svg*.tmp"))
    if home.lake.protocol in ("", "file", "local"):
        found += sorted(Path(home.lake.path).rglob(".*.parquet.*.tmp"))
    return [file for file in found if now - file.stat().st_mtime > LEFTOVER_SECONDS]


def versions() -> dict[str, str]:
    """Version of Python and of the packages that results depend on; 'not installed' where one is missing."""
    found = {"python": platform.python_version()}
    for package in _VERSIONS_OF:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def devices() -> dict[str, str]:
    """What there is to compute on."""
    import torch

    memory = psutil.virtual_memory().total
    found = {
        "system": f"{platform.system()} {platform.release()}",
        "processor": f"{len(_cores())} cores, {memory / 1e9:.0f} GB memory",
    }
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found[f"cuda:{index}"] = f"{properties.name}, {properties.total_memory / 1e9:.0f} GB"
    if torch.backends.mps.is_available():
        found["mps"] = "Apple GPU"
    return found


def _cores() -> set[int]:
    """The cores that this process may use: in a container fewer than the machine has."""
    if sys.platform == "linux":
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _bytes_below(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
