"""Drawings and models small enough to train in a second."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from singleline_pipeline.sketch_models import (
    SketchRNN,
    SketchRNNConfig,
    SketchTransformer,
    SketchTransformerConfig,
)
from singleline_pipeline.sketch_models.sketch_model import SketchModel

TINY = {
    "sketch_rnn": {"encoder_size": 12, "decoder_size": 20, "latent_size": 6, "components": 4},
    "sketch_transformer": {
        "width": 24, "heads": 2, "feed_forward": 32, "encoder_layers": 1, "decoder_layers": 2, "latent_size": 6,
        "components": 4,
    },
}  # fmt: skip


def wheel(rng: np.random.Generator) -> np.ndarray:
    """A circle of 8 to 14 points and a spoke, each drawn in one stroke: (n, 3) float32 of whole numbers."""
    points = int(rng.integers(8, 15))
    angle = np.linspace(0, 2 * np.pi, points) + rng.uniform(0, 1)
    rim = np.stack([np.cos(angle), np.sin(angle)], 1) * rng.uniform(40, 60) + 80
    spoke = np.stack([np.linspace(80, 120, 4), np.full(4, 80.0)], 1)
    path = np.round(np.concatenate([rim, spoke]))
    rows = np.zeros((len(path), 3), np.float32)
    rows[:, :2] = np.diff(path, axis=0, prepend=0)
    rows[[points - 1, -1], 2] = 1
    return rows


def wheels(count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [wheel(rng) for _ in range(count)]


@pytest.fixture(autouse=True)
def one_thread():
    """Two cores are shared, and sums over several threads come in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=["sketch_rnn", "sketch_transformer"])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def tiny_model(name: str, **overrides: object) -> SketchModel:
    torch.manual_seed(3)
    sizes = TINY[name] | {"scale": 20.0, "canvas": 120.0, "max_points": 30} | overrides
    if name == "sketch_rnn":
        return SketchRNN(SketchRNNConfig(**sizes))
    return SketchTransformer(SketchTransformerConfig(**sizes))


@pytest.fixture
def model(name: str) -> SketchModel:
    return tiny_model(name).eval()
