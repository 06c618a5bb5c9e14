"""Spikes: a step whose loss or gradient lies far over what it was lately is left out."""

from __future__ import annotations

from statistics import median

from singleline_pipeline.sketch_models.checkpoints import Progress

# Over the small presets' trainings the norm never exceeded 2.2 times its running median, and the loss lay 1.2 nats a
# point over its own at most: what is left out here is no batch that is merely hard.
NORM_FACTOR = 10.0
LOSS_EXCESS = 3.0  # nats a point
_REMEMBERED = 100  # steps
_NEEDED = 20  # steps, before anything is a spike: the first gradients fall by a factor of ten
MOST_IN_A_ROW = 5


def is_spike(progress: Progress, loss: float, norm: float) -> bool:
    """Whether a step of this loss (nats a point) and gradient norm is to be left out; remembers it where it is not.

    What is left out does not count for the medians: they would come to follow it.
    """
    losses, norms = progress.recent_losses, progress.recent_norms
    if len(norms) >= _NEEDED and (norm > NORM_FACTOR * median(norms) or loss > LOSS_EXCESS + median(losses)):
        progress.skipped_in_a_row += 1
        return True
    progress.skipped_in_a_row = 0
    losses.append(loss)
    norms.append(norm)
    del losses[:-_REMEMBERED], norms[:-_REMEMBERED]
    return False
