"""The whole way on a real instance and real files: what comes out, what is run again, and what is not."""

import json
import runpy
import shutil
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow.compute as pc
import pytest
from defusedxml import ElementTree

from singleline_pipeline.definitions import defs
from singleline_pipeline.home import project_root
from singleline_pipeline.nested import stroke3_from_arrow, strokes_from_arrow
from singleline_pipeline.schemas import SCHEMAS

from .conftest import MODELS, TRAINED, Shelf

BOOKS = ["sb01", "sb02"]


def graph_keys() -> list[dg.AssetKey]:
    """The tables: what labels.csv says is observed, and made by nobody."""
    return sorted(defs.resolve_asset_graph().materializable_asset_keys)


def test_the_assets_are_those_that_are_promised() -> None:
    """Other programs read the lake by these names."""
    assert {key.to_user_string() for key in graph_keys()} == set(SCHEMAS)
    observed = {key.to_user_string() for key in defs.resolve_asset_graph().observable_asset_keys}
    assert observed == {"page_labels", "drawing_labels", "cluster_names"}


def test_every_asset_is_in_the_lake_and_in_the_instance(shelf: Shelf) -> None:
    for key in graph_keys():
        event = shelf.instance.get_latest_materialization_event(key)
        assert event is not None, key
    for name in SCHEMAS:
        partitions = shelf.lake.partitions(name)
        assert shelf.lake.exists(name) if not partitions else partitions == BOOKS


def test_every_asset_describes_itself() -> None:
    """The UI is where people meet an asset: description, group, kinds, version and columns are always there."""
    for asset in defs.resolve_asset_graph().assets_defs:
        for spec in asset.specs:
            name = spec.key.to_user_string()
            assert len(spec.description or "") > 30, name
            assert spec.group_name != "default", name
            if not asset.is_materializable:
                assert "csv" in spec.kinds, name
                continue
            assert spec.code_version, name
            assert "parquet" in spec.kinds, name
            columns = spec.metadata["dagster/column_schema"].columns
            assert [column.name for column in columns] == SCHEMAS[name].names
            assert all(column.description for column in columns)


def test_the_configs_of_jobs_and_schedule_are_ones_that_the_assets_take() -> None:
    """A misspelt field would only be found in the night to Sunday."""
    for name in ("clusters_job", "retrain_job"):
        job = defs.resolve_job_def(name)
        assert dg.validate_run_config(job, job.run_config or {})
    ops = {model: {"config": {"preset": "story"}} for model in MODELS}
    assert dg.validate_run_config(defs.resolve_job_def("retrain_job"), {"ops": ops})


def test_all_checks_ran_and_passed(shelf: Shelf) -> None:
    failed, seen = [], 0
    for asset in defs.resolve_asset_graph().assets_defs:
        for spec in asset.check_specs:
            records = shelf.instance.event_log_storage.get_asset_check_execution_history(spec.key, limit=10)
            assert records, spec.key
            seen += len(records)
            failed += [spec.key for record in records if record.status.value != "SUCCEEDED"]
    assert failed == []
    assert seen > 60


def test_previews_are_pictures_of_less_than_100_kb(shelf: Shelf) -> None:
    """Dagster keeps metadata for ever: a large picture in each run would fill the disk within a year."""
    pictures = 0
    for key in graph_keys():
        metadata = shelf.instance.get_latest_materialization_event(key).asset_materialization.metadata
        assert "dagster/row_count" in metadata
        for name, value in metadata.items():
            text = str(value.value)
            assert len(text) < 100_000, (key, name)
            pictures += "data:image" in text
    assert pictures >= 20


def test_pages_in_are_pages_out_plus_rejected_and_private_ones_are_nowhere(shelf: Shelf) -> None:
    for book in BOOKS:
        files = [
            file
            for folder in ("art", "notes", "cover")
            for file in (shelf.home.sketchbooks / book / folder).glob("*.jpg")
        ]
        raw = shelf.lake.read("raw_pages", book)
        assert raw.num_rows + shelf.lake.read("rejected_pages", book).num_rows == len(files)
        assert set(raw["folder"].to_pylist()) <= {"art", "notes", "cover"}
        for row in raw.select(["path", "image"]).to_pylist():
            assert row["image"]["bytes"] == (shelf.home.sketchbooks / row["path"]).read_bytes()


def test_drawings_are_on_their_canvas_and_kept_ones_are_in_the_dataset_or_accounted_for(shelf: Shelf) -> None:
    kept = set()
    for book in BOOKS:
        for strokes in strokes_from_arrow(shelf.lake.read("drawings", book)["strokes"]):
            points = np.concatenate(strokes)
            assert points.min() == pytest.approx(0, abs=1e-3)
            assert np.ptp(points, axis=0).max() == pytest.approx(200, abs=0.01)
        table = shelf.lake.read("filtered_drawings", book)
        kept |= set(table.filter(table["kept"])["drawing_id"].to_pylist())
    dataset = shelf.lake.read("stroke3_dataset")
    [snapshot] = shelf.home.datasets.iterdir()
    manifest = json.loads((snapshot / "manifest.json").read_text())
    assert set(dataset["drawing_id"].to_pylist()) | set(manifest["dropped"]) == kept
    assert len(kept) > 20


def test_joining_and_splicing_leave_fewer_strokes_and_say_what_they_added(shelf: Shelf) -> None:
    for book in BOOKS:
        traced, joined, spliced = (
            shelf.lake.read(name, book) for name in ("strokes", "joined_strokes", "spliced_strokes")
        )
        before = sum(map(len, strokes_from_arrow(traced["strokes"])))
        assert sum(joined["strokes_before"].to_pylist()) == before
        assert sum(spliced["strokes_after"].to_pylist()) < 0.6 * before
        assert all(added >= 0 for added in joined["added"].to_pylist())


