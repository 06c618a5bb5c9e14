"""Jobs run what they say, with a limit on their time; the schedule does not train for nothing."""

from datetime import UTC, datetime

import dagster as dg
import pytest
import yaml
from pydantic import Field

from singleline_pipeline.home import project_root
from singleline_pipeline.orchestration import jobs as job_module
from singleline_pipeline.orchestration.jobs import (
    CLUSTER_ASSETS,
    COMPARISON_ASSETS,
    DATASET_ASSETS,
    MODEL_ASSETS,
    SAMPLE_ASSETS,
    SKETCHBOOK_ASSETS,
    jobs,
)
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.schedules import schedules, weekly_retraining
from singleline_pipeline.schemas import SCHEMAS


class _Refit(dg.Config):
    refit: bool = Field(False, description="Fit anew.")


def _asset(name: str) -> dg.AssetsDefinition:
    if name in CLUSTER_ASSETS:

        @dg.asset(name=name)
        def clusters(context: dg.AssetExecutionContext, config: _Refit) -> dg.MaterializeResult:
            return dg.MaterializeResult(metadata={"refit": config.refit})

        return clusters

    @dg.asset(name=name, partitions_def=sketchbooks if name in SKETCHBOOK_ASSETS else None)
    def made() -> None: ...

    return made


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    """All jobs over stand-ins for all assets of the schemas."""
    return dg.Definitions(assets=[_asset(name) for name in SCHEMAS], jobs=jobs, schedules=schedules)


def test_every_asset_belongs_to_a_job(definitions):
    covered = {
        key.to_user_string()
        for job in jobs
        for key in definitions.resolve_job_def(job.name).asset_layer.selected_asset_keys
    }
    assert covered == set(SCHEMAS)


def test_the_clusters_job_fits_anew_without_anybody_filling_in_config(definitions, instance):
    result = definitions.resolve_job_def("clusters_job").execute_in_process(instance=instance)
    for name in CLUSTER_ASSETS:
        materialization = result.asset_materializations_for_node(name)[0]
        assert materialization.metadata["refit"].value is True


def test_the_retraining_sees_new_sketchbooks_before_it_trains(definitions):
    selected = {
        key.to_user_string()
        for key in definitions.resolve_job_def("retrain_job").asset_layer.selected_asset_keys
    }
    assert selected == {*DATASET_ASSETS, *MODEL_ASSETS, *SAMPLE_ASSETS, *COMPARISON_ASSETS}


@pytest.mark.parametrize("job", jobs, ids=lambda job: job.name)
def test_every_job_ends_some_day_so_that_no_dead_run_blocks_a_sketchbook_for_ever(job):
    limit = yaml.safe_load((project_root() / "dagster.yaml").read_text())["run_monitoring"][
        "max_runtime_seconds"
    ]
    assert 0 < int(job.tags["dagster/max_runtime"]) <= limit


def test_the_weekly_retraining_waits_for_drawings_and_for_a_change(disk_instance):
    instance = disk_instance
    context = dg.build_schedule_context(
        instance, scheduled_execution_time=datetime(2026, 1, 4, 3, tzinfo=UTC)
    )
    assert "no drawings to train on yet" in weekly_retraining(context).skip_message

    instance.report_runless_asset_event(dg.AssetMaterialization("filtered_drawings", partition="sb1"))
    assert isinstance(weekly_retraining(context), dg.RunRequest)

    instance.report_runless_asset_event(dg.AssetMaterialization("sketch_rnn"))
    assert isinstance(weekly_retraining(context), dg.RunRequest), "the transformer has not been trained yet"

    instance.report_runless_asset_event(dg.AssetMaterialization("sketch_transformer"))
    assert "trained after the last change" in weekly_retraining(context).skip_message

    instance.report_runless_asset_event(dg.AssetMaterialization("filtered_drawings", partition="sb2"))
    assert isinstance(weekly_retraining(context), dg.RunRequest)


def test_training_does_not_start_on_a_machine_whose_owner_never_asked_for_it():
    assert weekly_retraining.default_status == dg.DefaultScheduleStatus.STOPPED
    assert weekly_retraining.cron_schedule == "0 3 * * 0"


def test_the_asset_lists_name_each_asset_once():
    lists = [value for name, value in vars(job_module).items() if name.endswith("_ASSETS")]
    names = [name for one in lists for name in one]
    assert len(names) == len(set(names))
