"""The comparison as an asset: of what there is, and again the same."""

from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from singleline_pipeline.assets.table_asset import table_of
from singleline_pipeline.definitions import defs
from singleline_pipeline.nested import stroke3_to_arrow
from singleline_pipeline.sketch_models.folders import save_model
from singleline_pipeline_tests.sketch_models.conftest import tiny_model, wheels

from .conftest import MODELS, Shelf

QUICK = {"samples": 3, "temperatures": [0.5], "limit": 30}


@pytest.fixture
def dataset(empty_shelf: Shelf) -> Shelf:
    """A shelf with a dataset of 8 drawings, 3 of them held out, and no model."""
    drawings = wheels(8)
    ids = [f"sb01p{number:03d}d01" for number in range(8)]
    empty_shelf.lake.write(
        "stroke3_dataset",
        table_of(
            "stroke3_dataset",
            {
                "drawing_id": ids, "page_id": [name[:8] for name in ids], "sketchbook": ["sb01"] * 8,
                "split": ["train"] * 5 + ["valid", "valid", "test"], "stroke3": stroke3_to_arrow(drawings),
                "points": [len(one) for one in drawings], "strokes": [2] * 8, "epsilon": [1.0] * 8,
            },
        ),
    )  # fmt: skip
    return empty_shelf


def put(shelf: Shelf, model: str) -> None:
    folder = shelf.home.models / model
    save_model(tiny_model(model), folder / "20260101-run")
    (folder / "current").symlink_to("20260101-run")


def compare(shelf: Shelf, **options: bool) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        list(defs.resolve_asset_graph().assets_defs),
        selection=["model_comparison"],
        instance=shelf.instance,
        run_config={"ops": {"model_comparison": {"config": QUICK}}},
        **options,
    )


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    [made] = result.asset_materializations_for_node("model_comparison")
    return {name: value.value for name, value in made.metadata.items()}


def test_one_model_is_reported_where_the_other_is_missing(dataset: Shelf) -> None:
    """Whoever trains SketchRNN alone gets its figures, and a sentence on the other."""
    put(dataset, "sketch_rnn")
    said = metadata_of(compare(dataset))
    table = dataset.lake.read("model_comparison")
    assert set(table["model"].to_pylist()) == {"sketch_rnn", "held-out", "train"}
    assert "sketch_transformer is left out. There are no trained weights" in said["left_out"]
    scored = [row for row in table.to_pylist() if (row["model"], row["part"]) == ("sketch_rnn", "total")]
    assert [row["n"] for row in scored] == [3], "valid and test"
    assert said["sketch_rnn_nats_per_point"] == scored[0]["value"]


def test_without_any_model_the_step_says_what_to_do(dataset: Shelf) -> None:
    failed = compare(dataset, raise_on_error=False)
    assert not failed.success
    [event] = failed.get_step_failure_events()
    said = str(event.step_failure_data.error.cause)
    assert "There is no model to compare" in said
    assert all(f"{model} is left out. There are no trained weights" in said for model in MODELS)


def test_the_same_weights_give_the_same_table_and_the_same_report(dataset: Shelf) -> None:
    for model in MODELS:
        put(dataset, model)
    report = Path(metadata_of(compare(dataset))["report"])
    before = dataset.bytes_of_lake(), report.read_bytes()
    compare(dataset)
    assert (dataset.bytes_of_lake(), report.read_bytes()) == before
    differences = dataset.lake.read("model_comparison")["model"].to_pylist()
    assert "sketch_transformer - sketch_rnn" in differences
    assert np.isfinite(dataset.lake.read("model_comparison")["value"].to_numpy()).all()
