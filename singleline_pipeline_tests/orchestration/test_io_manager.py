"""What assets get from the lake, in real runs: the same kind for one sketchbook as for eighty, or a clear failure."""

from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from singleline_pipeline.lake import Lake
from singleline_pipeline.orchestration.io_manager import ParquetIOManager
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.schemas import SCHEMAS

SCHEMA = pa.schema([pa.field("page_id", pa.string(), nullable=False), pa.field("width", pa.int32())])
GOT: dict[str, object] = {}


@dg.asset(partitions_def=sketchbooks)
def toy_pages(context: dg.AssetExecutionContext) -> dg.MaterializeResult[pa.Table]:
    names = [f"{context.partition_key}p{i}" for i in (1, 2)]
    return dg.MaterializeResult(
        value=pa.table({"page_id": names, "width": pa.array([1500, None], pa.int32())}),
        metadata={"dagster/row_count": 2},
    )


@dg.asset(partitions_def=sketchbooks)
def toy_lines(toy_pages: pa.Table) -> dg.MaterializeResult[pa.Table]:
    GOT["same"] = toy_pages
    return dg.MaterializeResult(value=toy_pages)


@dg.asset
def toy_dict(toy_pages: dict[str, pa.Table]) -> dg.MaterializeResult[pa.Table]:
    GOT["dict"] = toy_pages
    return dg.MaterializeResult(value=pa.concat_tables(toy_pages.values()))


@dg.asset(ins={"toy_pages": dg.AssetIn(metadata={"columns": ["page_id"]})})
def toy_lazy(toy_pages: ds.Dataset) -> dg.MaterializeResult[pa.Table]:
    GOT["lazy"] = toy_pages
    ids = toy_pages.to_table()
    return dg.MaterializeResult(value=ids.append_column("width", pa.nulls(ids.num_rows, pa.int32())))


@dg.asset
def toy_after(toy_dict: pa.Table) -> dg.MaterializeResult[pa.Table]:
    GOT["whole"] = toy_dict
    return dg.MaterializeResult(value=toy_dict)


@dg.asset
def toy_unclear(toy_pages: pa.Table) -> dg.MaterializeResult[pa.Table]:
    return dg.MaterializeResult(value=toy_pages)


@dg.asset(retry_policy=dg.RetryPolicy(max_retries=3))
def toy_wrong() -> dg.MaterializeResult[pa.Table]:
    return dg.MaterializeResult(value=pa.table({"page_id": ["a"], "width": [1.5]}))


ASSETS = [toy_pages, toy_lines, toy_dict, toy_lazy, toy_after, toy_unclear, toy_wrong]


@pytest.fixture(autouse=True)
def _toy_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    GOT.clear()
    for asset in ASSETS:
        monkeypatch.setitem(SCHEMAS, asset.key.to_user_string(), SCHEMA)


def run(instance: dg.DagsterInstance, *names: str, partition: str | None = None) -> dg.ExecuteInProcessResult:
    """Materialize assets in a run of their own."""
    return dg.materialize(
        ASSETS,
        selection=list(names),
        instance=instance,
        partition_key=partition,
        resources={"io_manager": ParquetIOManager()},
        raise_on_error=False,
    )


def failure(result: dg.ExecuteInProcessResult, step: str) -> str:
    """Why a step failed, as the UI says it first."""
    assert not result.success
    error = result.failure_data_for_node(step).error
    return error.message


def test_a_partition_is_read_by_the_same_partition_downstream(instance, home):
    instance.add_dynamic_partitions("sketchbooks", ["sb48", "sb49"])
    for name in ("sb48", "sb49"):
        assert run(instance, "toy_pages", partition=name).success
    assert run(instance, "toy_lines", partition="sb49").success
    assert GOT["same"]["page_id"].to_pylist() == ["sb49p1", "sb49p2"]
    assert GOT["same"].schema.equals(SCHEMA, check_metadata=True)
    assert Lake(home.lake).partitions("toy_lines") == ["sb49"]


@pytest.mark.parametrize("books", [["sb48"], ["sb48", "sb49"]])
def test_fan_in_gives_what_the_parameter_says_also_for_one_sketchbook(instance, home, books):
    """Dagster's own manager gives a bare table where there is exactly one partition, and the first run breaks."""
    instance.add_dynamic_partitions("sketchbooks", books)
    for name in books:
        run(instance, "toy_pages", partition=name)
    assert run(instance, "toy_dict", "toy_lazy", "toy_after").success
    assert list(GOT["dict"]) == books
    assert all(isinstance(table, pa.Table) for table in GOT["dict"].values())
    assert isinstance(GOT["lazy"], ds.Dataset)
    assert GOT["lazy"].schema.names == ["page_id"]
    assert GOT["lazy"].count_rows() == 2 * len(books)
    assert GOT["whole"].num_rows == 2 * len(books)


def test_a_missing_partition_fails_the_step_and_is_named(instance, home):
    instance.add_dynamic_partitions("sketchbooks", ["sb48", "sb49"])
    run(instance, "toy_pages", partition="sb48")
    for step in ("toy_dict", "toy_lazy"):
        message = failure(run(instance, step), step)
        assert "toy_pages of sketchbook sb49 has not been materialized" in message
        assert "singleline run --sketchbook sb49" in message
    assert "toy_pages of sketchbook sb49" in failure(
        run(instance, "toy_lines", partition="sb49"), "toy_lines"
    )


def test_no_sketchbooks_at_all_says_where_to_begin(instance, home):
    assert "toy_pages has no partitions yet: put a sketchbook" in failure(
        run(instance, "toy_lazy"), "toy_lazy"
    )


def test_a_parameter_that_cannot_hold_all_partitions_is_told_how_to_say_it(instance, home):
    instance.add_dynamic_partitions("sketchbooks", ["sb48"])
    run(instance, "toy_pages", partition="sb48")
    message = failure(run(instance, "toy_unclear"), "toy_unclear")
    assert "dict[str, pa.Table] or pyarrow.dataset.Dataset: the asset reads all its partitions" in message


def test_a_table_that_does_not_fit_fails_at_once_whatever_the_retry_policy(instance, home):
    result = run(instance, "toy_wrong")
    assert "toy_wrong does not fit its schema: column width: expected int32" in failure(result, "toy_wrong")
    kinds = {event.event_type for event in result.all_events}
    assert dg.DagsterEventType.STEP_UP_FOR_RETRY not in kinds
    assert not Lake(home.lake).exists("toy_wrong")


def test_the_materialization_says_where_the_table_lies(instance, home):
    instance.add_dynamic_partitions("sketchbooks", ["sb48"])
    run(instance, "toy_pages", partition="sb48")
    event = instance.get_latest_materialization_event(dg.AssetKey("toy_pages"))
    metadata = event.asset_materialization.metadata
    assert metadata["path"].value == str(home.lake / "toy_pages" / "sb48.parquet")
    assert metadata["file_size"].value == Path(metadata["path"].value).stat().st_size
    assert metadata["dagster/row_count"].value == 2


def test_the_lake_may_be_named_in_the_launch_pad_instead_of_the_environment(instance, home, tmp_path):
    instance.add_dynamic_partitions("sketchbooks", ["sb48"])
    dg.materialize(
        [toy_pages],
        instance=instance,
        partition_key="sb48",
        resources={"io_manager": ParquetIOManager(lake=str(tmp_path / "elsewhere"))},
    )
    assert (tmp_path / "elsewhere" / "toy_pages" / "sb48.parquet").is_file()
