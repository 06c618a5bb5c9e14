"""Training: it learns, it is the same again, it goes on where it stopped, and it says what is wrong."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from defusedxml import ElementTree
from pyarrow import parquet
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from singleline_pipeline.sketch_models import (
    DatasetError,
    SketchModelError,
    TrainingError,
    TrainResult,
    TrainSettings,
    evaluate,
    load_model,
    train,
    training,
)
from singleline_pipeline.sketch_models.averaging import WeightAverage, warmed_up
from singleline_pipeline.sketch_models.checkpoints import Progress
from singleline_pipeline.sketch_models.folders import MODELS
from singleline_pipeline.sketch_models.run import Flow, SketchTrainer
from singleline_pipeline.sketch_models.schedule import Clock, LearningRate, kl_weight
from singleline_pipeline.sketch_models.sketch_model import SketchConfig, SketchModel
from singleline_pipeline.sketch_models.spikes import is_spike
from singleline_pipeline.sketch_models.training import split_off_valid

from .conftest import TINY, wheels

SPLITS = {"train": wheels(24), "valid": wheels(6, seed=1)}


def settings(name: str, **other: Any) -> TrainSettings:
    given = {"max_steps": 12, "evaluate_every_steps": 4, "batch_size": 8, "overrides": TINY[name]}
    return TrainSettings(**(given | other))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def last_weights(folder: Path, step: int) -> dict[str, torch.Tensor]:
    return load_file(folder / "checkpoints" / f"checkpoint-{step}" / "model.safetensors")


def model_of(name: str, changed: dict[str, Any]) -> type[SketchModel]:
    """A model's class that makes something else of a config than it is told."""

    class Changed(MODELS[name]):
        def __init__(self, config: SketchConfig) -> None:
            for key, value in changed.items():
                setattr(config, key, value)
            super().__init__(config)

    return Changed


class StoppedError(Exception):
    """Somebody pulled the plug."""


def stop_at(step: int) -> Callable[[dict], None]:
    def progress(row: dict) -> None:
        if row["step"] > step:
            raise StoppedError

    return progress


@pytest.fixture
def trained(name: str, tmp_path: Path) -> TrainResult:
    return train(name, SPLITS, tmp_path / "new" / "run", settings(name), dataset_fingerprint="abc")


def test_a_run_leaves_a_model_a_card_events_and_a_history(name, trained):
    folder = trained.model_dir
    model = load_model(folder)
    assert trained.steps == 12
    assert trained.stopped_because == "max_steps"
    assert model.config.dataset_fingerprint == "abc"
    assert model.config.train_drawings == 24
    offsets = np.concatenate([drawing[:, :2] for drawing in SPLITS["train"]])
    assert model.config.scale == pytest.approx(float(offsets.std()), rel=1e-5)
    assert model.config.max_points == max(map(len, SPLITS["train"]))
    assert list((folder / "tensorboard").glob("events.*"))
    card = (folder / "README.md").read_text()
    assert f"{trained.best_score:.4f}" in card
    assert "abc" in card

    columns = "step epoch split loss xy pen kl kl_weight nll_per_point nats_per_point "
    columns += "learning_rate gradient_norm skipped seconds"
    assert all(list(row) == columns.split() for row in trained.history)
    valid = [row for row in trained.history if row["split"] == "valid"]
    assert [row["step"] for row in valid] == [4, 8, 12]
    assert {row["split"] for row in trained.history} == {"train", "valid"}
    assert json.dumps(trained.history, allow_nan=False)
    assert [row["seconds"] for row in valid] == sorted(row["seconds"] for row in valid)


def test_the_weights_kept_are_those_of_the_best_score(trained):
    valid = [row["nats_per_point"] for row in trained.history if row["split"] == "valid"]
    assert trained.best_score == min(valid)
    scores = evaluate(load_model(trained.model_dir), SPLITS["valid"])
    assert scores["nats_per_point"] == pytest.approx(trained.best_score, rel=1e-6)
    assert load_model(trained.model_dir).config.score == pytest.approx(scores, rel=1e-6)


