"""What holds for both models: padding is not read, the future is not seen, the cache is no approximation."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from singleline_pipeline.sketch_models import (
    ModelFolderError,
    SketchModelError,
    TrainSettings,
    evaluate,
    kernels,
    load_model,
    train,
)
from singleline_pipeline.sketch_models.drawings import pad_drawings
from singleline_pipeline.sketch_models.features import with_start_row
from singleline_pipeline.sketch_models.folders import save_model
from singleline_pipeline.sketch_models.sketch_model import FORMAT
from singleline_pipeline.sketch_models.sketch_rnn import reverse_rows

from .conftest import TINY, tiny_model, wheels


def test_padding_changes_nothing(model):
    """The original's encoder read the padding, so that a drawing's latent depended on its neighbours in the batch."""
    batch = pad_drawings(wheels(5))
    short = int(batch.lengths.min())
    garbage = batch.points.clone()
    for row, length in enumerate(batch.lengths):
        garbage[row, length:] = 1e3
    assert short < batch.points.shape[1]
    with torch.no_grad():
        mean = model.posterior(batch.points, batch.lengths).mean
        torch.testing.assert_close(model.posterior(garbage, batch.lengths).mean, mean)
        clean, dirty = model(batch.points, batch.lengths), model(garbage, batch.lengths)
    for part in ("loss", "xy", "pen", "end", "kl"):
        torch.testing.assert_close(clean[part], dirty[part])


def test_in_bf16_a_model_learns_as_it_does_without_kernels(name, monkeypatch):
    """The kernels are one way to compute what the model is, not another model. Heads of 16 are for them."""
    model = tiny_model(name, **({"width": 32} if name == "sketch_transformer" else {})).eval()
    batch = pad_drawings(wheels(6))

    def learned() -> dict[str, torch.Tensor]:
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(batch.points, batch.lengths).loss
        loss.backward()
        return {"loss": loss.detach()} | {
            name: parameter.grad.clone() for name, parameter in model.named_parameters()
        }

    assert kernels.compiled() is not None
    found = learned()
    monkeypatch.setattr(kernels, "compiled", lambda: None)
    expected = learned()
    largest = max(float(right.norm()) for right in expected.values())
    for part, right in expected.items():
        # A bias that a softmax takes away has a gradient of rounding alone.
        assert float((found[part] - right).norm()) <= 0.03 * float(right.norm()) + 1e-4 * largest, part


def test_a_drawing_alone_is_encoded_as_in_a_batch(model):
    drawings = wheels(4)
    together = model.encode(drawings)
    for row, drawing in enumerate(drawings):
        torch.testing.assert_close(model.encode([drawing])[0], together[row], rtol=1e-4, atol=1e-5)


def test_the_future_does_not_change_the_past(model):
    batch = pad_drawings([max(wheels(6), key=len)])
    changed = batch.points.clone()
    changed[0, 5:, :2] += 30
    latent = torch.randn(1, model.config.latent_size)
    with torch.no_grad():
        first = model.decode(model.features(with_start_row(batch.points)), latent)
        second = model.decode(model.features(with_start_row(changed)), latent)
    # Row 5 has read the points 0 to 4; row 6 is the first that has read a changed one.
    torch.testing.assert_close(first[:, :6], second[:, :6], rtol=0, atol=0)
    assert not torch.allclose(first[:, 6:], second[:, 6:])


@pytest.fixture(params=["plain", "compiled"])
def tolerance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """How near a cache comes: tensor operations exactly, the compiled kernel as near as bf16 holds keys and values."""
    if request.param == "plain":
        monkeypatch.setattr(kernels, "compiled", lambda: None)
        return {"rtol": 1e-4, "atol": 1e-5}
    assert kernels.compiled() is not None
    return {"rtol": 0.0, "atol": 1e-2}


def test_row_by_row_is_the_same_as_all_at_once(model, tolerance):
    """Key-value cache and carried state: what is sampled from is what was trained."""
    batch = pad_drawings(wheels(3))
    latent = torch.randn(3, model.config.latent_size)
    features = model.features(with_start_row(batch.points))
    with torch.no_grad():
        whole = model.decode(features, latent)
        cache = model.start_cache(latent, 3, features.shape[1])
        begun = model.advance(features[:, :4], cache)  # a prefix at once
        parts = [begun] + [
            model.advance(features[:, row : row + 1], cache) for row in range(4, features.shape[1])
        ]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, **tolerance)


def test_the_cache_goes_on_with_the_chosen_drawings(model, tolerance):
    batch = pad_drawings(wheels(4))
    latent = torch.randn(4, model.config.latent_size)
    features = model.features(with_start_row(batch.points))
    rows = torch.tensor([3, 1])
    with torch.no_grad():
        cache = model.start_cache(latent, 4, 12)
        model.advance(features[:, :5], cache)
        cache.select(rows)
        step = model.advance(features[rows, 5:6], cache)
        torch.testing.assert_close(step, model.decode(features, latent)[rows, 5:6], **tolerance)


def test_the_latent_reaches_every_row(model):
    features = model.features(with_start_row(pad_drawings(wheels(1)).points))
    with torch.no_grad():
        one, other = (model.decode(features, torch.full((1, 6), value)) for value in (-1.0, 1.0))
    assert ((one - other).abs().amax(dim=(0, 2)) > 1e-4).all()


def test_every_weight_learns(name):
    """A part that gets no gradient is a part that was forgotten."""
    model = tiny_model(name, free_nats=0.0)
    batch = pad_drawings(wheels(8))
    model(batch.points, batch.lengths, generator=torch.Generator().manual_seed(0)).loss.backward()
    without = [
        key for key, value in model.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0
    ]
    assert not without


def test_weights_begin_as_they_were_constructed(name):
    """transformers initialises again after the constructor, and passed over every module that holds only others."""
    model = tiny_model(name)
    assert float(model.head.linear.weight.detach().std()) == pytest.approx(0.02, rel=0.2)
    if name == "sketch_rnn":
        block = model.decoder.weight[:, :20]
        torch.testing.assert_close(block @ block.T, torch.eye(20), atol=1e-4, rtol=0)
        assert (model.decoder.norms["bias"][:, 1] == 1).all()
    else:
        assert not model.blocks[0].feed_in.bias.any()


def test_training_draws_from_its_generator_alone(name):
    """What drew from the global one, such as dropout in the encoder, would differ from one call to the next."""
    model = tiny_model(name).train()
    batch = pad_drawings(wheels(3))
    before = torch.get_rng_state()
    losses = [
        model(
            points=batch.points, lengths=batch.lengths, generator=torch.Generator().manual_seed(seed)
        ).loss.detach()
        for seed in (1, 1, 2)
    ]
    assert torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_free_nats_are_free_and_the_weight_counts_only_what_is_above(name):
    model = tiny_model(name).eval()
    batch = pad_drawings(wheels(8))
    with torch.no_grad():
        kl = float(model(batch.points, batch.lengths).kl) / 8
        model.config.free_nats = kl + 1
        zero, full = (model(batch.points, batch.lengths, kl_weight=weight).loss for weight in (0.0, 1.0))
        points = float(batch.lengths.sum())
        assert float(full - zero) == pytest.approx((kl + 1) * 8 / points, rel=1e-3)
        model.config.free_nats = 0.0
        full = model(batch.points, batch.lengths).loss
    assert float(full - zero) == pytest.approx(kl * 8 / points, rel=1e-3)


def test_loss_is_a_mean_over_real_points(model):
    """Divided by the padded length, short drawings would count for less, and the score would depend on the batch."""
    drawings = wheels(6)
    model.config.free_nats = 0.0
    with torch.no_grad():
        batch = pad_drawings(drawings)
        together = model(batch.points, batch.lengths)
        alone = [model(*pad_drawings([drawing])) for drawing in drawings]
    assert float(together.loss) == pytest.approx(
        sum(float(one.loss) * len(drawing) for one, drawing in zip(alone, drawings, strict=True))
        / sum(map(len, drawings)),
        rel=1e-4,
    )


def test_reversal_by_index_keeps_the_padding_behind():
    rows = torch.arange(12.0).view(2, 6, 1)
    turned = reverse_rows(rows, torch.tensor([6, 3]))
    assert turned[0, :, 0].tolist() == [5, 4, 3, 2, 1, 0]
    assert turned[1, :3, 0].tolist() == [8, 7, 6]


@pytest.mark.parametrize("latent_size", [0, 6])
def test_a_saved_model_scores_the_same(name, latent_size, tmp_path):
    model = tiny_model(name, latent_size=latent_size, dataset_fingerprint="abc")
    save_model(model, tmp_path / "deep" / "folder")
    loaded = load_model(tmp_path / "deep" / "folder")
    assert type(loaded) is type(model)
    assert loaded.config.scale == 20.0
    assert loaded.config.dataset_fingerprint == "abc"
    assert evaluate(loaded, wheels(5)) == evaluate(model, wheels(5))
    assert sorted(file.name for file in (tmp_path / "deep" / "folder").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    again = type(model).from_pretrained(tmp_path / "deep" / "folder")
    assert evaluate(again, wheels(5)) == evaluate(model, wheels(5))


def test_without_a_latent_there_is_nothing_to_encode(name):
    model = tiny_model(name, latent_size=0)
    assert evaluate(model, wheels(3))["kl_per_drawing"] == 0
    for call in (lambda: model.encode(wheels(1)), lambda: model.reconstruct(wheels(1))):
        with pytest.raises(SketchModelError, match="no latent"):
            call()
    with pytest.raises(SketchModelError, match="no latent"):
        model.sample(2, z=torch.zeros(2, 6))


def test_folders_that_are_not_ours_are_refused(tmp_path, name):
    with pytest.raises(ModelFolderError, match=r"no config\.json"):
        load_model(tmp_path / "nothing")
    save_model(tiny_model(name), tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelFolderError, match="weights"):
        load_model(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(ModelFolderError, match="cannot be loaded"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelFolderError, match="bert"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text("{broken")
    with pytest.raises(ModelFolderError, match="not a model's config"):
        load_model(tmp_path)


def test_weights_of_another_version_are_refused(tmp_path, name):
    """Loaded with what fits and the rest left to chance, they would draw noise without a word."""
    save_model(tiny_model(name), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"latent_size": 0}))
    with pytest.raises(ModelFolderError):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config | {"components": 5, "project_version": "0.1"}))
    with pytest.raises(ModelFolderError, match=r"version 0\.1"):
        load_model(tmp_path)
    for older in (config | {"format": FORMAT - 1}, {key: config[key] for key in config if key != "format"}):
        (tmp_path / "config.json").write_text(json.dumps(older))
        with pytest.raises(
            ModelFolderError, match=f"in format {FORMAT - 1}, .* with format {FORMAT}: .*Train again"
        ):
            load_model(tmp_path)


def test_a_loss_without_a_latent_is_that_of_points_pens_and_ends(name):
    """The free nats are a floor under the KL, and there is none: it would stand in the log and in the spikes."""
    model = tiny_model(name, latent_size=0)
    batch = pad_drawings(wheels(4))
    output = model(points=batch.points, lengths=batch.lengths)
    expected = (output.xy + output.pen + output.end) / output.points
    torch.testing.assert_close(output.loss.detach(), expected)


def test_what_a_killed_training_left_half_written_is_removed(tmp_path):
    """Weights of hundreds of megabytes would lie there for ever, under a name that nobody sees."""
    left = tmp_path / ".saving-abc"
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"half")
    train(
        "sketch_rnn", {"train": wheels(4)}, tmp_path, TrainSettings(max_steps=1, overrides=TINY["sketch_rnn"])
    )
    assert not list(tmp_path.glob(".saving-*"))


def test_evaluation_leaves_the_model_as_it_was(name):
    model = tiny_model(name).train()
    evaluate(model, wheels(2))
    assert model.training
    assert np.isfinite(evaluate(model.eval(), wheels(2))["nats_per_point"])
    assert not model.training
