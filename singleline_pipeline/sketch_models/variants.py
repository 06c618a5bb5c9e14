"""Variants of a drawing made ahead of time, so that they can be looked at: itself, its reverse, and augmented ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from singleline_pipeline.geometry import reverse_stroke3
from singleline_pipeline.sketch_models.augmentation import (
    AugmentationRecord,
    AugmentationSettings,
    augment_drawing,
)


@dataclass(frozen=True)
class Variant:
    """A variant of a drawing: stroke3 (n, 3) in file units, what was done, and the seed that does it again."""

    number: int
    seed: int
    stroke3: np.ndarray
    record: AugmentationRecord


def variants_of(
    drawing_id: str, stroke3: np.ndarray, count: int, seed: int, settings: AugmentationSettings
) -> Iterator[Variant]:
    """The first `count` variants of a drawing: 0 is the drawing, 1 its reverse, the others are augmented.

    The seed of a variant depends on the drawing's id and the variant's number alone, so that a new sketchbook leaves
    the variants of all other drawings as they were.
    """
    for number in range(count):
        own = int.from_bytes(hashlib.sha256(f"{seed} {drawing_id} {number}".encode()).digest()[:7], "big")
        if number == 0:
            variant, record = stroke3, AugmentationRecord(False, 0.0, 1.0, 0.0)
        elif number == 1:
            variant, record = reverse_stroke3(stroke3), AugmentationRecord(True, 0.0, 1.0, 0.0)
        else:
            variant, record = augment_drawing(stroke3, np.random.default_rng(own), settings)
        yield Variant(number, own, variant, record)