def test_it_learns(name, tmp_path):
    """A few hundred circles: the score falls far, and samples close to the data's length end by themselves."""
    data = {"train": wheels(100), "valid": wheels(20, seed=1)}
    result = train(
        name, data, tmp_path,
        settings(name, max_steps=90, evaluate_every_steps=15, batch_size=20, learning_rate=3e-2),
    )  # fmt: skip
    valid = [row["nats_per_point"] for row in result.history if row["split"] == "valid"]
    assert valid[-1] < valid[0] - 0.5
    samples = load_model(tmp_path).sample(40, max_points=40)
    assert np.mean([sample.ended for sample in samples]) > 0.8
    median = np.median([len(drawing) for drawing in data["train"]])
    assert np.median([len(sample.stroke3) for sample in samples]) == pytest.approx(median, rel=0.3)


def test_the_same_seed_is_the_same_training(name, tmp_path):
    first = train(name, SPLITS, tmp_path / "a", settings(name))
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    second = train(name, SPLITS, tmp_path / "b", settings(name))
    for key, tensor in weights(first.model_dir).items():
        assert torch.equal(tensor, weights(second.model_dir)[key]), key
    other = train(name, SPLITS, tmp_path / "c", settings(name, seed=1))
    assert other.best_score != first.best_score


@pytest.mark.parametrize(
    "other", [{}, {"bf16": True}, {"ema_decay": 0.9}], ids=["float32", "bf16", "averaged"]
)
def test_a_resumed_training_is_the_same_to_the_bit(name, other, tmp_path):
    """Stopped in the middle of the second epoch, with augmentation and dropout on, and gone on with."""
    whole = train(name, SPLITS, tmp_path / "whole", settings(name, **other))
    with pytest.raises(StoppedError):
        train(name, SPLITS, tmp_path / "cut", settings(name, **other), progress=stop_at(4))
    assert not (tmp_path / "cut" / "checkpoints" / "checkpoint-12").exists()
    resumed = train(name, SPLITS, tmp_path / "cut", settings(name, **other))
    for key, tensor in weights(tmp_path / "whole").items():
        assert torch.equal(tensor, weights(tmp_path / "cut")[key]), key
    assert [row["step"] for row in resumed.history] == [row["step"] for row in whole.history]
    for key, tensor in last_weights(tmp_path / "whole", 12).items():
        assert torch.equal(tensor, last_weights(tmp_path / "cut", 12)[key]), key
    assert resumed.best_score == whole.best_score


def test_averaged_weights_of_the_token_variant_go_on_as_well(tmp_path):
    """Its codebook lies in buffers of whole numbers, which have no average."""
    tokens = settings("sketch_transformer", ema_decay=0.9, tokens=100, max_steps=6, evaluate_every_steps=2)
    train("sketch_transformer", SPLITS, tmp_path / "whole", tokens)
    with pytest.raises(StoppedError):
        train("sketch_transformer", SPLITS, tmp_path / "cut", tokens, progress=stop_at(2))
    train("sketch_transformer", SPLITS, tmp_path / "cut", tokens)
    for key, tensor in weights(tmp_path / "whole").items():
        assert torch.equal(tensor, weights(tmp_path / "cut")[key]), key


def test_averages_are_scored_and_kept_in_place_of_the_weights(tmp_path):
    """The weights learn as they do without: what is kept lies between those of the steps."""
    plain = train("sketch_rnn", SPLITS, tmp_path / "a", settings("sketch_rnn"))
    kept = train("sketch_rnn", SPLITS, tmp_path / "b", settings("sketch_rnn", ema_decay=0.5))
    for key, tensor in last_weights(tmp_path / "a", 12).items():
        assert torch.equal(tensor, last_weights(tmp_path / "b", 12)[key]), key
    assert kept.best_score != plain.best_score
    scores = evaluate(load_model(kept.model_dir), SPLITS["valid"])
    assert scores["nats_per_point"] == pytest.approx(kept.best_score, rel=1e-6)


def test_an_average_forgets_its_beginning_soon_and_keeps_by_its_decay_later():
    layer = torch.nn.Linear(1, 1, bias=False)
    average = WeightAverage(layer, 0.9)
    expected = None
    for step in range(40):
        with torch.no_grad():
            layer.weight.fill_(float(step))
        average.update(layer)
        kept = min(0.9, (1 + step) / (10 + step))
        expected = float(step) if expected is None else kept * expected + (1 - kept) * step
    (weight,) = average.model.parameters()
    assert float(weight) == pytest.approx(expected, rel=1e-5)
    assert warmed_up(0.9, 0) == pytest.approx(0.1)
    assert warmed_up(0.9, 10**6) == 0.9


