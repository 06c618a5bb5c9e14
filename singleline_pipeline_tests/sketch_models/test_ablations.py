"""The ablations are run by hand: here, that each can be trained, and that the table compares like with like."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from singleline_pipeline.geometry import from_stroke3, resample_stroke, rescale
from singleline_pipeline.sketch_models import TrainSettings
from singleline_pipeline.sketch_models.folders import MODELS
from singleline_pipeline.sketch_models.settings import PRESETS
from singleline_pipeline_tests.benchmarks import ablations
from singleline_pipeline_tests.benchmarks.ablations import (
    ABLATIONS,
    Ablation,
    in_order,
    joined,
    raw,
    routed,
    spliced,
    table,
)

from .conftest import wheels


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda one: f"{one.model}: {one.name}")
def test_each_differs_in_what_a_training_knows_and_is_measured_against_one_that_is_there(ablation: Ablation):
    """A misspelt override would be kept by the config, and the ablation would be the preset once more."""
    settings = TrainSettings(overrides=ablation.overrides, **ablation.settings).resolved(ablation.model)
    assert set(settings.model) <= set(MODELS[ablation.model].config_class().to_dict())
    names = [other.name for other in ABLATIONS if other.model == ablation.model]
    assert names.count(ablation.name) == 1
    assert ablation.against in names


@pytest.mark.parametrize("order", [raw, joined, spliced, routed])
def test_an_order_of_strokes_keeps_the_line(order):
    drawings = wheels(3)
    for drawing, ordered in zip(drawings, in_order(drawings, order), strict=True):
        canvas = np.concatenate(rescale(from_stroke3(drawing))[0])
        line = np.concatenate([resample_stroke(stroke, 1.0) for stroke in from_stroke3(ordered)])
        away = np.linalg.norm((canvas[:, None] - canvas.min(axis=0)) - (line - line.min(axis=0)), axis=-1)
        assert away.min(axis=1).max() < 3


def test_what_was_measured_of_another_preset_or_other_drawings_is_measured_again(
    tmp_path, monkeypatch, capsys
):
    """A table must not compare a preset of today with an ablation of yesterday's."""
    trained = []

    def stand_in(ablation: Ablation, seed: int, steps: int, *_: object) -> dict:
        trained.append((ablation.name, seed))
        return {
            "model": ablation.model, "name": ablation.name, "against": ablation.against, "seed": seed, "steps": steps,
            "score": 1.0 + seed, "score_name": "nats_per_point", "kl": 5.0, "seconds": 9.0, "points": 100.0,
        }  # fmt: skip

    monkeypatch.setattr(ablations, "measure", stand_in)
    data = tmp_path / "drawings.npz"

    def run(*more: str) -> list[tuple[str, int]]:
        trained.clear()
        ablations.content.cache_clear()
        ablations.main(["--data", str(data), "--out", str(tmp_path / "out"), "--models", "sketch_rnn", *more])
        return list(trained)

    data.write_bytes(b"some")
    assert run("--only", "preset", "no latent", "--seeds", "0", "1") == [
        ("preset", 0), ("preset", 1), ("no latent", 0), ("no latent", 1),
    ]  # fmt: skip
    assert run("--only", "preset", "--seeds", "1", "2") == [("preset", 2)]
    assert "| preset | 3 | 2.000 (1.000 to 3.000) |" in capsys.readouterr().out
    smaller = replace(PRESETS["sketch_rnn", "small"], batch_size=49)
    monkeypatch.setitem(PRESETS, ("sketch_rnn", "small"), smaller)
    assert run("--only", "preset", "--seeds", "1") == [("preset", 1)]
    data.write_bytes(b"others")
    assert run("--only", "preset", "--seeds", "1") == [("preset", 1)]
    shown = capsys.readouterr().out.splitlines()[-4:]
    assert "| preset | 1 | 2.000 (2.000 to 2.000) |" in "".join(shown)
    assert "no latent" not in "".join(shown)


def test_differences_are_taken_seed_by_seed():
    """The mean of differences, not of whatever seeds happen to be through."""

    def row(name: str, seed: int, score: float, **more: float) -> dict:
        return {
            "model": "sketch_rnn", "name": name, "against": "preset", "seed": seed, "steps": 5, "score": score,
            "score_name": "nats_per_point", "kl": 5.0, "seconds": 9.0, "points": 100.0, **more,
        }  # fmt: skip

    seen = table(
        [row("preset", 0, 1.0), row("preset", 1, 2.0), row("no latent", 0, 1.5), row("no latent", 2, 9.0)]
    )
    assert "| no latent | 2 | 5.250 (1.500 to 9.000) | preset | +0.500 (+0.500 to +0.500) |" in seen
    assert "order" not in seen
    pictures = {"frechet": 0.1, "precision": 0.5, "recall": 0.25, "ended": 0.98, "strokes": 1.5}
    assert "| routed | 1.5 | 100 | 0.100 (0.100 to 0.100) |" in table([row("routed", 0, 1.0, **pictures)])
