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
from safetensors.torch import load_file

from singleline_pipeline.sketch_models import (
    DatasetError,
    TrainingError,
    TrainResult,
    TrainSettings,
    evaluate,
    load_model,
    train,
)
from singleline_pipeline.sketch_models.averaging import WeightAverage, warmed_up
from singleline_pipeline.sketch_models.checkpoints import Progress
from singleline_pipeline.sketch_models.schedule import Clock, LearningRate, kl_weight

from .conftest import TINY, wheels

SPLITS = {"train": wheels(24), "valid": wheels(6, seed=1)}


def settings(name: str, **other: Any) -> TrainSettings:
    given = {"max_steps": 12, "evaluate_every_steps": 4, "batch_size": 8, "overrides": TINY[name]}
    return TrainSettings(**(given | other))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def last_weights(folder: Path, step: int) -> dict[str, torch.Tensor]:
    return load_file(folder / "checkpoints" / f"checkpoint-{step}" / "model.safetensors")


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

    columns = "step epoch split loss xy pen kl kl_weight nll_per_point nats_per_point learning_rate seconds"
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
        ([np.zeros((5, 3))] * 4, "same place"),
    ],
)  # fmt: skip
def test_data_that_cannot_be_learned_from_are_named(tmp_path, train_split, says):
    with pytest.raises(DatasetError, match=says):
        train("sketch_rnn", {"train": train_split}, tmp_path, settings("sketch_rnn"))


def test_two_drawings_that_are_the_same_are_enough(name, tmp_path):
    result = train(name, {"train": wheels(1) * 2}, tmp_path, settings(name, max_steps=2))
    assert np.isfinite(result.best_score)


def test_a_loss_that_is_not_a_number_names_the_step_and_the_drawings(name, tmp_path):
    """Far out points overflow in the square; nobody should have to find out from NaN weights an hour later."""
    broken = wheels(8)
    broken[3][:, :2] = 1e38
    with pytest.raises(TrainingError, match=r"at step 1 \(train drawings .*3.*\)"):
        train(name, {"train": broken, "valid": wheels(2)}, tmp_path, settings(name, augmentation=None))


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
    ],
)
def test_settings_out_of_bounds_are_refused(wrong, says):
    with pytest.raises(TrainingError, match=says):
        TrainSettings(**wrong)


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