def test_another_dataset_or_other_settings_begin_anew(tmp_path):
    with pytest.raises(StoppedError):
        train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn"), progress=stop_at(4))
    changed = {"train": wheels(24, seed=9), "valid": SPLITS["valid"]}
    for splits, other in ((changed, {}), (SPLITS, {"seed": 3}), (SPLITS, {"learning_rate": 1e-4})):
        steps: list[int] = []
        train(
            "sketch_rnn", splits, tmp_path / str(len(other)) / str(other), settings("sketch_rnn", **other),
            progress=lambda row, steps=steps: steps.append(row["step"]),
        )  # fmt: skip
        assert steps[0] == 4
    seen: list[int] = []
    train(
        "sketch_rnn", changed, tmp_path, settings("sketch_rnn"), progress=lambda row: seen.append(row["step"])
    )
    assert seen[0] == 4


def test_a_training_that_is_through_is_not_repeated_and_goes_on_with_more_steps(tmp_path):
    first = train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn"))
    seen: list[int] = []
    again = train(
        "sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn"), progress=lambda row: seen.append(row["step"])
    )
    assert not seen
    assert again == first
    longer = train(
        "sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn", max_steps=16),
        progress=lambda row: seen.append(row["step"]),
    )  # fmt: skip
    assert seen == [16, 16]
    assert longer.steps == 16


def test_a_training_that_was_killed_before_its_card_gets_one_and_fewer_steps_are_done_already(tmp_path):
    first = train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn"))
    card = (tmp_path / "README.md").read_text()
    for file in ("README.md", "samples.svg"):
        (tmp_path / file).unlink()
    assert train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn")) == first
    assert (tmp_path / "README.md").read_text() == card
    assert (tmp_path / "samples.svg").is_file()
    fewer = train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn", max_steps=5))
    assert (fewer.steps, fewer.stopped_because) == (12, "max_steps")
    (tmp_path / "config.json").unlink()
    with pytest.raises(
        TrainingError, match="is at step 12 and was never evaluated: give it more than 12 steps"
    ):
        train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn"))


def test_seconds_are_a_limit_that_holds_the_last_evaluation(tmp_path):
    result = train(
        "sketch_rnn", SPLITS, tmp_path,
        settings("sketch_rnn", max_steps=None, max_seconds=2.0, evaluate_every_seconds=0.5),
    )  # fmt: skip
    assert result.stopped_because == "max_seconds"
    valid = [row for row in result.history if row["split"] == "valid"]
    assert len(valid) >= 3
    assert result.history[-1] is valid[-1]
    assert 1.2 < valid[-1]["seconds"] < 2.6
    assert valid[-1]["learning_rate"] < 0.1 * max(row["learning_rate"] for row in result.history)


def test_patience_ends_a_training_that_no_longer_gains(tmp_path):
    result = train(
        "sketch_rnn", SPLITS, tmp_path,
        settings("sketch_rnn", max_steps=400, evaluate_every_steps=1, patience=2, learning_rate=1e-9),
    )  # fmt: skip
    assert result.stopped_because == "patience"
    assert result.steps < 400


def test_without_a_valid_split_a_tenth_of_train_is_held_out(tmp_path):
    result = train("sketch_rnn", {"train": wheels(30)}, tmp_path, settings("sketch_rnn"))
    assert load_model(result.model_dir).config.train_drawings == 27


def test_variants_are_learned_from_in_place_of_the_train_split(tmp_path, caplog):
    """The scale stays that of the drawings: scores of models with other augmentation can be compared."""
    larger = [drawing * np.float32([3, 3, 1]) for drawing in SPLITS["train"] * 2]
    plain = train("sketch_rnn", SPLITS, tmp_path / "a", settings("sketch_rnn", augmentation=None))
    varied = train(
        "sketch_rnn", SPLITS, tmp_path / "b", settings("sketch_rnn", augmentation=None), augmented=larger
    )
    assert load_model(plain.model_dir).config.scale == load_model(varied.model_dir).config.scale
    assert varied.best_score != plain.best_score
    with caplog.at_level(logging.WARNING):
        train(
            "sketch_rnn", {"train": SPLITS["train"]}, tmp_path / "c",
            settings("sketch_rnn", augmentation=None), augmented=larger,
        )  # fmt: skip
    assert "no valid split" in caplog.text


