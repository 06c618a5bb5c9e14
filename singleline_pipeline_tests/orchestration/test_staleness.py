"""`singleline run` twice must do nothing the second time, and anything that changes a result must be noticed."""

import time

import dagster as dg
import pyarrow as pa
import pytest

from singleline_pipeline.lake import Lake, content_version
from singleline_pipeline.orchestration.io_manager import ParquetIOManager
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.staleness import FINGERPRINT, Staleness, Versions, fingerprint_now
from singleline_pipeline.schemas import SCHEMAS

SCHEMA = pa.schema([pa.field("value", pa.int64(), nullable=False)])
BOOKS = ["sb1", "sb2"]


def _result(
    context: dg.AssetExecutionContext, name: str, values: list[int], external: dict[str, str] | None = None
) -> dg.MaterializeResult[pa.Table]:
    table = pa.table({"value": values})
    partition = context.partition_key if context.has_partition_key else None
    return dg.MaterializeResult(
        asset_key=name,
        value=table,
        data_version=dg.DataVersion(content_version(table)),
        metadata={FINGERPRINT: fingerprint_now(context, name, partition, external)},
    )


class Pipeline:
    """scans -> pages -> dataset, frame -> pages, with the code versions, folders and slowness that a test sets."""

    def __init__(self, instance: dg.DagsterInstance, lake: Lake) -> None:
        self.instance = instance
        self.lake = lake
        self.folders = dict.fromkeys(BOOKS, "a")
        self.values = {book: [1, 2] for book in BOOKS}
        self.frame = [0]
        self.code_version = "1"
        self.while_dataset_runs = lambda: None

    def assets(self) -> list[dg.AssetsDefinition]:
        @dg.multi_asset(
            outs={
                "toy_scans": dg.AssetOut(code_version="1"),
                "toy_rejected": dg.AssetOut(code_version="1"),
            },
            partitions_def=sketchbooks,
        )
        def read(context: dg.AssetExecutionContext):
            book = context.partition_key
            for name in ("toy_scans", "toy_rejected"):
                yield _result(context, name, self.values[book], {"folder": self.folders[book]})

        @dg.asset(code_version="1")
        def toy_frame(context: dg.AssetExecutionContext) -> dg.MaterializeResult[pa.Table]:
            return _result(context, "toy_frame", self.frame)

        @dg.asset(partitions_def=sketchbooks, deps=["toy_frame"], code_version=self.code_version)
        def toy_pages(
            context: dg.AssetExecutionContext, toy_scans: pa.Table
        ) -> dg.MaterializeResult[pa.Table]:
            return _result(context, "toy_pages", [max(toy_scans["value"].to_pylist())])

        @dg.asset(code_version="1")
        def toy_dataset(
            context: dg.AssetExecutionContext, toy_pages: dict[str, pa.Table]
        ) -> dg.MaterializeResult[pa.Table]:
            self.while_dataset_runs()
            return _result(context, "toy_dataset", pa.concat_tables(toy_pages.values())["value"].to_pylist())

        return [read, toy_frame, toy_pages, toy_dataset]

    def materialize(self, *names: str, partition: str | None = None) -> None:
        dg.materialize(
            self.assets(),
            selection=list(names),
            partition_key=partition,
            instance=self.instance,
            resources={"io_manager": ParquetIOManager()},
        )

    def materialize_all(self) -> None:
        self.materialize("toy_frame")
        for book in self.instance.get_dynamic_partitions("sketchbooks"):
            self.materialize("toy_scans", "toy_rejected", "toy_pages", partition=book)
        self.materialize("toy_dataset")

    def stale(self) -> set[str]:
        staleness = Staleness(self.instance, self.assets(), self.lake)
        books = self.instance.get_dynamic_partitions("sketchbooks")
        found = set()
        for book in books:
            external = {"folder": self.folders[book]}
            found |= {
                f"{name}[{book}]"
                for name, other in (("toy_scans", external), ("toy_rejected", external), ("toy_pages", None))
                if not staleness.is_fresh(name, book, external=other)
            }
        return found | {name for name in ("toy_frame", "toy_dataset") if not staleness.is_fresh(name, None)}


