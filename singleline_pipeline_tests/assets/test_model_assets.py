"""What a model's asset learns from, and a run that is terminated while it trains and the one after it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from singleline_pipeline.assets.table_asset import table_of
from singleline_pipeline.definitions import defs
from singleline_pipeline.nested import stroke3_to_arrow
from singleline_pipeline.schemas import SCHEMAS
from singleline_pipeline.sketch_models import TrainSettings
from singleline_pipeline.sketch_models.folders import load_model
from singleline_pipeline.sketch_models.runs import current_run, run_folder
from singleline_pipeline_tests.sketch_models.conftest import wheels

from .conftest import Shelf, new_shelf

_RUN = """
import sys
import dagster as dg
from singleline_pipeline_tests.assets.test_model_assets import materialize

with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    materialize(instance)
"""


def materialize(instance: dg.DagsterInstance, **config: str) -> dg.ExecuteInProcessResult:
    """Train for nine steps on what lies in the lake."""
    config = config or {"augmentation": "on_the_fly"}
    return dg.materialize(
        list(defs.resolve_asset_graph().assets_defs),
        selection=["sketch_rnn"],
        instance=instance,
        run_config={"ops": {"sketch_rnn": {"config": {"max_steps": 9, "threads": 1, **config}}}},
        raise_on_error=False,
    )


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A shelf whose lake holds a dataset of wheels, and nothing augmented."""
    drawings = wheels(24)
    columns = {name: [None] * len(drawings) for name in SCHEMAS["stroke3_dataset"].names}
    columns |= {
        "drawing_id": [f"sb01p001d{number:02d}" for number in range(24)],
        "page_id": ["sb01p001"] * 24,
        "sketchbook": ["sb01"] * 24,
        "split": ["train"] * 20 + ["valid"] * 4,
        "stroke3": stroke3_to_arrow(drawings),
        "points": [len(drawing) for drawing in drawings],
        "strokes": [int(drawing[:, 2].sum()) for drawing in drawings],
        "epsilon": np.zeros(24, np.float32),
    }
    none = {name: [] for name in SCHEMAS["augmented_dataset"].names} | {"stroke3": stroke3_to_arrow([])}
    with new_shelf(tmp_path, monkeypatch, on_disk=True) as shelf:
        shelf.lake.write("stroke3_dataset", table_of("stroke3_dataset", columns))
        shelf.lake.write("augmented_dataset", table_of("augmented_dataset", none))
        yield shelf


def checkpoints(models: Path) -> list[Path]:
    # Resolved: `current` is a link to the run that the same checkpoints are of.
    return sorted({path.resolve() for path in models.glob("sketch_rnn/*/checkpoints/checkpoint-*")})


def test_a_terminated_run_leaves_a_checkpoint_that_the_next_one_goes_on_from(
    shelf: Shelf, tmp_path: Path
) -> None:
    """Dagster interrupts the process of a run with SIGINT: hours of training must not be lost to the button."""
    said = terminated(tmp_path / "instance", shelf.home.models)
    (run,) = shelf.instance.get_runs()
    assert run.status in (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE)
    (checkpoint,) = checkpoints(shelf.home.models)
    step = int(checkpoint.name.rpartition("-")[2])
    assert 1 <= step < 9
    assert f"Stopped by SIGINT after step {step}: the same training goes on from there" in said
    assert materialize(shelf.instance).success
    # The row of the step at which it was stopped is there once: nothing before it was done again.
    train = [row for row in shelf.lake.read("sketch_rnn").to_pylist() if row["split"] == "train"]
    assert [row["step"] for row in train] == [step, 9]
    assert checkpoint in checkpoints(shelf.home.models)


def test_the_hour_varies_drawings_as_its_preset_does(shelf: Shelf) -> None:
    """`singleline run --train hour` sets the preset and no more: from a fixed set it would be learned by heart.

    The augmented dataset is empty here, so who learns from it says so.
    """
    assert materialize(shelf.instance, preset="hour").success
    models = shelf.home.models / "sketch_rnn"
    run = current_run(models)
    settings = TrainSettings(preset="hour")
    assert run_folder(models, load_model(run).config.dataset_fingerprint, settings).resolve() == run
    failed = materialize(shelf.instance, preset="small")
    assert "The augmented dataset is empty" in str(failed.failure_data_for_node("sketch_rnn"))


def terminated(instance: Path, models: Path) -> str:
    """What a run said that was sent SIGINT as soon as its training had begun."""
    run = subprocess.Popen(
        [sys.executable, "-c", _RUN, str(instance)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not list(models.glob("sketch_rnn/*/tensorboard/events.*")) and run.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=120)
    return said
