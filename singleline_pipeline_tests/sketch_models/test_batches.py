"""Batches: every drawing once an epoch, like lengths together, and all of it from the seed."""

from __future__ import annotations

from itertools import islice

import numpy as np
import torch

from singleline_pipeline.sketch_models import AugmentationSettings
from singleline_pipeline.sketch_models.batches import (
    LengthBuckets,
    TrainingDrawings,
    collate,
    step_generator,
)

from .conftest import wheels


def lengths(count: int = 103) -> np.ndarray:
    return np.random.default_rng(0).integers(5, 250, count)


def test_an_epoch_holds_every_drawing_once():
    buckets = LengthBuckets(lengths(), 20, seed=1)
    first = list(islice(buckets, buckets.batches_per_epoch))
    assert sorted(index for batch in first for _, index in batch) == list(range(103))
    assert {len(batch) for batch in first} == {17, 18}  # no batch of three drawings at the end
    assert all(epoch == 0 for batch in first for epoch, _ in batch)


def test_batches_are_of_like_length_and_every_epoch_is_another():
    buckets = LengthBuckets(lengths(), 20, seed=1)
    spread = [np.ptp(buckets.lengths[batch]) for batch in buckets.epoch(0)]
    assert np.mean(spread) < 80 < np.ptp(buckets.lengths)
    assert [batch.tolist() for batch in buckets.epoch(0)] != [batch.tolist() for batch in buckets.epoch(1)]


def test_a_resumed_training_sees_the_batches_it_would_have_seen():
    whole = list(islice(LengthBuckets(lengths(), 20, seed=1), 15))
    assert list(islice(LengthBuckets(lengths(), 20, seed=1, first_batch=8), 7)) == whole[8:]


def test_variants_come_from_seed_epoch_and_index():
    drawings = wheels(3)
    items = TrainingDrawings(drawings, 4, AugmentationSettings())
    for again in (items, TrainingDrawings(drawings, 4, AugmentationSettings())):
        _, drawing, noise = again[2, 1]
        np.testing.assert_array_equal(drawing, items[2, 1][1])
        np.testing.assert_array_equal(noise, items[2, 1][2])
    other = [items[3, 1], items[2, 2], TrainingDrawings(drawings, 5, AugmentationSettings())[2, 1]]
    assert all(item[1].tobytes() != items[2, 1][1].tobytes() for item in other)


def test_without_augmentation_the_drawings_are_as_they_are_and_the_noise_is_new():
    """The targets' noise is not augmentation: without it a component collapses onto the grid of the data."""
    drawings = wheels(2)
    items = TrainingDrawings(drawings, 4, None)
    index, drawing, noise = items[0, 1]
    assert index == 1
    np.testing.assert_array_equal(drawing, drawings[1])
    assert noise.shape == (len(drawing), 2)
    assert np.abs(noise).max() <= 0.5
    assert not np.array_equal(noise, items[1, 1][2])


def test_padding_is_zero_and_lengths_are_those_of_the_variants():
    items = TrainingDrawings(wheels(4), 0, AugmentationSettings())
    rows = [items[0, index] for index in range(4)]
    batch = collate(rows)
    assert batch["rows"].tolist() == [0, 1, 2, 3]
    for row, (_, drawing, noise) in enumerate(rows):
        length = int(batch["lengths"][row])
        assert length == len(drawing)
        np.testing.assert_array_equal(batch["points"][row, :length], drawing)
        np.testing.assert_array_equal(batch["target_noise"][row, :length], noise)
        assert not batch["points"][row, length:].any()
        assert not batch["target_noise"][row, length:].any()


def test_a_step_draws_the_same_again_and_no_two_alike():
    device = torch.device("cpu")
    draws = {
        key: torch.rand(4, generator=step_generator(*key, device)).tolist()
        for key in ((0, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1))
    }
    assert len({tuple(numbers) for numbers in draws.values()}) == 4
    assert torch.rand(4, generator=step_generator(0, 1, 0, device)).tolist() == draws[0, 1, 0]
