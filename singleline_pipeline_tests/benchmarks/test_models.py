"""Steps of training at both presets' sizes, in the type that training chooses, and drawing 100 at once."""

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
    memory,
)
from singleline_pipeline.sketch_models.drawings import canvas_size, offset_scale, pad_drawings
from singleline_pipeline.sketch_models.optimizer import make_optimizer
from singleline_pipeline.sketch_models.settings import PRESETS
from singleline_pipeline.sketch_models.sketch_model import SketchModel
from singleline_pipeline.sketch_models.training import has_bf16

POINTS = {"small": 130, "story": 250}  # about the median length in the story's dataset, and its limit
KINDS = {
    "sketch_rnn": (SketchRNN, SketchRNNConfig),
    "sketch_transformer": (SketchTransformer, SketchTransformerConfig),
}


def turned(line: list[np.ndarray], points: int, count: int) -> list[np.ndarray]:
    """One drawing turned, stretched and shifted, stroke-3 of at most so many points."""
    simple, _ = simplify_to_budget(line, max_points=points)
    rng = np.random.default_rng(0)
    batch = []
    for _ in range(count):
        turn = rng.normal(scale=0.2, size=(2, 2)) + np.eye(2)
        batch.append(to_stroke3([stroke @ turn for stroke in simple]).astype(np.float32))
    return batch


def new_model(name: str, preset: str, drawings: list[np.ndarray]) -> SketchModel:
    torch.manual_seed(0)
    model, config = KINDS[name]
    return model(
        config(
            scale=offset_scale(drawings),
            canvas=canvas_size(drawings),
            max_points=max(map(len, drawings)),
            **PRESETS[name, preset].model,
        )
    )


@pytest.mark.parametrize("preset", ["small", "story"])
@pytest.mark.parametrize("name", KINDS)
def test_training_step(benchmark: BenchmarkFixture, name: str, preset: str, line: list[np.ndarray]) -> None:
    """Forwards, backwards, clipped, applied, as training does it; after some steps the loss is lower.

    small: the preset's batch, 130 points each; story: batches of 100, 250 points, what the original takes 10-11 s for
    (the transformer's of 25: 6.55 s).
    """
    sizes = PRESETS[name, preset]
    drawings = turned(line, POINTS[preset], sizes.batch_size)
    model = new_model(name, preset, drawings).train()
    optimizer = make_optimizer(model, sizes)
    batch = pad_drawings(drawings)
    generator = torch.Generator().manual_seed(0)
    losses = []

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16(torch.device("cpu"))):
            output = model(points=batch.points, lengths=batch.lengths, kl_weight=0.1, generator=generator)
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(float(output.loss.detach()))

    with memory.kept():
        benchmark.pedantic(step, warmup_rounds=3, rounds=5)
    benchmark.extra_info["points"] = sum(map(len, drawings))
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", KINDS)
def test_sampling(benchmark: BenchmarkFixture, name: str, line: list[np.ndarray]) -> None:
    """100 drawings at once, each going on from ten points to 130."""
    points = POINTS["small"]
    drawings = turned(line, points, 100)
    model = new_model(name, "small", drawings).eval()
    model.head.linear.bias.data[-1] = -20.0  # weights that have learnt nothing would end after three points
    begun = drawings[0][:10].copy()
    begun[:, 2] = 0

    def draw() -> list[Sample]:
        return model.sample(
            100, temperature=0.4, max_points=points, generator=torch.Generator().manual_seed(0), prefix=begun
        )

    samples = benchmark.pedantic(draw, warmup_rounds=1, rounds=3)
    benchmark.extra_info["points"] = 100 * (points - 10)
    assert len(samples) == 100
    for sample in samples:
        assert len(sample.stroke3) == points
        assert np.isfinite(sample.stroke3).all()
        np.testing.assert_allclose(sample.stroke3[:9, :2], begun[:9, :2], atol=1e-4)
