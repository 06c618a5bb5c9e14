"""Two optimizers that pass for one: what Trainer, the schedule and checkpoints do to it must reach both."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.optim import AdamW, Muon

from singleline_pipeline.sketch_models import (
    SketchRNN,
    SketchRNNConfig,
    SketchTransformer,
    SketchTransformerConfig,
)
from singleline_pipeline.sketch_models.drawings import pad_drawings
from singleline_pipeline.sketch_models.optimizer import JointOptimizer, make_optimizer
from singleline_pipeline.sketch_models.settings import PRESETS
from singleline_pipeline.sketch_models.sketch_model import SketchModel

PRESET = PRESETS["sketch_transformer", "small"]


def transformer(latent_size: int = 4) -> SketchTransformer:
    torch.manual_seed(0)
    return SketchTransformer(
        SketchTransformerConfig(
            width=16, heads=2, feed_forward=32, encoder_layers=1, decoder_layers=2, latent_size=latent_size
        )
    )


def learn(model: SketchModel, optimizer: torch.optim.Optimizer, steps: int) -> None:
    drawing = np.random.default_rng(0).normal(0, 10, (12, 3)).astype(np.float32)
    drawing[:, 2] = 0
    batch = pad_drawings([drawing])
    for _ in range(steps):
        optimizer.zero_grad()
        model(
            points=batch.points, lengths=batch.lengths, generator=torch.Generator().manual_seed(0)
        ).loss.backward()
        optimizer.step()


@pytest.mark.parametrize("latent_size", [0, 4])
def test_every_weight_is_in_one_of_them(latent_size):
    """A weight in neither would never learn, and one in both would be moved twice."""
    model = transformer(latent_size)
    optimizer = make_optimizer(model, PRESET)
    assert isinstance(optimizer, JointOptimizer)
    held = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in model.parameters())
    adam, muon = optimizer.parts
    assert isinstance(adam, AdamW)
    assert isinstance(muon, Muon)
    blocks = 2 + (latent_size > 0)
    assert len(muon.param_groups[0]["params"]) == 4 * blocks
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    learn(model, optimizer, 1)
    assert not [name for name, parameter in model.named_parameters() if torch.equal(parameter, before[name])]


def test_a_recurrent_model_is_left_to_adamw():
    """Muon gave SketchRNN nothing."""
    model = SketchRNN(SketchRNNConfig(encoder_size=8, decoder_size=8, latent_size=4))
    assert isinstance(make_optimizer(model, PRESETS["sketch_rnn", "small"]), AdamW)


def test_a_schedule_scales_each_from_its_own_peak():
    optimizer = make_optimizer(transformer(), PRESET)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)
    for factor in (1.0, 0.5, 0.25):
        assert [part.param_groups[0]["lr"] for part in optimizer.parts] == pytest.approx(
            [factor * PRESET.learning_rate, factor * PRESET.matrix_rate]
        )
        optimizer.step()
        schedule.step()


def test_a_state_that_was_taken_up_again_moves_the_same_way():
    """Momenta of both come back, and a rate set afterwards still reaches them."""
    model = transformer()
    optimizer = make_optimizer(model, PRESET)
    learn(model, optimizer, 3)
    weights, state = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
    learn(model, optimizer, 2)

    again = transformer()
    again.load_state_dict(weights)
    resumed = make_optimizer(again, PRESET)
    resumed.load_state_dict(state)
    learn(again, resumed, 2)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, dict(again.named_parameters())[name])
    for group in resumed.param_groups:
        group["lr"] = 0.0
    learn(again, resumed, 1)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, dict(again.named_parameters())[name])
