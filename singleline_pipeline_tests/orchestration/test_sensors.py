"""The sketchbook sensor at real folders, with a real instance, tick by tick as the daemon drives it."""

import os
import shutil
import time
from pathlib import Path

import dagster as dg
import pytest

from singleline_pipeline.orchestration.jobs import SKETCHBOOK_ASSETS, sketchbook_job
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.resources import HomeResource
from singleline_pipeline.orchestration.sensors import FOLDER_FINGERPRINT, new_sketchbooks
from singleline_pipeline.scans import folder_fingerprint

HOUR_AGO = 3600


def _assets(home) -> list[dg.AssetsDefinition]:
    def made(name: str) -> dg.AssetsDefinition:
        @dg.asset(name=name, partitions_def=sketchbooks)
        def step(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
            state = folder_fingerprint(home.sketchbooks / context.partition_key)
            return dg.MaterializeResult(metadata={FOLDER_FINGERPRINT: state.fingerprint})

        return step

    return [made(name) for name in SKETCHBOOK_ASSETS]


class Daemon:
    """Ticks the sensor, applies what it asks for and runs it, as Dagster's daemon does."""

    def __init__(self, instance: dg.DagsterInstance, home) -> None:
        self.instance = instance
        self.home = home
        self.cursor: str | None = None
        self.definitions = dg.Definitions(
            assets=_assets(home),
            jobs=[sketchbook_job],
            sensors=[new_sketchbooks],
            resources={"home": HomeResource()},
        )

    def tick(self) -> dg.SensorResult:
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, definitions=self.definitions
        )
        result = new_sketchbooks(context, home=HomeResource())
        self.cursor = result.cursor
        for request in result.dynamic_partitions_requests or []:
            self.instance.add_dynamic_partitions(request.partitions_def_name, request.partition_keys)
        return result

    def ticks_and_runs(self, ticks: int = 2) -> list[str]:
        """The sketchbooks that were run for."""
        ran = []
        for _ in range(ticks):
            for request in self.tick().run_requests or []:
                self.run(request.partition_key)
                ran.append(request.partition_key)
        return ran

    def run(self, partition: str) -> None:
        job = self.definitions.resolve_job_def("sketchbook_job")
        assert job.execute_in_process(partition_key=partition, instance=self.instance).success


@pytest.fixture
def daemon(instance, home) -> Daemon:
    """A daemon that has not ticked yet."""
    return Daemon(instance, home)


def page(home, path: str, content: bytes = b"page", *, age: float = HOUR_AGO) -> Path:
    """A file in the sketchbooks folder, last changed `age` seconds ago."""
    file = home.sketchbooks / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.utime(file, (time.time() - age,) * 2)
    return file


def test_a_new_sketchbook_gets_its_partition_and_one_run_of_all_its_assets(daemon, instance, home):
    page(home, "sb1/art/001.jpg")
    assert daemon.tick().run_requests == []
    second = daemon.tick()
    assert [request.partition_key for request in second.run_requests] == ["sb1"]
    assert instance.get_dynamic_partitions("sketchbooks") == ["sb1"]
    daemon.run("sb1")
    assert daemon.ticks_and_runs() == []
    assert instance.get_materialized_partitions(dg.AssetKey("filtered_drawings")) == {"sb1"}


def test_a_fourth_sketchbook_and_a_changed_page_run_their_own_partitions_only(daemon, home):
    for name in ("sb1", "sb2", "sb3"):
        page(home, f"{name}/art/001.jpg")
    assert daemon.ticks_and_runs() == ["sb1", "sb2", "sb3"]
    page(home, "sb4/art/001.jpg")
    assert daemon.ticks_and_runs() == ["sb4"]
    page(home, "sb2/art/001.jpg", b"scanned again")
    assert daemon.ticks_and_runs() == ["sb2"]
    page(home, "sb2/xtra/001.jpg", b"never read")
    assert daemon.ticks_and_runs() == []


def test_a_page_put_back_as_it_was_is_processed_again(daemon, home):
    page(home, "sb1/art/001.jpg")
    file = page(home, "sb1/art/002.jpg")
    before = file.stat()
    assert daemon.ticks_and_runs() == ["sb1"]
    file.unlink()
    assert daemon.ticks_and_runs() == ["sb1"]
    page(home, "sb1/art/002.jpg")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert daemon.ticks_and_runs() == ["sb1"]


def test_a_folder_is_left_alone_until_its_newest_file_has_the_settling_age(daemon, home, monkeypatch):
    page(home, "sb1/art/001.jpg", age=20)
    assert daemon.ticks_and_runs(3) == []
    assert "still being copied" in daemon.tick().skip_reason.skip_message
    monkeypatch.setenv("SINGLELINE_SETTLE_SECONDS", "10")
    assert daemon.ticks_and_runs(1) == ["sb1"]