def test_the_caller_keeps_its_random_numbers_and_threads(tmp_path):
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    expected = (random.random(), np.random.rand(), float(torch.rand(())))  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn", max_steps=2, threads=2))
    assert (random.random(), np.random.rand(), float(torch.rand(()))) == expected  # noqa: NPY002
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize(
    ("train_split", "says"),
    [
        ([], "has 0 drawings"),
        (wheels(1), "has 1 drawings"),
        ([*wheels(3), np.zeros((0, 3))], "train drawing 3 is empty"),
        ([*wheels(2), np.full((5, 3), np.inf)], "train drawing 2 has a value that is not a number at point 0"),
        ([np.zeros((5, 3)), np.zeros((4, 3))], "same place"),
        (wheels(1) * 30, "All 30 drawings of the train split are the same"),
    ],
)  # fmt: skip
def test_data_that_cannot_be_learned_from_are_named(tmp_path, train_split, says):
    with pytest.raises(DatasetError, match=says):
        train("sketch_rnn", {"train": train_split}, tmp_path, settings("sketch_rnn"))


def test_two_drawings_are_enough(name, tmp_path):
    result = train(name, {"train": wheels(2)}, tmp_path, settings(name, max_steps=2))
    assert np.isfinite(result.best_score)


def test_a_loss_that_is_not_a_number_names_the_step_and_the_drawings(name, tmp_path):
    """Far out points overflow in the square; nobody should have to find out from NaN weights an hour later."""
    broken = wheels(8)
    broken[3][:, :2] = 1e38
    alone = settings(name, augmentation=None, batch_size=1, sheet_share=0.0)
    with pytest.raises(TrainingError, match=r"at step \d+ \(train drawings 3\)"):
        train(name, {"train": broken, "valid": wheels(2)}, tmp_path / "given", alone)
    with pytest.raises(TrainingError, match=r"at step \d+ \(rows of the augmented dataset 3\)"):
        train(name, {"train": wheels(4), "valid": wheels(2)}, tmp_path / "varied", alone, augmented=broken)


def test_drawings_are_named_by_their_rows_also_where_some_are_held_out(tmp_path):
    """Rows counted after the tenth for validation was taken out would send people to a drawing that is fine."""
    for held_out_first in range(20):
        chosen = settings("sketch_rnn", augmentation=None, batch_size=1, seed=held_out_first, sheet_share=0.0)
        held = split_off_valid({"train": wheels(10)}, chosen)
        if held.rows[0] == 1:
            break
    broken = wheels(10)
    broken[9][:, :2] = 1e38
    with pytest.raises(TrainingError, match=r"\(train drawings 9\)"):
        train("sketch_rnn", {"train": broken}, tmp_path, chosen)


class Stumbling(SketchTrainer):
    """Somewhere on the way the gradient of one step, or of all steps from one on, is a thousand times too large."""

    at: range

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        loss = super().compute_loss(*args, **kwargs)
        return loss * 1000 if self.state.global_step + 1 in self.at else loss


@pytest.fixture
def stumbling(monkeypatch: pytest.MonkeyPatch) -> type[Stumbling]:
    monkeypatch.setattr(training, "SketchTrainer", Stumbling)
    return Stumbling


def test_a_spike_is_left_out_and_its_drawings_are_named(name, stumbling, tmp_path, caplog):
    """Clipping alone would let one broken step throw the weights as far as any other step moves them."""
    stumbling.at = range(27, 28)
    with caplog.at_level(logging.WARNING):
        result = train(name, SPLITS, tmp_path, settings(name, max_steps=40, evaluate_every_steps=20))
    (warning,) = [record.getMessage() for record in caplog.records if "spike" in record.getMessage()]
    assert warning.startswith("Step 27 is a spike (loss ")
    (row,) = [row for row in result.history if row["skipped"]]
    assert row["step"] == 40
    assert len(row["skipped"]) == 8
    assert f"train drawings {', '.join(map(str, row['skipped']))}." in warning
    assert row["gradient_norm"] > 10 * result.history[0]["gradient_norm"]
    assert parquet.read_table(tmp_path / "history.parquet").to_pylist() == result.history


