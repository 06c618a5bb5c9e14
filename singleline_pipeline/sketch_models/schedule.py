"""Processor time as a clock, and what the learning rate and the KL's weight make of time and steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from singleline_pipeline.sketch_models.checkpoints import Progress
from singleline_pipeline.sketch_models.settings import TrainSettings

_WARMUP = 30  # steps
_LOWEST_RATE = 1e-5


def _alone(seconds: float) -> float:
    return seconds


class Clock:
    """Processor seconds of this process since the first step, those before a resume included.

    agree: what the processes of a training make of their times: what is decided by time is decided alike
    """

    def __init__(self, agree: Callable[[float], float] = _alone) -> None:
        self.before, self.started, self.agree = 0.0, math.nan, agree

    def start(self, before: float) -> None:
        self.before, self.started = before, time.process_time()

    def seconds(self) -> float:
        if math.isnan(self.started):
            return 0.0
        return self.agree(self.before + time.process_time() - self.started)


class LearningRate:
    """Learning rate as a factor of its peak: a short rise, then down.

    With a budget of steps or seconds it follows a cosine that is through when the budget is. Without one it falls by
    0.9999 a step, as in the story, and to half whenever a few evaluations brought no better score.
    """

    def __init__(self, settings: TrainSettings, peak: float, clock: Clock, progress: Progress) -> None:
        self.max_steps, self.max_seconds = settings.max_steps, settings.max_seconds
        self.lowest, self.clock, self.progress = min(1.0, _LOWEST_RATE / peak), clock, progress

    def __call__(self, step: int) -> float:
        rise = min(1.0, (step + 1) / _WARMUP)
        if self.max_steps is None and self.max_seconds is None:
            return rise * max(0.9999**step * 0.5**self.progress.halvings, self.lowest)
        used = 0.0
        if self.max_steps is not None:
            used = step / self.max_steps
        if self.max_seconds is not None:
            used = max(used, self.clock.seconds() / self.max_seconds)
        fall = 0.5 * (1 + math.cos(math.pi * min(used, 1.0)))
        return rise * max(fall, self.lowest)


def kl_weight(step: int, annealing_steps: int) -> float:
    """Annealing of the KL as a function of the global step: from 0.01 up to 1 in a line."""
    return min(1.0, 0.01 + 0.99 * step / annealing_steps)