def test_an_unmounted_disk_is_a_skip_and_forgets_nothing(daemon, instance, home):
    page(home, "sb1/art/001.jpg")
    daemon.ticks_and_runs()
    home.sketchbooks.rename(home.sketchbooks.with_name("elsewhere"))
    cursor = daemon.cursor
    result = daemon.tick()
    assert "no sketchbooks folder" in result.skip_reason.skip_message
    assert daemon.cursor == cursor
    home.sketchbooks.with_name("elsewhere").rename(home.sketchbooks)
    assert daemon.ticks_and_runs() == []


def test_a_sketchbook_that_is_gone_keeps_its_partition_and_is_mentioned(daemon, instance, home):
    page(home, "sb1/art/001.jpg")
    daemon.ticks_and_runs()
    shutil.rmtree(home.sketchbooks / "sb1")
    assert "sb1: its folder is gone" in daemon.tick().skip_reason.skip_message
    assert instance.get_dynamic_partitions("sketchbooks") == ["sb1"]


def test_an_imported_sketchbook_without_folder_is_left_alone(daemon, instance, home):
    instance.add_dynamic_partitions("sketchbooks", ["imported"])
    assert daemon.ticks_and_runs() == []
    assert daemon.tick().skip_reason.skip_message == "No sketchbook has changed."
    assert instance.get_dynamic_partitions("sketchbooks") == ["imported"]


def test_what_singleline_run_has_processed_is_not_run_again(daemon, instance, home):
    page(home, "sb1/art/001.jpg")
    instance.add_dynamic_partitions("sketchbooks", ["sb1"])
    daemon.run("sb1")
    assert daemon.ticks_and_runs(3) == []
    page(home, "sb1/art/002.jpg")
    assert daemon.ticks_and_runs() == ["sb1"]


@pytest.mark.parametrize("cursor", [None, "not ours", '{"sb1": 3}'])
def test_a_lost_memory_reruns_only_what_has_changed_since(daemon, home, cursor):
    page(home, "sb1/art/001.jpg")
    page(home, "sb2/art/001.jpg")
    daemon.ticks_and_runs()
    page(home, "sb2/art/002.jpg")
    daemon.cursor = cursor
    assert daemon.ticks_and_runs(3) == ["sb2"]


def test_a_sketchbook_with_a_waiting_run_is_not_queued_twice(daemon, instance, home):
    page(home, "sb1/art/001.jpg")
    daemon.tick()
    daemon.tick()
    page(home, "sb1/art/002.jpg")
    job = daemon.definitions.resolve_job_def("sketchbook_job")
    waiting = instance.create_run_for_job(
        job, tags={"dagster/partition": "sb1"}, status=dg.DagsterRunStatus.NOT_STARTED
    )
    assert daemon.ticks_and_runs(3) == []
    assert "sb1: being processed" in daemon.tick().skip_reason.skip_message
    instance.report_run_canceled(waiting)
    assert daemon.ticks_and_runs(1) == ["sb1"]


def test_a_folder_whose_name_cannot_be_a_partition_does_not_stop_the_others(daemon, home):
    page(home, f"{'x' * 201}/art/001.jpg")
    page(home, "sb1/art/001.jpg")
    assert daemon.ticks_and_runs() == ["sb1"]


def test_requests_carry_no_run_key_for_dagster_never_forgets_one(daemon, home):
    page(home, "sb1/art/001.jpg")
    daemon.tick()
    assert [request.run_key for request in daemon.tick().run_requests] == [None]


def test_dagsters_own_evaluation_accepts_a_partition_that_the_same_tick_adds(disk_instance, home):
    """RunRequests are validated against the partitions; the new one is not there yet when that happens."""
    daemon = Daemon(disk_instance, home)
    page(home, "sb1/art/001.jpg")
    daemon.tick()
    with dg.SensorEvaluationContext(
        instance_ref=disk_instance.get_ref(),
        last_tick_completion_time=None,
        last_run_key=None,
        cursor=daemon.cursor,
        repository_name=None,
        repository_def=daemon.definitions.get_repository_def(),
        sensor_name="new_sketchbooks",
        resources={"home": HomeResource()},
    ) as context:
        data = new_sketchbooks.evaluate_tick(context)
    assert [request.partition_key for request in data.run_requests] == ["sb1"]
    assert [list(request.partition_keys) for request in data.dynamic_partitions_requests] == [["sb1"]]
    assert data.run_requests[0].tags["dagster/partition"] == "sb1"
