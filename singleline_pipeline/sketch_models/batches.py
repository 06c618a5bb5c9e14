"""Batches for training: drawings of like length together, augmented on the fly, all from (seed, epoch, index)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from singleline_pipeline.sketch_models.augmentation import AugmentationSettings, augment_drawing
from singleline_pipeline.sketch_models.drawings import pad_drawings, pad_offsets
from singleline_pipeline.sketch_models.errors import TrainingError

_ORDER, _VARIANT, _NOISE = range(3)  # what a random stream is for


class TrainingDrawings(Dataset):
    """The train split; an item is asked for as (epoch, index) and is a variant made for it.

    The targets' noise comes with the item: ±0.5 file units, uniform, as in the score. So does the drawing's row, by
    which messages name it; rows: of each drawing in the train split, where some were taken out of it; called: what
    rows are rows of.
    """

    def __init__(
        self,
        drawings: Sequence[np.ndarray],
        seed: int,
        augmentation: AugmentationSettings | None,
        rows: Sequence[int] | None = None,
        called: str = "train drawings",
    ) -> None:
        self.drawings, self.seed, self.augmentation, self.called = drawings, seed, augmentation, called
        self.rows = range(len(drawings)) if rows is None else rows
        self.lengths = [len(drawing) for drawing in drawings]

    def __len__(self) -> int:
        return len(self.drawings)

    def __getitem__(self, item: tuple[int, int]) -> tuple[int, np.ndarray, np.ndarray]:
        """(epoch, index) -> row, stroke3 (n, 3), noise (n, 2)."""
        epoch, index = item
        rng = np.random.default_rng([self.seed, epoch, index, _VARIANT])
        drawing = self.drawings[index]
        if self.augmentation is not None:
            drawing, _ = augment_drawing(drawing, rng, self.augmentation)
        return self.rows[index], drawing, rng.uniform(-0.5, 0.5, (len(drawing), 2)).astype(np.float32)


class LengthBuckets(Sampler[list[tuple[int, int]]]):
    """Batches without end, each of drawings of like length; every epoch holds every drawing once.

    Batches are counted from the start of the training, so that one that resumes begins at the batch it would
    have come to. Within an epoch no batch is more than one drawing larger than another. Several processes share
    each batch, of which each takes every so many-th drawing: short and long ones alike, and the same batches as in
    one process.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        seed: int,
        first_batch: int = 0,
        jitter: float = 10.0,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self.lengths, self.seed, self.first_batch, self.jitter = (
            np.asarray(lengths),
            seed,
            first_batch,
            jitter,
        )
        self.process, self.processes = process, processes
        self.batches_per_epoch = -(-len(self.lengths) // batch_size)
        smallest = len(self.lengths) // self.batches_per_epoch
        if smallest < processes:
            raise TrainingError(
                f"{processes} processes cannot share batches of {smallest} drawings: start fewer, or give a larger "
                "batch_size."
            )

    def epoch(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch: indices of drawings."""
        rng = np.random.default_rng([self.seed, epoch, _ORDER])
        order = np.argsort(self.lengths + rng.uniform(-self.jitter, self.jitter, len(self.lengths)))
        batches = np.array_split(order, self.batches_per_epoch)
        return [batches[index] for index in rng.permutation(len(batches))]

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch, skipped = divmod(self.first_batch, self.batches_per_epoch)
        while True:
            for batch in self.epoch(epoch)[skipped:]:
                yield [(epoch, int(index)) for index in batch[self.process :: self.processes]]
            epoch, skipped = epoch + 1, 0


def collate(items: list[tuple[int, np.ndarray, np.ndarray]]) -> dict[str, Any]:
    """Arguments of a model's forward, and the rows of the train split that they came from."""
    batch = pad_drawings([drawing for _, drawing, _ in items])
    return {
        "points": batch.points,
        "lengths": batch.lengths,
        "target_noise": pad_offsets([noise for _, _, noise in items]),
        "rows": torch.tensor([index for index, _, _ in items]),
    }


def step_generator(seed: int, step: int, process: int, device: torch.device) -> torch.Generator:
    """What draws latent and dropout in one step of training: the same again after a resume."""
    mixed = np.random.SeedSequence([seed, step, process, _NOISE]).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(mixed[0] >> np.uint64(1)))