def test_the_weights_stay_where_they_are_at_a_spike(stumbling, tmp_path):
    """Neither momentum nor weight decay moves them."""
    stumbling.at = range(27, 29)
    train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn", max_steps=28, evaluate_every_steps=27))
    before, after = last_weights(tmp_path, 27), last_weights(tmp_path, 28)
    assert all(torch.equal(tensor, after[key]) for key, tensor in before.items())


def test_spikes_without_end_stop_the_training(stumbling, tmp_path):
    stumbling.at = range(25, 1000)
    with pytest.raises(TrainingError, match=r"Step 29 is a spike .*, the 5th in a row \(train drawings \d"):
        train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn", max_steps=60))


def test_a_training_that_resumes_knows_what_a_spike_is(stumbling, tmp_path):
    """What it compares with lies in the checkpoint: without it the first steps would be let through."""
    stumbling.at = range(27, 28)
    options = {"max_steps": 40, "evaluate_every_steps": 13}
    whole = train("sketch_rnn", SPLITS, tmp_path / "whole", settings("sketch_rnn", **options))
    with pytest.raises(StoppedError):
        train("sketch_rnn", SPLITS, tmp_path / "cut", settings("sketch_rnn", **options), progress=stop_at(26))
    resumed = train("sketch_rnn", SPLITS, tmp_path / "cut", settings("sketch_rnn", **options))
    timeless = [[row | {"seconds": 0} for row in result.history] for result in (whole, resumed)]
    assert timeless[0] == timeless[1]
    assert any(row["skipped"] for row in resumed.history)
    for key, tensor in last_weights(tmp_path / "whole", 40).items():
        assert torch.equal(tensor, last_weights(tmp_path / "cut", 40)[key]), key


def test_a_loss_far_over_its_median_is_a_spike_whatever_its_gradient():
    """Where the density is all but flat, a loss out of this world has a gradient like any other."""
    progress = Progress("")
    assert not any(is_spike(progress, loss, 1.0) for loss in np.linspace(9, 2, 30))
    assert is_spike(progress, 9.0, 1.0)
    assert is_spike(progress, 2.0, 11.0)
    assert progress.skipped_in_a_row == 2
    assert not is_spike(progress, 2.5, 2.0)
    assert progress.skipped_in_a_row == 0
    fresh = Progress("")
    assert not is_spike(fresh, 1e6, 1e6)  # nothing to compare with yet


def test_the_gradient_of_the_whole_model_is_clipped_by_one_norm(name, tmp_path, monkeypatch):
    """Clipped part by part, the parts of a step would no longer point where the gradient does."""
    before: list[torch.Tensor] = []
    after: list[torch.Tensor] = []

    class Watching(SketchTrainer):
        def training_step(self, model, *args, **kwargs):
            loss = super().training_step(model, *args, **kwargs)
            before.append(torch.cat([p.grad.flatten().clone() for p in model.parameters()]))
            return loss

    class Clipped(Flow):
        def on_pre_optimizer_step(self, args, state, control, **kwargs):
            after.append(torch.cat([p.grad.flatten().clone() for p in kwargs["model"].parameters()]))

    monkeypatch.setattr(training, "SketchTrainer", Watching)
    monkeypatch.setattr(training, "Flow", Clipped)
    train(name, SPLITS, tmp_path, settings(name, max_steps=3))
    for raw, clipped in zip(before, after, strict=True):
        expected = raw * min(1.0, 1 / float(raw.norm()))
        torch.testing.assert_close(clipped, expected, rtol=1e-4, atol=1e-7)
    assert max(float(raw.norm()) for raw in before) > 1  # or nothing would have been clipped


