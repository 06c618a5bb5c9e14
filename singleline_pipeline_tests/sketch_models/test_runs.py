"""A new model must never push out a better one, and a run that was interrupted must be found again."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from singleline_pipeline.sketch_models import ModelFolderError, SketchRNN, SketchRNNConfig, TrainSettings
from singleline_pipeline.sketch_models.folders import save_model
from singleline_pipeline.sketch_models.gallery import GallerySettings, draw_gallery
from singleline_pipeline.sketch_models.runs import current_run, promote, run_folder


def drawings(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    made = [
        np.column_stack([rng.normal(0, 5, (20, 2)), np.zeros(20)]).astype(np.float32) for _ in range(count)
    ]
    for drawing in made:
        drawing[-1, 2] = 1
    return made


def model(folder: Path, *, spread: float = 0.0, latent_size: int = 4) -> Path:
    """A model that nobody trained; the wider the spread of its weights, the worse its score."""
    torch.manual_seed(0)
    config = SketchRNNConfig(
        encoder_size=8,
        decoder_size=16,
        latent_size=latent_size,
        components=3,
        scale=5.0,
        canvas=40.0,
        max_points=30,
    )
    made = SketchRNN(config)
    with torch.no_grad():
        for parameter in made.head.parameters():
            parameter.add_(torch.randn_like(parameter) * spread)
    save_model(made, folder)
    return folder


def test_the_same_data_and_settings_find_their_run_again(tmp_path: Path) -> None:
    """A training that was killed goes on in its own folder, also when it is started on another day."""
    models = tmp_path / "sketch_rnn"
    first = run_folder(models, "data", TrainSettings(), now=datetime(2026, 1, 1, tzinfo=UTC))
    assert first.name.startswith("20260101-000000-")
    first.mkdir(parents=True)
    later = datetime(2026, 2, 1, tzinfo=UTC)
    assert run_folder(models, "data", TrainSettings(), now=later) == first
    assert run_folder(models, "data", TrainSettings(max_seconds=60), now=later) == first
    assert run_folder(models, "data", TrainSettings(seed=1), now=later) != first
    assert run_folder(models, "other data", TrainSettings(), now=later) != first


def test_a_worse_run_does_not_become_current_and_a_better_one_does(tmp_path: Path) -> None:
    models, held_out = tmp_path / "sketch_rnn", drawings(6)
    good, bad = model(models / "good"), model(models / "bad", spread=3.0)
    with pytest.raises(ModelFolderError, match="no trained weights"):
        current_run(models)

    assert promote(models, bad, held_out).promoted
    better = promote(models, good, held_out)
    assert better.promoted
    assert better.current_score > better.score
    worse = promote(models, bad, held_out)
    assert not worse.promoted
    assert current_run(models) == good.resolve()


def test_the_current_run_scored_again_stays_current(tmp_path: Path) -> None:
    models = tmp_path / "sketch_rnn"
    run = model(models / "run")
    promote(models, run, drawings(3))
    assert promote(models, run, drawings(3)).promoted
    assert current_run(models) == run.resolve()


def test_a_current_run_that_cannot_be_loaded_gives_way(tmp_path: Path) -> None:
    models = tmp_path / "sketch_rnn"
    promote(models, model(models / "old"), drawings(3))
    (models / "old" / "model.safetensors").unlink()
    promotion = promote(models, model(models / "new", spread=1.0), drawings(3))
    assert promotion.promoted
    assert promotion.current_score is None


def test_a_gallery_has_every_kind_and_is_the_same_each_time(tmp_path: Path) -> None:
    folder = model(tmp_path / "run")
    held_out = {f"d{number}": drawing for number, drawing in enumerate(drawings(5))}
    settings = GallerySettings(free=3, reconstructions=2, completions=2, interpolations=4)
    pieces = draw_gallery(folder, held_out, settings)
    again = draw_gallery(folder, held_out, settings)
    assert {piece.kind for piece in pieces} == {"free", "reconstruction", "completion", "interpolation"}
    assert len({piece.sample_id for piece in pieces}) == len(pieces)
    for one, other in zip(pieces, again, strict=True):
        np.testing.assert_array_equal(one.stroke3, other.stroke3)
    for piece in pieces:
        if piece.kind == "completion":
            given = held_out[piece.source_drawing][:7]
            np.testing.assert_allclose(piece.stroke3[: len(given), :2], given[:, :2], atol=1e-4)


def test_the_variability_of_a_gallery_is_that_of_its_reconstructions_alone(tmp_path: Path) -> None:
    folder = model(tmp_path / "run")
    held_out = {f"d{number}": drawing for number, drawing in enumerate(drawings(5))}
    calm, free = (
        {
            piece.sample_id: piece.stroke3
            for piece in draw_gallery(folder, held_out, GallerySettings(variability=how))
        }
        for how in (0.0, 0.5)
    )
    assert {"reconstruction-t0.2-00", "reconstruction-t0.2-v0.5-00"} <= {*calm, *free}
    for name in calm.keys() & free.keys():
        np.testing.assert_array_equal(calm[name], free[name])
    assert {name.split("-")[0] for name in calm.keys() ^ free.keys()} == {"reconstruction"}


def test_a_model_without_a_latent_draws_what_it_can(tmp_path: Path) -> None:
    folder = model(tmp_path / "run", latent_size=0)
    pieces = draw_gallery(folder, {"d0": drawings(1)[0]}, GallerySettings(free=2))
    assert {piece.kind for piece in pieces} == {"free", "completion"}