def test_the_metadata_tell_what_either_way_of_making_one_line_would_have_given(shelf: Shelf) -> None:
    """Whoever sees a drawing in many strokes asks first whether the other method would have done better."""
    event = shelf.instance.get_latest_materialization_event(dg.AssetKey("spliced_strokes"))
    metadata = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert 0 < metadata["route_strokes"] <= metadata["splice_strokes"] <= metadata["strokes_before"]
    assert metadata["route_strokes"] == metadata["strokes_after"]
    assert metadata["route_added"] == metadata["line_added"]
    assert metadata["splice_added"] >= 0
    assert metadata["splice_retraced"] >= 0


def test_augmented_drawings_are_variants_of_the_train_split_alone(shelf: Shelf) -> None:
    """A variant of a validation drawing among the training data would make every score a lie."""
    dataset, augmented = shelf.lake.read("stroke3_dataset"), shelf.lake.read("augmented_dataset")
    train = dataset.filter(pc.equal(dataset["split"], "train"))
    assert set(augmented["drawing_id"].to_pylist()) == set(train["drawing_id"].to_pylist())
    assert augmented.num_rows == 10 * train.num_rows
    first = augmented.filter(pc.equal(augmented["variant"], 0))
    for variant, drawing in zip(
        stroke3_from_arrow(first["stroke3"]), stroke3_from_arrow(train["stroke3"]), strict=True
    ):
        np.testing.assert_array_equal(variant, drawing)


def test_samples_are_of_every_kind_and_draw_themselves(shelf: Shelf) -> None:
    for name in ("sketch_rnn_samples", "sketch_transformer_samples"):
        table = shelf.lake.read(name)
        assert set(table["kind"].to_pylist()) >= {"free", "completion"}
        assert {round(t, 1) for t in table["temperature"].to_pylist()} >= {0.2, 0.5, 0.8}
        for svg in table["svg"].to_pylist():
            assert ElementTree.fromstring(svg).tag.endswith("svg")
            assert "dash" in svg


def test_both_models_are_compared_and_the_report_can_be_opened(shelf: Shelf) -> None:
    """The figures are plotted from one training to the next: they have to be numbers, and of the weights in use."""
    table = shelf.lake.read("model_comparison")
    event = shelf.instance.get_latest_materialization_event(dg.AssetKey("model_comparison"))
    metadata = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    for model in MODELS:
        rows = table.filter(pc.equal(table["model"], model))
        assert set(rows["run"].to_pylist()) == {(shelf.home.models / model / "current").readlink().name}
        assert {"nats_per_point", "endings"} <= set(rows["metric"].to_pylist())
        assert isinstance(metadata[f"{model}_nats_per_point"], float)
    report = Path(metadata["report"])
    assert report.is_relative_to(shelf.home.models)
    assert all(model in report.read_text("utf-8") for model in MODELS)


def test_a_second_run_materializes_nothing(shelf: Shelf) -> None:
    before = shelf.bytes_of_lake()
    outcome = shelf.run()
    assert (outcome.materialized, outcome.failed) == ([], {})
    assert shelf.bytes_of_lake() == before


def test_a_partition_made_again_from_the_same_input_is_the_same_to_the_byte(shelf: Shelf) -> None:
    before = shelf.bytes_of_lake()
    selection = [name for name in SCHEMAS if shelf.lake.partitions(name)]
    result = dg.materialize(
        list(defs.resolve_asset_graph().assets_defs),
        selection=selection,
        partition_key="sb01",
        instance=shelf.instance,
    )
    assert result.success
    assert shelf.bytes_of_lake() == before
    assert shelf.run().materialized == []


def test_a_changed_page_reruns_its_own_sketchbook_and_what_reads_all(
    shelf: Shelf, empty_shelf: Shelf
) -> None:
    """An artist who rescans one page must not wait for forty sketchbooks."""
    for book in BOOKS:
        (empty_shelf.home.sketchbooks / book / "art").mkdir(parents=True)
        pages = sorted((shelf.home.sketchbooks / book / "art").glob("*.jpg"))[:3]
        for page in pages:
            shutil.copy(page, empty_shelf.home.sketchbooks / book / "art")
    names = {name for name in SCHEMAS if name not in TRAINED and not name.endswith("_map")}
    assert empty_shelf.run(names - {"stroke_codebook", "augmented_dataset"}).failed == {}
    other = empty_shelf.bytes_of_lake()
    (empty_shelf.home.sketchbooks / "sb02" / "art" / pages[0].name).unlink()

    outcome = empty_shelf.run(names - {"stroke_codebook", "augmented_dataset"})
    assert outcome.failed == {}
    partitions = {label.split("[")[1].rstrip("]") for label in outcome.materialized if "[" in label}
    assert partitions == {"sb02"}
    assert "raw_pages [sb02]" in outcome.materialized
    now = empty_shelf.bytes_of_lake()
    assert all(now[path] == data for path, data in other.items() if path.endswith("sb01.parquet"))


def test_the_pictures_of_the_docs_can_be_made_again(shelf: Shelf, tmp_path: Path) -> None:
    """They show what the code does today only as long as the script that makes them works."""
    make_pictures = runpy.run_path(str(project_root() / "docs" / "make_pictures.py"))["make_pictures"]
    made = make_pictures(shelf.home, tmp_path)
    assert {file.name for file in made} <= {
        file.name for file in (project_root() / "docs/pictures").iterdir()
    }
    assert all(file.stat().st_size < 400_000 for file in made)
