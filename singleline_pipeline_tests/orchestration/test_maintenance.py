"""What `singleline doctor` finds after a power failure, a killed process, a year of runs, a wrong folder."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from singleline_pipeline.home import Home
from singleline_pipeline.orchestration import maintenance
from singleline_pipeline.orchestration.instance import project_instance
from singleline_pipeline.orchestration.maintenance import (
    cancel_orphans,
    check_home,
    check_instance,
    devices,
    list_leftovers,
    list_orphaned_runs,
    prune_events,
    versions,
)
from singleline_pipeline.orchestration.partitions import sketchbooks

# The project's own dagster.yaml, copied to a project folder in which a test may do what it wants.
REPOSITORY = Path(maintenance.__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with this project's dagster.yaml and workspace.yaml, and nothing in it yet."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("dagster.yaml", "workspace.yaml"):
        (folder / name).write_bytes((REPOSITORY / name).read_bytes())
    return folder


@dg.asset(partitions_def=sketchbooks)
def toy_pages(context: dg.AssetExecutionContext) -> None: ...


@dg.asset
def toy_dataset() -> None: ...


@dg.job
def toy_job() -> None: ...


def _within_a_run(instance: dg.DagsterInstance, look: Callable[[], object]) -> object:
    """What `look` sees while a run of sketchbook sb1 is under way in this process."""
    seen = []

    @dg.asset(partitions_def=sketchbooks)
    def toy_long() -> None:
        seen.append(look())

    instance.add_dynamic_partitions("sketchbooks", ["sb1"])
    assert dg.materialize([toy_long], partition_key="sb1", instance=instance).success
    return seen[0]


def _never_taken_up(instance: dg.DagsterInstance) -> dg.DagsterRun:
    """A run that was launched, and whose process died before it said anything."""
    run = instance.create_run_for_job(toy_job)
    starting = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_STARTING.value, job_name=run.job_name)
    instance.report_dagster_event(starting, run_id=run.run_id)
    return run


# The instance


def test_the_instance_is_that_of_the_project_wherever_the_command_is_started(root, tmp_path, monkeypatch):
    (root / "docs").mkdir()
    seen = []
    for place in (root, root / "docs"):
        monkeypatch.chdir(place)
        with project_instance() as instance:
            instance.add_dynamic_partitions("sketchbooks", [place.name])
            assert check_instance(instance, root) == []
        assert Path.cwd() == place
    with project_instance(root) as instance:
        seen = sorted(instance.get_dynamic_partitions("sketchbooks"))
    assert seen == ["docs", "project"]
    assert (root / ".dagster").is_dir()
    assert not (root / "docs" / ".dagster").exists()


def test_the_settings_of_dagster_yaml_are_those_that_the_daemon_needs(root):
    with project_instance(root) as instance:
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_max_runtime_seconds > 0
        assert instance.run_retries_enabled
        assert not instance.run_retries_retry_on_asset_or_op_failure
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled


def test_a_throwaway_instance_is_found_out(root, tmp_path):
    with dg.DagsterInstance.ephemeral() as instance:
        assert "thrown away" in check_instance(instance, root)[0].problem
    temporary = tmp_path / ".tmp_dagster_home_abc"
    temporary.mkdir()
    with dg.DagsterInstance.local_temp(str(temporary)) as instance:
        assert "thrown away" in check_instance(instance, root)[0].problem


def test_an_instance_elsewhere_is_told_from_the_project_s_own(root, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "elsewhere"))
    with project_instance(root) as instance:
        finding = check_instance(instance, root)[0]
    assert str(tmp_path / "elsewhere") in finding.problem
    assert "DAGSTER_HOME" in finding.remedy


# Orphaned runs


def test_a_run_whose_process_was_killed_is_an_orphan_and_gives_its_sketchbook_free(root):
    """The process of `singleline run` dies in the middle of a step: the run stays STARTED for ever."""
    script = """
        import os, signal, sys
        import dagster as dg
        from singleline_pipeline.orchestration.instance import project_instance
        from singleline_pipeline.orchestration.partitions import sketchbooks
        @dg.asset(partitions_def=sketchbooks)
        def toy_pages(context: dg.AssetExecutionContext) -> None:
            os.kill(os.getpid(), signal.SIGKILL)
        from pathlib import Path
        with project_instance(Path(sys.argv[1])) as instance:
            instance.add_dynamic_partitions("sketchbooks", ["sb1"])
            dg.materialize([toy_pages], partition_key="sb1", instance=instance)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(root)], check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL
    with project_instance(root) as instance:
        (orphan,) = list_orphaned_runs(instance)
        assert (orphan.partition, orphan.job) == ("sb1", "__ephemeral_asset_job__")
        assert "is gone" in orphan.reason
        assert cancel_orphans(instance, [orphan]) == 1
        assert instance.get_run_by_id(orphan.run_id).status == dg.DagsterRunStatus.CANCELED
        assert list_orphaned_runs(instance) == []
        assert cancel_orphans(instance, [orphan]) == 0


def test_a_run_that_is_worked_on_is_no_orphan_however_long_it_takes(disk_instance):
    in_two_days = time.time() + 2 * 86400

    def look() -> object:
        return (
            list_orphaned_runs(disk_instance, now=in_two_days),
            list_orphaned_runs(disk_instance, now=in_two_days, older_than=86400.0),
        )

    by_process, by_age = _within_a_run(disk_instance, look)
    assert by_process == []
    assert [orphan.partition for orphan in by_age] == ["sb1"]
    assert "under way for 48.0 hours" in by_age[0].reason