def test_sheets_of_samples_show_a_model_learn_within_their_share_of_the_time(tmp_path):
    result = train("sketch_rnn", SPLITS, tmp_path / "a", settings("sketch_rnn", sheet_share=1.0))
    sheets = sorted((tmp_path / "a" / "samples").iterdir())
    assert [sheet.name for sheet in sheets] == ["step-000004.svg", "step-000008.svg", "step-000012.svg"]
    assert "step 8, " in sheets[1].read_text()
    assert 0 < result.sheet_seconds < result.history[-1]["seconds"]
    assert f"{result.sheet_seconds:.1f} s of it" in (tmp_path / "a" / "README.md").read_text()

    events = EventAccumulator(str(tmp_path / "a" / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    pictures = events.Images("samples")
    assert [picture.step for picture in pictures] == [4, 8, 12]
    assert (pictures[0].width, pictures[0].height) == (4 * 128, 2 * 128)
    for split in ("train", "valid"):
        for figure in ("nats_per_point", "kl", "loss"):
            logged = [(value.step, value.value) for value in events.Scalars(f"{split}/{figure}")]
            rows = [(row["step"], row[figure]) for row in result.history if row["split"] == split]
            assert logged == [(step, pytest.approx(value)) for step, value in rows], (split, figure)

    none = train("sketch_rnn", SPLITS, tmp_path / "b", settings("sketch_rnn", sheet_share=0.0))
    assert not (tmp_path / "b" / "samples").exists()
    assert none.sheet_seconds == 0
    for key, tensor in weights(tmp_path / "a").items():
        assert torch.equal(tensor, weights(tmp_path / "b")[key]), "drawing disturbed the learning"


def test_the_card_shows_what_the_weights_draw(trained):
    card = (trained.model_dir / "README.md").read_text()
    assert "![Eight samples at temperature 0.4](samples.svg)" in card
    root = ElementTree.parse(trained.model_dir / "samples.svg").getroot()
    assert len(root.findall("{http://www.w3.org/2000/svg}rect")) == 1 + 8  # paper, and a cell for each


def test_a_folder_of_another_training_is_begun_anew_with_a_warning(tmp_path, caplog):
    train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn"))
    with caplog.at_level(logging.WARNING):
        train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn", max_steps=16))
        assert "beginning anew" not in caplog.text
        changed = {"train": wheels(24, seed=9), "valid": SPLITS["valid"]}
        train("sketch_rnn", changed, tmp_path, settings("sketch_rnn"))
    assert f"{tmp_path} holds a training of other data or settings: beginning anew" in caplog.text
    assert {path.name for path in (tmp_path / "checkpoints").glob("checkpoint-*")} == {
        "checkpoint-8", "checkpoint-12",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "steps"),
    [("sketch_rnn", 12), ("sketch_transformer", 16)],
    ids=["through", "to be gone on with"],
)
def test_a_training_of_another_version_is_begun_anew_with_a_warning(
    name, steps, tmp_path, monkeypatch, caplog
):
    """Its settings and data are the same, its weights are not: loaded where they fit, they would be noise."""
    monkeypatch.setitem(TINY[name], "components", 5)
    old = train(name, SPLITS, tmp_path, settings(name))
    changed = {"components": 4}
    kind = type(load_model(tmp_path).config)
    # This version makes other weights of the same arguments.
    monkeypatch.setattr(training, "MODELS", {name: model_of(name, changed)})
    (tmp_path / "model.safetensors").write_bytes(b"of another version")
    seen: list[int] = []
    with caplog.at_level(logging.WARNING):
        new = train(
            name,
            SPLITS,
            tmp_path,
            settings(name, max_steps=steps),
            progress=lambda row: seen.append(row["step"]),
        )
    assert "holds a training of another version: beginning anew" in caplog.text
    assert seen[0] == 4
    assert new.steps == steps
    assert new.history != old.history
    assert isinstance(load_model(tmp_path).config, kind)
    assert load_model(tmp_path).config.components == 4


def test_a_drawing_without_end_is_refused_by_its_row(tmp_path):
    """Its batch would hold gigabytes; cut, it would teach the model to end in mid-stroke."""
    endless = np.ones((20_000, 3), np.float32)
    endless[:-1, 2] = 0
    with pytest.raises(
        DatasetError, match=r"train drawing 3 has 20000 points, more than the 1000 .*Simplify"
    ):
        train("sketch_rnn", {"train": [*wheels(3), endless]}, tmp_path, settings("sketch_rnn"))
    with pytest.raises(DatasetError, match="augmented drawing 0 has 20000 points"):
        train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn"), augmented=[endless])
    with pytest.raises(DatasetError, match="valid drawing 1 has 20000 points"):
        train(
            "sketch_rnn",
            {"train": wheels(3), "valid": [*wheels(1), endless]},
            tmp_path,
            settings("sketch_rnn"),
        )
    with pytest.raises(DatasetError, match=r"train drawing 0 has .* more than the 5"):
        train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn", max_points=5))


def test_drawings_that_are_nearly_all_the_same_are_learned(name, tmp_path):
    """Their scale is that of their offsets, not of their differences, and their score keeps its bound."""
    same = {"train": wheels(1) * 29 + wheels(1, seed=1), "valid": wheels(1) * 3}
    result = train(
        name, same, tmp_path, settings(name, max_steps=60, evaluate_every_steps=20, augmentation=None)
    )
    valid = [row["nats_per_point"] for row in result.history if row["split"] == "valid"]
    assert valid[-1] < valid[0]
    assert np.isfinite(valid).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"preset": "huge"}, "no preset"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"max_seconds": 0.0}, "max_seconds is 0"),
        ({"threads": 500}, "most is 256"),
        ({"seed": -1}, "seed is -1"),
        ({"max_seconds": float("nan")}, "max_seconds is nan"),
        ({"ema_decay": 1.0}, "ema_decay is 1"),
        ({"sheet_share": 1.5}, "sheet_share is 1.5"),
        ({"max_points": 1}, "max_points is 1"),
        ({"learning_rate": float("inf")}, "learning_rate is inf"),
    ],
)
def test_settings_out_of_bounds_are_refused(wrong, says):
    with pytest.raises(TrainingError, match=says):
        TrainSettings(**wrong)