@pytest.fixture
def pipeline(instance: dg.DagsterInstance, home: object, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Everything materialized once for two sketchbooks."""
    for name in ("toy_scans", "toy_rejected", "toy_frame", "toy_pages", "toy_dataset"):
        monkeypatch.setitem(SCHEMAS, name, SCHEMA)
    instance.add_dynamic_partitions("sketchbooks", BOOKS)
    made = Pipeline(instance, Lake(home.lake))
    made.materialize_all()
    return made


def test_what_was_just_made_is_fresh(pipeline):
    assert pipeline.stale() == set()


def test_before_anything_was_made_everything_is_stale(pipeline):
    with dg.DagsterInstance.ephemeral() as other:
        other.add_dynamic_partitions("sketchbooks", BOOKS)
        pipeline.instance = other
        assert len(pipeline.stale()) == 2 * 3 + 2


def test_a_changed_folder_makes_its_own_sketchbook_stale_and_no_other(pipeline):
    pipeline.folders["sb2"] = "b"
    pipeline.values["sb2"] = [1, 5]
    assert pipeline.stale() == {"toy_scans[sb2]", "toy_rejected[sb2]"}
    pipeline.materialize("toy_scans", "toy_rejected", partition="sb2")
    assert pipeline.stale() == {"toy_pages[sb2]"}
    pipeline.materialize("toy_pages", partition="sb2")
    assert pipeline.stale() == {"toy_dataset"}
    pipeline.materialize("toy_dataset")
    assert pipeline.stale() == set()


def test_what_is_made_again_with_the_same_content_makes_nothing_below_stale(pipeline):
    pipeline.folders["sb2"] = "b"
    pipeline.values["sb2"] = [0, 2]  # other pages, the same largest value
    pipeline.materialize("toy_scans", "toy_rejected", partition="sb2")
    pipeline.materialize("toy_pages", partition="sb2")
    assert pipeline.stale() == set()


def test_an_unpartitioned_asset_that_changes_makes_every_sketchbook_stale(pipeline):
    pipeline.frame = [7]
    pipeline.materialize("toy_frame")
    assert pipeline.stale() == {"toy_pages[sb1]", "toy_pages[sb2]"}


def test_a_new_code_version_makes_its_asset_stale(pipeline):
    pipeline.code_version = "2"
    assert pipeline.stale() == {"toy_pages[sb1]", "toy_pages[sb2]"}


def test_a_new_sketchbook_makes_itself_and_the_dataset_stale(pipeline):
    pipeline.instance.add_dynamic_partitions("sketchbooks", ["sb3"])
    pipeline.folders["sb3"], pipeline.values["sb3"] = "a", [9]
    assert pipeline.stale() == {"toy_scans[sb3]", "toy_rejected[sb3]", "toy_pages[sb3]", "toy_dataset"}


def test_a_sketchbook_taken_off_the_shelf_makes_the_dataset_stale(pipeline):
    pipeline.instance.delete_dynamic_partition("sketchbooks", "sb2")
    assert pipeline.stale() == {"toy_dataset"}


def test_a_deleted_table_is_stale_whatever_the_events_say(pipeline):
    pipeline.lake.path("toy_pages", "sb1").unlink()
    assert pipeline.stale() == {"toy_pages[sb1]"}


def test_what_changes_while_a_long_step_runs_is_not_what_the_step_has_seen(pipeline):
    """A training of hours must not count as having seen a dataset that was made anew in the meantime."""
    pipeline.values["sb1"] = [3]

    def meanwhile() -> None:
        time.sleep(0.01)
        pipeline.while_dataset_runs = lambda: None
        pipeline.materialize("toy_scans", "toy_rejected", "toy_pages", partition="sb1")

    pipeline.while_dataset_runs = meanwhile
    pipeline.materialize("toy_dataset")
    assert pipeline.lake.read("toy_dataset")["value"].to_pylist() == [2, 2]
    assert pipeline.stale() == {"toy_dataset"}


def test_config_counts_where_the_step_says_that_it_does(instance, home, monkeypatch):
    monkeypatch.setitem(SCHEMAS, "toy_model", SCHEMA)

    @dg.asset(code_version="1")
    def toy_model(context: dg.AssetExecutionContext) -> dg.MaterializeResult[pa.Table]:
        made = fingerprint_now(context, "toy_model", None, config={"preset": "small"})
        return dg.MaterializeResult(value=pa.table({"value": [1]}), metadata={FINGERPRINT: made})

    dg.materialize([toy_model], instance=instance, resources={"io_manager": ParquetIOManager()})
    staleness = Staleness(instance, [toy_model], Lake(home.lake))
    assert staleness.is_fresh("toy_model", None, config={"preset": "small"})
    assert not staleness.is_fresh("toy_model", None, config={"preset": "story"})


def test_a_materialization_is_seen_after_looking_again(pipeline, monkeypatch):
    staleness = Staleness(pipeline.instance, pipeline.assets(), pipeline.lake)
    pipeline.folders["sb2"], pipeline.values["sb2"] = "b", [8]
    assert not staleness.is_fresh("toy_scans", "sb2", external={"folder": "b"})
    pipeline.materialize("toy_scans", "toy_rejected", partition="sb2")
    staleness.look_again("toy_scans", "sb2")
    assert staleness.is_fresh("toy_scans", "sb2", external={"folder": "b"})
    assert not staleness.is_fresh("toy_pages", "sb2")


def test_events_are_read_an_asset_at_a_time_and_not_a_sketchbook_at_a_time(instance, home, monkeypatch):
    """80 sketchbooks times 14 assets were minutes of queries otherwise; so they are about half a second."""
    names = ["toy_00", "toy_01", "toy_02"]
    books = [f"sb{i:02d}" for i in range(80)]
    instance.add_dynamic_partitions("sketchbooks", books)

    def chained(index: int) -> dg.AssetsDefinition:
        @dg.asset(
            name=names[index], partitions_def=sketchbooks, deps=names[index - 1 : index] if index else []
        )
        def made(context: dg.AssetExecutionContext) -> None: ...

        return made

    for name in names[:2]:
        for book in books:
            instance.report_runless_asset_event(dg.AssetMaterialization(name, partition=book))
    queries = []
    fetch = instance.fetch_materializations
    monkeypatch.setattr(
        instance, "fetch_materializations", lambda *a, **k: (queries.append(a), fetch(*a, **k))[1]
    )
    staleness = Staleness(instance, [chained(index) for index in range(3)], Lake(home.lake))
    assert not any(staleness.is_fresh(name, book) for name in names for book in books)
    assert len(queries) <= 2 * len(names)


def test_versions_at_a_time_are_those_before_it(pipeline):
    before = time.time()
    old = Versions(pipeline.instance).latest("toy_pages", "sb1")
    pipeline.values["sb1"] = [4]
    pipeline.materialize("toy_scans", "toy_rejected", "toy_pages", partition="sb1")
    assert Versions(pipeline.instance).latest("toy_pages", "sb1") != old
    assert Versions(pipeline.instance, before=before).latest("toy_pages", "sb1") == old
    assert Versions(pipeline.instance, before=1.0).latest("toy_pages", "sb1") is None
