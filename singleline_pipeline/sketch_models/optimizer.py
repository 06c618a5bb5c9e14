"""How weights are moved: Muon for the matrices between hidden layers, AdamW for everything else.

Muon (Jordan et al. 2024) steps along the nearest orthogonal matrix to the momentum, so that directions with small
gradients are learned as fast as those with large ones. In the few hundred steps that minutes hold, the sketch
transformer gains more by it than by anything else; recurrent weights do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.optim import AdamW, Muon, Optimizer

from singleline_pipeline.sketch_models.settings import Preset
from singleline_pipeline.sketch_models.sketch_model import SketchModel

_WEIGHT_DECAY = 0.01


class JointOptimizer(Optimizer):
    """Several optimizers as one, for Trainer and the schedules: their groups in a row, each with its own rate."""

    def __init__(self, parts: Sequence[Optimizer]) -> None:
        self.parts = parts
        super().__init__([group for part in parts for group in part.param_groups], {})
        self._share()

    def _share(self) -> None:
        # The very same groups: whoever sets a rate here sets it for the part.
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move all weights; there is no closure to evaluate them again."""
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """The states of the parts, in their order."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share()


def make_optimizer(model: SketchModel, preset: Preset) -> Optimizer:
    """The optimizer of a training; its groups have the preset's rates, which a schedule scales."""
    matrices = [] if preset.matrix_rate is None else model.hidden_matrices()
    taken = {id(matrix) for matrix in matrices}
    others = [parameter for parameter in model.parameters() if id(parameter) not in taken]
    adam = AdamW(others, lr=preset.learning_rate, weight_decay=_WEIGHT_DECAY, fused=True)
    if preset.matrix_rate is None or not matrices:
        return adam
    return JointOptimizer([adam, Muon(matrices, lr=preset.matrix_rate, weight_decay=_WEIGHT_DECAY)])
