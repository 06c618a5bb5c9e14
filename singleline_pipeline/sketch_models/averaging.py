"""Exponential moving average of a model's weights: what is scored and kept where a training averages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

_FILE = "averaged.pt"


def warmed_up(decay: float, averaged: int) -> float:
    """The decay after so many updates: low at first, so that the initial weights are soon forgotten."""
    return min(decay, (1 + averaged) / (10 + averaged))


class WeightAverage:
    """The averaged weights of a model in training, as a model of their own."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        def move(averages: Sequence[Tensor], weights: Sequence[Tensor], averaged: Tensor | int) -> None:
            kept = warmed_up(decay, int(averaged))
            for average, weight in zip(averages, weights, strict=True):
                average.lerp_(weight, 1 - kept)

        self._average = AveragedModel(model, multi_avg_fn=move)
        self._average.requires_grad_(False)

    @property
    def model(self) -> nn.Module:
        """The model with the averaged weights."""
        return self._average.module

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move towards the weights of the model after a step."""
        self._average.update_parameters(model)

    def save(self, checkpoint: Path) -> None:
        """Write into a checkpoint."""
        torch.save(self._average.state_dict(), checkpoint / _FILE)

    def load(self, checkpoint: Path) -> None:
        """Take the averages up again from a checkpoint that `save` wrote."""
        device = next(self._average.parameters()).device
        self._average.load_state_dict(torch.load(checkpoint / _FILE, map_location=device, weights_only=True))