def test_a_process_id_that_was_given_out_again_is_no_sign_of_life(disk_instance, monkeypatch):
    """After a restart of the machine, an old id is soon that of another program."""

    def look() -> object:
        monkeypatch.setattr(maintenance.psutil.Process, "create_time", lambda self: time.time() + 60)
        return list_orphaned_runs(disk_instance)

    (orphan,) = _within_a_run(disk_instance, look)
    assert f"its process {os.getpid()} is gone" in orphan.reason


def test_a_run_that_nobody_took_up_is_an_orphan_after_the_time_that_starting_takes(disk_instance):
    _never_taken_up(disk_instance)
    assert list_orphaned_runs(disk_instance) == []
    (orphan,) = list_orphaned_runs(disk_instance, now=time.time() + maintenance.START_SECONDS + 60)
    assert "no process has taken it up" in orphan.reason


def test_process_ids_of_another_machine_are_not_looked_up_here(disk_instance, monkeypatch):
    """With a launcher for Kubernetes or Docker the ids are those of another process table."""
    _never_taken_up(disk_instance)
    later = time.time() + 3600
    assert len(list_orphaned_runs(disk_instance, now=later)) == 1
    monkeypatch.setattr(type(disk_instance), "run_launcher", property(lambda self: object()))
    assert list_orphaned_runs(disk_instance, now=later) == []
    assert len(list_orphaned_runs(disk_instance, now=later, older_than=60.0)) == 1


def test_ended_and_waiting_runs_are_no_orphans(disk_instance):
    assert dg.materialize([toy_dataset], instance=disk_instance).success
    disk_instance.create_run_for_job(toy_job)
    assert list_orphaned_runs(disk_instance, now=time.time() + 86400) == []


# Old events


def test_pruning_keeps_the_latest_materialization_of_every_partition_and_frees_the_disk(root):
    with project_instance(root) as instance:
        instance.add_dynamic_partitions("sketchbooks", ["sb1", "sb2"])
        runs = [
            dg.materialize([toy_pages], partition_key=book, instance=instance).run_id
            for book in ("sb1", "sb1", "sb2")
        ]
        runs.append(dg.materialize([toy_dataset], instance=instance).run_id)
        under_way = _never_taken_up(instance)

        assert prune_events(instance, days=1).runs == 0

        in_a_week = datetime.now(UTC) + timedelta(days=7)
        pruned = prune_events(instance, days=1, now=in_a_week)
        assert (pruned.runs, pruned.kept) == (1, 3)
        assert pruned.bytes_freed > 0
        assert [run for run in runs if instance.get_run_by_id(run) is None] == [runs[0]]
        assert not list((root / ".dagster").rglob(f"{runs[0]}*"))
        assert instance.get_materialized_partitions(dg.AssetKey("toy_pages")) == {"sb1", "sb2"}
        assert instance.get_latest_materialization_event(dg.AssetKey("toy_dataset")) is not None
        assert instance.get_run_by_id(under_way.run_id) is not None
        assert dg.materialize([toy_dataset], instance=instance).success, "the instance still takes runs"


# Places and machine


def test_a_home_in_order_has_no_findings(home):
    assert check_home(home) == []


def test_a_missing_sketchbooks_folder_and_a_full_disk_are_told_with_a_remedy(home, monkeypatch):
    home.sketchbooks.rmdir()
    monkeypatch.setattr(maintenance.shutil, "disk_usage", lambda place: type("Usage", (), {"free": 10**9})())
    missing, full = check_home(home)
    assert str(home.sketchbooks) in missing.problem
    assert "SINGLELINE_SKETCHBOOKS" in missing.remedy
    assert "Only 1.0 GB are free" in full.problem


def test_what_is_wrong_in_settings_toml_is_found(home: Home) -> None:
    """It is as if it were not there, which nobody sees by looking at the tables."""
    assert not any("settings.toml" in finding.problem for finding in check_home(home))
    home.settings.write_text("[joined_strokes]\nmax_gap = 900\n")
    assert any("settings.toml, line 2: " in finding.problem for finding in check_home(home))
    home.settings.write_text("[joined_strokes\n")
    assert any("is not TOML" in finding.problem for finding in check_home(home))


def test_a_file_where_the_home_should_be_cannot_be_written_to(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.delenv("SINGLELINE_LAKE", raising=False)
    found = check_home(Home.from_environment(tmp_path / "file" / "home", tmp_path))
    assert "cannot be written to" in found[0].problem


def test_leftovers_of_killed_writers_are_listed_once_they_are_surely_nobody_s(home):
    folder = Path(home.lake.path) / "raw_pages"
    folder.mkdir(parents=True)
    leftover = folder / ".sb1.parquet.4711-0a1b2c3d.tmp"
    leftover.write_bytes(b"PAR1")
    (folder / "sb1.parquet").write_bytes(b"PAR1")
    assert list_leftovers(home) == []
    assert list_leftovers(home, now=time.time() + 2 * 3600) == [leftover]


def test_versions_and_devices_are_named():
    assert versions()["dagster"].startswith("1.13")
    assert "cores" in devices()["processor"]