@pytest.mark.parametrize(
    ("model", "overrides", "says"),
    [
        (
            "sketch_rnn",
            {"decoder_siez": 64},
            "sketch_rnn has no decoder_siez to override; see SketchRNNConfig",
        ),
        ("sketch_rnn", {"latent_size": -3}, "latent_size is -3"),
        ("sketch_rnn", {"recurrent_dropout": 1.0}, "recurrent_dropout is 1"),
        ("sketch_transformer", {"width": 30, "heads": 4}, "4 heads do not divide a width of 30"),
    ],
)
def test_a_model_that_cannot_be_is_refused_in_a_sentence(model, overrides, says, tmp_path):
    """A misspelt name would be kept in the config and change nothing."""
    with pytest.raises(SketchModelError, match=says):
        train(model, SPLITS, tmp_path, settings(model, overrides=overrides))


def test_a_preset_says_how_drawings_vary_and_what_is_kept_unless_the_settings_do():
    """An hour with the variants of minutes learns drawings by heart."""
    hour = TrainSettings(preset="hour", max_seconds=3600).resolved("sketch_rnn")
    assert hour.ema_decay == 0.999
    assert hour.augmentation.mirrored_share == 0.5
    assert TrainSettings().resolved("sketch_rnn").ema_decay is None
    own = TrainSettings(preset="hour", augmentation=None, ema_decay=0.0).resolved("sketch_rnn")
    assert (own.augmentation, own.ema_decay) == (None, None)
    kept = {
        TrainSettings(preset="hour", ema_decay=decay).identity("sketch_rnn") for decay in (None, 0.999, 0.0)
    }
    assert len(kept) == 2


def test_evaluations_take_a_small_share_of_a_long_training():
    assert TrainSettings(max_seconds=360).evaluation_interval == 20
    assert TrainSettings(max_seconds=3600).evaluation_interval == 120
    assert TrainSettings(max_seconds=3600, evaluate_every_seconds=5.0).evaluation_interval == 5


def test_an_unknown_model_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="no model 'sketch_gan'"):
        train("sketch_gan", SPLITS, tmp_path, TrainSettings())


def test_the_rate_rises_falls_with_the_budget_and_is_the_storys_without_one():
    rate = LearningRate(TrainSettings(max_steps=1000), 1e-3, Clock(), Progress(""))
    assert rate(0) < rate(10) < rate(40)
    assert rate(500) == pytest.approx(0.5, abs=0.01)
    assert rate(1000) == pytest.approx(1e-2)
    standing = Progress("")
    story = LearningRate(TrainSettings(), 1e-3, Clock(), standing)
    assert story(5000) == pytest.approx(0.9999**5000)
    assert story(10**6) == pytest.approx(1e-2)
    standing.halvings = 2
    assert story(5000) == pytest.approx(0.9999**5000 / 4)


def test_the_weight_of_the_kl_is_a_function_of_the_step():
    """The original's was a constant, and its latent dead."""
    assert kl_weight(0, 100) == pytest.approx(0.01)
    assert kl_weight(50, 100) == pytest.approx(0.505)
    assert kl_weight(100, 100) == kl_weight(10**6, 100) == 1
