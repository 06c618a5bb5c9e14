"""A step of training and a batch of samples of each model, at the small preset's sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from singleline_pipeline.geometry import simplify_to_budget, to_stroke3
from singleline_pipeline.sketch_models import (
    Sample,
    SketchRNN,
    SketchRNNConfig,
    SketchTransformer,
    SketchTransformerConfig,
)
from singleline_pipeline.sketch_models.drawings import canvas_size, offset_scale, pad_drawings
from singleline_pipeline.sketch_models.settings import PRESETS
from singleline_pipeline.sketch_models.sketch_model import SketchModel

POINTS = 130  # median length of a drawing in the story's dataset
KINDS = {
    "sketch_rnn": (SketchRNN, SketchRNNConfig),
    "sketch_transformer": (SketchTransformer, SketchTransformerConfig),
}


@pytest.fixture(scope="module")
def drawings(line: list[np.ndarray]) -> list[np.ndarray]:
    """A batch of the preset's size: one drawing turned, stretched and shifted, stroke-3."""
    simple, _ = simplify_to_budget(line, max_points=POINTS)
    rng = np.random.default_rng(0)
    batch = []
    for _ in range(PRESETS["sketch_rnn", "small"].batch_size):
        turn = rng.normal(scale=0.2, size=(2, 2)) + np.eye(2)
        batch.append(to_stroke3([stroke @ turn for stroke in simple]).astype(np.float32))
    return batch


def small_model(name: str, drawings: list[np.ndarray]) -> SketchModel:
    torch.manual_seed(0)
    model, config = KINDS[name]
    sizes = PRESETS[name, "small"].model
    return model(
        config(scale=offset_scale(drawings), canvas=canvas_size(drawings), max_points=POINTS, **sizes)
    )


@pytest.mark.parametrize("name", KINDS)
def test_training_step(benchmark: BenchmarkFixture, name: str, drawings: list[np.ndarray]) -> None:
    """Forwards, backwards, clipped, applied, on 50 drawings; after some steps the loss is lower."""
    model = small_model(name, drawings).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    batch = pad_drawings(drawings)
    generator = torch.Generator().manual_seed(0)
    losses = []

    def step() -> None:
        optimizer.zero_grad()
        output = model(points=batch.points, lengths=batch.lengths, kl_weight=0.1, generator=generator)
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(float(output.loss.detach()))

    benchmark.pedantic(step, warmup_rounds=2, rounds=8)
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0] - 0.3


@pytest.mark.parametrize("name", KINDS)
def test_sampling(benchmark: BenchmarkFixture, name: str, drawings: list[np.ndarray]) -> None:
    """32 drawings at once, each going on from ten points to 130."""
    model = small_model(name, drawings).eval()
    model.head.linear.bias.data[-1] = -20.0  # weights that have learnt nothing would end after three points
    begun = drawings[0][:10].copy()
    begun[:, 2] = 0

    def draw() -> list[Sample]:
        return model.sample(
            32, temperature=0.4, max_points=POINTS, generator=torch.Generator().manual_seed(0), prefix=begun
        )

    samples = benchmark.pedantic(draw, warmup_rounds=1, rounds=3)
    assert len(samples) == 32
    for sample in samples:
        assert len(sample.stroke3) == POINTS
        assert np.isfinite(sample.stroke3).all()
        np.testing.assert_allclose(sample.stroke3[:9, :2], begun[:9, :2], atol=1e-4)
