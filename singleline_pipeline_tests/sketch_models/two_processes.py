"""What each process of `test_several_processes` does: one training whole, one stopped and gone on with, one by name."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch

from singleline_pipeline.sketch_models import TrainingError, TrainSettings, train, training
from singleline_pipeline.sketch_models.run import SketchTrainer
from singleline_pipeline.train import main

from .conftest import TINY, wheels

SPLITS = {"train": wheels(22), "valid": wheels(6, seed=1)}
# Nothing is drawn in a step: two processes must learn what one does, up to the order of sums.
PLAIN = {
    "sketch_rnn": TINY["sketch_rnn"] | {"latent_size": 0, "recurrent_dropout": 0.0},
    "sketch_transformer": TINY["sketch_transformer"] | {"latent_size": 0, "residual_dropout": 0.0},
}


def settings(overrides: dict) -> TrainSettings:
    return TrainSettings(
        max_steps=8, evaluate_every_steps=4, batch_size=8, overrides=overrides, threads=1, bf16=False
    )


class Remembered(SketchTrainer):
    """Keeps the last model that was trained, whose weights each process has for itself."""

    last: Remembered

    def train(self, *args, **kwargs):
        Remembered.last = self
        return super().train(*args, **kwargs)


def asked_to_stop(row: dict) -> None:
    """One process alone is sent a signal, after the fourth step."""
    if row["step"] == 4:
        os.kill(os.getpid(), signal.SIGTERM)


def run(out: Path, data: Path) -> None:
    """Everything, in one process of several; RANK says which."""
    training.SketchTrainer = Remembered
    signal.signal(signal.SIGTERM, lambda *_: None)
    for name, sizes in PLAIN.items():
        train(name, SPLITS, out / f"plain-{name}", settings(sizes))
        weights = Remembered.last.sketch_model.state_dict()
        torch.save(weights, out / f"{name}-{os.environ['RANK']}.pt")
    train("sketch_rnn", SPLITS, out / "whole", settings(TINY["sketch_rnn"]))
    try:
        train("sketch_rnn", SPLITS, out / "cut", settings(TINY["sketch_rnn"]), progress=asked_to_stop)
    except TrainingError as error:
        sys.stdout.write(f"process {os.environ['RANK']}: {error}\n")
        sys.stdout.flush()
    train("sketch_rnn", SPLITS, out / "cut", settings(TINY["sketch_rnn"]))
    command = ["sketch_rnn", "--data", str(data), "--out", str(out / "named"), "--max-steps", "2"]
    raise SystemExit(main([*command, "--threads", "1"]))


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
